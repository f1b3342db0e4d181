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
    canvas.tick_ms = CANVAS_TICK_MAX_MS;
    size_t length = canvas_to_json(&canvas, json, sizeof json);
    ck_assert_uint_eq(length, strlen(json));
    ck_assert_int_eq(canvas_from_json(&read, json, length), 0);
    ck_assert(canvas_equal(&canvas, &read));
    read.cooldown_ms++;
    ck_assert(!canvas_equal(&canvas, &read));
    read = canvas;
    read.tick_ms--;
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

START_TEST(a_canvas_of_0_1_0_leaves_the_tick_to_the_edges)
{
    static const char text[] =
        "{\"board\":{\"width\":1,\"height\":1,\"bits\":4,\"epoch\":0},"
        "\"palette\":[\"#000000\"],\"cooldown_ms\":5,\"paused\":false}";
    canvas_t canvas;
    canvas_init(&canvas, 1, 1, 4);
    canvas.tick_ms = 7;
    ck_assert_int_eq(canvas_from_json(&canvas, text, sizeof text - 1), 0);
    ck_assert_uint_eq(canvas.tick_ms, 0);
    ck_assert_uint_eq(canvas.cooldown_ms, 5);
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
        "\"palette\":[\"red\"],\"cooldown_ms\":0,\"paused\":false}",
        "{\"board\":{\"width\":1,\"height\":1,\"bits\":4,\"epoch\":0},"
        "\"palette\":[\"#000000\"],\"cooldown_ms\":0,\"tick_ms\":10001,"
        "\"paused\":false}"};
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

/* Reddit's own, in the order of its data: stored boards hold the indices. */
START_TEST(default_palettes_are_those_of_2017_and_2022)
{
    canvas_t canvas;
    canvas_init(&canvas, 1, 1, 4);
    ck_assert_uint_eq(canvas.palette_size, 16);
    ck_assert_uint_eq(canvas.cooldown_ms, 300000);
    ck_assert(!canvas.paused && !canvas.epoch);
    char json[CANVAS_JSON_MAX];
    canvas_to_json(&canvas, json, sizeof json);
    ck_assert_ptr_nonnull(strstr(
        json, "[\"#FFFFFF\",\"#E4E4E4\",\"#888888\",\"#222222\",\"#FFA7D1\","
              "\"#E50000\",\"#E59500\",\"#A06A42\",\"#E5D900\",\"#94E044\","
              "\"#02BE01\",\"#00D3DD\",\"#0083C7\",\"#0000EA\",\"#CF6EE4\","
              "\"#820080\"]"));
    canvas_init(&canvas, 1, 1, 8);
    ck_assert_uint_eq(canvas.palette_size, 32);
    canvas_to_json(&canvas, json, sizeof json);
    ck_assert_ptr_nonnull(strstr(
        json, "[\"#FFFFFF\",\"#6D001A\",\"#BE0039\",\"#FF4500\",\"#FFA800\","
              "\"#FFD635\",\"#FFF8B8\",\"#00A368\",\"#00CC78\",\"#7EED56\","
              "\"#00756F\",\"#009EAA\",\"#00CCC0\",\"#2450A4\",\"#3690EA\","
              "\"#51E9F4\",\"#493AC1\",\"#6A5CFF\",\"#94B3FF\",\"#811E9F\","
              "\"#B44AC0\",\"#E4ABFF\",\"#DE107F\",\"#FF3881\",\"#FF99AA\","
              "\"#6D482F\",\"#9C6926\",\"#FFB470\",\"#000000\",\"#515252\","
              "\"#898D90\",\"#D4D7D9\"]"));
}
END_TEST

#define CANVAS(width, height, bits, epoch, colors, cooldown)                   \
    "{\"board\":{\"width\":" width ",\"height\":" height ",\"bits\":" bits     \
    ",\"epoch\":" epoch "},\"palette\":[" colors "],\"cooldown_ms\":" cooldown \
    ",\"paused\":false}"
#define ONE "\"#000000\""
#define NINE ONE "," ONE "," ONE "," ONE "," ONE "," ONE "," ONE "," ONE "," ONE

START_TEST(each_number_of_a_canvas_has_its_range)
{
    static const struct {
        const char *json;
        int result;
    } cases[] = {
        {CANVAS("1", "1", "4", "0", ONE, "0"), 0},
        {CANVAS("65535", "1", "8", "4294967295", ONE, "4294967295"), 0},
        {CANVAS("1", "65535", "8", "1", NINE, "1"), 0},
        {CANVAS("8192", "8192", "4", "1", ONE, "1"), 0}, /* 64 Mi pixels */
        {CANVAS("8192", "8193", "4", "1", ONE, "1"), -1},
        {CANVAS("65536", "1", "4", "1", ONE, "1"), -1},
        {CANVAS("1", "65536", "4", "1", ONE, "1"), -1},
        {CANVAS("0", "1", "4", "1", ONE, "1"), -1},
        {CANVAS("1", "0", "4", "1", ONE, "1"), -1},
        {CANVAS("1", "1", "5", "1", ONE, "1"), -1},
        {CANVAS("1", "1", "7", "1", ONE, "1"), -1},
        {CANVAS("1", "1", "4", "-1", ONE, "1"), -1},
        {CANVAS("1", "1", "4", "4294967296", ONE, "1"), -1},
        {CANVAS("1", "1", "4", "1", ONE, "-1"), -1},
        {CANVAS("1", "1", "4", "1", ONE, "4294967296"), -1},
        {CANVAS("1", "1", "4", "1", NINE "," NINE, "1"), -1}, /* 18 of 16 */
        {CANVAS("1", "1", "8", "1", NINE "," NINE, "1"), 0},
        {CANVAS("1", "1", "4", "1", "\"#00000\"", "1"), -1},
        {CANVAS("1", "1", "4", "1", "\"#0000000\"", "1"), -1},
        {CANVAS("1", "1", "4", "1", "\"0000000\"", "1"), -1},
        {CANVAS("1", "1", "4", "1", "\"#00000g\"", "1"), -1},
        {CANVAS("1", "1", "4", "1", "7", "1"), -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        canvas_t canvas = {0};
        ck_assert_msg(
            canvas_from_json(&canvas, cases[i].json, strlen(cases[i].json)) ==
                cases[i].result,
            "%s", cases[i].json);
    }
}
END_TEST

START_TEST(json_of_4096_bytes_is_read_and_longer_is_not)
{
    char json[CANVAS_JSON_MAX + 1];
    canvas_t canvas;
    canvas_init(&canvas, 3, 3, 4);
    memset(json, ' ', sizeof json);
    canvas_to_json(&canvas, json, CANVAS_JSON_MAX);
    json[strlen(json)] = ' ';
    ck_assert_int_eq(canvas_from_json(&canvas, json, CANVAS_JSON_MAX), 0);
    ck_assert_int_eq(canvas_from_json(&canvas, json, CANVAS_JSON_MAX + 1), -1);
}
END_TEST

START_TEST(canvases_that_differ_in_anything_are_not_equal)
{
    canvas_t canvas, other;
    canvas_init(&canvas, 30, 20, 4);
    other = canvas;
    ck_assert(canvas_equal(&canvas, &other));
    other.palette[canvas.palette_size]++; /* behind its end */
    ck_assert(canvas_equal(&canvas, &other));
    other.palette[canvas.palette_size - 1]++;
    ck_assert(!canvas_equal(&canvas, &other));
    uint32_t *numbers[] = {&other.width, &other.height,
                           &other.bits,  &other.cooldown_ms,
                           &other.epoch, &other.palette_size};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        other = canvas;
        ++*numbers[i];
        ck_assert(!canvas_equal(&canvas, &other));
    }
    other = canvas;
    other.paused = true;
    ck_assert(!canvas_equal(&canvas, &other));
}
END_TEST

START_TEST(what_is_wrong_with_a_canvas_is_said)
{
    static const struct {
        uint32_t width, height, bits, colors;
        const char *why;
    } cases[] = {
        {1, 1, 4, 1, NULL},       {1, 1, 4, 16, NULL},
        {1, 1, 8, 256, NULL},     {65535, 1, 4, 1, NULL},
        {8192, 8192, 4, 1, NULL}, {8192, 8193, 4, 1, "size"},
        {0, 1, 4, 1, "size"},     {1, 0, 4, 1, "size"},
        {65536, 1, 4, 1, "size"}, {1, 65536, 4, 1, "size"},
        {1, 1, 3, 1, "bits"},     {1, 1, 9, 1, "bits"},
        {1, 1, 4, 0, "palette"},  {1, 1, 4, 17, "palette"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why;
        canvas_t canvas = {.width = cases[i].width,
                           .height = cases[i].height,
                           .bits = cases[i].bits,
                           .palette_size = cases[i].colors};
        ck_assert_int_eq(canvas_check(&canvas, &why), cases[i].why ? -1 : 0);
        if (cases[i].why)
            ck_assert_msg(strstr(why, cases[i].why) == why, "%zu: %s", i, why);
        else
            ck_assert_ptr_null(why);
    }
}
END_TEST

Suite *suite_common_canvas(void)
{
    Suite *suite = suite_create("common/canvas");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, a_canvas_survives_its_json, 0, 2);
    tcase_add_test(all, the_largest_palette_fits_the_json);
    tcase_add_test(all, a_canvas_of_0_1_0_leaves_the_tick_to_the_edges);
    tcase_add_test(all, json_that_is_no_canvas_changes_nothing);
    tcase_add_test(all, a_palette_is_a_list_of_colours_that_fits_the_bits);
    tcase_add_test(all, default_palettes_are_those_of_2017_and_2022);
    tcase_add_test(all, each_number_of_a_canvas_has_its_range);
    tcase_add_test(all, json_of_4096_bytes_is_read_and_longer_is_not);
    tcase_add_test(all, canvases_that_differ_in_anything_are_not_equal);
    tcase_add_test(all, what_is_wrong_with_a_canvas_is_said);
    suite_add_tcase(suite, all);
    return suite;
}
