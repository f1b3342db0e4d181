/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/tokens.h"

Suite *suite_common_token_keys(void);

START_TEST(rs256_by_pem_verifies)
{
    ck_assert_int_eq(s_add_pem(rsa), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, "k")), 0);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, other, "k")), -1);
    EVP_PKEY_free(other);
}
END_TEST

START_TEST(es256_by_pem_verifies)
{
    ck_assert_int_eq(s_add_pem(ec), 0);
    /* r or s with leading zeros show within a few tries. */
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), 0);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, other, "k")), -1);
    EVP_PKEY_free(other);
}
END_TEST

START_TEST(several_keys_in_one_pem_file)
{
    char *one = s_pem(rsa, false);
    char *two = s_pem(ec, false);
    char both[4096];
    int size = snprintf(both, sizeof both, "comment\n%s\n%s", one, two);
    s_write(both, (size_t)size);
    ck_assert_int_eq(key_file_add_pem(keys, path, &why), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), 0);
    free(one);
    free(two);
}
END_TEST

START_TEST(other_algorithms_are_refused)
{
    s_use_secret();
    s_add_pem(rsa);
    s_add_pem(ec);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS384, SECRET, NULL)), -1);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS512, SECRET, NULL)), -1);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS384, rsa, NULL)), -1);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"hs256\"}", CLAIMS, SECRET)),
                     -1);
}
END_TEST

START_TEST(hs256_by_a_public_key_is_refused)
{
    s_use_secret();
    s_add_pem(rsa);
    s_add_pem(ec);
    EVP_PKEY *each[] = {rsa, ec};
    for (int i = 0; i < 2; i++) {
        char *pem = s_pem(each[i], false);
        ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, pem, NULL)), -1);
        pem[strlen(pem) - 1] = '\0'; /* as a file's trailing newline */
        ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, pem, NULL)), -1);
        free(pem);
    }
}
END_TEST

START_TEST(key_of_another_kind_is_refused)
{
    s_add_pem(ec);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), -1);
    token_keys_destroy(&keys);
    keys = token_keys_new();
    s_add_pem(rsa);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), -1);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, SECRET, NULL)), -1);
}
END_TEST

START_TEST(weak_or_foreign_public_keys_are_refused)
{
    EVP_PKEY *each[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-384"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(s_add_pem(each[i]), -1);
        EVP_PKEY_free(each[i]);
    }
}
END_TEST

Suite *suite_common_token_keys(void)
{
    Suite *suite = suite_create("common/token_keys");
    TCase *tcase = tcase_create("token_keys");
    tcase_add_unchecked_fixture(tcase, s_draw_keys, s_drop_keys);
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, rs256_by_pem_verifies);
    tcase_add_test(tcase, es256_by_pem_verifies);
    tcase_add_test(tcase, several_keys_in_one_pem_file);
    tcase_add_test(tcase, other_algorithms_are_refused);
    tcase_add_test(tcase, hs256_by_a_public_key_is_refused);
    tcase_add_test(tcase, key_of_another_kind_is_refused);
    tcase_add_test(tcase, weak_or_foreign_public_keys_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
