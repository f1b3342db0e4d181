/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h: what the store holds, and what all copies hold when it is quiet.
 */
#include "tests/sim/check_parts.h"

#include "tests/sim/disk.h"
#include "tests/sim/redis.h"

#include <inttypes.h>

#define META "{stipple}:meta"
#define LOG "{stipple}:log"
#define BOARD "{stipple}:board"
#define POLICY "{stipple}:policy"

/* ---- the store -------------------------------------------------------- */

static const commit_t *s_lost_commit(const record_t *record)
{
    for (size_t i = check_gone.count; i--;)
        if (record_same(&check_gone.at[i].record, record))
            return &check_gone.at[i];
    return NULL;
}

void check_stored(const record_t *record)
{
    const commit_t *commit = check_commit(record->seq);
    if (commit && record_same(&commit->record, record))
        return;
    if (!s_lost_commit(record))
        violation("store", "seq %" PRIu64 " is stored and was never committed",
                  record->seq);
}

static uint64_t s_hash(const uint8_t *packed, size_t size)
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < BOARD_PIXELS && i / 2 < size; i++)
        hash ^= view_hash_pixel(i, i % 2 ? packed[i / 2] & 15u
                                         : packed[i / 2] >> 4u);
    return hash;
}

static uint64_t check_true_hash(uint64_t seq)
{
    return seq ? check_true.at[seq - 1].hash : 0;
}

bool check_was_view(uint64_t seq, uint64_t hash)
{
    if (seq <= check_true.count && check_true_hash(seq) == hash)
        return true;
    for (size_t i = check_gone.count; i--;)
        if (check_gone.at[i].record.seq == seq && check_gone.at[i].hash == hash)
            return true;
    return false;
}

void check_snapshot(uint64_t seq, const uint8_t *pixels, size_t size)
{
    uint64_t hash = s_hash(pixels, size);
    if (size < BOARD_PIXELS / 2 || !check_was_view(seq, hash))
        violation("store",
                  "the snapshot of seq %" PRIu64 " shows another board", seq);
    check_policy_snapshot(seq, hash, pixels + BOARD_PIXELS / 2,
                          size - BOARD_PIXELS / 2);
}

/* ---- quiet ------------------------------------------------------------ */

typedef struct {
    uint64_t first;
} log_t;

static void s_first(void *context, const void *bytes, size_t size)
{
    log_t *log = context;
    if (!log->first && size >= RECORD_BYTES)
        log->first = record_decode(bytes).seq;
}

static void s_check_store(void)
{
    if (disk_checkpoint() != check_true.count)
        violation("liveness", "the store is at %" PRIu64 " of %zu",
                  disk_checkpoint(), check_true.count);
    for (uint64_t seq = 1; seq <= check_true.count; seq++) {
        const record_t *record = disk_record(seq);
        if (!record || !record_same(record, &check_true.at[seq - 1].record))
            violation("store", "seq %" PRIu64 " of %zu is %s in the store", seq,
                      check_true.count, record ? "another" : "not");
    }
}

void check_quiet(void)
{
    const uint8_t *board;
    const db_t *db = redis_db(redis_primary());
    size_t size = db_string(db, BOARD, &board);
    log_t log = {0};
    db_log(db, LOG, s_first, &log);
    if (db_number(db, META, "seq") != check_true.count)
        violation("liveness", "Redis is at %" PRIu64 " of %zu",
                  db_number(db, META, "seq"), check_true.count);
    if (s_hash(board, size) != check_true_hash(check_true.count))
        violation("view", "Redis' board at %zu is another", check_true.count);
    if (log.first > disk_checkpoint() + 1)
        violation("lost",
                  "the log begins at %" PRIu64 ", the store ends at %" PRIu64,
                  log.first, disk_checkpoint());
    s_check_store();
    size = db_string(db, POLICY, &board);
    check_policy_quiet(board, size);
}
