/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-load: viewers that verify what they are shown, and placers whose
 * acknowledgements are verified. The parent reads the record to replay, forks
 * the workers, forwards signals, adds up what they found, checks the final
 * board and prints the report. With --canary it is none of this but one visitor
 * who measures (canary.h). Exit status: 0 where all was right, 1 where not,
 * 2 for a wrong command line.
 */
#include "common/clock.h"
#include "common/log.h"
#include "load/canary.h"
#include "load/final.h"
#include "load/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static share_t *share;

static void s_on_signal(int number)
{
    (void)number;
    atomic_store(&share->stop, 1);
}

static void *s_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

/* As many descriptors as we may have. */
static void s_raise_limit(void)
{
    struct rlimit limit;
    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void s_catch_signals(void)
{
    struct sigaction action = {.sa_handler = s_on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void s_fork_workers(const config_t *config, const replay_t *replay,
                           report_t *reports)
{
    pid_t parent = getpid();
    fflush(NULL);
    for (unsigned i = 0; i < (unsigned)config->processes; i++) {
        pid_t pid = fork();
        if (pid < 0)
            abort();
        if (pid)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        _exit(worker_run(config, replay, share, &reports[i], i));
    }
}

static void s_print_progress(const config_t *config, const report_t *reports)
{
    uint64_t opened = 0, sent = 0, acknowledged = 0, diffs = 0;
    for (int64_t i = 0; i < config->processes; i++) {
        opened += reports[i].opened;
        sent += reports[i].sent;
        acknowledged += reports[i].verdict_latency.count;
        diffs += reports[i].diffs;
    }
    fprintf(stderr,
            "opened=%" PRIu64 " sent=%" PRIu64 " acknowledged=%" PRIu64
            " diffs=%" PRIu64 " seq=%" PRIu64 "\n",
            opened, sent, acknowledged, diffs, atomic_load(&share->last_ack));
}

/* True where all workers ended well. */
static bool s_wait_workers(const config_t *config, const report_t *reports)
{
    bool ok = true;
    uint64_t shown_ms = clock_mono_ms();
    for (int64_t left = config->processes; left;) {
        int status;
        pid_t pid = waitpid(-1, &status, config->progress ? WNOHANG : 0);
        if (pid > 0) {
            left--;
            ok = ok && !status;
            continue;
        }
        if (pid < 0 && errno != EINTR)
            return false;
        if (!config->progress)
            continue;
        usleep(50000);
        if (clock_mono_ms() >= shown_ms + (uint64_t)config->progress * 1000) {
            shown_ms = clock_mono_ms();
            s_print_progress(config, reports);
        }
    }
    return ok;
}

static report_t *s_add_up(const config_t *config, report_t *reports)
{
    for (int64_t i = 1; i < config->processes; i++)
        report_merge(&reports[0], &reports[i]);
    return &reports[0];
}

static int s_run(const config_t *config, const replay_t *replay)
{
    size_t size = (size_t)config->processes * sizeof(report_t);
    report_t *reports = s_map(size);
    outcome_t outcome = {
        .viewers = (uint64_t)config->viewers,
        .placers = (uint64_t)config->placers,
        .processes = (uint64_t)config->processes,
        .replay_size = replay ? replay->count : 0,
    };
    uint64_t start_ms = clock_mono_ms();
    int64_t placing = config->placers < config->processes ? config->placers
                                                          : config->processes;
    atomic_store(&share->placing, (uint32_t)placing);
    s_fork_workers(config, replay, reports);
    outcome.workers_ok = s_wait_workers(config, reports);
    outcome.stopped = atomic_load(&share->stop);
    outcome.elapsed_s = (double)(clock_mono_ms() - start_ms) / 1e3;
    report_t *report = s_add_up(config, reports);
    if (config->board_check)
        final_check(config, replay, report->last_ack, &outcome);
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    outcome.user_s =
        (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    outcome.system_s =
        (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    (config->json ? report_print_json : report_print)(report, &outcome, stdout);
    int status = report_ok(report, &outcome) ? 0 : 1;
    munmap(reports, size);
    return status;
}

static int s_run_canary(config_t *config)
{
    int status = canary_run(config, share);
    config_free(config);
    munmap(share, sizeof *share);
    return status;
}

int main(int argc, char **argv)
{
    config_t config;
    replay_t replay = {0};
    log_init("load", LEVEL_INFO);
    config_load(&config, argc, argv);
    s_raise_limit();
    share = s_map(sizeof *share);
    s_catch_signals();
    if (config.canary)
        return s_run_canary(&config);
    if (config.replay &&
        replay_load(&replay, config.replay, (uint32_t)config.placers,
                    (uint32_t)config.replay_limit) < 0)
        return 1;
    int status = s_run(&config, config.replay ? &replay : NULL);
    replay_free(&replay);
    config_free(&config);
    munmap(share, sizeof *share);
    return status;
}
