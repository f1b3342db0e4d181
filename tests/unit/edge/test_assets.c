/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http/assets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_edge_assets(void);

static char root[64];

static void s_write(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static void s_setup(void)
{
    char path[96];
    strcpy(root, "/tmp/stipple-web-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof path, "%s/js", root);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/.git", root);
    mkdir(path, 0700);
    s_write("index.html", "<!doctype html>");
    s_write("js/wire.js", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    s_write(".hidden", "x");
    s_write(".git/config", "x");
    s_write("empty.css", "");
}

static bool forever; /* of the last assets_find */

static void s_teardown(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(files_are_found_by_their_path)
{
    assets_t *assets = assets_new(root);
    const asset_t *page = assets_find(assets, "/", &forever);
    ck_assert_ptr_nonnull(page);
    ck_assert_ptr_eq(page, assets_find(assets, "/index.html", &forever));
    ck_assert_str_eq(page->content_type, "text/html; charset=utf-8");
    ck_assert_uint_eq(page->body[ENCODING_IDENTITY]->size, 15);
    ck_assert_mem_eq(page->body[ENCODING_IDENTITY]->bytes, "<!doctype html>",
                     15);
    ck_assert_ptr_null(page->body[ENCODING_GZIP]); /* does not pay */
    const asset_t *script = assets_find(assets, "/js/wire.js", &forever);
    ck_assert_str_eq(script->content_type, "text/javascript; charset=utf-8");
    ck_assert_ptr_nonnull(script->body[ENCODING_GZIP]);
    ck_assert_str_ne(script->etag, page->etag);
    ck_assert_uint_eq(strlen(page->etag), 18);
    ck_assert_ptr_nonnull(assets_find(assets, "/empty.css", &forever));
    assets_destroy(&assets);
}
END_TEST

START_TEST(pages_name_their_scripts_by_version)
{
    static const char page[] = "<link href=\"empty.css\"><a href=\"x.css\">"
                               "<script src=\"js/wire.js\"></script>"
                               "<img src=\"index.html\"><p title=\"a.js\">";
    char expected[512], path[64];
    s_write("index.html", page);
    assets_t *assets = assets_new(root);
    const asset_t *found = assets_find(assets, "/", &forever);
    const blob_t *body = found->body[ENCODING_IDENTITY];
    ck_assert(!forever);
    ck_assert_uint_eq(body->size, sizeof page - 1 + 2 * 19);
    char version[17] = "";
    memcpy(version, body->bytes + strlen("<link href=\"_/"), 16);
    snprintf(expected, sizeof expected,
             "<link href=\"_/%s/empty.css\"><a href=\"x.css\">"
             "<script src=\"_/%s/js/wire.js\"></script>"
             "<img src=\"index.html\"><p title=\"a.js\">",
             version, version);
    ck_assert_mem_eq(body->bytes, expected, body->size);
    snprintf(path, sizeof path, "/_/%s/js/wire.js", version);
    ck_assert_ptr_eq(assets_find(assets, path, &forever),
                     assets_find(assets, "/js/wire.js", &(bool){false}));
    ck_assert(forever);
    /* Another edge's version: its file of today, which may change. */
    path[3] ^= 1;
    ck_assert_ptr_nonnull(assets_find(assets, path, &forever));
    ck_assert(!forever);
    assets_destroy(&assets);
    s_write("empty.css", "x");
    assets = assets_new(root);
    path[3] ^= 1;
    ck_assert_ptr_nonnull(assets_find(assets, path, &forever));
    ck_assert(!forever);
    assets_destroy(&assets);
}
END_TEST

START_TEST(nothing_else_exists)
{
    static const char *const paths[] = {"",
                                        "index.html",
                                        "/js",
                                        "/js/",
                                        "/.hidden",
                                        "/.git/config",
                                        "/js/../index.html",
                                        "/../etc/passwd",
                                        "//index.html",
                                        "/index.html/",
                                        "/_/",
                                        "/_/0123456789abcdef",
                                        "/_/0123456789abcdef/",
                                        "/INDEX.HTML"};
    assets_t *assets = assets_new(root);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_ptr_null(assets_find(assets, paths[i], &forever));
    assets_destroy(&assets);
}
END_TEST

START_TEST(a_slash_behind_web_dir_changes_nothing)
{
    char path[80];
    snprintf(path, sizeof path, "%s//", root);
    assets_t *assets = assets_new(path);
    ck_assert_ptr_nonnull(assets_find(assets, "/index.html", &forever));
    assets_destroy(&assets);
}
END_TEST

START_TEST(no_web_dir_is_no_page)
{
    assets_t *assets = assets_new("");
    ck_assert_ptr_null(assets_find(assets, "/", &forever));
    assets_destroy(&assets);
    assets = assets_new(NULL);
    ck_assert_ptr_null(assets_find(assets, "/", &forever));
    assets_destroy(&assets);
}
END_TEST

START_TEST(a_missing_web_dir_is_refused)
{
    ck_assert_ptr_null(assets_new("/nonexistent/web"));
}
END_TEST

Suite *suite_edge_assets(void)
{
    Suite *suite = suite_create("edge/assets");
    TCase *tcase = tcase_create("assets");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, files_are_found_by_their_path);
    tcase_add_test(tcase, pages_name_their_scripts_by_version);
    tcase_add_test(tcase, nothing_else_exists);
    tcase_add_test(tcase, a_slash_behind_web_dir_changes_nothing);
    tcase_add_test(tcase, no_web_dir_is_no_page);
    tcase_add_test(tcase, a_missing_web_dir_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
