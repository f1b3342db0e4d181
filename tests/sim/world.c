/* SPDX-License-Identifier: Apache-2.0
 *
 * See world.h.
 */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- randomness ------------------------------------------------------- */

static uint64_t s_random;

uint64_t rng_u64(void)
{
    uint64_t z = s_random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t rng_below(uint64_t below)
{
    return below ? rng_u64() % below : 0;
}

uint64_t rng_range(uint64_t low, uint64_t high)
{
    return low + rng_below(high - low + 1);
}

bool rng_chance(unsigned percent)
{
    return rng_below(100) < percent;
}

/* ---- events: a binary heap -------------------------------------------- */

typedef struct {
    uint64_t at, tie;
    event_fn fn;
    void *object;
    uint64_t a, b;
} event_t;

static event_t *s_heap;
static size_t s_count, s_room;
static uint64_t s_now, s_events;

static bool s_before(const event_t *a, const event_t *b)
{
    return a->at != b->at ? a->at < b->at : a->tie < b->tie;
}

uint64_t world_now(void)
{
    return s_now;
}

uint64_t world_events(void)
{
    return s_events;
}

void world_at(uint64_t at, event_fn fn, void *object, uint64_t a, uint64_t b)
{
    if (s_count == s_room) {
        s_room = s_room ? s_room * 2 : 1024;
        s_heap = realloc(s_heap, s_room * sizeof *s_heap);
    }
    event_t event = {at < s_now ? s_now : at, rng_u64(), fn, object, a, b};
    size_t i = s_count++;
    while (i && s_before(&event, &s_heap[(i - 1) / 2])) {
        s_heap[i] = s_heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s_heap[i] = event;
}

static event_t s_take(void)
{
    event_t top = s_heap[0], last = s_heap[--s_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s_count; i = child) {
        if (child + 1 < s_count && s_before(&s_heap[child + 1], &s_heap[child]))
            child++;
        if (!s_before(&s_heap[child], &last))
            break;
        s_heap[i] = s_heap[child];
    }
    s_heap[i] = last;
    return top;
}

void world_run(uint64_t until)
{
    while (s_count && s_heap[0].at <= until) {
        event_t event = s_take();
        s_now = event.at;
        s_events++;
        event.fn(event.object, event.a, event.b);
    }
    s_now = until;
}

/* ---- trace and violations --------------------------------------------- */

static uint64_t s_hash;
static bool s_print;
static char s_verdict[1024];
static jmp_buf s_out;
static bool s_trying;

void trace_print(bool on)
{
    s_print = on;
}

uint64_t trace_hash(void)
{
    return s_hash;
}

void trace(const char *format, ...)
{
    char line[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    s_hash ^= s_now;
    for (const char *at = line; *at; at++)
        s_hash = (s_hash ^ (uint8_t)*at) * 0x100000001b3u;
    if (s_print)
        printf("%9.4f %s\n", (double)s_now / 1e9, line);
}

void violation(const char *check, const char *format, ...)
{
    char words[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    snprintf(s_verdict, sizeof s_verdict, "%s: %s (at %.3f s)", check, words,
             (double)s_now / 1e9);
    trace("VIOLATION %s", s_verdict);
    if (!s_trying) {
        fprintf(stderr, "sim: %s\n", s_verdict);
        exit(1);
    }
    longjmp(s_out, 1);
}

bool world_try(void (*fn)(void))
{
    *s_verdict = '\0';
    s_trying = true;
    bool well = !setjmp(s_out);
    if (well)
        fn();
    s_trying = false;
    return well;
}

const char *world_verdict(void)
{
    return s_verdict;
}

void processes_reset(void);

void world_reset(uint64_t seed)
{
    s_random = seed * 0x9e3779b97f4a7c15u + 1;
    s_count = 0;
    s_now = s_events = 0;
    s_hash = 0xcbf29ce484222325u;
    processes_reset();
}
