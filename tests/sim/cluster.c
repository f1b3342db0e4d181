/* SPDX-License-Identifier: Apache-2.0
 *
 * See cluster.h.
 */
#include "tests/sim/cluster.h"

#include "tests/sim/bus_parts.h"
#include "tests/sim/check.h"
#include "tests/sim/client.h"
#include "tests/sim/disk.h"
#include "tests/sim/image.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/operator.h"
#include "tests/sim/redis.h"
#include "tests/sim/scenario.h"
#include "tests/sim/web.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BROKERS "tcp://b0:7700,tcp://b1:7700"
#define PERSISTERS "tcp://p0:7710,tcp://p1:7710"
#define LEASE_MS 3000
/* How long after the last fault a placement is accepted at the latest: the
 * lease and 2 s, and what restarts and restoring may take. */
#define PLACING_WITHIN (14 * SECOND)
/* … and the longest time between two that are accepted then. */
#define PLACED_WITHIN (5 * SECOND)
#define LEVEL_WITHIN (9 * SECOND)
/* … an operator has an answer. A rollback whose question to the store was lost
 * on the way asks again after 30 s. */
#define ORDERS_WITHIN (75 * SECOND)

static const struct {
    const char *name, *image;
    kind_t kind;
} s_members[] = {
    {"b0", "broker.so", KIND_BROKER},
    {"b1", "broker.so", KIND_BROKER},
    {"p0", "persister.so", KIND_PERSISTER},
    {"p1", "persister.so", KIND_PERSISTER},
    {"e0", "edge.so", KIND_EDGE},
    {"e1", "edge.so", KIND_EDGE},
    {"e2", "edge.so", KIND_EDGE},
};

static uint64_t s_seconds;

static void s_on_down(process_t *process, bool crashed)
{
    bus_process_down(process, crashed);
    redis_process_down(process);
    web_process_down(process);
}

void cluster_load(const char *folder)
{
    for (unsigned i = 0; i < sizeof s_members / sizeof *s_members; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, s_members[i].image);
        process_add(s_members[i].kind, s_members[i].name)->image =
            image_load(path);
    }
    on_process_down = s_on_down;
}

/* ---- settings --------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
s_argument(process_t *process, const char *format, ...)
{
    va_list words;
    va_start(words, format);
    vsnprintf(process->words[process->argc], sizeof process->words[0], format,
              words);
    va_end(words);
    process->argv[process->argc] = process->words[process->argc];
    process->argv[++process->argc] = NULL;
}

static void s_set_broker(process_t *process, uint32_t cooldown_ms)
{
    s_argument(process, "--bind=tcp://%s:7700", process->name);
    s_argument(process, "--redis=unix:/redis");
    s_argument(process, "--size=%dx%d", BOARD_SIDE, BOARD_SIDE);
    s_argument(process, "--bits=4");
    s_argument(process, "--cooldown-ms=%u", cooldown_ms);
    s_argument(process, "--lease-ms=%d", LEASE_MS);
    s_argument(process, "--publish-ms=50");
    if (operators_trim())
        s_argument(process, "--log-limit=1000");
}

static void s_set_persister(process_t *process)
{
    s_argument(process, "--brokers=" BROKERS);
    s_argument(process, "--bind=tcp://%s:7710", process->name);
    s_argument(process, "--store=sim:");
    s_argument(process, "--snapshot-ms=%u", (unsigned)rng_range(2000, 30000));
}

static void s_set_edge(process_t *process)
{
    s_argument(process, "--brokers=" BROKERS);
    s_argument(process, "--persisters=" PERSISTERS);
    s_argument(process, "--tick-min-ms=50");
    s_argument(process, "--ring-pixels=%u", (unsigned)rng_range(4096, 20000));
    s_argument(process, "--place-rate=0");
}

static void s_settings(uint32_t cooldown_ms)
{
    for (unsigned i = 0; i < process_count; i++) {
        process_t *process = &processes[i];
        s_argument(process, "%s", process->name);
        s_argument(process, "--name=%s", process->name);
        s_argument(process, "--curve=off");
        if (process->kind == KIND_BROKER)
            s_set_broker(process, cooldown_ms);
        else if (process->kind == KIND_PERSISTER)
            s_set_persister(process);
        else
            s_set_edge(process);
        process->drift_ppm = (int64_t)rng_below(401) - 200;
    }
}

/* ---- a run ------------------------------------------------------------ */

/* Whoever asked for something has been told what became of it. */
static void s_wait_for_orders(void)
{
    uint64_t until = world_now() + ORDERS_WITHIN;
    while (operators_busy() && world_now() < until)
        world_run(world_now() + SECOND);
    if (operators_busy())
        violation("liveness", "an operator waits");
}

/* The leader's policy, when nothing moves. */
static void s_ask_leader(void)
{
    if (!operators_are_there())
        return;
    operators_compare();
    s_wait_for_orders();
}

static bool s_placing(void)
{
    return clients_last_ok() + PLACED_WITHIN >= world_now();
}

/* Nothing is accepted on a locked board: then from when it is open again on. */
static void s_check_placing(void)
{
    if (!s_placing() && check_was_locked(world_now() - PLACED_WITHIN)) {
        s_wait_for_orders();
        world_run(world_now() + PLACED_WITHIN);
    }
    if (!s_placing())
        violation("liveness", "nothing was accepted for %.1f s",
                  (double)(world_now() - clients_last_ok()) / 1e9);
}

/* Faults have stopped: the fifth check, and all that can be judged only when
 * nothing moves. */
static void s_quiet(void)
{
    uint64_t began = world_now();
    nemesis_heal();
    operators_act(false);
    if (rng_chance(30)) { /* what was lost last is not hidden by what follows */
        clients_place(false);
        world_run(began + PLACING_WITHIN + LEVEL_WITHIN);
        check_settle();
        clients_check_level();
        began = world_now();
    }
    clients_place(true);
    world_run(began + PLACING_WITHIN);
    s_check_placing();
    s_wait_for_orders();
    clients_place(false);
    world_run(world_now() + LEVEL_WITHIN);
    clients_check_level();
    check_quiet();
    s_ask_leader();
    trace("quiet seq=%llu acks=%llu lost=%llu", (unsigned long long)check_seq(),
          (unsigned long long)check_acks(), (unsigned long long)check_lost());
    clients_place(true);
}

static void s_weather(void)
{
    nemesis_start();
    operators_act(true);
    world_run(world_now() + rng_range(5 * SECOND, 30 * SECOND));
}

static void s_start_all(void)
{
    for (unsigned i = 0; i < process_count; i++)
        process_start(&processes[i]);
    clients_start();
}

static void s_run(void)
{
    s_start_all();
    s_quiet();
    uint64_t last = scenario_begin();
    if (last > world_now()) {
        world_run(last);
        s_quiet();
    }
    while (world_now() < s_seconds * SECOND) {
        s_weather();
        s_quiet();
    }
}

bool cluster_run(uint64_t seed, uint64_t seconds)
{
    static const uint32_t cooldowns[] = {300, 500, 1000, 2500};
    world_reset(seed);
    conns_reset();
    net_reset();
    redis_reset(rng_chance(60) ? FSYNC_ALWAYS : FSYNC_EVERYSEC);
    disk_reset();
    nemesis_reset();
    uint32_t cooldown_ms = cooldowns[rng_below(4)];
    check_options_t checks = {
        .cooldown_ms = cooldown_ms, .lease_ms = LEASE_MS, .clock_error_ms = 0};
    check_reset(&checks);
    clients_options_t clients = {
        .count = (unsigned)rng_range(8, 24),
        .cooldown_ms = cooldown_ms,
        .pace = rng_range(100, 1500) * MS,
    };
    clients_reset(&clients);
    operators_reset(seed, clients.count);
    s_settings(cooldown_ms);
    s_seconds = seconds;
    return world_try(s_run);
}
