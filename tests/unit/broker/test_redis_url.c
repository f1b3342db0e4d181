/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/redis_url.h"

#include <check.h>
#include <stddef.h>

typedef struct {
    const char *text;
    const char *host;
    int port;
    const char *path, *user, *password;
    int db;
} expected_t;

static const expected_t s_good[] = {
    {"redis://localhost", "localhost", 6379, NULL, NULL, NULL, 0},
    {"redis://10.0.0.7:7000", "10.0.0.7", 7000, NULL, NULL, NULL, 0},
    {"redis://h:1/15", "h", 1, NULL, NULL, NULL, 15},
    {"redis://h/", "h", 6379, NULL, NULL, NULL, 0},
    {"redis://:pw@h:1", "h", 1, NULL, NULL, "pw", 0},
    {"redis://u:p%40%2F%3a@h", "h", 6379, NULL, "u", "p@/:", 0},
    {"redis://u:a@b@h", "h", 6379, NULL, "u", "a@b", 0},
    {"redis://[::1]:6380/2", "::1", 6380, NULL, NULL, NULL, 2},
    {"redis://[fe80::1]", "fe80::1", 6379, NULL, NULL, NULL, 0},
    {"unix:run/redis.sock", NULL, 0, "run/redis.sock", NULL, NULL, 0},
    {"unix:/r.sock?db=3", NULL, 0, "/r.sock", NULL, NULL, 3},
    {"unix://u:p@/run/r.sock?db=1", NULL, 0, "/run/r.sock", "u", "p", 1},
    {"unix:///run/r.sock", NULL, 0, "/run/r.sock", NULL, NULL, 0},
};

static const char *const s_bad[] = {
    "",
    "redis:",
    "redis://",
    "redis://:1",
    "redis://h:",
    "redis://h:0",
    "redis://h:65536",
    "redis://h:12x",
    "redis://h/x",
    "redis://h/1024",
    "redis://user@h",
    "redis://u:%4@h",
    "redis://u:%zz@h",
    "redis://u:%00@h",
    "redis://[::1",
    "redis://[::1]x",
    "redis://[]",
    "unix:",
    "unix:?db=1",
    "unix:/p?db=x",
    "unix://u:p@",
    "rediss://h",
    "http://h",
};

static void s_same(const char *got, const char *expected)
{
    if (expected)
        ck_assert_str_eq(got, expected);
    else
        ck_assert_ptr_null(got);
}

START_TEST(good_urls_are_taken_apart)
{
    const expected_t *expected = &s_good[_i];
    redis_url_t url;
    ck_assert_int_eq(redis_url_parse(&url, expected->text), 0);
    s_same(url.host, expected->host);
    s_same(url.path, expected->path);
    s_same(url.user, expected->user);
    s_same(url.password, expected->password);
    ck_assert_int_eq(url.port, expected->port);
    ck_assert_int_eq(url.db, expected->db);
    redis_url_fini(&url);
}
END_TEST

START_TEST(bad_urls_are_refused)
{
    redis_url_t url;
    ck_assert_msg(redis_url_parse(&url, s_bad[_i]) == -1, "%s", s_bad[_i]);
}
END_TEST

Suite *suite_broker_redis_url(void);
Suite *suite_broker_redis_url(void)
{
    Suite *suite = suite_create("broker/redis_url");
    TCase *tc = tcase_create("redis_url");
    tcase_add_loop_test(tc, good_urls_are_taken_apart, 0,
                        (int)(sizeof s_good / sizeof *s_good));
    tcase_add_loop_test(tc, bad_urls_are_refused, 0,
                        (int)(sizeof s_bad / sizeof *s_bad));
    suite_add_tcase(suite, tc);
    return suite;
}
