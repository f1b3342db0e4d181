/* SPDX-License-Identifier: Apache-2.0
 *
 * The set against a plain array of flags, around the borders of its words: 64
 * pixels to a leaf, 4096 to a word above it.
 */
#include "common/touched.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_common_touched(void);

/* Walks the set and compares it with the flags. */
static void s_same(const touched_t *set, const uint8_t *flags, uint32_t pixels)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < pixels; i++)
        members += flags[i];
    ck_assert_uint_eq(touched_count(set), members);
    uint32_t plain = 0;
    for (uint32_t i = 0; touched_next(set, &i); i++, plain++) {
        while (plain < pixels && !flags[plain])
            plain++;
        ck_assert_uint_eq(i, plain);
        members--;
    }
    ck_assert_uint_eq(members, 0);
}

START_TEST(members_come_in_ascending_order_at_every_border)
{
    static const uint32_t sizes[] = {1,   2,    63,   64,   65,    127,
                                     128, 4095, 4096, 4097, 12288, 12300};
    srand(3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t pixels = sizes[i];
        uint8_t *flags = calloc(1, pixels);
        touched_t *set = touched_new(pixels);
        s_same(set, flags, pixels);
        static const uint32_t at[] = {0, 63, 64, 4095, 4096, 8191, 8192, 12287};
        for (size_t j = 0; j < sizeof at / sizeof *at; j++) {
            if (at[j] >= pixels)
                continue;
            touched_add(set, at[j]);
            touched_add(set, at[j]); /* once, for the set */
            flags[at[j]] = 1;
            s_same(set, flags, pixels);
        }
        touched_add(set, pixels - 1);
        flags[pixels - 1] = 1;
        s_same(set, flags, pixels);
        for (int j = 0; j < 100; j++) {
            uint32_t index = (uint32_t)rand() % pixels;
            touched_add(set, index);
            flags[index] = 1;
        }
        s_same(set, flags, pixels);
        touched_clear(set);
        memset(flags, 0, pixels);
        s_same(set, flags, pixels);
        touched_add(set, pixels / 2);
        flags[pixels / 2] = 1;
        s_same(set, flags, pixels);
        touched_destroy(&set);
        ck_assert_ptr_null(set);
        free(flags);
    }
}
END_TEST

START_TEST(a_walk_begins_where_it_is_told_and_not_past_the_end)
{
    touched_t *set = touched_new(10000);
    touched_add(set, 5);
    touched_add(set, 9000);
    uint32_t index = 5;
    ck_assert(touched_next(set, &index));
    ck_assert_uint_eq(index, 5);
    index = 6;
    ck_assert(touched_next(set, &index));
    ck_assert_uint_eq(index, 9000);
    index = 9001;
    ck_assert(!touched_next(set, &index));
    index = 10000;
    ck_assert(!touched_next(set, &index));
    index = UINT32_MAX;
    ck_assert(!touched_next(set, &index));
    touched_destroy(&set);
    touched_destroy(&set);
}
END_TEST

Suite *suite_common_touched(void)
{
    Suite *suite = suite_create("common/touched");
    TCase *all = tcase_create("all");
    tcase_add_test(all, members_come_in_ascending_order_at_every_border);
    tcase_add_test(all, a_walk_begins_where_it_is_told_and_not_past_the_end);
    suite_add_tcase(suite, all);
    return suite;
}
