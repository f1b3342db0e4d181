/* SPDX-License-Identifier: Apache-2.0
 *
 * See scenario.h.
 */
#include "tests/sim/scenario.h"

#include "tests/sim/bus_parts.h"
#include "tests/sim/check.h"
#include "tests/sim/client.h"
#include "tests/sim/disk.h"
#include "tests/sim/operator.h"
#include "tests/sim/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 64
#define FORBIDDEN_MAX 8
#define WORD_MAX 40
#define WORDS_MAX 6

typedef struct {
    uint64_t at;
    char action[WORD_MAX], who[WORD_MAX], more[WORD_MAX], last[WORD_MAX];
} step_t;

static step_t s_steps[STEPS_MAX];
static size_t s_count;
static char s_forbidden[FORBIDDEN_MAX][WORD_MAX];
static size_t s_forbidden_count;
static bool s_forbids_unavailable, s_trapped;

/* ---- who -------------------------------------------------------------- */

static process_t *s_named(const char *name)
{
    for (unsigned i = 0; i < process_count; i++)
        if (!strcmp(processes[i].name, name))
            return &processes[i];
    fprintf(stderr, "sim: nobody is called '%s'\n", name);
    exit(2);
}

static process_t *s_who(const char *word)
{
    const process_t *leader = redis_leader();
    if (!strcmp(word, "leader") && leader)
        return s_named(leader->name);
    if (!strcmp(word, "standby") && leader)
        return s_named(leader->name[1] == '0' ? "b1" : "b0");
    return s_named(word);
}

static unsigned s_host(const char *word)
{
    return strcmp(word, "redis") != 0 ? s_who(word)->number : HOST_REDIS;
}

static uint64_t s_time(const char *word)
{
    return (uint64_t)(strtod(word, NULL) * 1e9);
}

/* ---- actions ---------------------------------------------------------- */

static void s_crash(const step_t *step)
{
    process_crash(s_who(step->who));
}

static void s_crash_all(const step_t *step)
{
    (void)step;
    for (unsigned i = 0; i < process_count; i++)
        process_crash(&processes[i]);
}

static void s_start(const step_t *step)
{
    process_t *process = s_who(step->who);
    if (!process->up)
        process_start(process);
}

static void s_term(const step_t *step)
{
    process_term(s_who(step->who));
}

static void s_pause(const step_t *step)
{
    process_pause(s_who(step->who), world_now() + s_time(step->more));
}

static void s_set_path(const step_t *step, bool cut)
{
    unsigned a = s_host(step->who), b = s_host(step->more);
    net_cut(a, b, cut);
    net_cut(b, a, cut);
}

static void s_cut(const step_t *step)
{
    s_set_path(step, true);
}

static void s_heal(const step_t *step)
{
    s_set_path(step, false);
}

/* Ends all connections between the two. */
static void s_reset(const step_t *step)
{
    unsigned a = s_host(step->who), b = s_host(step->more);
    for (conn_t *conn = conn_first(), *next; conn; conn = next) {
        next = conn->next;
        if (conn->host[0] + conn->host[1] == a + b &&
            (conn->host[0] == a || conn->host[0] == b))
            conn_end_down(conn, 0, "reset");
    }
}

/* So many seconds, or half of one, on the way there. */
static void s_delay(const step_t *step)
{
    net_delay(s_host(step->who), s_host(step->more),
              *step->last ? s_time(step->last) : SECOND / 2);
}

static void s_prompt(const step_t *step)
{
    net_delay(s_host(step->who), s_host(step->more), 0);
}

static void s_swap(const step_t *step)
{
    net_swap_addresses(s_host(step->who), s_host(step->more));
}

static void s_redis_crash(const step_t *step)
{
    (void)step;
    redis_crash(0, false);
}

static void s_redis_start(const step_t *step)
{
    (void)step;
    redis_start(0, 0);
}

static void s_redis_keep(const step_t *step)
{
    (void)step;
    redis_keep(0);
}

static void s_redis_put_back(const step_t *step)
{
    (void)step;
    redis_put_back(0);
}

static void s_redis_empty(const step_t *step)
{
    (void)step;
    redis_empty(0);
}

static void s_redis_full(const step_t *step)
{
    redis_set_full(0, !strcmp(step->who, "on"));
}

static void s_redis_pause(const step_t *step)
{
    redis_pause(0, world_now() + s_time(step->who));
}

static void s_lease(const step_t *step)
{
    const char *const words[] = {"SET", "{stipple}:lease", "00000000deadbeef",
                                 "PX", step->who};
    redis_hand(0, 5, words);
}

static void s_store_away(const step_t *step)
{
    disk_set_away(!strcmp(step->who, "on"));
}

static void s_clock(const step_t *step)
{
    check_clock_jumped();
    s_who(step->who)->wall_offset_ms = strtoll(step->more, NULL, 10);
}

static void s_placing(const step_t *step)
{
    clients_place(!strcmp(step->who, "on"));
}

/* Lies in wait for an acceptance that a client heard of and no feed told: then
 * the leader dies, and Redis with what it was given since. */
static void s_on_trap(void *object, uint64_t kept, uint64_t since)
{
    bool grown = check_seq() > kept;
    if (grown && bus_fed_at() >= since)
        grown = false;
    if (grown && check_was_told(check_seq())) {
        trace("trap closes on seq=%llu", (unsigned long long)check_seq());
        s_trapped = true;
        process_crash(s_who("leader"));
        redis_crash(0, false);
        redis_put_back(0);
        return;
    }
    if (!grown) {
        redis_keep(0);
        kept = check_seq();
        since = world_now();
    }
    world_at(world_now() + MS, s_on_trap, object, kept, since);
}

static void s_trap(const step_t *step)
{
    (void)step;
    s_on_trap(NULL, UINT64_MAX, 0);
}

static void s_trap_closed(const step_t *step)
{
    (void)step;
    if (!s_trapped)
        violation("sim", "the trap did not close: the scenario plays nothing");
}

static void s_order(const step_t *step)
{
    if (operators_order(step->who, step->more) < 0) {
        fprintf(stderr, "sim: order '%s %s'\n", step->who, step->more);
        exit(2);
    }
}

static void s_wait(const step_t *step)
{
    (void)step;
}

static const struct {
    const char *name;
    void (*act)(const step_t *step);
} s_actions[] = {
    {"crash", s_crash},
    {"crash-all", s_crash_all},
    {"start", s_start},
    {"term", s_term},
    {"pause", s_pause},
    {"cut", s_cut},
    {"heal", s_heal},
    {"reset", s_reset},
    {"delay", s_delay},
    {"prompt", s_prompt},
    {"swap", s_swap},
    {"redis-crash", s_redis_crash},
    {"redis-start", s_redis_start},
    {"redis-keep", s_redis_keep},
    {"redis-put-back", s_redis_put_back},
    {"redis-empty", s_redis_empty},
    {"redis-full", s_redis_full},
    {"redis-pause", s_redis_pause},
    {"lease", s_lease},
    {"store-away", s_store_away},
    {"clock", s_clock},
    {"placing", s_placing},
    {"trap", s_trap},
    {"trap-closed", s_trap_closed},
    {"order", s_order},
    {"wait", s_wait},
};

static void s_on_step(void *object, uint64_t a, uint64_t b)
{
    const step_t *step = object;
    (void)a, (void)b;
    trace("step %s %s %s", step->action, step->who, step->more);
    for (size_t i = 0; i < sizeof s_actions / sizeof *s_actions; i++)
        if (!strcmp(s_actions[i].name, step->action))
            s_actions[i].act(step);
}

static bool s_is_action(const char *name)
{
    for (size_t i = 0; i < sizeof s_actions / sizeof *s_actions; i++)
        if (!strcmp(s_actions[i].name, name))
            return true;
    return false;
}

/* ---- reading ---------------------------------------------------------- */

static int s_forbid(const char *kind, const char *event)
{
    if (!strcmp(kind, "unavailable")) {
        s_forbids_unavailable = true;
        return 0;
    }
    if (strcmp(kind, "log") != 0 || s_forbidden_count == FORBIDDEN_MAX)
        return -1;
    snprintf(s_forbidden[s_forbidden_count++], WORD_MAX, "%s", event);
    return 0;
}

static int s_step(const char *words[WORDS_MAX], int count)
{
    if (count < 3 || !s_is_action(words[2]) || s_count == STEPS_MAX)
        return -1;
    step_t *step = &s_steps[s_count++];
    *step = (step_t){.at = s_time(words[1])};
    snprintf(step->action, WORD_MAX, "%s", words[2]);
    snprintf(step->who, WORD_MAX, "%s", count > 3 ? words[3] : "");
    snprintf(step->more, WORD_MAX, "%s", count > 4 ? words[4] : "");
    snprintf(step->last, WORD_MAX, "%s", count > 5 ? words[5] : "");
    return 0;
}

static int s_line(char *line, scenario_head_t *head)
{
    const char *words[WORDS_MAX];
    int count = 0;
    line[strcspn(line, "#\n")] = '\0';
    char *rest = line, *word;
    while (count < WORDS_MAX && (word = strsep(&rest, " \t")))
        if (*word)
            words[count++] = word;
    if (!count)
        return 0;
    if (!strcmp(words[0], "at"))
        return s_step(words, count);
    if (count < 2)
        return -1;
    if (!strcmp(words[0], "forbid"))
        return s_forbid(words[1], count > 2 ? words[2] : "");
    if (!strcmp(words[0], "seed"))
        head->seed = strtoull(words[1], NULL, 10);
    else if (!strcmp(words[0], "seconds"))
        head->seconds = strtoull(words[1], NULL, 10);
    else if (!strcmp(words[0], "operators"))
        head->operators = !strcmp(words[1], "on");
    else if (!strcmp(words[0], "faults"))
        snprintf(head->faults, sizeof head->faults, "%s", words[1]);
    else
        return -1;
    return 0;
}

int scenario_read(const char *path, scenario_head_t *head)
{
    FILE *file = fopen(path, "r");
    char line[256];
    int number = 0, result = 0;
    if (!file) {
        perror(path);
        return -1;
    }
    scenario_clear();
    *head = (scenario_head_t){.seed = 1, .faults = "none"};
    while (!result && fgets(line, sizeof line, file)) {
        number++;
        result = s_line(line, head);
    }
    fclose(file);
    if (result)
        fprintf(stderr, "sim: %s:%d is not understood\n", path, number);
    return result;
}

uint64_t scenario_begin(void)
{
    uint64_t last = world_now();
    for (size_t i = 0; i < s_count; i++) {
        uint64_t at = world_now() + s_steps[i].at;
        world_at(at, s_on_step, &s_steps[i], 0, 0);
        last = at > last ? at : last;
    }
    return last;
}

bool scenario_forbids_unavailable(void)
{
    return s_forbids_unavailable;
}

bool scenario_forbids_log(const char *event)
{
    for (size_t i = 0; i < s_forbidden_count; i++)
        if (!strcmp(s_forbidden[i], event))
            return true;
    return false;
}

void scenario_clear(void)
{
    s_count = s_forbidden_count = 0;
    s_forbids_unavailable = s_trapped = false;
}
