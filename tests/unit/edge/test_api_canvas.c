/* SPDX-License-Identifier: Apache-2.0
 *
 * What the page is told that it may do.
 */
#include "tests/unit/edge/api_stage.h"

#include "tests/unit/folder.h"

#include <unistd.h>

Suite *suite_edge_api_canvas(void);

static char folder[64];

static void s_file(char path[96])
{
    snprintf(path, 96, "%s/index.html", folder);
}

static void s_setup_page(void)
{
    char path[96];
    s_setup();
    s_new_folder(folder, sizeof folder, "page");
    s_file(path);
    FILE *file = fopen(path, "w");
    fputs("<!doctype html>", file);
    fclose(file);
    assets_destroy(&assets);
    assets = assets_new(folder);
}

static void s_teardown_page(void)
{
    char path[96];
    s_file(path);
    unlink(path);
    rmdir(folder);
    s_teardown();
}

/* What stands behind connect-src 'self' in the page's policy, up to its end. */
static const char *s_connects(void)
{
    static char text[4096];
    static const char mark[] = "; connect-src 'self'";
    s_new(VERB_GET, "/");
    s_expect(200);
    ck_assert_uint_lt(exchange->head_size, sizeof text);
    memcpy(text, exchange->head, exchange->head_size);
    text[exchange->head_size] = '\0';
    ck_assert_uint_eq(strlen(text), exchange->head_size);
    ck_assert_str_eq(text + exchange->head_size - 4, "\r\n\r\n");
    char *at = strstr(text, mark), *end = at ? strstr(at, "\r\n") : NULL;
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return at + strlen(mark);
}

START_TEST(the_page_may_connect_to_what_is_set)
{
    config.endpoints = (char *)"wss://a.example/ws, ws://b:81/ws";
    config.template_origins = (char *)"https://c.example";
    ck_assert_str_eq(s_connects(), " wss://a.example https://a.example"
                                   " ws://b:81 http://b:81"
                                   " https://c.example");
    config.endpoints = (char *)"http://a, wss:/b, wss://, ws://c;d";
    config.template_origins = NULL;
    ck_assert_str_eq(s_connects(), " ws://c http://c");
}
END_TEST

/* The room is used to the last byte, and no origin is cut short. */
START_TEST(an_origin_that_does_not_fit_is_left_out_whole)
{
    static char endpoints[1024], origin[256];
    char *at = endpoints;
    for (int i = 0; i < 3; i++)
        at += sprintf(at, "wss://%0*d/ws,", i < 2 ? 250 : 200, i);
    config.endpoints = endpoints;
    config.template_origins = NULL;
    size_t before = strlen(s_connects()), taken = 0, length;
    config.template_origins = origin;
    for (int host = 1; host < 240; host++) {
        sprintf(origin, "https://%0*d", host, 7);
        length = strlen(s_connects()) - before;
        ck_assert(length == 0 || length == strlen(origin) + 1);
        ck_assert(!length || taken + 1 == (size_t)host);
        taken = length ? (size_t)host : taken;
    }
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_lt(taken, 239);
}
END_TEST

Suite *suite_edge_api_canvas(void)
{
    Suite *suite = suite_create("edge/api_canvas");
    TCase *tcase = tcase_create("api_canvas");
    tcase_add_checked_fixture(tcase, s_setup_page, s_teardown_page);
    tcase_add_test(tcase, the_page_may_connect_to_what_is_set);
    tcase_add_test(tcase, an_origin_that_does_not_fit_is_left_out_whole);
    suite_add_tcase(suite, tcase);
    return suite;
}
