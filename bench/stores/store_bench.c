/* SPDX-License-Identifier: Apache-2.0
 *
 * store_bench URL RECORDS BATCH: what a store does through its own interface,
 * as one line of JSON. An empty store is filled first; a filled one is only
 * read. Random pixels of a 1000 × 1000 board, 100,000 users, a snapshot each
 * 60,000 records: a minute at 1,000 a second.
 */
#include "common/board.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshots.h"
#include "persister/store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SIDE 1000u
#define USERS 100000u
#define SNAPSHOT_EVERY 60000
#define LOOK_UPS 5000
#define LOAD_BATCH 100
#define LOAD_PAUSE_US 100000

static const char *url;
static volatile bool ending;

static record_t s_record(uint64_t seq)
{
    uint32_t mixed = fmix32((uint32_t)seq);
    uint32_t other = fmix32(mixed + (uint32_t)(seq >> 32) + 1);
    return (record_t){
        .seq = seq,
        .placed_at_ms = UINT64_C(1650000000000) + seq,
        .user = (other % USERS + 1) * UINT64_C(0x9E3779B97F4A7C15),
        .request = (uint32_t)seq,
        .x = (uint16_t)(mixed % SIDE),
        .y = (uint16_t)(mixed / SIDE % SIDE),
        .color = (uint8_t)(other >> 28),
    };
}

static double s_seconds(uint64_t since_ns)
{
    return (double)(clock_mono_ns() - since_ns) / 1e9;
}

static double s_cpu(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void s_must(store_t *store, store_result_t result, const char *doing)
{
    if (result == STORE_OK)
        return;
    fprintf(stderr, "%s: %s\n", doing, store->ops->error(store));
    exit(EXIT_FAILURE);
}

static store_t *s_open(store_state_t *state)
{
    store_t *store = store_new(url);
    if (!store)
        exit(EXIT_FAILURE);
    s_must(store, store->ops->create_tables(store), "create");
    s_must(store, store_open(store, state, NULL), "open");
    return store;
}

/* As the persister does: a batch, the board, a snapshot now and then. Time
 * counts for what the store does, snapshots included. */
static void s_fill(store_t *store, uint64_t records, size_t batch)
{
    record_t *some = mem_alloc(batch * sizeof *some);
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    board_t *board = board_new(SIDE, SIDE, 4);
    double wall = 0, cpu = 0;
    for (uint64_t first = 1; first <= records; first += batch) {
        size_t count =
            records - first + 1 < batch ? records - first + 1 : batch;
        for (size_t i = 0; i < count; i++) {
            some[i] = s_record(first + i);
            some[i].previous_color =
                board_set(board, some[i].y * SIDE + some[i].x, some[i].color);
        }
        double cpu_before = s_cpu();
        uint64_t began = clock_mono_ns();
        s_must(store, store_write(store, CHAIN_UNKNOWN, some, count, 1),
               "write");
        uint64_t last = first + count - 1;
        if (last / SNAPSHOT_EVERY != (first - 1) / SNAPSHOT_EVERY) {
            store_snapshot_t snapshot = snapshot_of(
                board, NULL, &canvas, (position_t){last, CHAIN_UNKNOWN},
                s_record(last).placed_at_ms);
            s_must(store, store->ops->put_snapshot(store, &snapshot), "put");
            store_snapshot_free(&snapshot);
        }
        wall += s_seconds(began);
        cpu += s_cpu() - cpu_before;
    }
    printf("\"write_s\":%.2f,\"write_cpu_s\":%.2f,\"write_per_s\":%.0f,"
           "\"write_per_cpu_s\":%.0f,",
           wall, cpu, (double)records / wall, (double)records / cpu);
    board_destroy(&board);
    free(some);
}

static bool s_replay(void *context, const record_t *records, size_t count)
{
    uint64_t seq;
    board_replay(context, records, count, &seq);
    return true;
}

/* The board from the newest snapshot and what follows; from the journal. */
static void s_restore(store_t *store, uint64_t records)
{
    store_snapshot_t snapshot;
    uint64_t began = clock_mono_ns();
    s_must(store, store->ops->get_snapshot(store, UINT64_MAX, &snapshot),
           "snapshot");
    board_t *quick = snapshot_board(&snapshot, NULL, NULL);
    if (quick && snapshot.seq < records)
        s_must(
            store,
            store->ops->scan(store, snapshot.seq + 1, records, s_replay, quick),
            "scan");
    double quick_s = s_seconds(began);
    board_t *slow = board_new(SIDE, SIDE, 4);
    began = clock_mono_ns();
    s_must(store, store->ops->scan(store, 1, records, s_replay, slow), "scan");
    double slow_s = s_seconds(began);
    bool equal = quick && board_digest(quick) == board_digest(slow);
    printf("\"restore_s\":%.3f,\"journal_s\":%.2f,\"journal_per_s\":%.0f,"
           "\"equal\":%s,",
           quick_s, slow_s, (double)records / slow_s, equal ? "true" : "false");
    store_snapshot_free(&snapshot);
    board_destroy(&quick);
    board_destroy(&slow);
}

/* 1,000 records a second, by another thread with a store of its own. */
static void *s_load(void *arg)
{
    store_state_t state;
    store_t *store = s_open(&state);
    (void)arg;
    for (uint64_t next = state.checkpoint + 1; !ending; next += LOAD_BATCH) {
        record_t some[LOAD_BATCH];
        for (size_t i = 0; i < LOAD_BATCH; i++)
            some[i] = s_record(next + i);
        uint64_t began = clock_mono_ns();
        s_must(store, store_write(store, CHAIN_UNKNOWN, some, LOAD_BATCH, 1),
               "write");
        uint64_t took_us = (clock_mono_ns() - began) / 1000;
        if (took_us < LOAD_PAUSE_US)
            usleep((useconds_t)(LOAD_PAUSE_US - took_us));
    }
    store_destroy(&store);
    return NULL;
}

static int s_compare(const void *a, const void *b)
{
    uint64_t p = *(const uint64_t *)a, q = *(const uint64_t *)b;
    return p < q ? -1 : p > q;
}

static void s_look_up(store_t *store)
{
    static uint64_t took_ns[LOOK_UPS];
    pthread_t writer;
    pthread_create(&writer, NULL, s_load, NULL);
    for (uint32_t i = 0; i < LOOK_UPS; i++) {
        uint32_t at = fmix32(i + 77);
        record_t record;
        uint64_t began = clock_mono_ns();
        store_result_t result =
            store->ops->pixel(store, (uint16_t)(at % SIDE),
                              (uint16_t)(at / SIDE % SIDE), &record);
        took_ns[i] = clock_mono_ns() - began;
        if (result != STORE_NONE)
            s_must(store, result, "look-up");
        usleep(1000);
    }
    ending = true;
    pthread_join(writer, NULL);
    qsort(took_ns, LOOK_UPS, sizeof *took_ns, s_compare);
    printf("\"look_up_p50_ms\":%.2f,\"look_up_p99_ms\":%.2f,"
           "\"look_up_max_ms\":%.2f",
           (double)took_ns[LOOK_UPS / 2] / 1e6,
           (double)took_ns[LOOK_UPS * 99 / 100] / 1e6,
           (double)took_ns[LOOK_UPS - 1] / 1e6);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: store_bench URL RECORDS BATCH\n");
        return 2;
    }
    log_init("store_bench", LEVEL_WARN);
    url = argv[1];
    uint64_t records = strtoull(argv[2], NULL, 10);
    size_t batch = strtoull(argv[3], NULL, 10);
    if (!records || !batch || batch > STORE_WRITE_MAX)
        return 2;
    store_state_t state;
    store_t *store = s_open(&state);
    printf("{\"records\":%" PRIu64 ",\"batch\":%zu,", records, batch);
    if (state.checkpoint < records)
        s_fill(store, records, batch);
    s_restore(store, records);
    s_look_up(store);
    printf("}\n");
    store_destroy(&store);
    return EXIT_SUCCESS;
}
