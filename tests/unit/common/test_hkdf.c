/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hkdf.h"

#include <check.h>
#include <string.h>

Suite *suite_common_hkdf(void);

/* RFC 5869, A.3: no salt, no info; the first block. */
START_TEST(the_rfcs_vector_comes_out)
{
    static const uint8_t expected[HKDF_BYTES] = {
        0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80,
        0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1,
        0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d};
    uint8_t secret[22], key[HKDF_BYTES];
    memset(secret, 0x0b, sizeof secret);
    hkdf(key, secret, sizeof secret, "");
    ck_assert_mem_eq(key, expected, sizeof expected);
}
END_TEST

START_TEST(another_purpose_is_another_key)
{
    uint8_t one[HKDF_BYTES], two[HKDF_BYTES];
    hkdf(one, "secret", 6, "edge to broker 1");
    hkdf(two, "secret", 6, "edge to broker 2");
    ck_assert_mem_ne(one, two, sizeof one);
}
END_TEST

Suite *suite_common_hkdf(void)
{
    Suite *suite = suite_create("common/hkdf");
    TCase *all = tcase_create("all");
    tcase_add_test(all, the_rfcs_vector_comes_out);
    tcase_add_test(all, another_purpose_is_another_key);
    suite_add_tcase(suite, all);
    return suite;
}
