/* SPDX-License-Identifier: Apache-2.0
 *
 * A true history in an SQLite store: a small board, records that say what each
 * pixel showed before, snapshots of it. For tests of what reads a store, or
 * writes one, as the persister's threads do.
 */
#ifndef TESTS_PERSISTER_CHRONICLE_H
#define TESTS_PERSISTER_CHRONICLE_H

#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshots.h"
#include "persister/store.h"

#include "tests/unit/folder.h"

#include <check.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define SIDE 16
#define LENGTH_MAX 600
#define WRITTEN_MS UINT64_C(1650000000000)

static char folder[128], url[200];
static canvas_t canvas;
static record_t told[LENGTH_MAX]; /* of seq 1 … */
static uint8_t packed[LENGTH_MAX * RECORD_BYTES];
static chain_t chains[LENGTH_MAX + 1]; /* behind each seq */
static store_t *store;

/* The history that is told, from seq 1 to LENGTH_MAX; nothing is written. */
static inline void s_tell_history(void)
{
    board_t *board = board_new(SIDE, SIDE, 4);
    canvas_init(&canvas, SIDE, SIDE, 4);
    chains[0] = (chain_t){{1}};
    for (uint32_t i = 0; i < LENGTH_MAX; i++) {
        uint32_t mixed = fmix32(i + 7);
        record_t record = {.seq = i + 1,
                           .placed_at_ms = WRITTEN_MS + i * 10,
                           .user = mixed % 19 + 1,
                           .request = i,
                           .x = (uint16_t)(mixed >> 8 & 15),
                           .y = (uint16_t)(mixed >> 16 & 15),
                           .color = (uint8_t)(mixed >> 24 & 15)};
        record.previous_color = board_set(
            board, (uint32_t)record.y * SIDE + record.x, record.color);
        told[i] = record;
        record_encode(packed + i * RECORD_BYTES, &record);
        chains[i + 1] = chain_extend(chains[i], packed + i * RECORD_BYTES, 1);
    }
    board_destroy(&board);
}

static inline void s_set_up_store(void)
{
    log_init("test", LEVEL_ERROR + 1);
    s_new_folder(folder, sizeof folder, "chronicle");
    snprintf(url, sizeof url, "sqlite:%s/history.db", folder);
    s_tell_history();
    store_t *maker = store_new(url);
    ck_assert_int_eq(maker->ops->create_tables(maker), STORE_OK);
    store_destroy(&maker);
    store_state_t state;
    store = store_new(url);
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
}

static inline void s_tear_down_store(void)
{
    char command[200];
    store_destroy(&store);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Records first … last, in batches as a persister writes them. */
static inline void s_write(uint64_t first, uint64_t last)
{
    for (uint64_t at = first; at <= last; at += 50) {
        uint64_t end = at + 49 < last ? at + 49 : last;
        ck_assert_int_eq(
            store_write(store, chains[at - 1], told + at - 1, end - at + 1, 3),
            STORE_OK);
    }
}

/* The board at a seq. */
static inline board_t *s_board_at(uint64_t seq)
{
    board_t *board = board_new(SIDE, SIDE, 4);
    uint64_t wrong;
    ck_assert_uint_eq(board_replay(board, told, seq, &wrong), 0);
    return board;
}

static inline store_snapshot_t s_snapshot_of(uint64_t seq)
{
    board_t *board = s_board_at(seq);
    store_snapshot_t snapshot = snapshot_of(
        board, NULL, &canvas, (position_t){seq, chains[seq]}, WRITTEN_MS + seq);
    board_destroy(&board);
    return snapshot;
}

static inline void s_put(store_snapshot_t *snapshot)
{
    ck_assert_int_eq(store->ops->put_snapshot(store, snapshot), STORE_OK);
    store_snapshot_free(snapshot);
}

static inline void s_put_snapshot(uint64_t seq)
{
    store_snapshot_t snapshot = s_snapshot_of(seq);
    s_put(&snapshot);
}

/* Behind the store's back. */
static inline void s_sql(const char *statement)
{
    sqlite3 *file;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &file), SQLITE_OK);
    sqlite3_busy_timeout(file, 5000);
    ck_assert_msg(sqlite3_exec(file, statement, NULL, NULL, NULL) == SQLITE_OK,
                  "%s: %s", statement, sqlite3_errmsg(file));
    ck_assert_int_gt(sqlite3_changes(file), 0);
    sqlite3_close(file);
}

#endif
