/* SPDX-License-Identifier: Apache-2.0 */
#include "common/role_keys.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_common_role_keys(void);

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static role_keys_t keys;

static const char *s_parse(const char *text)
{
    char *copy = strdup(text);
    const char *why = role_keys_parse(&keys, copy);
    free(copy);
    return why;
}

START_TEST(a_file_is_read_and_written_alike)
{
    static const char *const texts[] = {
        "role broker\nserve " KEY "\naccept persister " OTHER
        "\naccept edge " KEY "\naccept edge " OTHER "\n",
        "role operator\nconnect broker " KEY " " OTHER "\n",
        "role edge\nconnect broker " KEY " " OTHER "\nconnect broker " OTHER
        " " OTHER "\nconnect persister " OTHER " " KEY "\nanonymous " KEY
        "\nanonymous " OTHER "\ntokens 04" KEY OTHER "\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *text;
        size_t size;
        ck_assert_ptr_null(s_parse(texts[i]));
        FILE *file = open_memstream(&text, &size);
        role_keys_print(&keys, file);
        fclose(file);
        ck_assert_str_eq(text, texts[i]);
        free(text);
    }
    ck_assert_uint_eq(keys.anonymous.count, 2);
    ck_assert_uint_eq(keys.anonymous.bytes[1][0], 0xff);
    ck_assert_uint_eq(keys.connect[ROLE_BROKER].servers.count, 2);
    ck_assert_uint_eq(keys.connect[ROLE_BROKER].servers.bytes[1][0], 0xff);
    ck_assert_uint_eq(keys.connect[ROLE_OPERATOR].servers.count, 0);
    ck_assert(!keys.serves);
}
END_TEST

START_TEST(comments_and_blanks_do_not_count)
{
    ck_assert_ptr_null(s_parse("# an edge's\r\n\r\n  role\tedge \r\n\n"));
    ck_assert_int_eq(keys.role, ROLE_EDGE);
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const char *const texts[] = {
        "",
        KEY,
        "serve " KEY,
        "role",
        "role king",
        "role edge more",
        "role edge\nanonymous",
        "role edge\nanonymous " KEY "00",
        "role edge\nanonymous 0x" KEY,
        "role edge\nanonymous " KEY " " KEY,
        "role edge\ntokens " KEY,
        "role edge\nconnect broker " KEY,
        "role edge\nconnect broker " KEY " " KEY " " KEY,
        "role edge\nconnect broker " KEY " " KEY "\nconnect broker " OTHER
        " " OTHER,
        "role broker\naccept king " KEY,
        "role broker\nadmit edge " KEY,
        "role edge\nanonymous " KEY "\nanonymous " KEY "\nanonymous " KEY
        "\nanonymous " KEY "\nanonymous " KEY,
        "<html>",
        "-----BEGIN PRIVATE KEY-----",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(s_parse(texts[i]) != NULL, "%s", texts[i]);
}
END_TEST

START_TEST(a_clients_key_is_for_one_broker)
{
    static const uint8_t secret[KEY_BYTES] = {1};
    uint8_t one[KEY_BYTES], two[KEY_BYTES], same[KEY_BYTES];
    client_key(one, secret, "tcp://broker-1:7700");
    client_key(two, secret, "tcp://broker-2:7700");
    client_key(same, secret, "tcp://Broker-1:7700");
    ck_assert_mem_ne(one, two, KEY_BYTES);
    ck_assert_mem_eq(one, same, KEY_BYTES);
}
END_TEST

/* As another implementation of X25519 makes it of KEY. */
START_TEST(public_halves_are_x25519s)
{
    static const uint8_t expected[KEY_BYTES] = {
        0x8f, 0x40, 0xc5, 0xad, 0xb6, 0x8f, 0x25, 0x62, 0x4a, 0xe5, 0xb2,
        0x14, 0xea, 0x76, 0x7a, 0x6e, 0xc9, 0x4d, 0x82, 0x9d, 0x3d, 0x7b,
        0x5e, 0x1a, 0xd1, 0xba, 0x6f, 0x3e, 0x21, 0x38, 0x28, 0x5f};
    uint8_t public[KEY_BYTES];
    ck_assert_ptr_null(s_parse("role persister\nserve " KEY));
    curve_public(keys.server_secret, public);
    ck_assert_mem_eq(public, expected, KEY_BYTES);
}
END_TEST

Suite *suite_common_role_keys(void)
{
    Suite *suite = suite_create("common/role_keys");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_file_is_read_and_written_alike);
    tcase_add_test(all, comments_and_blanks_do_not_count);
    tcase_add_test(all, anything_else_is_refused);
    tcase_add_test(all, a_clients_key_is_for_one_broker);
    tcase_add_test(all, public_halves_are_x25519s);
    suite_add_tcase(suite, all);
    return suite;
}
