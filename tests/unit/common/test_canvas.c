/* SPDX-License-Identifier: Apache-2.0 */
#include "common/canvas.h"

#include <check.h>
#include <string.h>

Suite *suite_common_canvas(void);

START_TEST(a_canvas_survives_its_json)
{
    canvas_t canvas, read;
    char json[CANVAS_JSON_MAX];
    canvas_init(&canvas, 1000, 500, _i ? 8 : 4);
    canvas.epoch = 7;
    canvas.paused = true;
    size_t length = canvas_to_json(&canvas, json, sizeof json);
    ck_assert_uint_eq(length, strlen(json));
    ck_assert_int_eq(canvas_from_json(&read, json, length), 0);
    ck_assert(canvas_equal(&canvas, &read));
    read.cooldown_ms++;
    ck_assert(!canvas_equal(&canvas, &read));
}
END_TEST

START_TEST(the_largest_palette_fits_the_json)
{
    canvas_t canvas;
    char json[CANVAS_JSON_MAX];
    canvas_init(&canvas, 65535, 1000, 8);
    canvas.palette_size = CANVAS_PALETTE_MAX;
    canvas.epoch = canvas.cooldown_ms = UINT32_MAX;
    size_t length = canvas_to_json(&canvas, json, sizeof json);
    ck_assert_int_eq(canvas_from_json(&canvas, json, length), 0);
    ck_assert_uint_eq(canvas.palette_size, CANVAS_PALETTE_MAX);
}
END_TEST

START_TEST(json_that_is_no_canvas_changes_nothing)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[1]",
        "{\"board\":{\"width\":0}}",
        "{\"board\":{\"width\":1,\"height\":1,\"bits\":5,\"epoch\":0},"
        "\"palette\":[\"#000000\"],\"cooldown_ms\":0,\"paused\":false}",
        "{\"board\":{\"width\":1,\"height\":1,\"bits\":4,\"epoch\":0},"
        "\"palette\":[],\"cooldown_ms\":0,\"paused\":false}",
        "{\"board\":{\"width\":1,\"height\":1,\"bits\":4,\"epoch\":0},"
        "\"palette\":[\"red\"],\"cooldown_ms\":0,\"paused\":false}"};
    canvas_t canvas, before;
    canvas_init(&canvas, 3, 3, 4);
    before = canvas;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_int_eq(canvas_from_json(&canvas, texts[i], strlen(texts[i])),
                         -1);
    ck_assert(canvas_equal(&canvas, &before));
}
END_TEST

START_TEST(a_palette_is_a_list_of_colours_that_fits_the_bits)
{
    canvas_t canvas;
    canvas_init(&canvas, 3, 3, 4);
    ck_assert_int_eq(canvas_set_palette(&canvas, "#000000,#FFffFF"), 0);
    ck_assert_uint_eq(canvas.palette_size, 2);
    ck_assert_uint_eq(canvas.palette[1], 0xFFFFFF);
    ck_assert_int_eq(canvas_set_palette(&canvas, ""), -1);
    ck_assert_int_eq(canvas_set_palette(&canvas, "#00000"), -1);
    ck_assert_int_eq(canvas_set_palette(&canvas, "#0000000"), -1);
    ck_assert_int_eq(canvas_set_palette(&canvas, "#000000,"), -1);
    char many[17 * 8] = "";
    for (int i = 0; i < 17; i++)
        strcat(many, i ? ",#123456" : "#123456");
    ck_assert_int_eq(canvas_set_palette(&canvas, many), -1);
    ck_assert_uint_eq(canvas.palette_size, 2);
}
END_TEST

Suite *suite_common_canvas(void)
{
    Suite *suite = suite_create("common/canvas");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, a_canvas_survives_its_json, 0, 2);
    tcase_add_test(all, the_largest_palette_fits_the_json);
    tcase_add_test(all, json_that_is_no_canvas_changes_nothing);
    tcase_add_test(all, a_palette_is_a_list_of_colours_that_fits_the_bits);
    suite_add_tcase(suite, all);
    return suite;
}
