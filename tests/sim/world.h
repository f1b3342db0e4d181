/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated world's core: virtual time, events in its order, processes made
 * of fibers, each with memory and clocks of its own, and one seeded generator.
 * Nothing here reads a real clock or real randomness, so a seed is a run.
 *
 * A process is an image (a shared object of the real sources, one private copy
 * per process, see image.h) whose main() runs on a fiber. Where the real code
 * would block in poll, the fiber gives control back to the scheduler.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS ((uint64_t)1000000) /* virtual time is in nanoseconds */
#define SECOND (1000 * MS)
#define NEVER UINT64_MAX

/* ---- randomness ------------------------------------------------------- */

uint64_t rng_u64(void);
/* Uniform in [0, below); 0 for below 0. */
uint64_t rng_below(uint64_t below);
/* Uniform in [low, high]. */
uint64_t rng_range(uint64_t low, uint64_t high);
/* True `percent` times of a hundred. */
bool rng_chance(unsigned percent);

/* ---- events ----------------------------------------------------------- */

typedef void (*event_fn)(void *object, uint64_t a, uint64_t b);

uint64_t world_now(void);
/* Ties are broken by the seed. An event is never taken back: its object
 * outlives it, and `a` or `b` tells whether it still counts. */
void world_at(uint64_t at, event_fn fn, void *object, uint64_t a, uint64_t b);
/* Runs all events up to `until`. */
void world_run(uint64_t until);
/* Everything anew, under a seed. */
void world_reset(uint64_t seed);
uint64_t world_events(void);

/* ---- trace and violations --------------------------------------------- */

/* One line of the run: hashed always, printed with --trace. */
__attribute__((format(printf, 1, 2))) void trace(const char *format, ...);
void trace_print(bool on);
uint64_t trace_hash(void);

/* What the checks found: the run ends. Does not return. */
__attribute__((noreturn, format(printf, 2, 3))) void
violation(const char *check, const char *format, ...);
/* Runs `fn`; false where it met a violation, whose words are then in
 * world_verdict(). */
bool world_try(void (*fn)(void));
const char *world_verdict(void);

/* ---- processes -------------------------------------------------------- */

typedef enum { KIND_BROKER, KIND_PERSISTER, KIND_EDGE, KINDS } kind_t;

#define PROCESSES_MAX 12
/* Who is no process of ours and speaks on the bus: operators (operator.h). */
#define PROCESS_OUTSIDE (PROCESSES_MAX - 1)
#define FIBERS_MAX 6

typedef struct process process_t;
typedef struct fiber fiber_t;

struct fiber {
    process_t *process;
    jmp_buf env;
    uint8_t *stack;
    void (*run)(void *arg);
    void *arg;
    bool used, started, waiting;
    uint64_t wake; /* number of the wait: an older wake-up is void */
    uint64_t wake_at;
};

struct process {
    kind_t kind;
    unsigned number; /* of all; also its host's number in the network */
    char name[16];
    struct image *image;
    struct arena *arena;
    bool up;
    uint64_t paused_until; /* 0: runs */
    uint64_t life;         /* counts starts: what names an older one is void */
    uint64_t born;
    int64_t wall_offset_ms;
    int64_t drift_ppm;
    bool stopping; /* SIGTERM was sent */
    fiber_t fibers[FIBERS_MAX];
    struct _zsock_t *sockets; /* list */
    void *loop;               /* its zloop, for signals */
    int argc;
    char *argv[32];
    char words[32][160];
    uint64_t random;
};

extern process_t processes[PROCESSES_MAX];
extern unsigned process_count;

/* Whose code runs now; NULL: the world's own. */
process_t *process_now(void);
fiber_t *fiber_now(void);

process_t *process_add(kind_t kind, const char *name);
void process_start(process_t *self);
/* kill -9: memory is gone, sockets are closed by the kernel. */
void process_crash(process_t *self);
void process_term(process_t *self);
/* SIGSTOP until then. */
void process_pause(process_t *self, uint64_t until);
void process_resume(process_t *self);
static inline bool process_runs(const process_t *self)
{
    return self->up && !self->paused_until;
}

uint64_t process_mono_ns(const process_t *self);
uint64_t process_wall_ms(const process_t *self);
/* The virtual time at which its monotonic clock shows that. */
uint64_t process_mono_to_world(const process_t *self, uint64_t mono_ns);

fiber_t *fiber_start(process_t *process, void (*run)(void *arg), void *arg);
/* Gives control back until world time `deadline` or fiber_wake. */
void fiber_wait(uint64_t deadline);
void fiber_wake(fiber_t *self, uint64_t at);
/* Ends the running fiber. */
__attribute__((noreturn)) void fiber_exit(void);

/* The running process has exited by itself, with that code. */
__attribute__((noreturn)) void process_exit(int code);

/* Told when a process came up or went (crash or exit). */
extern void (*on_process_down)(process_t *process, bool crashed);
extern void (*on_process_exit)(process_t *process, int code);

#endif
