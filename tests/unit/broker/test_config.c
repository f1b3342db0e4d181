/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config.h"

#include "tests/unit/documented.h"

static int s_canvas(const char *size, int64_t bits, const char *palette,
                    canvas_t *canvas)
{
    broker_config_t config = {.size = (char *)size,
                              .bits = bits,
                              .cooldown_ms = 77,
                              .palette = (char *)palette};
    const char *why = NULL;
    int result = broker_config_canvas(&config, canvas, &why);
    if (result < 0)
        ck_assert_ptr_nonnull(why);
    return result;
}

START_TEST(settings_describe_the_blank_canvas)
{
    canvas_t canvas;
    ck_assert_int_eq(s_canvas("300x20", 8, NULL, &canvas), 0);
    ck_assert_uint_eq(canvas.width, 300);
    ck_assert_uint_eq(canvas.height, 20);
    ck_assert_uint_eq(canvas.bits, 8);
    ck_assert_uint_eq(canvas.palette_size, 32);
    ck_assert_uint_eq(canvas.cooldown_ms, 77);
    ck_assert_int_eq(s_canvas("1x1", 4, "#102030,#FFFFFF", &canvas), 0);
    ck_assert_uint_eq(canvas.palette_size, 2);
    ck_assert_uint_eq(canvas.palette[0], 0x102030);
}
END_TEST

START_TEST(settings_that_do_not_fit_are_refused)
{
    canvas_t canvas;
    ck_assert_int_eq(s_canvas("300", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("300x", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("300x20x1", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("0x20", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("-1x20", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("65536x1", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("65535x65535", 4, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("10x10", 5, NULL, &canvas), -1);
    ck_assert_int_eq(s_canvas("10x10", 4, "red", &canvas), -1);
}
END_TEST

START_TEST(settings_are_those_of_the_manual)
{
    broker_config_t config = {0};
    s_settings_are_documented(&broker_settings, &config);
}
END_TEST

Suite *suite_broker_config(void);
Suite *suite_broker_config(void)
{
    Suite *suite = suite_create("broker/config");
    TCase *tc = tcase_create("config");
    tcase_add_test(tc, settings_describe_the_blank_canvas);
    tcase_add_test(tc, settings_that_do_not_fit_are_refused);
    tcase_add_test(tc, settings_are_those_of_the_manual);
    suite_add_tcase(suite, tc);
    return suite;
}
