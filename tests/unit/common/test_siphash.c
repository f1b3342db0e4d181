/* SPDX-License-Identifier: Apache-2.0 */
#include "common/siphash.h"

#include <check.h>

/* The authors' vectors: key 00 … 0f, input 00, 01, 02 … */
static const struct {
    size_t size;
    uint64_t hash;
} s_vectors[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},
                 {2, 0x0d6c8009d9a94f5a}, {7, 0xab0200f58b01d137},
                 {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}};

START_TEST(published_vectors_come_out)
{
    siphash_key_t key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t bytes[16];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof s_vectors / sizeof *s_vectors; i++)
        ck_assert_uint_eq(siphash(key, bytes, s_vectors[i].size),
                          s_vectors[i].hash);
}
END_TEST

START_TEST(keys_differ)
{
    siphash_key_t a = siphash_key(), b = siphash_key();
    ck_assert(a.k0 != b.k0 || a.k1 != b.k1);
    ck_assert(siphash(a, "x", 1) != siphash(b, "x", 1));
}
END_TEST

Suite *suite_common_siphash(void);
Suite *suite_common_siphash(void)
{
    Suite *suite = suite_create("common/siphash");
    TCase *tc = tcase_create("siphash");
    tcase_add_test(tc, published_vectors_come_out);
    tcase_add_test(tc, keys_differ);
    suite_add_tcase(suite, tc);
    return suite;
}
