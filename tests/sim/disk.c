/* SPDX-License-Identifier: Apache-2.0
 *
 * See disk.h.
 */
#include "tests/sim/disk.h"

#include "tests/sim/check.h"
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOTS_MAX 256
#define STATE_MAX 256

typedef struct {
    uint64_t seq;
    uint8_t chain[DISK_CHAIN_BYTES];
} mark_t;

typedef struct {
    record_t *records; /* by seq − 1; seq 0: not there */
    size_t count, room;
    uint64_t checkpoint;
    uint8_t state[STATE_MAX];
    disk_snapshot_t snapshots[SNAPSHOTS_MAX];
    size_t snapshot_count;
    mark_t *marks;
    size_t mark_count;
    record_t *replaced;
    size_t replaced_count;
} data_t;

static data_t s_data, s_kept;
static bool s_has_kept, s_away, s_halves;
static uint64_t s_slow;

/* Snapshots are never freed within a run's copies: they are few. */
static void s_free(data_t *data)
{
    free(data->records);
    free(data->marks);
    free(data->replaced);
    *data = (data_t){0};
}

void disk_reset(void)
{
    s_free(&s_data);
    s_free(&s_kept);
    s_has_kept = s_away = s_halves = false;
    s_slow = 0;
}

void disk_set_away(bool away)
{
    trace("store away=%d", away);
    s_away = away;
}

void disk_set_slow(uint64_t delay)
{
    s_slow = delay;
}

void disk_set_halves(bool on)
{
    trace("store halves=%d", on);
    s_halves = on;
}

static void *s_dup(const void *bytes, size_t size)
{
    void *copy = malloc(size + 1);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

static void s_copy(data_t *to, const data_t *from)
{
    s_free(to);
    *to = *from;
    to->room = from->count;
    to->records = s_dup(from->records, from->count * sizeof *to->records);
    to->marks = s_dup(from->marks, from->mark_count * sizeof *to->marks);
    to->replaced =
        s_dup(from->replaced, from->replaced_count * sizeof *to->replaced);
}

void disk_keep(void)
{
    s_copy(&s_kept, &s_data);
    s_has_kept = true;
}

bool disk_has_kept(void)
{
    return s_has_kept;
}

void disk_put_back(void)
{
    trace("store put back older checkpoint=%llu",
          (unsigned long long)s_kept.checkpoint);
    s_copy(&s_data, &s_kept);
    check_store_replaced();
}

static disk_result_t s_wait(void)
{
    uint64_t time = rng_range(MS / 5, 3 * MS);
    if (s_slow)
        time += rng_range(s_slow / 2, s_slow);
    if (s_away)
        time = rng_range(10 * MS, 1000 * MS);
    fiber_wait(world_now() + time);
    return s_away ? DISK_RETRY : DISK_OK;
}

disk_result_t disk_open(void *state, size_t size)
{
    disk_result_t result = s_wait();
    if (result == DISK_OK)
        memcpy(state, s_data.state, size);
    return result;
}

static void s_put(const record_t *record)
{
    size_t i = record->seq - 1;
    if (i >= s_data.room) {
        size_t room = (i + 1) * 2;
        s_data.records = realloc(s_data.records, room * sizeof *s_data.records);
        memset(s_data.records + s_data.room, 0,
               (room - s_data.room) * sizeof *s_data.records);
        s_data.room = room;
    }
    if (i >= s_data.count)
        s_data.count = i + 1;
    if (record->seq > s_data.checkpoint)
        s_data.records[i] = *record;
}

static void s_mark(uint64_t seq, const uint8_t *chain)
{
    static const uint8_t unknown[DISK_CHAIN_BYTES];
    if (!memcmp(chain, unknown, DISK_CHAIN_BYTES))
        return;
    s_data.marks =
        realloc(s_data.marks, (s_data.mark_count + 1) * sizeof(mark_t));
    mark_t *mark = &s_data.marks[s_data.mark_count++];
    mark->seq = seq;
    memcpy(mark->chain, chain, DISK_CHAIN_BYTES);
}

static disk_result_t s_begin(const disk_step_t *step)
{
    disk_result_t result = s_wait();
    if (result == DISK_OK && step->before != s_data.checkpoint)
        return DISK_MOVED;
    return result;
}

static disk_result_t s_end(const disk_step_t *step)
{
    memcpy(s_data.state, step->state, step->size);
    s_data.checkpoint = step->after;
    /* Done, and the answer was lost. */
    return s_halves && rng_chance(30) ? DISK_RETRY : DISK_OK;
}

disk_result_t disk_write(const record_t *records, size_t count,
                         const disk_step_t *step)
{
    disk_result_t result = s_begin(step);
    size_t written = count;
    if (result != DISK_OK)
        return result;
    if (s_halves && rng_chance(60))
        written = rng_below(count + 1);
    for (size_t i = 0; i < written; i++) {
        check_stored(&records[i]);
        s_put(&records[i]);
    }
    if (written < count || (s_halves && rng_chance(30)))
        return DISK_RETRY;
    s_mark(records[0].seq - 1, step->chain);
    return s_end(step);
}

disk_result_t disk_cut(const disk_step_t *step, uint64_t *cut)
{
    disk_result_t result = s_begin(step);
    if (result != DISK_OK)
        return result;
    uint64_t count = s_data.checkpoint - step->after;
    trace("store cut after=%llu records=%llu", (unsigned long long)step->after,
          (unsigned long long)count);
    s_data.replaced =
        realloc(s_data.replaced,
                (s_data.replaced_count + count + 1) * sizeof(record_t));
    for (uint64_t seq = step->after + 1; seq <= s_data.checkpoint; seq++)
        s_data.replaced[s_data.replaced_count++] = s_data.records[seq - 1];
    for (size_t i = s_data.mark_count; i--;)
        if (s_data.marks[i].seq > step->after)
            s_data.marks[i] = s_data.marks[--s_data.mark_count];
    for (size_t i = s_data.snapshot_count; i--;)
        if (s_data.snapshots[i].seq > step->after)
            s_data.snapshots[i] = s_data.snapshots[--s_data.snapshot_count];
    *cut = count;
    return s_end(step);
}

disk_result_t disk_position(uint64_t at_most, uint64_t *seq, uint8_t *chain)
{
    const mark_t *best = NULL;
    for (size_t i = 0; i < s_data.mark_count; i++)
        if (s_data.marks[i].seq <= at_most &&
            (!best || s_data.marks[i].seq >= best->seq))
            best = &s_data.marks[i];
    if (!best)
        return DISK_NONE;
    *seq = best->seq;
    memcpy(chain, best->chain, DISK_CHAIN_BYTES);
    return DISK_OK;
}

const record_t *disk_replaced(size_t i)
{
    return i < s_data.replaced_count ? &s_data.replaced[i] : NULL;
}

disk_result_t disk_put_snapshot(const disk_snapshot_t *snapshot)
{
    disk_result_t result = s_wait();
    if (result != DISK_OK || s_data.snapshot_count == SNAPSHOTS_MAX)
        return result;
    disk_snapshot_t *mine = &s_data.snapshots[s_data.snapshot_count++];
    *mine = *snapshot;
    mine->canvas = strdup(snapshot->canvas);
    mine->pixels = malloc(snapshot->pixels_size);
    memcpy(mine->pixels, snapshot->pixels, snapshot->pixels_size);
    check_snapshot(mine->seq, mine->pixels, mine->pixels_size);
    return DISK_OK;
}

const disk_snapshot_t *disk_snapshot(uint64_t at_most)
{
    const disk_snapshot_t *best = NULL;
    for (size_t i = 0; i < s_data.snapshot_count; i++)
        if (s_data.snapshots[i].seq <= at_most &&
            (!best || s_data.snapshots[i].seq >= best->seq))
            best = &s_data.snapshots[i];
    return best;
}

/* The journal ends at the checkpoint, whatever a cut write left behind it. */
const record_t *disk_record(uint64_t seq)
{
    if (!seq || seq > s_data.checkpoint || seq > s_data.count)
        return NULL;
    return s_data.records[seq - 1].seq ? &s_data.records[seq - 1] : NULL;
}

uint64_t disk_checkpoint(void)
{
    return s_data.checkpoint;
}
