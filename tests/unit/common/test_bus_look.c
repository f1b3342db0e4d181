/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators ask of the history, there and back, whole or not at all.
 */
#include "common/bus_look.h"

#include <check.h>
#include <string.h>

Suite *suite_common_bus_look(void);

static const selection_t s_of = {.user = UINT64_MAX,
                                 .from_ms = 5,
                                 .until_ms = 6,
                                 .x0 = 1,
                                 .y0 = 2,
                                 .x1 = 3,
                                 .y1 = 4,
                                 .upto = 1ull << 40,
                                 .has = HAS_USER | HAS_BOX};

static void s_assert_same(const selection_t *a, const selection_t *b)
{
    ck_assert(a->user == b->user && a->from_ms == b->from_ms &&
              a->until_ms == b->until_ms && a->x0 == b->x0 && a->y0 == b->y0 &&
              a->x1 == b->x1 && a->y1 == b->y1 && a->upto == b->upto &&
              a->has == b->has);
}

START_TEST(a_look_round_trips_and_every_truncation_is_refused)
{
    uint8_t bytes[BUS_LOOK_BYTES + 1] = {0};
    bus_look_t out, in = {.ticket = 7,
                          .kind = LOOK_ACTIONS,
                          .limit = BUS_LOOK_MAX,
                          .color = BUS_ANY_COLOR,
                          .of = s_of};
    size_t size = bus_put_look(bytes, &in);
    ck_assert_uint_eq(size, BUS_LOOK_BYTES);
    ck_assert_int_eq(bus_decode_look(&out, bytes, size), 0);
    ck_assert(out.ticket == 7 && out.kind == LOOK_ACTIONS &&
              out.limit == BUS_LOOK_MAX && out.color == BUS_ANY_COLOR);
    s_assert_same(&out.of, &s_of);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_look(&out, bytes, cut), -1);
    ck_assert_int_eq(bus_decode_look(&out, bytes, size + 1), -1);
    static const uint16_t limits[] = {0, BUS_LOOK_MAX + 1};
    for (size_t i = 0; i < 2; i++) {
        in.limit = limits[i];
        bus_put_look(bytes, &in);
        ck_assert_int_eq(bus_decode_look(&out, bytes, size), -1);
    }
}
END_TEST

START_TEST(what_was_looked_up_is_its_json)
{
    uint8_t bytes[16];
    bus_looked_t out;
    size_t head = bus_put_looked_head(bytes, 9);
    ck_assert_uint_eq(head, BUS_LOOKED_HEAD_BYTES);
    memcpy(bytes + head, "{}", 2);
    ck_assert_int_eq(bus_decode_looked(&out, bytes, head + 2), 0);
    ck_assert(out.ticket == 9 && out.size == 2 && !memcmp(out.json, "{}", 2));
    ck_assert_int_eq(bus_decode_looked(&out, bytes, head), -1);
}
END_TEST

START_TEST(a_question_about_what_is_below_round_trips)
{
    static selection_t hidden[2], read[BUS_HIDDEN_MAX];
    uint8_t bytes[BUS_BELOW_ASK_BOUND(2) + 1] = {0};
    hidden[0] = hidden[1] = s_of;
    hidden[1].user = 3;
    bus_below_ask_t out = {.hidden = read}, in = {.ticket = 1,
                                                  .least = 2,
                                                  .width = 10,
                                                  .height = 20,
                                                  .of = s_of,
                                                  .count = 2,
                                                  .hidden = hidden};
    size_t size = bus_put_below_ask(bytes, &in);
    ck_assert_int_eq(bus_decode_below_ask(&out, bytes, size), 0);
    ck_assert(out.ticket == 1 && out.least == 2 && out.width == 10 &&
              out.height == 20 && out.count == 2);
    s_assert_same(&out.of, &s_of);
    s_assert_same(&out.hidden[1], &hidden[1]);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_below_ask(&out, bytes, cut), -1);
    ck_assert_int_eq(bus_decode_below_ask(&out, bytes, size + 1), -1);
    in.height = s_of.y1; /* the box is not on that board */
    bus_put_below_ask(bytes, &in);
    ck_assert_int_eq(bus_decode_below_ask(&out, bytes, size), -1);
}
END_TEST

START_TEST(what_is_below_round_trips)
{
    uint8_t bytes[BUS_BELOW_HEAD_BYTES + 2 * BUS_BELOW_PIXEL_BYTES + 1] = {0};
    uint8_t color;
    bus_below_t out, in = {.ticket = 1,
                           .status = BELOW_FOUND,
                           .upto = 1ull << 50,
                           .placements = 3,
                           .spared = 4,
                           .count = 2};
    size_t size = bus_put_below_head(bytes, &in);
    ck_assert_uint_eq(size, BUS_BELOW_HEAD_BYTES);
    for (uint32_t i = 0; i < 2; i++, size += BUS_BELOW_PIXEL_BYTES)
        bus_put_below_pixel(bytes + size, 1u << (30 + i), (uint8_t)(i + 14));
    ck_assert_int_eq(bus_decode_below(&out, bytes, size), 0);
    ck_assert(out.upto == 1ull << 50 && out.placements == 3 &&
              out.spared == 4 && out.count == 2);
    ck_assert_uint_eq(bus_below_pixel(&out, 1, &color), 1u << 31);
    ck_assert_uint_eq(color, 15);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_below(&out, bytes, cut), -1);
    ck_assert_int_eq(bus_decode_below(&out, bytes, size + 1), -1);
    in.count = BUS_BELOW_MAX + 1;
    bus_put_below_head(bytes, &in);
    ck_assert_int_eq(bus_decode_below(&out, bytes, size), -1);
}
END_TEST

Suite *suite_common_bus_look(void)
{
    Suite *suite = suite_create("common/bus_look");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_look_round_trips_and_every_truncation_is_refused);
    tcase_add_test(all, what_was_looked_up_is_its_json);
    tcase_add_test(all, a_question_about_what_is_below_round_trips);
    tcase_add_test(all, what_is_below_round_trips);
    suite_add_tcase(suite, all);
    return suite;
}
