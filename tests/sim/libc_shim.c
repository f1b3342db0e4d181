/* SPDX-License-Identifier: Apache-2.0
 *
 * What the images' sources call of libc and must not get: the linker sends
 * these calls to __wrap_NAME (see sim.mk).
 */
#include "tests/sim/arena.h"
#include "tests/sim/bus.h"
#include "tests/sim/check.h"
#include "tests/sim/heap.h"
#include "tests/sim/image.h"
#include "tests/sim/shim.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* ---- memory ----------------------------------------------------------- */

void *__wrap_malloc(size_t size);
void __wrap_free(void *memory);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static void *s_alloc(size_t size, size_t alignment)
{
    process_t *process = process_now();
    return process ? arena_alloc(process->arena, size, alignment)
                   : malloc(size);
}

void *heap_alloc(size_t size)
{
    return s_alloc(size, 16);
}

void heap_free(void *memory)
{
    arena_t *arena = memory ? arena_of(memory) : NULL;
    if (arena)
        arena_free(arena, memory);
    else
        free(memory);
}

void *__wrap_malloc(size_t size)
{
    return s_alloc(size, 16);
}

void __wrap_free(void *memory)
{
    heap_free(memory);
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *memory = s_alloc(count * size, 16);
    memset(memory, 0, count * size);
    return memory;
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (memory && !arena_of(memory))
        return realloc(memory, size);
    void *larger = s_alloc(size, 16);
    if (memory) {
        size_t kept = arena_size_of(memory);
        memcpy(larger, memory, kept < size ? kept : size);
        heap_free(memory);
    }
    return larger;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return s_alloc(size, alignment);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = s_alloc(size, alignment);
    return 0;
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(s_alloc(size, 16), text, size);
}

/* ---- time and chance -------------------------------------------------- */

int __wrap_clock_gettime(clockid_t id, struct timespec *now);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
pid_t __wrap_getpid(void);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    const process_t *process = process_now();
    uint64_t ns = 0;
    if (id == CLOCK_REALTIME)
        ns = process_wall_ms(process) * MS;
    else if (id == CLOCK_MONOTONIC)
        ns = process_mono_ns(process);
    now->tv_sec = (time_t)(ns / SECOND);
    now->tv_nsec = (long)(ns % SECOND);
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)rng_u64();
    return (ssize_t)size;
}

pid_t __wrap_getpid(void)
{
    return 100 + (pid_t)process_now()->number;
}

/* ---- descriptors and signals ------------------------------------------ */

ssize_t __wrap_read(int fd, void *bytes, size_t size);
int __wrap_close(int fd);
int __wrap_signalfd(int fd, const sigset_t *mask, int flags);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigaction(int number, const struct sigaction *action,
                     struct sigaction *old);
void (*__wrap_signal(int number, void (*handler)(int)))(int);

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    process_t *process = process_now();
    if (fd != FD_SIGNALS)
        return read(fd, bytes, size);
    if (!process->stopping || size < sizeof(struct signalfd_siginfo)) {
        errno = EAGAIN;
        return -1;
    }
    process->stopping = false;
    struct signalfd_siginfo info = {.ssi_signo = SIGTERM};
    memcpy(bytes, &info, sizeof info);
    return sizeof info;
}

int __wrap_close(int fd)
{
    return fd >= FD_SIGNALS ? 0 : close(fd);
}

int __wrap_signalfd(int fd, const sigset_t *mask, int flags)
{
    (void)fd, (void)mask, (void)flags;
    return FD_SIGNALS;
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    (void)how, (void)set, (void)old;
    return 0;
}

int __wrap_sigaction(int number, const struct sigaction *action,
                     struct sigaction *old)
{
    (void)number, (void)action, (void)old;
    return 0;
}

void (*__wrap_signal(int number, void (*handler)(int)))(int)
{
    (void)number, (void)handler;
    return NULL;
}

void process_term(process_t *self)
{
    if (!self->up)
        return;
    trace("term %s", self->name);
    self->stopping = true;
    volatile int *flag = image_interrupted(self->image);
    if (flag && self->kind == KIND_PERSISTER)
        *flag = 1;
    fd_wake(self, world_now() + 1);
}

void fd_wake(process_t *process, uint64_t at)
{
    fiber_wake(&process->fibers[0], at);
}

/* ---- ends ------------------------------------------------------------- */

void __wrap_exit(int code) __attribute__((noreturn));
void __wrap_abort(void) __attribute__((noreturn));
void __wrap___assert_fail(const char *what, const char *file, unsigned line,
                          const char *function) __attribute__((noreturn));

void __wrap_exit(int code)
{
    process_exit(code);
}

void __wrap_abort(void)
{
    violation("crash", "%s aborts", process_now()->name);
}

void __wrap___assert_fail(const char *what, const char *file, unsigned line,
                          const char *function)
{
    violation("crash", "%s: %s:%u: %s: assertion %s", process_now()->name, file,
              line, function, what);
}

/* ---- the log ---------------------------------------------------------- */

void __wrap_log_event(int level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void __wrap_log_event(int level, const char *event, const char *format, ...)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};
    char line[400] = "";
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
    }
    if (level > 0)
        trace("%s %s event=%s %s", process_now()->name, words[level], event,
              line);
    check_log(process_now(), event, line);
}
