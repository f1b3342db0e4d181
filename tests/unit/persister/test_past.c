/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers about the past: diffs of any range against boards played by hand.
 */
#include "common/diff.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/past.h"
#include "persister/snapshots.h"

#include "tests/unit/folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE 40

static char folder[128];
static char path[256], url[300];
static source_t source;

static void setup(void)
{
    log_init("test", LEVEL_ERROR + 1);
    s_new_folder(folder, sizeof folder, "past");
    snprintf(path, sizeof path, "%s/history.db", folder);
    snprintf(url, sizeof url, "sqlite:%s", path);
    ck_assert_int_eq(source_init(&source, url), 0);
    ck_assert(source_ready(&source));
}

static void teardown(void)
{
    source_fini(&source);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(folder);
}

/* Every seventh is blank: a pixel may come back to what it was. */
static record_t s_record(uint64_t seq)
{
    uint32_t mixed = fmix32((uint32_t)seq + 7);
    return (record_t){.seq = seq,
                      .placed_at_ms = seq * 10,
                      .user = seq % 5 + 1,
                      .x = (uint16_t)(mixed % SIDE),
                      .y = (uint16_t)(mixed / SIDE % SIDE),
                      .color = seq % 7 ? (uint8_t)(seq % 16) : 0};
}

static void s_write(uint64_t last)
{
    static record_t records[20000];
    uint64_t next = source.state.checkpoint + 1;
    for (uint64_t seq = next; seq <= last;) {
        size_t count = 0;
        for (; seq <= last && count < 20000; seq++)
            records[count++] = s_record(seq);
        ck_assert_int_eq(
            store_write(source.store, CHAIN_UNKNOWN, records, count, 1),
            STORE_OK);
    }
    ck_assert(source_ready_anew(&source));
}

static board_t *s_board(uint64_t seq)
{
    board_t *board = board_new(SIDE, SIDE, 4);
    for (uint64_t at = 1; at <= seq; at++) {
        record_t r = s_record(at);
        board_set(board, (uint32_t)r.y * SIDE + r.x, r.color);
    }
    return board;
}

static void s_snapshot(uint64_t seq)
{
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    board_t *board = s_board(seq);
    store_snapshot_t snapshot = snapshot_of(
        board, NULL, &canvas, (position_t){seq, CHAIN_UNKNOWN}, seq * 10);
    ck_assert_int_eq(source.store->ops->put_snapshot(source.store, &snapshot),
                     STORE_OK);
    store_snapshot_free(&snapshot);
    board_destroy(&board);
}

static past_answer_t s_ask(uint64_t from, uint64_t to)
{
    bus_query_t query = {.ticket = 9,
                         .from = from,
                         .to = to,
                         .width = SIDE,
                         .height = SIDE,
                         .bits = 4};
    return past_answer(&source, BUS_PAST_DIFF, &query);
}

/* The board at `from` with the answer on it is the board at `to`. */
static void s_assert_diff(uint64_t from, uint64_t to)
{
    past_answer_t answer = s_ask(from, to);
    bus_page_t page;
    ck_assert_int_eq(bus_decode_page(&page, answer.bytes, answer.size), 0);
    ck_assert_uint_eq(page.ticket, 9);
    ck_assert_uint_eq(page.status, BUS_FOUND);
    ck_assert_uint_eq(page.bytes[0], WIRE_DIFF);
    diff_t diff;
    ck_assert_int_eq(
        diff_open(&diff, page.bytes + 1, page.size - 1, SIDE * SIDE, 4), 0);
    ck_assert_uint_eq(diff.from, from);
    ck_assert_uint_eq(diff.to, to);
    board_t *is = s_board(from), *wanted = s_board(to);
    uint32_t index;
    uint8_t color;
    while (diff_next(&diff, &index, &color) > 0)
        board_set(is, index, color);
    ck_assert_uint_eq(diff.left, 0);
    ck_assert(
        !memcmp(board_bytes(is), board_bytes(wanted), board_size_bytes(is)));
    board_destroy(&is);
    board_destroy(&wanted);
    free(answer.bytes);
}

static void s_assert_status(uint64_t from, uint64_t to, uint8_t status)
{
    past_answer_t answer = s_ask(from, to);
    ck_assert_uint_eq(answer.status, status);
    free(answer.bytes);
}

START_TEST(a_diff_of_any_range_leads_from_one_board_to_the_other)
{
    s_write(60000);
    s_snapshot(1000);
    s_snapshot(30000);
    s_snapshot(55000);
    static const uint64_t seqs[] = {0,     1,     999,   1000,  1001,
                                    29000, 30000, 42000, 55000, 60000};
    for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++)
        for (size_t j = i; j < sizeof seqs / sizeof *seqs; j++)
            s_assert_diff(seqs[i], seqs[j]);
}
END_TEST

START_TEST(a_diff_to_what_is_not_stored_yet_fails)
{
    s_write(100);
    s_assert_status(0, 101, BUS_STORE_FAILED);
    s_assert_status(200, 300, BUS_STORE_FAILED);
    s_assert_diff(0, 100);
}
END_TEST

START_TEST(a_diff_over_too_many_placements_is_refused)
{
    s_write(PAST_RECORDS_MAX + 1000);
    s_assert_status(0, PAST_RECORDS_MAX + 1, BUS_TOO_MUCH);
    s_assert_diff(0, 5);
    s_assert_diff(1000, PAST_RECORDS_MAX + 1000);
    s_snapshot(PAST_RECORDS_MAX + 1);
    s_assert_diff(0, PAST_RECORDS_MAX + 1);
}
END_TEST

START_TEST(snapshots_and_histories_are_pages)
{
    bus_page_t page;
    s_write(3000);
    s_snapshot(1000);
    s_snapshot(2000);
    past_answer_t answer =
        past_answer(&source, BUS_SNAPSHOTS, &(bus_query_t){.ticket = 3});
    ck_assert_int_eq(bus_decode_page(&page, answer.bytes, answer.size), 0);
    ck_assert_uint_eq(page.size, 2 * BUS_STAMP_BYTES);
    free(answer.bytes);
    record_t newest = s_record(3000);
    bus_query_t query = {
        .x = newest.x, .y = newest.y, .from = UINT64_MAX, .max = 1};
    answer = past_answer(&source, BUS_HISTORY, &query);
    ck_assert_int_eq(bus_decode_page(&page, answer.bytes, answer.size), 0);
    ck_assert_uint_eq(page.size, RECORD_BYTES);
    ck_assert_uint_eq(record_decode(page.bytes).seq, 3000);
    bool more = false;
    for (uint64_t seq = 1; seq < 3000; seq++)
        more |= s_record(seq).x == newest.x && s_record(seq).y == newest.y;
    ck_assert_uint_eq(page.next, more ? 3000 : 0);
    free(answer.bytes);
}
END_TEST

Suite *suite_persister_past(void);
Suite *suite_persister_past(void)
{
    Suite *suite = suite_create("persister/past");
    TCase *tc = tcase_create("facts");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_diff_of_any_range_leads_from_one_board_to_the_other);
    tcase_add_test(tc, a_diff_to_what_is_not_stored_yet_fails);
    tcase_add_test(tc, a_diff_over_too_many_placements_is_refused);
    tcase_add_test(tc, snapshots_and_histories_are_pages);
    suite_add_tcase(suite, tc);
    return suite;
}
