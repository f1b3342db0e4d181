/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of store.h: which history it is, and what happens when it turns
 * out to be the losing one.
 */
#include "persister/blob.h"
#include "tests/unit/persister/contract.h"

/* The winner's record of a seq: another user, sometimes another pixel. */
static record_t s_other(uint64_t seq)
{
    record_t record = s_record(seq);
    record.user ^= 1;
    record.color ^= 1;
    record.x = (uint16_t)(record.x + (seq % 3 == 0));
    return record;
}

/* Records first … last, the winner's from `fork` + 1 on, and the chain before
 * the first. */
typedef struct {
    record_t *records;
    size_t count;
    chain_t before;
} run_t;

static run_t s_run(uint64_t first, uint64_t last, uint64_t fork)
{
    run_t run = {mem_alloc((last + 1) * sizeof(record_t)), last - first + 1,
                 chain_legacy_origin()};
    for (uint64_t seq = 1; seq <= last; seq++) {
        record_t record = seq > fork ? s_other(seq) : s_record(seq);
        if (seq < first)
            run.before = records_chain(run.before, &record, 1);
        else
            run.records[seq - first] = record;
    }
    return run;
}

static chain_t s_end(const run_t *run)
{
    return records_chain(run->before, run->records, run->count);
}

static store_result_t s_write_run(const run_t *run, uint32_t epoch)
{
    return store_write(store, run->before, run->records, run->count, epoch);
}

static void s_put_history(uint64_t last)
{
    run_t run = s_run(1, last, UINT64_MAX);
    for (size_t at = 0; at < run.count; at += 700) {
        size_t part = run.count - at < 700 ? run.count - at : 700;
        ck_assert_int_eq(
            store_write(store, CHAIN_UNKNOWN, run.records + at, part, 1),
            STORE_OK);
    }
    free(run.records);
}

static chain_t s_chain_in(store_t *of, uint64_t seq)
{
    chain_t chain;
    store_result_t result = store_chain_at(of, seq, &chain);
    ck_assert_msg(result == STORE_OK, "%d %s", result, of->ops->error(of));
    return chain;
}

START_TEST(chain_is_that_of_the_records)
{
    s_put_history(2000);
    store_state_t state;
    chain_t chain;
    store_t *other = store_new(url);
    ck_assert_int_eq(store_open(other, &state, &chain), STORE_OK);
    for (uint64_t seq = 0; seq <= 2000; seq += 190) {
        run_t run = s_run(1, seq ? seq : 1, UINT64_MAX);
        chain_t wanted = seq ? s_end(&run) : run.before;
        ck_assert(chain_equal(s_chain_in(other, seq), wanted));
        ck_assert(chain_equal(s_chain_in(store, seq), wanted));
        free(run.records);
    }
    ck_assert(chain_equal(chain, s_chain_in(other, 2000)));
    store_destroy(&other);
}
END_TEST

START_TEST(an_empty_store_takes_the_canvas_own_beginning)
{
    chain_t none;
    ck_assert_int_eq(store_chain_at(store, 0, &none), STORE_NONE);
    ck_assert(!chain_known(none));
    run_t run = s_run(1, 20, UINT64_MAX);
    run.before = chain_of_board(0, 77);
    ck_assert_int_eq(s_write_run(&run, 1), STORE_OK);
    store_state_t state;
    chain_t chain;
    store_t *other = store_new(url);
    ck_assert_int_eq(store_open(other, &state, &chain), STORE_OK);
    ck_assert(chain_equal(chain, s_end(&run)));
    ck_assert(chain_equal(s_chain_in(other, 0), run.before));
    store_destroy(&other);
    free(run.records);
}
END_TEST

/* As 0.1.0 wrote: blobs that say no chain. */
START_TEST(a_history_without_chains_gets_one_from_its_records)
{
    run_t run = s_run(1, 600, UINT64_MAX);
    for (size_t at = 0; at < 600; at += 200) {
        store_state_t state;
        ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
        ck_assert_int_eq(
            store->ops->write(store, CHAIN_UNKNOWN, run.records + at, 200, 1),
            STORE_OK);
    }
    store_state_t state;
    chain_t chain;
    store_t *other = store_new(url);
    ck_assert_int_eq(store_open(other, &state, &chain), STORE_OK);
    ck_assert(chain_equal(chain, s_end(&run)));
    store_destroy(&other);
    free(run.records);
    run = s_run(601, 650, UINT64_MAX);
    ck_assert_int_eq(s_write_run(&run, 1), STORE_OK);
    ck_assert(chain_equal(s_chain_in(store, 650), s_end(&run)));
    free(run.records);
}
END_TEST

START_TEST(another_history_is_never_continued)
{
    s_put_history(1000);
    run_t other = s_run(1001, 1010, 990);
    ck_assert_int_eq(s_write_run(&other, 9), STORE_FORKED);
    free(other.records);
    other = s_run(985, 1010, 990); /* overlaps, and forks inside */
    ck_assert_int_eq(s_write_run(&other, 9), STORE_FORKED);
    free(other.records);
    other = s_run(985, 1000, 990); /* as long as the store */
    ck_assert_int_eq(s_write_run(&other, 9), STORE_FORKED);
    free(other.records);
    store_state_t state;
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
    ck_assert_uint_eq(state.checkpoint, 1000);
    ck_assert_uint_eq(state.epoch, 1);
    run_t same = s_run(985, 1010, UINT64_MAX);
    ck_assert_int_eq(s_write_run(&same, 9), STORE_OK);
    free(same.records);
}
END_TEST

/* What another wrote meanwhile is looked at before it is continued. */
START_TEST(a_history_that_another_forked_is_not_continued)
{
    s_put_history(100);
    store_t *other = s_open(NULL);
    run_t theirs = s_run(101, 120, 100);
    ck_assert_int_eq(
        store_write(other, theirs.before, theirs.records, theirs.count, 2),
        STORE_OK);
    store_destroy(&other);
    run_t ours = s_run(121, 130, UINT64_MAX);
    ck_assert_int_eq(s_write_run(&ours, 1), STORE_FORKED);
    free(theirs.records);
    free(ours.records);
}
END_TEST

/* ---- Cutting ---------------------------------------------------------- */

typedef struct {
    uint64_t next, fork, count;
} walk_t;

static bool s_is(const record_t *a, const record_t *b)
{
    uint8_t left[RECORD_BYTES], right[RECORD_BYTES];
    record_encode(left, a);
    record_encode(right, b);
    return !memcmp(left, right, sizeof left);
}

static bool s_visit(void *context, const record_t *records, size_t count)
{
    walk_t *walk = context;
    for (size_t i = 0; i < count; i++, walk->next++, walk->count++) {
        record_t wanted = walk->next > walk->fork ? s_other(walk->next)
                                                  : s_record(walk->next);
        ck_assert(s_is(&records[i], &wanted));
    }
    return true;
}

static bool s_count_row(void *context, const record_t *records, size_t count)
{
    walk_t *walk = context;
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = records[i].seq;
        record_t wanted = seq > walk->fork ? s_other(seq) : s_record(seq);
        ck_assert_uint_eq(records[i].user, wanted.user);
        ck_assert_uint_eq(records[i].x, wanted.x);
        walk->count++;
    }
    return true;
}

/* The history is 1 … last, the winner's behind fork, in every table. */
static void s_assert_history(uint64_t fork, uint64_t last)
{
    walk_t walk = {.next = 1, .fork = fork};
    ck_assert_int_eq(store->ops->scan(store, 1, UINT64_MAX, s_visit, &walk),
                     STORE_OK);
    ck_assert_uint_eq(walk.count, last);
    walk_t rows = {.fork = fork};
    ck_assert_int_eq(store->ops->placements(store, s_count_row, &rows),
                     STORE_OK);
    ck_assert_uint_eq(rows.count, last);
    for (uint64_t probe = 1; probe <= last; probe += last / 20 + 1) {
        record_t of = probe > fork ? s_other(probe) : s_record(probe), found;
        uint64_t pixel = 0, user = 0;
        for (uint64_t seq = 1; seq <= last; seq++) {
            record_t at = seq > fork ? s_other(seq) : s_record(seq);
            pixel = at.x == of.x && at.y == of.y ? seq : pixel;
            user = at.user == of.user ? seq : user;
        }
        ck_assert_int_eq(store->ops->pixel(store, of.x, of.y, &found),
                         STORE_OK);
        ck_assert_uint_eq(found.seq, pixel);
        ck_assert_int_eq(store->ops->user(store, of.user, &found), STORE_OK);
        ck_assert_uint_eq(found.seq, user);
    }
}

static void s_assert_replaced(uint64_t first, uint64_t count)
{
    walk_t walk = {.next = first, .fork = UINT64_MAX};
    ck_assert_int_eq(store->ops->replaced(store, s_visit, &walk), STORE_OK);
    ck_assert_uint_eq(walk.count, count);
}

static void s_snapshot_at(uint64_t seq)
{
    store_snapshot_t snapshot = {.seq = seq,
                                 .taken_at_ms = START_MS + seq,
                                 .chain = s_chain_in(store, seq),
                                 .canvas = "{}",
                                 .pixels = (uint8_t *)"pixels",
                                 .pixels_size = 6};
    ck_assert_int_eq(store->ops->put_snapshot(store, &snapshot), STORE_OK);
}

START_TEST(losing_records_make_room_and_are_kept_aside)
{
    s_put_history(3000);
    s_snapshot_at(2000);
    s_snapshot_at(2900);
    uint64_t cut = 0;
    ck_assert_int_eq(store_cut(store, 2222, 7, &cut), STORE_OK);
    ck_assert_uint_eq(cut, 3000 - 2222);
    store_state_t state;
    chain_t chain;
    ck_assert_int_eq(store_open(store, &state, &chain), STORE_OK);
    ck_assert_uint_eq(state.checkpoint, 2222);
    ck_assert_uint_eq(state.epoch, 7);
    s_assert_history(UINT64_MAX, 2222);
    s_assert_replaced(2223, cut);
    store_snapshot_t snapshot;
    ck_assert_int_eq(store->ops->get_snapshot(store, UINT64_MAX, &snapshot),
                     STORE_OK);
    ck_assert_uint_eq(snapshot.seq, 2000);
    ck_assert(chain_equal(snapshot.chain, s_chain_in(store, 2000)));
    store_snapshot_free(&snapshot);

    run_t winner = s_run(2223, 2600, 2222);
    ck_assert(chain_equal(winner.before, chain));
    ck_assert_int_eq(s_write_run(&winner, 7), STORE_OK);
    s_assert_history(2222, 2600);
    ck_assert(chain_equal(s_chain_in(store, 2600), s_end(&winner)));
    free(winner.records);
}
END_TEST

typedef struct {
    uint64_t count, ours; /* ours: not the winner's */
} seen_t;

static bool s_see(void *context, const record_t *records, size_t count)
{
    seen_t *seen = context;
    for (size_t i = 0; i < count; i++) {
        record_t ours = s_record(records[i].seq);
        seen->ours += s_is(&records[i], &ours);
        seen->count++;
    }
    return true;
}

START_TEST(each_cut_is_kept)
{
    s_put_history(400);
    uint64_t cut;
    ck_assert_int_eq(store_cut(store, 300, 5, &cut), STORE_OK);
    run_t winner = s_run(301, 350, 300);
    ck_assert_int_eq(s_write_run(&winner, 5), STORE_OK);
    ck_assert_int_eq(store_cut(store, 290, 8, &cut), STORE_OK);
    ck_assert_uint_eq(cut, 60);
    free(winner.records);
    s_assert_history(UINT64_MAX, 290);
    /* 301 … 400 of the first, 291 … 350 of the second. */
    seen_t seen = {0};
    ck_assert_int_eq(store->ops->replaced(store, s_see, &seen), STORE_OK);
    ck_assert_uint_eq(seen.count, 160);
    ck_assert_uint_eq(seen.ours, 110);
}
END_TEST

START_TEST(a_cut_to_nothing_leaves_an_empty_history)
{
    s_put_history(50);
    uint64_t cut;
    ck_assert_int_eq(store_cut(store, 0, 3, &cut), STORE_OK);
    ck_assert_uint_eq(cut, 50);
    s_assert_replaced(1, 50);
    run_t winner = s_run(1, 30, 0);
    winner.before = chain_of_board(0, 5);
    ck_assert_int_eq(s_write_run(&winner, 3), STORE_OK);
    s_assert_history(0, 30);
    free(winner.records);
}
END_TEST

START_TEST(newest_snapshot_is_told_without_its_board)
{
    uint64_t seq = 9, taken_at_ms = 9;
    ck_assert_int_eq(store->ops->newest_snapshot(store, &seq, &taken_at_ms),
                     STORE_NONE);
    s_put_history(100);
    s_snapshot_at(40);
    s_snapshot_at(90);
    ck_assert_int_eq(store->ops->newest_snapshot(store, &seq, &taken_at_ms),
                     STORE_OK);
    ck_assert_uint_eq(seq, 90);
    ck_assert_uint_eq(taken_at_ms, START_MS + 90);
}
END_TEST

Suite *suite_persister_contract_history(void);
Suite *suite_persister_contract_history(void)
{
    const TTest *const facts[] = {
        chain_is_that_of_the_records,
        an_empty_store_takes_the_canvas_own_beginning,
        a_history_without_chains_gets_one_from_its_records,
        another_history_is_never_continued,
        a_history_that_another_forked_is_not_continued,
        losing_records_make_room_and_are_kept_aside,
        each_cut_is_kept,
        a_cut_to_nothing_leaves_an_empty_history,
        newest_snapshot_is_told_without_its_board,
    };
    return contract_suite("persister/contract_history", facts,
                          sizeof facts / sizeof *facts);
}
