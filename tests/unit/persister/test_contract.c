/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of store.h: records, scans, look-ups.
 */
#include "tests/unit/persister/contract.h"

static bool s_same(const record_t *a, const record_t *b)
{
    return a->seq == b->seq && a->placed_at_ms == b->placed_at_ms &&
           a->user == b->user && a->request == b->request && a->x == b->x &&
           a->y == b->y && a->color == b->color &&
           a->previous_color == b->previous_color && a->flags == b->flags;
}

static void s_assert_placement(const record_t *is, const record_t *wanted)
{
    ck_assert_uint_eq(is->seq, wanted->seq);
    ck_assert_uint_eq(is->placed_at_ms, wanted->placed_at_ms);
    ck_assert_uint_eq(is->user, wanted->user);
    ck_assert_uint_eq(is->x, wanted->x);
    ck_assert_uint_eq(is->y, wanted->y);
    ck_assert_uint_eq(is->color, wanted->color);
}

typedef struct {
    uint64_t next; /* expected */
    uint64_t stop_after;
} walk_t;

static bool s_visit(void *context, const record_t *records, size_t count)
{
    walk_t *walk = context;
    ck_assert_uint_ge(count, 1);
    for (size_t i = 0; i < count; i++) {
        record_t wanted = s_record(walk->next);
        ck_assert_uint_eq(records[i].seq, walk->next);
        ck_assert(s_same(&records[i], &wanted));
        walk->next++;
    }
    return walk->next <= walk->stop_after;
}

/* Visits from … to, which has to give from … end. */
static void s_assert_scan(uint64_t from, uint64_t to, uint64_t end)
{
    walk_t walk = {from, UINT64_MAX};
    store_result_t result = store->ops->scan(store, from, to, s_visit, &walk);
    ck_assert_msg(result == STORE_OK, "%d %s", result,
                  store->ops->error(store));
    ck_assert_uint_eq(walk.next, end + 1);
}

typedef struct {
    uint8_t *times; /* by seq */
    uint64_t last;
    uint64_t rows;
} census_t;

static bool s_count_row(void *context, const record_t *records, size_t count)
{
    census_t *census = context;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_ge(records[i].seq, 1);
        ck_assert_uint_le(records[i].seq, census->last);
        census->times[records[i].seq]++;
        census->rows++;
        record_t wanted = s_record(records[i].seq);
        s_assert_placement(&records[i], &wanted);
    }
    return true;
}

/* Placements hold 1 … last, each once. */
static void s_assert_placements(uint64_t last)
{
    census_t census = {mem_zalloc(last + 1, 1), last, 0};
    ck_assert_int_eq(store->ops->placements(store, s_count_row, &census),
                     STORE_OK);
    for (uint64_t seq = 1; seq <= last; seq++)
        ck_assert_uint_eq(census.times[seq], 1);
    ck_assert_uint_eq(census.rows, last);
    free(census.times);
}

static store_state_t s_state(void)
{
    store_state_t state;
    store_t *other = s_open(&state);
    store_destroy(&other);
    return state;
}

START_TEST(new_store_is_empty)
{
    record_t record;
    store_snapshot_t snapshot;
    walk_t walk = {1, UINT64_MAX};
    store_state_t state = s_state();
    ck_assert_uint_eq(state.checkpoint, 0);
    ck_assert_uint_eq(state.epoch, 0);
    ck_assert_int_eq(store->ops->scan(store, 1, 10, s_visit, &walk),
                     STORE_NONE);
    ck_assert_int_eq(store->ops->pixel(store, 1, 1, &record), STORE_NONE);
    ck_assert_int_eq(store->ops->user(store, 1, &record), STORE_NONE);
    ck_assert_int_eq(store->ops->get_snapshot(store, UINT64_MAX, &snapshot),
                     STORE_NONE);
    ck_assert_int_eq(store->ops->thin_snapshots(store, START_MS), STORE_OK);
    s_assert_placements(0);
}
END_TEST

START_TEST(tables_are_created_once)
{
    s_write(1, 10);
    store_t *maker = store_new(url);
    ck_assert_int_eq(maker->ops->create_tables(maker), STORE_OK);
    store_destroy(&maker);
    s_assert_scan(1, 10, 10);
}
END_TEST

START_TEST(records_come_back_whole)
{
    s_write(1, 1000);
    s_assert_scan(1, 1000, 1000);
    s_assert_placements(1000);
    store_state_t state = s_state();
    ck_assert_uint_eq(state.checkpoint, 1000);
    ck_assert_uint_eq(state.epoch, 1);
}
END_TEST

static record_t s_extreme;

static bool s_visit_extreme(void *context, const record_t *records,
                            size_t count)
{
    (void)context;
    ck_assert_uint_eq(count, 1);
    ck_assert(s_same(&records[0], &s_extreme));
    return true;
}

START_TEST(extreme_values_come_back)
{
    s_extreme = (record_t){.seq = 1,
                           .placed_at_ms = UINT64_C(1) << 52,
                           .user = UINT64_MAX,
                           .request = UINT32_MAX,
                           .x = UINT16_MAX,
                           .y = UINT16_MAX,
                           .color = UINT8_MAX,
                           .previous_color = UINT8_MAX,
                           .flags = UINT16_MAX};
    record_t record;
    ck_assert_int_eq(
        store_write(store, CHAIN_UNKNOWN, &s_extreme, 1, UINT32_MAX), STORE_OK);
    ck_assert_int_eq(store->ops->scan(store, 1, 1, s_visit_extreme, NULL),
                     STORE_OK);
    ck_assert_int_eq(store->ops->pixel(store, UINT16_MAX, UINT16_MAX, &record),
                     STORE_OK);
    s_assert_placement(&record, &s_extreme);
    ck_assert_int_eq(store->ops->user(store, UINT64_MAX, &record), STORE_OK);
    s_assert_placement(&record, &s_extreme);
    ck_assert_uint_eq(s_state().epoch, UINT32_MAX);
}
END_TEST

START_TEST(batch_written_twice_changes_nothing)
{
    s_write(1, 100);
    s_write(1, 100);
    s_write(40, 60);
    s_assert_scan(1, 100, 100);
    s_assert_placements(100);
    ck_assert_uint_eq(s_state().checkpoint, 100);
}
END_TEST

START_TEST(overlapping_batches_leave_each_record_once)
{
    s_write(1, 100);
    s_write(50, 150);
    s_write(1, 160);
    s_write(160, 161);
    s_assert_scan(1, 161, 161);
    s_assert_scan(99, 152, 152);
    s_assert_placements(161);
    ck_assert_uint_eq(s_state().checkpoint, 161);
}
END_TEST

START_TEST(two_writers_leave_each_record_once)
{
    store_t *other = s_open(NULL);
    s_write(1, 100);
    ck_assert_int_eq(s_write_by(other, 1, 130, 2), STORE_OK);
    s_write(90, 120);
    s_write(101, 200);
    store_state_t state;
    ck_assert_int_eq(store_open(other, &state, NULL), STORE_OK);
    ck_assert_uint_eq(state.checkpoint, 200);
    ck_assert_uint_eq(state.epoch, 2);
    ck_assert_int_eq(s_write_by(other, 201, 210, 2), STORE_OK);
    store_destroy(&other);
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
    s_assert_scan(1, 210, 210);
    s_assert_placements(210);
}
END_TEST

START_TEST(records_behind_a_gap_are_refused)
{
    s_write(1, 10);
    ck_assert_int_eq(s_write_by(store, 12, 20, 1), STORE_FAILED);
    ck_assert_uint_gt(strlen(store->ops->error(store)), 0);
    ck_assert_uint_eq(s_state().checkpoint, 10);
    s_assert_scan(1, 20, 10);
    s_assert_placements(10);
    s_write(11, 20);
    s_assert_scan(1, 20, 20);
}
END_TEST

START_TEST(epoch_only_rises)
{
    ck_assert_int_eq(s_write_by(store, 1, 1, 7), STORE_OK);
    ck_assert_int_eq(s_write_by(store, 2, 2, 3), STORE_OK);
    ck_assert_uint_eq(s_state().epoch, 7);
    ck_assert_int_eq(s_write_by(store, 3, 3, 8), STORE_OK);
    ck_assert_uint_eq(s_state().epoch, 8);
}
END_TEST

START_TEST(epoch_rises_with_a_record_that_is_known)
{
    s_write(1, 20);
    ck_assert_int_eq(s_write_by(store, 20, 20, 9), STORE_OK);
    store_state_t state = s_state();
    ck_assert_uint_eq(state.epoch, 9);
    ck_assert_uint_eq(state.checkpoint, 20);
    s_assert_scan(1, 20, 20);
    s_assert_placements(20);
}
END_TEST

/* Batches of 1, 2, 3, … records. */
static uint64_t s_write_steps(uint64_t steps)
{
    uint64_t next = 1;
    for (uint64_t step = 1; step <= steps; step++) {
        s_write(next, next + step - 1);
        next += step;
    }
    return next - 1;
}

START_TEST(scan_gives_any_range_across_blobs)
{
    uint64_t last = s_write_steps(30);
    s_write(last + 1, last + 3000);
    last += 3000;
    s_assert_scan(1, UINT64_MAX, last);
    for (uint32_t i = 0; i < 60; i++) {
        uint64_t from = fmix32(i + 1) % last + 1;
        uint64_t to = from + fmix32(i + 1000) % (last - from + 1);
        s_assert_scan(from, to, to);
    }
    s_assert_scan(last, last, last);
    s_assert_scan(last - 5, last + 100, last);
}
END_TEST

START_TEST(scan_of_what_is_not_there_is_none)
{
    s_write(1, 50);
    walk_t walk = {51, UINT64_MAX};
    ck_assert_int_eq(store->ops->scan(store, 51, 60, s_visit, &walk),
                     STORE_NONE);
    ck_assert_int_eq(
        store->ops->scan(store, UINT64_MAX, UINT64_MAX, s_visit, &walk),
        STORE_NONE);
}
END_TEST

START_TEST(scan_ends_when_the_visitor_says)
{
    uint64_t last = s_write_steps(30);
    walk_t walk = {1, 100};
    ck_assert_int_eq(store->ops->scan(store, 1, last, s_visit, &walk),
                     STORE_OK);
    ck_assert_uint_gt(walk.next, 100);
    s_assert_scan(1, last, last); /* the store is usable after it */
}
END_TEST

/* Each pixel and user that s_record makes, against the newest by hand. */
static void s_assert_look_ups(uint64_t last)
{
    record_t record;
    for (uint64_t probe = 1; probe <= last; probe += last / 40 + 1) {
        record_t of = s_record(probe);
        record_t pixel = of, user = of;
        for (uint64_t seq = probe + 1; seq <= last; seq++) {
            record_t later = s_record(seq);
            if (later.x == of.x && later.y == of.y)
                pixel = later;
            if (later.user == of.user)
                user = later;
        }
        ck_assert_int_eq(store->ops->pixel(store, of.x, of.y, &record),
                         STORE_OK);
        s_assert_placement(&record, &pixel);
        ck_assert_int_eq(store->ops->user(store, of.user, &record), STORE_OK);
        s_assert_placement(&record, &user);
    }
}

START_TEST(look_ups_give_the_newest)
{
    uint64_t last = 0;
    for (uint64_t count = 1; count < 1500; count *= 3) {
        s_write(last + 1, last + count);
        last += count;
        s_assert_look_ups(last);
    }
}
END_TEST

START_TEST(look_ups_of_what_is_not_there_are_none)
{
    record_t record;
    s_write(1, 500);
    ck_assert_int_eq(store->ops->pixel(store, 3, 3, &record), STORE_NONE);
    ck_assert_int_eq(store->ops->pixel(store, 0, 9000, &record), STORE_NONE);
    ck_assert_int_eq(store->ops->user(store, 0, &record), STORE_NONE);
}
END_TEST

START_TEST(old_batch_again_does_not_turn_look_ups_back)
{
    s_write(1, 2000);
    s_write(1, 500);
    s_assert_look_ups(2000);
}
END_TEST

static bool s_is_like(const record_t *a, const record_t *b, bool user)
{
    return user ? a->user == b->user : a->x == b->x && a->y == b->y;
}

/* Every page of the history of one's pixel, or user, `max` a page, against
 * s_record by hand. */
static void s_assert_history_of(uint64_t of, bool user, uint64_t last,
                                uint64_t before, size_t max)
{
    record_t one = s_record(of), records[64];
    store_page_t page = {.before = before, .records = records, .max = max};
    uint64_t seq = before <= last ? before : last + 1;
    do {
        store_result_t result =
            user ? store->ops->user_history(store, one.user, &page)
                 : store->ops->history(store, one.x, one.y, &page);
        ck_assert_msg(result == STORE_OK, "%s", store->ops->error(store));
        ck_assert_uint_le(page.count, max);
        for (size_t i = 0; i < page.count; i++) {
            record_t wanted;
            do
                wanted = s_record(--seq);
            while (!s_is_like(&wanted, &one, user));
            s_assert_placement(&records[i], &wanted);
        }
    } while (page.before);
    while (--seq) {
        record_t left = s_record(seq);
        ck_assert(!s_is_like(&left, &one, user));
    }
}

static void s_assert_history(uint64_t of, uint64_t last, uint64_t before,
                             size_t max)
{
    s_assert_history_of(of, false, last, before, max);
    s_assert_history_of(of, true, last, before, max);
}

START_TEST(history_of_a_pixel_or_user_is_all_of_it_newest_first)
{
    uint64_t last = 0;
    for (uint64_t count = 1; count < 3000; count *= 3) {
        s_write(last + 1, last + count);
        last += count;
        for (uint64_t of = 1; of <= last; of += last / 5 + 1) {
            s_assert_history(of, last, UINT64_MAX, 64);
            s_assert_history(of, last, UINT64_MAX, 1 + of % 7);
            s_assert_history(of, last, last / 2 + 1, 5);
            s_assert_history(of, last, of + 1, 3);
        }
    }
}
END_TEST

START_TEST(history_of_what_is_not_there_is_empty)
{
    record_t records[4];
    store_page_t page = {UINT64_MAX, records, 4, 9};
    s_write(1, 500);
    ck_assert_int_eq(store->ops->history(store, 3, 3, &page), STORE_OK);
    ck_assert_uint_eq(page.count, 0);
    ck_assert_uint_eq(page.before, 0);
    page.before = UINT64_MAX;
    ck_assert_int_eq(store->ops->user_history(store, 0, &page), STORE_OK);
    ck_assert_uint_eq(page.count, 0);
    ck_assert_uint_eq(page.before, 0);
    record_t first = s_record(1);
    page.before = 1;
    ck_assert_int_eq(store->ops->history(store, first.x, first.y, &page),
                     STORE_OK);
    ck_assert_uint_eq(page.count, 0);
    ck_assert_uint_eq(page.before, 0);
}
END_TEST

START_TEST(large_write_is_whole)
{
    s_write(1, 3000);
    s_assert_scan(1, 3000, 3000);
    s_assert_placements(3000);
}
END_TEST

START_TEST(all_is_there_after_a_reopen)
{
    s_write(1, 1000);
    s_write(1001, 2500);
    store_destroy(&store);
    store_state_t state;
    store = s_open(&state);
    ck_assert_uint_eq(state.checkpoint, 2500);
    ck_assert_uint_eq(state.epoch, 1);
    s_assert_scan(1, 2500, 2500);
    s_assert_look_ups(2500);
    s_write(2501, 2600);
    s_assert_scan(2400, 2600, 2600);
    s_assert_look_ups(2600);
}
END_TEST

Suite *suite_persister_contract(void);
Suite *suite_persister_contract(void)
{
    const TTest *const facts[] = {
        new_store_is_empty,
        tables_are_created_once,
        records_come_back_whole,
        extreme_values_come_back,
        batch_written_twice_changes_nothing,
        overlapping_batches_leave_each_record_once,
        two_writers_leave_each_record_once,
        records_behind_a_gap_are_refused,
        epoch_only_rises,
        epoch_rises_with_a_record_that_is_known,
        scan_gives_any_range_across_blobs,
        scan_of_what_is_not_there_is_none,
        scan_ends_when_the_visitor_says,
        look_ups_give_the_newest,
        look_ups_of_what_is_not_there_are_none,
        old_batch_again_does_not_turn_look_ups_back,
        history_of_a_pixel_or_user_is_all_of_it_newest_first,
        history_of_what_is_not_there_is_empty,
        large_write_is_whole,
        all_is_there_after_a_reopen,
    };
    return contract_suite("persister/contract", facts,
                          sizeof facts / sizeof *facts);
}
