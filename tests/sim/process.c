/* SPDX-License-Identifier: Apache-2.0
 *
 * See world.h: processes and their fibers.
 */
#include "tests/sim/arena.h"
#include "tests/sim/bus.h"
#include "tests/sim/image.h"
#include "tests/sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STACK_BYTES ((size_t)512 << 10)
#define WALL_START_MS UINT64_C(1790000000000)
/* What a turn of a loop takes at most. */
#define TURN_NS 20000

process_t processes[PROCESSES_MAX];
unsigned process_count;
void (*on_process_down)(process_t *process, bool crashed);
void (*on_process_exit)(process_t *process, int code);

static fiber_t *s_running;
static jmp_buf s_scheduler;
static ucontext_t s_boot;

fiber_t *fiber_now(void)
{
    return s_running;
}

process_t *process_now(void)
{
    return s_running ? s_running->process : NULL;
}

/* ---- clocks ----------------------------------------------------------- */

uint64_t process_mono_ns(const process_t *self)
{
    uint64_t lived = world_now() - self->born;
    return 1000 * SECOND + lived +
           (uint64_t)((int64_t)(lived / 1000000) * self->drift_ppm);
}

uint64_t process_mono_to_world(const process_t *self, uint64_t mono_ns)
{
    uint64_t lived = mono_ns > 1000 * SECOND ? mono_ns - 1000 * SECOND : 0;
    int64_t off = (int64_t)(lived / 1000000) * self->drift_ppm;
    return self->born + (uint64_t)((int64_t)lived - off);
}

uint64_t process_wall_ms(const process_t *self)
{
    return WALL_START_MS +
           (uint64_t)((int64_t)(world_now() / MS) + self->wall_offset_ms);
}

/* ---- fibers ----------------------------------------------------------- */

static void s_entry(void)
{
    fiber_t *self = s_running;
    self->run(self->arg);
    fiber_exit();
}

static void s_enter(fiber_t *self)
{
    assert(!s_running);
    s_running = self;
    if (_setjmp(s_scheduler))
        return;
    if (self->started)
        _longjmp(self->env, 1);
    self->started = true;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = self->stack;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = NULL;
    makecontext(&context, s_entry, 0);
    swapcontext(&s_boot, &context);
}

__attribute__((noreturn)) static void s_leave(void)
{
    s_running = NULL;
    _longjmp(s_scheduler, 1);
}

static void s_on_wake(void *object, uint64_t wake, uint64_t life)
{
    fiber_t *self = object;
    process_t *process = self->process;
    if (!process->up || process->life != life || !self->used ||
        !self->waiting || self->wake != wake)
        return;
    if (process->paused_until)
        return; /* process_resume wakes it */
    self->waiting = false;
    s_enter(self);
}

static void s_schedule(fiber_t *self, uint64_t at)
{
    self->wake_at = at;
    self->wake++;
    world_at(at, s_on_wake, self, self->wake, self->process->life);
}

void fiber_wait(uint64_t deadline)
{
    fiber_t *self = s_running;
    uint64_t soonest = world_now() + 1 + rng_below(TURN_NS);
    self->waiting = true;
    s_schedule(self, deadline < soonest ? soonest : deadline);
    if (!_setjmp(self->env))
        s_leave();
}

void fiber_wake(fiber_t *self, uint64_t at)
{
    if (!self || !self->used || !self->waiting || at >= self->wake_at)
        return;
    s_schedule(self, at);
}

fiber_t *fiber_start(process_t *process, void (*run)(void *arg), void *arg)
{
    for (unsigned i = 0; i < FIBERS_MAX; i++) {
        fiber_t *self = &process->fibers[i];
        if (self->used)
            continue;
        if (!self->stack)
            self->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        self->process = process;
        self->run = run;
        self->arg = arg;
        self->used = self->waiting = true;
        self->started = false;
        s_schedule(self, world_now() + 1);
        return self;
    }
    violation("sim", "too many threads in %s", process->name);
}

void fiber_exit(void)
{
    s_running->used = false;
    s_leave();
}

/* ---- processes -------------------------------------------------------- */

process_t *process_add(kind_t kind, const char *name)
{
    assert(process_count < PROCESS_OUTSIDE);
    process_t *self = &processes[process_count];
    self->kind = kind;
    self->number = process_count++;
    self->arena = arena_new(self->number);
    snprintf(self->name, sizeof self->name, "%s", name);
    return self;
}

static void s_main(void *arg)
{
    process_t *self = arg;
    process_exit(image_main(self->image, self->argc, self->argv));
}

static void s_down(process_t *self, bool crashed)
{
    self->up = self->stopping = false;
    self->paused_until = 0;
    self->life++;
    self->loop = NULL;
    for (unsigned i = 0; i < FIBERS_MAX; i++)
        self->fibers[i].used = false;
    on_process_down(self, crashed);
    arena_reset(self->arena);
}

void process_start(process_t *self)
{
    assert(!self->up);
    image_reset(self->image);
    self->up = true;
    self->life++;
    self->born = world_now();
    self->random = rng_u64();
    trace("start %s", self->name);
    fiber_start(self, s_main, self);
}

void process_crash(process_t *self)
{
    if (!self->up)
        return;
    trace("crash %s", self->name);
    s_down(self, true);
}

void process_exit(int code)
{
    process_t *self = process_now();
    trace("exit %s code=%d", self->name, code);
    s_down(self, false);
    on_process_exit(self, code);
    s_leave();
}

void process_resume(process_t *self)
{
    if (!self->paused_until)
        return;
    self->paused_until = 0;
    trace("resume %s", self->name);
    bus_look();
    for (unsigned i = 0; i < FIBERS_MAX; i++)
        if (self->fibers[i].used && self->fibers[i].waiting)
            s_schedule(&self->fibers[i], world_now() + 1);
}

static void s_on_resume(void *object, uint64_t life, uint64_t until)
{
    process_t *self = object;
    if (self->life == life && self->paused_until == until)
        process_resume(self);
}

void process_pause(process_t *self, uint64_t until)
{
    if (!self->up || until <= self->paused_until)
        return;
    trace("pause %s until=%.3f", self->name, (double)until / 1e9);
    self->paused_until = until;
    bus_look();
    world_at(until, s_on_resume, self, self->life, until);
}

void processes_reset(void);
void processes_reset(void)
{
    s_running = NULL;
    for (unsigned i = 0; i < process_count; i++) {
        process_t *self = &processes[i];
        self->up = self->stopping = false;
        self->paused_until = self->life = 0;
        self->wall_offset_ms = self->drift_ppm = 0;
        self->sockets = NULL;
        self->loop = NULL;
        self->argc = 0;
        for (unsigned f = 0; f < FIBERS_MAX; f++)
            self->fibers[f].used = false;
        arena_reset(self->arena);
    }
}
