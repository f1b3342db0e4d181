/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/assets.h"

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

static void s_teardown(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(files_are_found_by_their_path)
{
    assets_t *assets = assets_new(root);
    const asset_t *page = assets_find(assets, "/");
    ck_assert_ptr_nonnull(page);
    ck_assert_ptr_eq(page, assets_find(assets, "/index.html"));
    ck_assert_str_eq(page->content_type, "text/html; charset=utf-8");
    ck_assert_uint_eq(page->body[ENCODING_IDENTITY]->size, 15);
    ck_assert_mem_eq(page->body[ENCODING_IDENTITY]->bytes, "<!doctype html>",
                     15);
    ck_assert_ptr_null(page->body[ENCODING_GZIP]); /* does not pay */
    const asset_t *script = assets_find(assets, "/js/wire.js");
    ck_assert_str_eq(script->content_type, "text/javascript; charset=utf-8");
    ck_assert_ptr_nonnull(script->body[ENCODING_GZIP]);
    ck_assert_str_ne(script->etag, page->etag);
    ck_assert_uint_eq(strlen(page->etag), 18);
    ck_assert_ptr_nonnull(assets_find(assets, "/empty.css"));
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
                                        "/INDEX.HTML"};
    assets_t *assets = assets_new(root);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_ptr_null(assets_find(assets, paths[i]));
    assets_destroy(&assets);
}
END_TEST

START_TEST(a_slash_behind_web_dir_changes_nothing)
{
    char path[80];
    snprintf(path, sizeof path, "%s//", root);
    assets_t *assets = assets_new(path);
    ck_assert_ptr_nonnull(assets_find(assets, "/index.html"));
    assets_destroy(&assets);
}
END_TEST

START_TEST(no_web_dir_is_no_page)
{
    assets_t *assets = assets_new("");
    ck_assert_ptr_null(assets_find(assets, "/"));
    assets_destroy(&assets);
    assets = assets_new(NULL);
    ck_assert_ptr_null(assets_find(assets, "/"));
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
    tcase_add_test(tcase, nothing_else_exists);
    tcase_add_test(tcase, a_slash_behind_web_dir_changes_nothing);
    tcase_add_test(tcase, no_web_dir_is_no_page);
    tcase_add_test(tcase, a_missing_web_dir_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
