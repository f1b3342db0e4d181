/* SPDX-License-Identifier: Apache-2.0
 *
 * See workers.h.
 */
#include "edge/workers.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define YOUNG_MS 1000
#define PAUSE_MS 200

typedef struct {
    pid_t pid; /* 0: ended */
    uint64_t born_ms;
} worker_t;

typedef struct {
    unsigned count;
    worker_t *workers;
    int (*work)(void *context, unsigned number);
    void *context;
    sigset_t signals;
    sigset_t old;
    bool stopping;
    int code;
} workers_t;

static void s_spawn(workers_t *self, unsigned number)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (!pid) {
        /* Without its parent nobody would start or stop it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        sigprocmask(SIG_SETMASK, &self->old, NULL);
        free(self->workers);
        exit(self->work(self->context, number));
    }
    if (pid < 0)
        log_error("fork_failed", "worker=%u errno=%d", number, errno);
    self->workers[number] =
        (worker_t){.pid = pid > 0 ? pid : 0, .born_ms = clock_mono_ms()};
}

static void s_tell(const workers_t *self, int signal_number)
{
    for (unsigned i = 0; i < self->count; i++)
        if (self->workers[i].pid)
            kill(self->workers[i].pid, signal_number);
}

static void s_stop(workers_t *self)
{
    self->stopping = true;
    s_tell(self, SIGTERM);
}

static void s_on_exit(workers_t *self, unsigned number, int status)
{
    worker_t *worker = &self->workers[number];
    bool clean = WIFEXITED(status) && !WEXITSTATUS(status);
    bool young = clock_mono_ms() - worker->born_ms < YOUNG_MS;
    worker->pid = 0;
    if (self->stopping) {
        self->code |= !clean;
        return;
    }
    log_error("worker_died", "worker=%u status=%d", number, status);
    if (young && WIFEXITED(status)) {
        self->code = 1;
        s_stop(self);
        return;
    }
    usleep(PAUSE_MS * 1000);
    s_spawn(self, number);
}

static void s_reap(workers_t *self)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < self->count; i++)
            if (self->workers[i].pid == pid)
                s_on_exit(self, i, status);
}

static bool s_any(const workers_t *self)
{
    for (unsigned i = 0; i < self->count; i++)
        if (self->workers[i].pid)
            return true;
    return false;
}

int workers_run(unsigned count, int (*work)(void *context, unsigned number),
                void *context)
{
    workers_t self = {.count = count, .work = work, .context = context};
    self.workers = mem_zalloc(count, sizeof *self.workers);
    sigemptyset(&self.signals);
    sigaddset(&self.signals, SIGTERM);
    sigaddset(&self.signals, SIGINT);
    sigaddset(&self.signals, SIGHUP);
    sigaddset(&self.signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &self.signals, &self.old);
    for (unsigned i = 0; i < count; i++)
        s_spawn(&self, i);
    while (s_any(&self)) {
        int number;
        int failed = sigwait(&self.signals, &number);
        if (!failed && number == SIGHUP)
            s_tell(&self, SIGHUP);
        else if (!failed && number != SIGCHLD)
            s_stop(&self);
        s_reap(&self);
    }
    free(self.workers);
    return self.code;
}
