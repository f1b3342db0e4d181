/* SPDX-License-Identifier: Apache-2.0
 *
 * Rollbacks and their undoing on random histories: after each the board is what
 * a model says that knows every record, and looks at each pixel alone.
 */
#include "common/board.h"
#include "persister/below.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_X 4
#define SIDE_Y 3
#define PIXELS (SIDE_X * SIDE_Y)
#define HISTORIES 10000
#define STEPS 60
#define RECORDS_MAX (STEPS * (PIXELS + 1) + 1)

Suite *suite_persister_below(void);

typedef struct {
    selection_t of;
    uint64_t seq;
    bool holds;
} rollback_t;

typedef struct {
    record_t records[RECORDS_MAX]; /* by seq − 1 */
    size_t count;
    uint8_t board[PIXELS];
    rollback_t rollbacks[STEPS];
    size_t rollbacks_count;
    uint64_t turned; /* count when placements were taken back or restored */
    uint32_t random;
} world_t;

static uint32_t s_draw(world_t *w, uint32_t below)
{
    w->random = w->random * 1664525u + 1013904223u;
    return fmix32(w->random) % below;
}

static void s_add(world_t *w, size_t pixel, uint64_t user, uint8_t color,
                  uint16_t flags)
{
    record_t *r = &w->records[w->count];
    *r = (record_t){.seq = ++w->count,
                    .placed_at_ms = w->count * 10,
                    .user = user,
                    .x = (uint16_t)(pixel % SIDE_X),
                    .y = (uint16_t)(pixel / SIDE_X),
                    .color = color,
                    .previous_color = w->board[pixel],
                    .flags = flags};
    w->board[pixel] = color;
}

/* ---- the model -------------------------------------------------------------
 */

static bool s_counts(const world_t *w, const record_t *record)
{
    for (size_t i = 0; i < w->rollbacks_count; i++)
        if (w->rollbacks[i].holds && selection_has(&w->rollbacks[i].of, record))
            return false;
    return true;
}

static bool s_is_at(const record_t *r, size_t pixel)
{
    return r->x == pixel % SIDE_X && r->y == pixel / SIDE_X;
}

/* Whether a later record that counts takes this one back: the first one of that
 * user at that pixel, if it is an undo. */
static bool s_was_undone(const world_t *w, size_t at, size_t pixel)
{
    for (size_t i = at + 1; i < w->count; i++) {
        const record_t *r = &w->records[i];
        if (!record_is_players(r) || !s_is_at(r, pixel))
            continue;
        return (r->flags & RECORD_UNDO) && s_counts(w, r);
    }
    return false;
}

static uint8_t s_model(const world_t *w, size_t pixel)
{
    for (size_t i = w->count; i--;) {
        const record_t *r = &w->records[i];
        if (record_is_players(r) && s_is_at(r, pixel) &&
            !(r->flags & RECORD_UNDO) && s_counts(w, r) &&
            !s_was_undone(w, i, pixel))
            return r->color;
    }
    return 0;
}

static void s_assert_model(const world_t *w)
{
    for (size_t pixel = 0; pixel < PIXELS; pixel++)
        ck_assert_uint_eq(w->board[pixel], s_model(w, pixel));
}

/* ---- steps -----------------------------------------------------------------
 */

/* As the leader does: of the newest placement only, and of none that is older
 * than a rollback. */
static void s_undo_one(world_t *w)
{
    const record_t *last = w->count ? &w->records[w->count - 1] : NULL;
    if (!last || w->turned == w->count || !record_is_players(last) ||
        (last->flags & RECORD_UNDO))
        return;
    s_add(w, (size_t)last->y * SIDE_X + last->x, last->user,
          last->previous_color, RECORD_UNDO);
}

static selection_t s_selection(world_t *w)
{
    selection_t of = {.upto = w->count};
    while (!of.has)
        of.has = (uint8_t)s_draw(w, 8);
    of.user = s_draw(w, 4);
    of.x0 = (uint16_t)s_draw(w, SIDE_X);
    of.x1 = (uint16_t)(of.x0 + s_draw(w, SIDE_X - of.x0));
    of.y0 = (uint16_t)s_draw(w, SIDE_Y);
    of.y1 = (uint16_t)(of.y0 + s_draw(w, SIDE_Y - of.y0));
    of.from_ms = s_draw(w, (uint32_t)w->count * 10 + 10);
    of.until_ms = of.from_ms + s_draw(w, (uint32_t)w->count * 10 + 10);
    return of;
}

/* Asks what lies below and writes it. `but`: the rollback that is meant. */
static void s_carry_out(world_t *w, size_t but, bool takes_back)
{
    selection_t hidden[STEPS];
    bus_below_ask_t ask = {.width = SIDE_X,
                           .height = SIDE_Y,
                           .of = w->rollbacks[but].of,
                           .takes_back = takes_back,
                           .hidden = hidden};
    for (size_t i = 0; i < w->rollbacks_count; i++)
        if (i != but && w->rollbacks[i].holds)
            hidden[ask.count++] = w->rollbacks[i].of;
    below_t *below = below_new(&ask);
    below_feed(below, w->records, w->count);
    size_t size;
    uint8_t *bytes = below_answer(below, 7, &size), color;
    bus_below_t answer;
    ck_assert_int_eq(bus_decode_below(&answer, bytes, size), 0);
    ck_assert_uint_eq(answer.upto, w->count);
    for (uint32_t i = 0; i < answer.count; i++) {
        uint32_t pixel = bus_below_pixel(&answer, i, &color);
        ck_assert_uint_ne(w->board[pixel], color);
        s_add(w, pixel, 99, color, RECORD_ROLLBACK);
    }
    w->turned = w->count;
    free(bytes);
    below_destroy(&below);
}

static void s_roll_back(world_t *w)
{
    size_t at = w->rollbacks_count++;
    w->rollbacks[at] = (rollback_t){.of = s_selection(w), .holds = true};
    s_carry_out(w, at, true);
    s_assert_model(w);
}

static void s_restore(world_t *w)
{
    size_t at =
        w->rollbacks_count ? s_draw(w, (uint32_t)w->rollbacks_count) : 0;
    if (!w->rollbacks_count || !w->rollbacks[at].holds)
        return;
    w->rollbacks[at].holds = false;
    s_carry_out(w, at, false);
    s_assert_model(w);
}

START_TEST(random_histories_are_as_the_model_says)
{
    static world_t w;
    for (uint32_t seed = 0; seed < HISTORIES; seed++) {
        memset(&w, 0, sizeof w);
        w.random = seed;
        for (size_t step = 0; step < STEPS; step++) {
            uint32_t drawn = s_draw(&w, 20);
            if (drawn == 0)
                s_roll_back(&w);
            else if (drawn == 1)
                s_restore(&w);
            else if (drawn < 5)
                s_undo_one(&w);
            else
                s_add(&w, s_draw(&w, PIXELS), s_draw(&w, 4),
                      (uint8_t)s_draw(&w, 16), 0);
        }
        s_roll_back(&w);
        for (size_t i = 0; i < w.rollbacks_count; i++)
            if (w.rollbacks[i].holds) {
                w.rollbacks[i].holds = false;
                s_carry_out(&w, i, false);
                s_assert_model(&w);
            }
    }
}
END_TEST

START_TEST(what_is_selected_and_spared_is_counted)
{
    static world_t w;
    selection_t of = {.has = HAS_USER, .user = 1, .upto = 3};
    bus_below_ask_t ask = {
        .width = SIDE_X, .height = SIDE_Y, .of = of, .takes_back = true};
    bus_below_t answer;
    uint8_t color;
    size_t size;
    s_add(&w, 0, 1, 5, 0);
    s_add(&w, 1, 1, 5, 0);
    s_add(&w, 0, 2, 6, 0); /* newer, of another */
    s_add(&w, 2, 1, 5, 0); /* behind what is meant */
    below_t *below = below_new(&ask);
    below_feed(below, w.records, w.count);
    uint8_t *bytes = below_answer(below, 7, &size);
    ck_assert_int_eq(bus_decode_below(&answer, bytes, size), 0);
    ck_assert(answer.ticket == 7 && answer.status == BELOW_FOUND);
    ck_assert_uint_eq(answer.placements, 2);
    ck_assert_uint_eq(answer.spared, 1);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_uint_eq(bus_below_pixel(&answer, 0, &color), 1);
    ck_assert_uint_eq(color, 0);
    free(bytes);
    below_destroy(&below);
}
END_TEST

Suite *suite_persister_below(void)
{
    Suite *suite = suite_create("persister/below");
    TCase *all = tcase_create("all");
    tcase_add_test(all, random_histories_are_as_the_model_says);
    tcase_add_test(all, what_is_selected_and_spared_is_counted);
    suite_add_tcase(suite, all);
    return suite;
}
