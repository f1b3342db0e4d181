/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http/route.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_route(void);

static void s_one(struct exchange *exchange)
{
    (void)exchange;
}

static const route_t routes[] = {
    {"/api/v1/board", {[METHOD_GET] = s_one}},
    {"/api/v1/board.png", {[METHOD_GET] = s_one}},
    {"/api/v1/pixels/{}/{}", {[METHOD_GET] = s_one, [METHOD_PUT] = s_one}},
};

static const route_t *s_find(const char *path, route_arguments_t *arguments)
{
    return route_find(routes, 3, path, arguments);
}

START_TEST(paths_match_whole)
{
    route_arguments_t arguments;
    ck_assert_ptr_eq(s_find("/api/v1/board", &arguments), &routes[0]);
    ck_assert_ptr_eq(s_find("/api/v1/board.png", &arguments), &routes[1]);
    static const char *const others[] = {
        "",
        "/",
        "/api/v1/board/",
        "/api/v1/boar",
        "/api/v1/board.png2",
        "/API/v1/board",
        "/api/v1/pixels/1",
        "/api/v1/pixels/1/",
        "/api/v1/pixels//1",
        "/api/v1/pixels/1/2/3",
        "/api/v1/pixels/1/2/",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_ptr_null(s_find(others[i], &arguments));
}
END_TEST

START_TEST(braces_take_one_segment)
{
    route_arguments_t arguments;
    ck_assert_ptr_eq(s_find("/api/v1/pixels/-12/abc", &arguments), &routes[2]);
    ck_assert_uint_eq(arguments.length[0], 3);
    ck_assert_mem_eq(arguments.text[0], "-12", 3);
    ck_assert_uint_eq(arguments.length[1], 3);
    ck_assert_mem_eq(arguments.text[1], "abc", 3);
}
END_TEST

START_TEST(allow_lists_what_is_there)
{
    char allow[ROUTE_ALLOW_MAX];
    route_allow(&routes[0], allow);
    ck_assert_str_eq(allow, "GET, HEAD, OPTIONS");
    route_allow(&routes[2], allow);
    ck_assert_str_eq(allow, "GET, HEAD, PUT, OPTIONS");
}
END_TEST

Suite *suite_edge_route(void)
{
    Suite *suite = suite_create("edge/route");
    TCase *tcase = tcase_create("route");
    tcase_add_test(tcase, paths_match_whole);
    tcase_add_test(tcase, braces_take_one_segment);
    tcase_add_test(tcase, allow_lists_what_is_there);
    suite_add_tcase(suite, tcase);
    return suite;
}
