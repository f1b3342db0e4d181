/* SPDX-License-Identifier: Apache-2.0
 *
 * search_bench URL FILE: how long operators' look-ups take, and players'
 * meanwhile, as one line of JSON. FILE holds half-hourly steps of a canvas of
 * 1000 × 1000: each u32 unix time, u32 placements so far, u32 n, and n × u32
 * (y × 1000 + x) | colour << 20, little-endian. An empty store is filled with
 * them; who placed is drawn: of 100,000 users some place a thousand times as
 * often as others.
 */
#include "common/board.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/below.h"
#include "persister/search.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SIDE 1000u
#define USERS 100000u
#define STEP_MS 1800000u
#define BATCH 16384u
#define ROUNDS 300
#define LOOK_UPS_MAX 200000

static const char *url;
static volatile bool ending;
static uint64_t first_ms, last_ms;

/* Small numbers often, large ones seldom. */
static uint64_t s_user(uint32_t seed)
{
    uint32_t mixed = fmix32(seed + 99);
    uint32_t below = 1 + USERS / (1 + fmix32(seed) % 1000);
    return (uint64_t)(mixed % below + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

static void s_must(store_t *store, store_result_t result, const char *doing)
{
    if (result == STORE_OK)
        return;
    fprintf(stderr, "%s: %s\n", doing, store->ops->error(store));
    exit(EXIT_FAILURE);
}

static void s_write(store_t *store, record_t *records, size_t *count)
{
    if (*count)
        s_must(store, store_write(store, CHAIN_UNKNOWN, records, *count, 1),
               "write");
    *count = 0;
}

/* Reads FILE; writes it where the store is empty. */
static void s_fill(store_t *store, const char *path, bool write)
{
    static record_t records[BATCH];
    FILE *file = fopen(path, "rb");
    uint32_t head[3], word;
    uint64_t seq = 0;
    size_t count = 0;
    if (!file)
        exit(EXIT_FAILURE);
    while (fread(head, sizeof head, 1, file) == 1) {
        last_ms = (uint64_t)head[0] * 1000;
        first_ms = first_ms ? first_ms : last_ms;
        for (uint32_t i = 0; i < head[2]; i++) {
            if (fread(&word, sizeof word, 1, file) != 1)
                exit(EXIT_FAILURE);
            uint32_t at = word & 0xfffff;
            seq++;
            records[count++] = (record_t){
                .seq = seq,
                .placed_at_ms = last_ms + (uint64_t)i * STEP_MS / head[2],
                .user = s_user((uint32_t)seq),
                .x = (uint16_t)(at % SIDE),
                .y = (uint16_t)(at / SIDE),
                .color = (uint8_t)(word >> 20)};
            if (!write)
                count = 0;
            else if (count == BATCH)
                s_write(store, records, &count);
        }
    }
    s_write(store, records, &count);
    fclose(file);
}

/* ---- figures ---------------------------------------------------------------
 */

static int s_compare(const void *a, const void *b)
{
    uint64_t p = *(const uint64_t *)a, q = *(const uint64_t *)b;
    return p < q ? -1 : p > q;
}

static void s_print(const char *name, uint64_t *took_ns, size_t count,
                    const char *end)
{
    qsort(took_ns, count, sizeof *took_ns, s_compare);
    printf("\"%s\":{\"n\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}"
           "%s",
           name, count, (double)took_ns[count / 2] / 1e6,
           (double)took_ns[count * 99 / 100] / 1e6,
           (double)took_ns[count - 1] / 1e6, end);
}

/* A player's look-up each millisecond, from a store of its own. */
static void *s_play(void *arg)
{
    static uint64_t took_ns[LOOK_UPS_MAX];
    store_state_t state;
    store_t *store = store_new(url);
    size_t count = 0;
    (void)arg;
    s_must(store, store_open(store, &state, NULL), "open");
    for (uint32_t i = 0; !ending && count < LOOK_UPS_MAX; i++) {
        uint32_t at = fmix32(i + 77) % (SIDE * SIDE);
        record_t record;
        uint64_t began = clock_mono_ns();
        store_result_t result =
            i % 2 ? store->ops->user(store, s_user(at), &record)
                  : store->ops->pixel(store, (uint16_t)(at % SIDE),
                                      (uint16_t)(at / SIDE), &record);
        took_ns[count++] = clock_mono_ns() - began;
        if (result != STORE_NONE)
            s_must(store, result, "look-up");
        usleep(1000);
    }
    store_destroy(&store);
    s_print("players", took_ns, count, "");
    return NULL;
}

static void s_search(source_t *source, const char *name,
                     bus_look_t (*draw)(uint32_t seed))
{
    static uint64_t took_ns[ROUNDS];
    uint64_t rows = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        bus_look_t look = draw(fmix32(i + 1));
        search_t found;
        uint64_t began = clock_mono_ns();
        s_must(source->store, search_run(&found, source, &look), "search");
        took_ns[i] = clock_mono_ns() - began;
        rows += found.count;
        search_fini(&found);
    }
    s_print(name, took_ns, ROUNDS, ",");
    fprintf(stderr, "%s: %" PRIu64 " rows\n", name, rows);
}

static bool s_feed(void *context, const record_t *records, size_t count)
{
    below_feed(context, records, count);
    return true;
}

/* What a rollback of one user would show, out of the whole journal. */
static void s_look_below(source_t *source)
{
    static uint64_t took_ns[10];
    for (uint32_t i = 0; i < 10; i++) {
        size_t size;
        bus_below_ask_t ask = {
            .width = SIDE,
            .height = SIDE,
            .of = {.has = HAS_USER, .user = s_user(i), .upto = UINT64_MAX},
            .takes_back = true};
        uint64_t began = clock_mono_ns();
        below_t *below = below_new(&ask);
        s_must(source->store,
               source->store->ops->scan(
                   source->store, 1, source->state.checkpoint, s_feed, below),
               "scan");
        free(below_answer(below, 1, &size));
        took_ns[i] = clock_mono_ns() - began;
        below_destroy(&below);
    }
    s_print("below", took_ns, 10, ",");
}

static bus_look_t s_by_user(uint32_t seed)
{
    return (bus_look_t){
        .limit = 100,
        .color = BUS_ANY_COLOR,
        .of = {.has = HAS_USER, .user = s_user(seed), .upto = UINT64_MAX}};
}

static bus_look_t s_by_box_and_hour(uint32_t seed)
{
    uint64_t from_ms = first_ms + seed % (last_ms - first_ms - 2 * STEP_MS);
    uint16_t x = (uint16_t)(fmix32(seed) % 950), y = (uint16_t)(seed % 950);
    return (bus_look_t){.limit = 1000,
                        .color = BUS_ANY_COLOR,
                        .of = {.has = HAS_BOX | HAS_TIME,
                               .x0 = x,
                               .y0 = y,
                               .x1 = (uint16_t)(x + 49),
                               .y1 = (uint16_t)(y + 49),
                               .from_ms = from_ms,
                               .until_ms = from_ms + 2 * STEP_MS,
                               .upto = UINT64_MAX}};
}

int main(int argc, char **argv)
{
    source_t source;
    pthread_t player;
    if (argc != 3)
        return 2;
    url = argv[1];
    log_init("search_bench", LEVEL_WARN);
    if (source_init(&source, url) < 0)
        return 1;
    s_must(source.store, source.store->ops->create_tables(source.store),
           "create");
    if (!source_ready(&source))
        return 1;
    uint64_t began = clock_mono_ns();
    s_fill(source.store, argv[2], !source.state.checkpoint);
    source_ready_anew(&source);
    printf("{\"records\":%" PRIu64 ",\"fill_s\":%.1f,", source.state.checkpoint,
           (double)(clock_mono_ns() - began) / 1e9);
    pthread_create(&player, NULL, s_play, NULL);
    s_search(&source, "by_user", s_by_user);
    s_search(&source, "by_box_and_hour", s_by_box_and_hour);
    s_look_below(&source);
    ending = true;
    pthread_join(player, NULL);
    printf("}\n");
    source_fini(&source);
    return 0;
}
