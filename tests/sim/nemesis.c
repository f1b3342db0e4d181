/* SPDX-License-Identifier: Apache-2.0
 *
 * See nemesis.h.
 */
#include "tests/sim/nemesis.h"

#include "tests/sim/bus.h"
#include "tests/sim/check.h"
#include "tests/sim/client.h"
#include "tests/sim/disk.h"
#include "tests/sim/redis.h"

#include <stdio.h>
#include <string.h>

#define HOUR_MS 3600000

static bool s_on;
static uint64_t s_round; /* what an ended round scheduled is void */

static uint64_t s_time(uint64_t least, uint64_t most)
{
    return world_now() + rng_range(least, most);
}

static process_t *s_pick(int kind)
{
    process_t *chosen = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < process_count; i++)
        if (kind < 0 || processes[i].kind == (kind_t)kind)
            if (!rng_below(++count))
                chosen = &processes[i];
    return chosen;
}

/* ---- processes -------------------------------------------------------- */

static void s_on_restart(void *object, uint64_t life, uint64_t unused)
{
    process_t *self = object;
    (void)unused;
    if (!self->up && self->life == life)
        process_start(self);
}

/* Whoever ended by itself is started again, as a supervisor does. */
static void s_restart_later(process_t *process, uint64_t wait)
{
    world_at(world_now() + wait, s_on_restart, process, process->life, 0);
}

static void s_on_exit(process_t *process, int code)
{
    (void)code;
    s_restart_later(process, rng_range(50 * MS, 2 * SECOND));
}

static void s_crash(void)
{
    process_t *process = s_pick(-1);
    if (!process->up)
        return;
    process_crash(process);
    s_restart_later(process, rng_range(50 * MS, 6 * SECOND));
}

static void s_crash_broker(void)
{
    process_t *process = s_pick(KIND_BROKER);
    if (!process->up)
        return;
    process_crash(process);
    s_restart_later(process, rng_range(50 * MS, 6 * SECOND));
}

static void s_crash_all(void)
{
    for (unsigned i = 0; i < process_count; i++) {
        process_crash(&processes[i]);
        s_restart_later(&processes[i], rng_range(50 * MS, 3 * SECOND));
    }
}

static void s_pause(void)
{
    process_pause(s_pick(-1), s_time(200 * MS, 8 * SECOND));
}

static void s_pause_broker(void)
{
    process_pause(s_pick(KIND_BROKER), s_time(2 * SECOND, 9 * SECOND));
}

static void s_term(void)
{
    process_term(s_pick(-1));
}

static void s_on_roll(void *object, uint64_t round, uint64_t next)
{
    (void)object;
    if (round != s_round || next >= process_count)
        return;
    process_term(&processes[next]);
    world_at(s_time(SECOND, 3 * SECOND), s_on_roll, NULL, round, next + 1);
}

static void s_roll(void)
{
    s_on_roll(NULL, s_round, 0);
}

static void s_on_clock_back(void *object, uint64_t round, uint64_t by)
{
    process_t *process = object;
    if (round != s_round)
        return;
    check_clock_jumped();
    process->wall_offset_ms -= (int64_t)by;
}

static void s_clock(void)
{
    process_t *process = s_pick(-1);
    int64_t by = (int64_t)rng_below(2 * HOUR_MS) - HOUR_MS;
    trace("clock %s jumps %lld ms", process->name, (long long)by);
    check_clock_jumped();
    process->wall_offset_ms += by;
    world_at(s_time(SECOND, 9 * SECOND), s_on_clock_back, process, s_round,
             (uint64_t)by);
}

/* ---- paths ------------------------------------------------------------ */

static unsigned s_some_host(void)
{
    unsigned i = (unsigned)rng_below(process_count + 1);
    return i == process_count ? HOST_REDIS : i;
}

static void s_on_uncut(void *object, uint64_t from, uint64_t to)
{
    (void)object;
    net_cut((unsigned)from, (unsigned)to, false);
}

static void s_cut_for(unsigned from, unsigned to, uint64_t until)
{
    trace("cut %u-%u until=%.3f", from, to, (double)until / 1e9);
    net_cut(from, to, true);
    world_at(until, s_on_uncut, NULL, from, to);
}

static void s_partition(void)
{
    unsigned a = s_some_host(), b = s_some_host();
    uint64_t until = s_time(300 * MS, 10 * SECOND);
    if (a == b)
        return;
    s_cut_for(a, b, until);
    s_cut_for(b, a, until);
}

static void s_one_way(void)
{
    unsigned a = s_some_host(), b = s_some_host();
    if (a != b)
        s_cut_for(a, b, s_time(300 * MS, 10 * SECOND));
}

static void s_isolate(void)
{
    unsigned a = s_pick(-1)->number;
    uint64_t until = s_time(300 * MS, 10 * SECOND);
    for (unsigned b = 0; b < HOSTS_MAX; b++)
        if (a != b) {
            net_cut(a, b, true);
            net_cut(b, a, true);
            world_at(until, s_on_uncut, NULL, a, b);
            world_at(until, s_on_uncut, NULL, b, a);
        }
    trace("isolate %u until=%.3f", a, (double)until / 1e9);
}

static void s_on_prompt(void *object, uint64_t from, uint64_t to)
{
    (void)object;
    net_delay((unsigned)from, (unsigned)to, 0);
}

static void s_delay(void)
{
    unsigned a = s_some_host(), b = s_some_host();
    trace("delay %u-%u", a, b);
    net_delay(a, b, rng_range(20 * MS, 1500 * MS));
    world_at(s_time(SECOND, 10 * SECOND), s_on_prompt, NULL, a, b);
}

static void s_break(void)
{
    bus_break_one(s_pick(-1));
}

static void s_swap(void)
{
    process_t *a = s_pick(KIND_BROKER), *b = s_pick(KIND_BROKER);
    if (a == b)
        return;
    trace("swap %s %s", a->name, b->name);
    process_crash(a);
    process_crash(b);
    net_swap_addresses(a->number, b->number);
    s_restart_later(a, rng_range(500 * MS, 4 * SECOND));
    s_restart_later(b, rng_range(500 * MS, 4 * SECOND));
}

static void s_stall(void)
{
    clients_stall_one(rng_range(SECOND, 20 * SECOND));
}

/* ---- Redis ------------------------------------------------------------ */

static void s_on_redis_start(void *object, uint64_t loading, uint64_t unused)
{
    (void)object, (void)unused;
    redis_start(0, loading);
}

static void s_redis_restart_later(uint64_t most)
{
    uint64_t loading = rng_chance(30) ? rng_range(0, SECOND) : 0;
    world_at(s_time(50 * MS, most), s_on_redis_start, NULL, loading, 0);
}

static void s_redis_crash(void)
{
    redis_crash(0, false);
    s_redis_restart_later(5 * SECOND);
}

static void s_redis_machine(void)
{
    redis_crash(0, true);
    s_redis_restart_later(5 * SECOND);
}

static void s_redis_pause(void)
{
    redis_pause(0, s_time(100 * MS, 5 * SECOND));
}

static void s_on_redis_good(void *object, uint64_t a, uint64_t b)
{
    (void)object, (void)a, (void)b;
    redis_set_full(0, false);
    redis_set_read_only(0, false);
    redis_set_slow(0, 0);
}

static void s_redis_full(void)
{
    redis_set_full(0, true);
    world_at(s_time(SECOND, 8 * SECOND), s_on_redis_good, NULL, 0, 0);
}

static void s_redis_read_only(void)
{
    redis_set_read_only(0, true);
    world_at(s_time(SECOND, 5 * SECOND), s_on_redis_good, NULL, 0, 0);
}

static void s_redis_slow(void)
{
    redis_set_slow(0, rng_range(5 * MS, 900 * MS));
    world_at(s_time(SECOND, 8 * SECOND), s_on_redis_good, NULL, 0, 0);
}

static void s_redis_cut(void)
{
    redis_cut(0, rng_chance(50) ? s_pick(KIND_BROKER) : NULL);
}

static void s_redis_empty(void)
{
    redis_crash(0, false);
    redis_empty(0);
    s_redis_restart_later(3 * SECOND);
}

static void s_on_put_back(void *object, uint64_t round, uint64_t unused)
{
    (void)object, (void)unused;
    if (round != s_round)
        return;
    redis_crash(0, false);
    redis_put_back(0);
    s_redis_restart_later(3 * SECOND);
}

static void s_redis_older(void)
{
    redis_keep(0);
    world_at(s_time(SECOND, 8 * SECOND), s_on_put_back, NULL, s_round, 0);
}

/* A replica that lagged a little takes its place. */
static void s_redis_replica(void)
{
    redis_keep(0);
    world_at(s_time(MS, 400 * MS), s_on_put_back, NULL, s_round, 0);
}

static void s_foreign_lease(void)
{
    static const char *const words[] = {"SET", "{stipple}:lease",
                                        "00000000deadbeef", "PX", "9000"};
    trace("a lease outlives its owner");
    redis_hand(0, 5, words);
}

/* ---- the store -------------------------------------------------------- */

static void s_on_store_good(void *object, uint64_t a, uint64_t b)
{
    (void)object, (void)a, (void)b;
    disk_set_away(false);
    disk_set_halves(false);
    disk_set_slow(0);
}

static void s_store_away(void)
{
    disk_set_away(true);
    world_at(s_time(SECOND, 12 * SECOND), s_on_store_good, NULL, 0, 0);
}

static void s_store_slow(void)
{
    disk_set_slow(rng_range(50 * MS, 2 * SECOND));
    world_at(s_time(SECOND, 12 * SECOND), s_on_store_good, NULL, 0, 0);
}

static void s_store_halves(void)
{
    disk_set_halves(true);
    world_at(s_time(SECOND, 8 * SECOND), s_on_store_good, NULL, 0, 0);
}

/* ---- the table -------------------------------------------------------- */

typedef struct {
    const char *name;
    unsigned weight; /* 0: only if asked for by name */
    void (*strike)(void);
} fault_t;

static const fault_t s_faults[] = {
    {"crash", 10, s_crash},
    {"crash-broker", 8, s_crash_broker},
    {"crash-all", 1, s_crash_all},
    {"pause", 8, s_pause},
    {"pause-broker", 5, s_pause_broker},
    {"term", 6, s_term},
    {"roll", 1, s_roll},
    {"clock", 2, s_clock},
    {"partition", 8, s_partition},
    {"one-way", 6, s_one_way},
    {"isolate", 3, s_isolate},
    {"delay", 5, s_delay},
    {"break", 8, s_break},
    {"swap", 1, s_swap},
    {"stall", 5, s_stall},
    {"redis-crash", 4, s_redis_crash},
    {"redis-machine", 2, s_redis_machine},
    {"redis-pause", 5, s_redis_pause},
    {"redis-full", 2, s_redis_full},
    {"redis-read-only", 2, s_redis_read_only},
    {"redis-slow", 3, s_redis_slow},
    {"redis-cut", 5, s_redis_cut},
    {"redis-empty", 1, s_redis_empty},
    {"redis-older", 2, s_redis_older},
    {"redis-replica", 2, s_redis_replica},
    {"foreign-lease", 1, s_foreign_lease},
    {"store-away", 3, s_store_away},
    {"store-slow", 3, s_store_slow},
    {"store-halves", 3, s_store_halves},
};

#define FAULTS (sizeof s_faults / sizeof *s_faults)

static unsigned s_weights[FAULTS];
static uint64_t s_counts[FAULTS];

unsigned nemesis_kinds(void)
{
    return FAULTS;
}

const char *nemesis_name(unsigned kind)
{
    return s_faults[kind].name;
}

uint64_t nemesis_count(unsigned kind)
{
    return s_counts[kind];
}

static int s_find(const char *name, size_t length)
{
    for (size_t i = 0; i < FAULTS; i++)
        if (strlen(s_faults[i].name) == length &&
            !strncmp(s_faults[i].name, name, length))
            return (int)i;
    return -1;
}

int nemesis_choose(const char *names)
{
    bool only = names && *names != '-';
    for (size_t i = 0; i < FAULTS; i++)
        s_weights[i] = only ? 0 : s_faults[i].weight;
    while (names && *names) {
        size_t length = strcspn(names, ",");
        bool less = *names == '-';
        int i = s_find(names + less, length - less);
        if (i < 0 && strncmp(names, "none", length) != 0)
            return -1;
        if (i >= 0)
            s_weights[i] = less                 ? 0
                           : s_faults[i].weight ? s_faults[i].weight
                                                : 1;
        names += length + (names[length] == ',');
    }
    return 0;
}

static void s_on_strike(void *object, uint64_t round, uint64_t unused)
{
    (void)object, (void)unused;
    if (!s_on || round != s_round)
        return;
    unsigned total = 0, i = 0;
    for (size_t k = 0; k < FAULTS; k++)
        total += s_weights[k];
    world_at(s_time(100 * MS, 3 * SECOND), s_on_strike, NULL, round, 0);
    if (!total)
        return;
    unsigned at = (unsigned)rng_below(total);
    while (at >= s_weights[i])
        at -= s_weights[i++];
    s_counts[i]++;
    trace("fault %s", s_faults[i].name);
    s_faults[i].strike();
}

void nemesis_reset(void)
{
    s_on = false;
    s_round = 0;
    on_process_exit = s_on_exit;
}

void nemesis_start(void)
{
    s_on = true;
    s_round++;
    s_on_strike(NULL, s_round, 0);
}

void nemesis_heal(void)
{
    trace("heal");
    s_on = false;
    s_round++;
    for (unsigned a = 0; a < HOSTS_MAX; a++)
        for (unsigned b = 0; b < HOSTS_MAX; b++) {
            net_cut(a, b, false);
            net_delay(a, b, 0);
        }
    s_on_store_good(NULL, 0, 0);
    s_on_redis_good(NULL, 0, 0);
    redis_start(0, 0);
    for (unsigned i = 0; i < process_count; i++) {
        processes[i].wall_offset_ms = 0;
        process_resume(&processes[i]);
        if (!processes[i].up)
            s_restart_later(&processes[i], rng_range(1, SECOND));
    }
}
