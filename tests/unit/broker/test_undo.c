/* SPDX-License-Identifier: Apache-2.0
 *
 * Which placement takes another one back, and what cannot be taken back.
 */
#include "broker/undo.h"

#include <check.h>

#define NOW_MS 1700000000000u
#define WIDTH 100u

static world_t world;
static batch_t *batch;

static void s_set_up(void)
{
    canvas_t canvas;
    canvas_init(&canvas, WIDTH, 50, 4);
    world_init(&world);
    world_open(&world, &canvas);
    batch = batch_new(100);
    batch_begin(batch, (position_t){0}, 4);
}

static void s_tear_down(void)
{
    batch_destroy(&batch);
    world_fini(&world);
}

static record_t s_record(uint64_t user, uint16_t x, uint8_t color, uint64_t seq)
{
    uint8_t before = board_set(world.board, x, color);
    return (record_t){.seq = seq,
                      .placed_at_ms = NOW_MS,
                      .user = user,
                      .x = x,
                      .color = color,
                      .previous_color = before};
}

/* A committed placement at (x, 0); its seq. */
static uint64_t s_commit(uint64_t user, uint16_t x, uint8_t color)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = s_record(user, x, color, history_next(world.history));
    record_encode(bytes, &record);
    history_append(world.history, bytes, 1);
    users_put(world.users, &record, (keep_t){0});
    batch_begin(batch, (position_t){.seq = record.seq}, 4);
    return record.seq;
}

/* The same in the batch that is being made. */
static uint64_t s_decide(uint64_t user, uint16_t x, uint8_t color,
                         uint16_t flags)
{
    record_t record = s_record(user, x, color, batch_next(batch));
    record.flags = flags;
    batch_add(batch, &record, x);
    users_put(world.users, &record, (keep_t){0});
    return record.seq;
}

static bool s_undo(uint64_t user, uint64_t seq, uint64_t after_ms,
                   bus_place_t *undo)
{
    *undo = (bus_place_t){.user = user};
    bus_undo_put(undo, seq);
    ck_assert(undo->flags == BUS_PLACE_UNDO && bus_undo_of(undo) == seq);
    return undo_find(undo, &world, batch, NOW_MS + after_ms);
}

START_TEST(what_was_there_before_comes_back)
{
    bus_place_t undo;
    s_commit(2, 7, 3);
    uint64_t seq = s_commit(1, 7, 5);
    s_commit(2, 8, 9); /* beside it */
    ck_assert(s_undo(1, seq, 5000, &undo));
    ck_assert(undo.x == 7 && undo.y == 0 && undo.color == 3);
    uint64_t soon = s_decide(4, 7, 6, 0);
    ck_assert(s_undo(4, soon, 0, &undo));
    ck_assert(undo.x == 7 && undo.color == 5);
}
END_TEST

START_TEST(what_others_placed_over_stays)
{
    bus_place_t undo;
    uint64_t seq = s_commit(1, 7, 5);
    s_commit(2, 7, 5); /* of the same colour, and yet theirs */
    ck_assert(!s_undo(1, seq, 0, &undo));
    ck_assert(undo.x == 0 && undo.y == 0 && undo.color == 0);
    seq = s_commit(3, 9, 5);
    s_decide(2, 9, 6, 0);
    ck_assert(!s_undo(3, seq, 0, &undo));
}
END_TEST

START_TEST(only_ones_own_last_placement_counts)
{
    bus_place_t undo;
    uint64_t first = s_commit(1, 7, 5), last = s_commit(1, 8, 5);
    ck_assert(!s_undo(1, first, 0, &undo));
    ck_assert(!s_undo(2, last, 0, &undo));
    ck_assert(!s_undo(1, last + 1, 0, &undo));
    ck_assert(s_undo(1, last, 0, &undo));
}
END_TEST

START_TEST(it_is_too_late_after_the_time_that_clients_are_told_and_a_grace)
{
    bus_place_t undo;
    uint64_t seq = s_commit(1, 7, 5);
    ck_assert(s_undo(1, seq, WIRE_UNDO_MS + 1000, &undo));
    ck_assert(!s_undo(1, seq, WIRE_UNDO_MS + 1001, &undo));
}
END_TEST

START_TEST(an_undo_is_not_undone)
{
    bus_place_t undo;
    uint64_t seq = s_decide(1, 7, 5, RECORD_UNDO);
    ck_assert(!s_undo(1, seq, 0, &undo));
}
END_TEST

/* An operator's action in the history. */
static void s_act(control_verb_t verb, uint64_t upto, uint8_t has)
{
    record_t records[CONTROL_RECORDS_MAX];
    uint8_t bytes[CONTROL_RECORDS_MAX * RECORD_BYTES];
    control_t control = {.verb = verb, .of = {.upto = upto, .has = has}};
    uint64_t next = history_next(world.history);
    size_t count = control_records(&control, next, records);
    for (size_t i = 0; i < count; i++)
        record_encode(bytes + i * RECORD_BYTES, &records[i]);
    history_append(world.history, bytes, count);
    world_recall_policy(&world);
    batch_begin(batch, (position_t){.seq = next + count - 1}, 4);
}

/* What it showed before may be what was taken back. */
START_TEST(what_is_older_than_a_rollback_is_not_undone)
{
    bus_place_t undo;
    uint64_t seq = s_commit(7, 3, 5);
    ck_assert(s_undo(7, seq, 0, &undo));
    s_act(CONTROL_BAN, 0, 0);
    ck_assert(s_undo(7, seq, 0, &undo));
    uint64_t upto = seq - 1;
    s_act(CONTROL_ROLLBACK, upto, HAS_USER | HAS_OPEN);
    uint64_t rollback = history_next(world.history) - 1;
    ck_assert(!s_undo(7, seq, 0, &undo));
    seq = s_commit(7, 4, 5); /* while it is open */
    ck_assert(!s_undo(7, seq, 0, &undo));
    s_act(CONTROL_DONE, rollback, 0);
    ck_assert(!s_undo(7, seq, 0, &undo));
    seq = s_commit(7, 5, 5);
    ck_assert(s_undo(7, seq, 0, &undo));
}
END_TEST

START_TEST(what_the_log_has_let_go_is_not_undone)
{
    bus_place_t undo;
    uint64_t seq = s_commit(1, 7, 5);
    s_commit(2, 8, 5);
    history_trim(world.history, seq);
    ck_assert(!s_undo(1, seq, 0, &undo));
}
END_TEST

Suite *suite_broker_undo(void);
Suite *suite_broker_undo(void)
{
    Suite *suite = suite_create("broker/undo");
    TCase *tc = tcase_create("facts");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, what_was_there_before_comes_back);
    tcase_add_test(tc, what_others_placed_over_stays);
    tcase_add_test(tc, only_ones_own_last_placement_counts);
    tcase_add_test(
        tc, it_is_too_late_after_the_time_that_clients_are_told_and_a_grace);
    tcase_add_test(tc, an_undo_is_not_undone);
    tcase_add_test(tc, what_is_older_than_a_rollback_is_not_undone);
    tcase_add_test(tc, what_the_log_has_let_go_is_not_undone);
    suite_add_tcase(suite, tc);
    return suite;
}
