/* SPDX-License-Identifier: Apache-2.0
 *
 * A file is what its setting says or it is refused: the rows are what has been
 * found in place of a key file, and none of them may become an HMAC secret.
 */
#include "tests/unit/common/tokens.h"

Suite *suite_common_key_file(void);

#define HTML "<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n"
#define HEX64 "0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210"
#define TEXT(literal) literal, sizeof literal - 1

typedef int (*add_fn)(token_keys_t *keys, const char *path, const char **why);

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
} others[] = {
    {"nothing", TEXT("")},
    {"a newline", TEXT("\n")},
    {"blanks", TEXT("                                      ")},
    {"an error page", TEXT(HTML)},
    {"an error page behind a mark", TEXT("\xef\xbb\xbf" HTML)},
    {"an error page behind blanks", TEXT("\r\n\t " HTML)},
    {"XML", TEXT("<?xml version='1.0'?><Error><Code>AccessDenied</Code>")},
    {"a JSON error", TEXT("{\"error\":\"not found\",\"code\":\"NoSuchKey\"}")},
    {"a JSON list",
     TEXT("[{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]")},
    {"a cut document",
     TEXT("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB123456789")},
    {"a mark alone", TEXT("\xef\xbb\xbf")},
    {"UTF-16, little",
     TEXT("\xff\xfe{\0\"\0k\0e\0y\0s\0\"\0:\0[\0]\0}\0a\0b\0c\0")},
    {"UTF-16, big",
     TEXT("\xfe\xff\0{\0\"\0k\0e\0y\0s\0\"\0:\0[\0]\0}\0a\0b\0c")},
    {"no certificate", TEXT("-----BEGIN CERTIFICATE-----\nMIIB0123456789\n")},
};

static const add_fn kinds[] = {key_file_add_jwks, key_file_add_pem,
                               key_file_add_secret};

/* Nothing that was in the file signs a token. */
static void s_refused(add_fn add, const char *name, const char *bytes,
                      size_t size)
{
    s_write(bytes, size);
    why = NULL;
    ck_assert_msg(add(keys, path, &why) == -1, "%s", name);
    ck_assert_msg(why && *why && !strchr(why, '\n'), "%s", name);
    char *text = strndup(bytes, size);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, text)),
                     -1);
    free(text);
}

START_TEST(no_other_file_is_taken_for_a_key_file)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        s_refused(kinds[_i], others[i].name, others[i].bytes, others[i].size);
}
END_TEST

static size_t s_der(EVP_PKEY *key, bool certificate, uint8_t **der)
{
    if (!certificate)
        return (size_t)i2d_PUBKEY(key, der);
    X509 *made = X509_new();
    X509_set_pubkey(made, key);
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_sign(made, key, EVP_sha256());
    int size = i2d_X509(made, der);
    X509_free(made);
    return (size_t)size;
}

START_TEST(der_is_no_key_file)
{
    EVP_PKEY *each[] = {rsa, ec};
    for (int i = 0; i < 4; i++) {
        uint8_t *der = NULL;
        size_t size = s_der(each[i / 2], i % 2, &der);
        s_refused(kinds[_i], i % 2 ? "a certificate" : "a key",
                  (const char *)der, size);
        OPENSSL_free(der);
    }
}
END_TEST

START_TEST(der_that_ends_with_a_newline_is_no_secret)
{
    uint8_t *der = NULL;
    size_t size = s_der(ec, true, &der);
    /* Signatures are random: one of 256 ends so. */
    for (int i = 0; i < 20000 && der[size - 1] != '\n'; i++) {
        OPENSSL_free(der);
        der = NULL;
        size = s_der(ec, true, &der);
    }
    ck_assert_int_eq(der[size - 1], '\n');
    s_refused(key_file_add_secret, "a certificate", (const char *)der, size);
    OPENSSL_free(der);
}
END_TEST

START_TEST(a_private_or_damaged_pem_is_refused_everywhere)
{
    char *private = s_pem(rsa, true), *public = s_pem(rsa, false);
    s_refused(kinds[_i], "private", private, strlen(private));
    s_refused(kinds[_i], "cut", public, strlen(public) - 30);
    if (kinds[_i] != key_file_add_pem)
        s_refused(kinds[_i], "public", public, strlen(public));
    free(private);
    free(public);
}
END_TEST

START_TEST(files_that_cannot_be_read_say_why)
{
    static char big[65538];
    size_t size;
    memset(big, 'x', sizeof big);
    s_write(big, sizeof big);
    ck_assert_ptr_null(secret_read(path, &size, &why));
    ck_assert_str_eq(why, "it is over 64 KiB");
    ck_assert_ptr_null(secret_read("/tmp", &size, &why));
    ck_assert_ptr_null(secret_read("/nonexistent/file", &size, &why));
    ck_assert_str_eq(why, "No such file or directory");
}
END_TEST

START_TEST(a_secret_loses_one_newline)
{
    size_t size;
    s_write("x\n\n", 3);
    char *secret = secret_read(path, &size, &why);
    ck_assert_uint_eq(size, 2);
    ck_assert_str_eq(secret, "x\n");
    free(secret);
    s_write("a\0b", 3);
    secret = secret_read(path, &size, &why);
    ck_assert_uint_eq(size, 3);
    free(secret);
}
END_TEST

START_TEST(a_secret_of_32_bytes_verifies)
{
    s_write(HEX64 "\n", 65);
    ck_assert_int_eq(key_file_add_secret(keys, path, &why), 0);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, HEX64)),
                     0);
    ck_assert_ptr_null(secret_fault("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"
                                    "<{[\3\4\5\6\7\10\11\12\13\14\15\16\17",
                                    32));
}
END_TEST

START_TEST(short_and_uniform_secrets_are_refused)
{
    static const char *const bad[] = {
        "x",
        "0123456789abcdef",
        "a passphrase of thirty-one byte",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "0000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        s_refused(key_file_add_secret, bad[i], bad[i], strlen(bad[i]));
}
END_TEST

START_TEST(a_secret_bound_to_subjects_signs_no_other)
{
    ck_assert_int_eq(token_keys_add_secret(keys, HEX64, strlen(HEX64), "anon-"),
                     0);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, HEX64)),
                     -1);
    identity_t identity;
    char *token = s_forge("{\"alg\":\"HS256\"}",
                          "{\"sub\":\"anon-1\",\"exp\":1700000100}", HEX64);
    ck_assert_int_eq(
        token_verify(keys, token, strlen(token), NOW_MS, &identity), 0);
    free(token);
}
END_TEST

/* Digits of 8 kinds are a draw, of 7 are not. */
START_TEST(a_secret_has_eight_different_bytes_at_least)
{
    char secret[64];
    for (int i = 0; i < 64; i++)
        secret[i] = (char)('A' + i % 8 + 9);
    ck_assert_ptr_null(secret_fault(secret, 64));
    for (int i = 0; i < 64; i++)
        secret[i] = (char)('A' + i % 7 + 9);
    ck_assert_str_eq(secret_fault(secret, 64), "it is not random");
}
END_TEST

START_TEST(a_secret_has_32_bytes_or_64_hexadecimal_digits)
{
    const char *text = "qwertyuiopasdfghjklzxcvbnm0123456789";
    ck_assert_ptr_null(secret_fault(text, 32));
    ck_assert_str_eq(secret_fault(text, 31), "it has fewer than 32 bytes");
    ck_assert_ptr_null(secret_fault(HEX64, 64));
    ck_assert_str_eq(secret_fault(HEX64, 63),
                     "it has fewer than 64 hexadecimal digits");
    /* Only if every one of them is a digit. */
    ck_assert_ptr_null(secret_fault("0123456789abcdef0123456789abcdeg", 32));
    ck_assert_ptr_null(secret_fault("g123456789abcdef0123456789abcdef", 32));
}
END_TEST

START_TEST(a_file_of_64_kib_is_read_and_one_byte_more_is_not)
{
    static char big[65537];
    size_t size;
    memset(big, 'x', sizeof big);
    s_write(big, 65536);
    char *bytes = secret_read(path, &size, &why);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(size, 65536);
    free(bytes);
    s_write(big, 65537);
    ck_assert_ptr_null(secret_read(path, &size, &why));
    ck_assert_str_eq(why, "it is over 64 KiB");
    s_write("x", 1);
    bytes = secret_read(path, &size, &why);
    ck_assert_str_eq(bytes, "x");
    free(bytes);
    s_write("", 0);
    ck_assert_ptr_null(secret_read(path, &size, &why));
    ck_assert_str_eq(why, "it is empty");
}
END_TEST

START_TEST(a_document_is_known_by_its_opening)
{
    /* A bracket opens a document only in text. */
    static const struct {
        const char *bytes;
        const char *fault;
    } cases[] = {
        {"{abcdefghijklmnopqrstuvwxyz0123456789", "it is a document, not a "
                                                  "secret"},
        {" \n[abcdefghijklmnopqrstuvwxyz0123456789",
         "it is a document, not a secret"},
        {"<abcdefghijklmnopqrstuvwxyz0123456789", "it is a document, not a "
                                                  "secret"},
        {"{abcdefghijklmnopqrstuvwxyz\x01-0123456789", NULL},
        {"abc{defghijklmnopqrstuvwxyz0123456789", NULL},
        {"abcdefghijklmnopqrstuvwxyz-----BEGIN", "it is a document, not a "
                                                 "secret"},
        {"abcdefghijklmnopqrstuvwxyz-----BEGI", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fault =
            secret_fault(cases[i].bytes, strlen(cases[i].bytes));
        if (cases[i].fault)
            ck_assert_str_eq(fault, cases[i].fault);
        else
            ck_assert_msg(!fault, "%s", cases[i].bytes);
    }
}
END_TEST

START_TEST(a_pem_file_without_a_key_says_so)
{
    s_write("no PEM at all, but text", 23);
    ck_assert_int_eq(key_file_add_pem(keys, path, &why), -1);
    ck_assert_str_eq(why, "it is not PEM; a shared secret is set by "
                          "jwt_secret_file");
    ck_assert_int_eq(s_add_pem(rsa), 0);
    ck_assert_ptr_null(why);
}
END_TEST

START_TEST(a_signing_key_is_private_and_on_p256)
{
    EVP_PKEY *other = EVP_EC_gen("P-384");
    const struct {
        EVP_PKEY *key;
        bool private, good;
    } cases[] = {{ec, true, true},
                 {ec, false, false},
                 {rsa, true, false},
                 {other, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = s_pem(cases[i].key, cases[i].private);
        s_write(text, strlen(text));
        free(text);
        EVP_PKEY *key = key_file_read_signing(path, &why);
        ck_assert_msg(!!key == cases[i].good, "%zu", i);
        if (key)
            ck_assert_int_eq(EVP_PKEY_eq(key, ec), 1);
        else
            ck_assert_str_eq(why, "it is no private key on P-256, PEM");
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(other);
    ck_assert_ptr_null(key_file_read_signing("/nonexistent/file", &why));
    ck_assert_str_eq(why, "No such file or directory");
}
END_TEST

Suite *suite_common_key_file(void)
{
    Suite *suite = suite_create("common/key_file");
    TCase *tcase = tcase_create("key_file");
    tcase_add_unchecked_fixture(tcase, s_draw_keys, s_drop_keys);
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_loop_test(tcase, no_other_file_is_taken_for_a_key_file, 0, 3);
    tcase_add_loop_test(tcase, der_is_no_key_file, 0, 3);
    tcase_add_test(tcase, der_that_ends_with_a_newline_is_no_secret);
    tcase_add_loop_test(tcase, a_private_or_damaged_pem_is_refused_everywhere,
                        0, 3);
    tcase_add_test(tcase, files_that_cannot_be_read_say_why);
    tcase_add_test(tcase, a_secret_loses_one_newline);
    tcase_add_test(tcase, a_secret_of_32_bytes_verifies);
    tcase_add_test(tcase, short_and_uniform_secrets_are_refused);
    tcase_add_test(tcase, a_secret_bound_to_subjects_signs_no_other);
    tcase_add_test(tcase, a_secret_has_eight_different_bytes_at_least);
    tcase_add_test(tcase, a_secret_has_32_bytes_or_64_hexadecimal_digits);
    tcase_add_test(tcase, a_file_of_64_kib_is_read_and_one_byte_more_is_not);
    tcase_add_test(tcase, a_document_is_known_by_its_opening);
    tcase_add_test(tcase, a_pem_file_without_a_key_says_so);
    tcase_add_test(tcase, a_signing_key_is_private_and_on_p256);
    suite_add_tcase(suite, tcase);
    return suite;
}
