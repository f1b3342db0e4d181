/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's image: its real sources, and a store in memory in place of
 * those that store_new knows.
 */
#include "persister/store.h"

#include "common/mem.h"
#include "tests/sim/disk.h"

#include <stdlib.h>
#include <string.h>

volatile int zsys_interrupted;

int main(int argc, char **argv);
int sim_main(int argc, char **argv);
store_t *__wrap_store_new(const char *url);

int sim_main(int argc, char **argv)
{
    return main(argc, argv);
}

typedef struct {
    store_t base;
    uint64_t seen; /* the checkpoint, as open or a write left it */
} sim_store_t;

static void s_destroy(store_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static store_result_t s_result(disk_result_t result)
{
    static const store_result_t results[] = {[DISK_OK] = STORE_OK,
                                             [DISK_NONE] = STORE_NONE,
                                             [DISK_RETRY] = STORE_RETRY,
                                             [DISK_FAILED] = STORE_FAILED,
                                             [DISK_MOVED] = STORE_MOVED};
    return results[result];
}

static store_result_t s_create_tables(store_t *self)
{
    (void)self;
    return STORE_OK;
}

static store_result_t s_open(store_t *self, store_state_t *state)
{
    disk_result_t result = disk_open(state, sizeof *state);
    if (result == DISK_OK)
        ((sim_store_t *)self)->seen = state->checkpoint;
    return s_result(result);
}

/* From what open or the last write left to `state`. */
static disk_step_t s_step(const store_t *self, const store_state_t *state)
{
    return (disk_step_t){.state = state,
                         .size = sizeof *state,
                         .before = ((const sim_store_t *)self)->seen,
                         .after = state->checkpoint};
}

static store_result_t s_write(store_t *self, chain_t before,
                              const record_t *records, size_t count,
                              uint32_t epoch)
{
    store_state_t state;
    if (disk_open(&state, sizeof state) != DISK_OK)
        return STORE_RETRY;
    if (records[0].seq > state.checkpoint + 1)
        return STORE_FAILED;
    if (epoch > state.epoch)
        state.epoch = epoch;
    if (records[count - 1].seq > state.checkpoint)
        state.checkpoint = records[count - 1].seq;
    disk_step_t step = s_step(self, &state);
    memcpy(step.chain, before.bytes, DISK_CHAIN_BYTES);
    disk_result_t result = disk_write(records, count, &step);
    if (result == DISK_OK)
        ((sim_store_t *)self)->seen = state.checkpoint;
    return s_result(result);
}

static store_result_t s_cut(store_t *self, uint64_t after, uint32_t epoch,
                            uint64_t *cut)
{
    store_state_t state = {.checkpoint = after, .epoch = epoch};
    disk_step_t step = s_step(self, &state);
    return s_result(disk_cut(&step, cut));
}

static store_result_t s_replaced(store_t *self, store_scan_fn visit,
                                 void *context)
{
    const record_t *record;
    (void)self;
    for (size_t i = 0; (record = disk_replaced(i)); i++)
        if (!visit(context, record, 1))
            break;
    return STORE_OK;
}

static store_result_t s_position(store_t *self, uint64_t at_most,
                                 position_t *position)
{
    (void)self;
    return s_result(
        disk_position(at_most, &position->seq, position->chain.bytes));
}

static store_result_t s_newest_snapshot(store_t *self, uint64_t *seq,
                                        uint64_t *taken_at_ms)
{
    const disk_snapshot_t *mine = disk_snapshot(UINT64_MAX);
    (void)self;
    if (!mine)
        return STORE_NONE;
    *seq = mine->seq;
    *taken_at_ms = mine->taken_at_ms;
    return STORE_OK;
}

static store_result_t s_scan(store_t *self, uint64_t from, uint64_t to,
                             store_scan_fn visit, void *context)
{
    (void)self;
    if (!disk_record(from))
        return STORE_NONE;
    for (uint64_t seq = from; seq <= to && disk_record(seq); seq++)
        if (!visit(context, disk_record(seq), 1))
            break;
    return STORE_OK;
}

static store_result_t s_placements(store_t *self, store_scan_fn visit,
                                   void *context)
{
    return s_scan(self, 1, UINT64_MAX, visit, context);
}

static store_result_t s_pixel(store_t *self, uint16_t x, uint16_t y,
                              record_t *record)
{
    (void)self;
    for (uint64_t seq = disk_checkpoint(); seq; seq--) {
        const record_t *at = disk_record(seq);
        if (at && at->x == x && at->y == y) {
            *record = *at;
            return STORE_OK;
        }
    }
    return STORE_NONE;
}

static store_result_t s_user(store_t *self, uint64_t user, record_t *record)
{
    (void)self;
    for (uint64_t seq = disk_checkpoint(); seq; seq--) {
        const record_t *at = disk_record(seq);
        if (at && at->user == user) {
            *record = *at;
            return STORE_OK;
        }
    }
    return STORE_NONE;
}

static store_result_t s_put_snapshot(store_t *self,
                                     const store_snapshot_t *snapshot)
{
    (void)self;
    disk_snapshot_t mine = {.seq = snapshot->seq,
                            .taken_at_ms = snapshot->taken_at_ms,
                            .digest = snapshot->digest,
                            .canvas = snapshot->canvas,
                            .pixels = snapshot->pixels,
                            .pixels_size = snapshot->pixels_size};
    memcpy(mine.chain, snapshot->chain.bytes, DISK_CHAIN_BYTES);
    return s_result(disk_put_snapshot(&mine));
}

static store_result_t s_get_snapshot(store_t *self, uint64_t at_most,
                                     store_snapshot_t *snapshot)
{
    const disk_snapshot_t *mine = disk_snapshot(at_most);
    (void)self;
    if (!mine)
        return STORE_NONE;
    *snapshot = (store_snapshot_t){.seq = mine->seq,
                                   .taken_at_ms = mine->taken_at_ms,
                                   .digest = mine->digest,
                                   .canvas = mem_strdup(mine->canvas),
                                   .pixels = mem_alloc(mine->pixels_size),
                                   .pixels_size = mine->pixels_size};
    memcpy(snapshot->chain.bytes, mine->chain, DISK_CHAIN_BYTES);
    memcpy(snapshot->pixels, mine->pixels, mine->pixels_size);
    return STORE_OK;
}

static store_result_t s_thin_snapshots(store_t *self, uint64_t now_ms)
{
    (void)self, (void)now_ms;
    return STORE_OK;
}

static const char *s_error(const store_t *self)
{
    (void)self;
    return "the simulated store is away";
}

static const store_ops_t s_ops = {
    .scheme = "sim",
    .help = "sim:",
    .destroy = s_destroy,
    .create_tables = s_create_tables,
    .open = s_open,
    .write = s_write,
    .cut = s_cut,
    .replaced = s_replaced,
    .position = s_position,
    .newest_snapshot = s_newest_snapshot,
    .scan = s_scan,
    .placements = s_placements,
    .pixel = s_pixel,
    .user = s_user,
    .put_snapshot = s_put_snapshot,
    .get_snapshot = s_get_snapshot,
    .thin_snapshots = s_thin_snapshots,
    .error = s_error,
};

store_t *__wrap_store_new(const char *url)
{
    sim_store_t *self = mem_zalloc(1, sizeof *self);
    (void)url;
    self->base.ops = &s_ops;
    return &self->base;
}
