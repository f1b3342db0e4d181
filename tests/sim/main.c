/* SPDX-License-Identifier: Apache-2.0
 *
 * sim - a whole cluster in one process (docs/reliability.md).
 *
 *     sim --seed N [--seconds S] [--trace]   one run of S simulated seconds
 *     sim --scenario FILE                    a sequence of faults (scenario.h)
 *     sim --for R [--seed N]                 runs from N on, for R real seconds
 *     --faults LIST   kinds by name, or "-NAME" without it; "none"
 *     --no-operators  nobody bans, protects or takes back (operator.h)
 *     --allow-late    what does not hold yet (check.h)
 *     --images DIR    where broker.so, edge.so and persister.so are
 *
 * A violation ends it with 1 and the command that shows it again.
 */
#include "tests/sim/check.h"
#include "tests/sim/cluster.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/operator.h"
#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

#include <execinfo.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    uint64_t seed, seconds;
    double real_seconds;
    bool seeded, operators;
    const char *faults, *images, *scenario;
} options_t;

static double s_real(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Addresses decide nothing, but a run under a debugger is to be the same. */
static void s_fix_addresses(char **argv)
{
    int now = personality(0xffffffff);
    if (now < 0 || now & ADDR_NO_RANDOMIZE)
        return;
    if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) >= 0)
        execv("/proc/self/exe", argv);
}

/* The code under test, or the world itself, is broken: the run's verdict. */
static void s_on_signal(int number)
{
    void *frames[24];
    const process_t *process = process_now();
    backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
    violation("crash", "signal %d in %s", number,
              process ? process->name : "the simulator");
}

static void s_catch_signals(void)
{
    static uint8_t stack[1 << 16];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = s_on_signal,
                               .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&other, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

static void s_usage(void)
{
    fprintf(stderr, "usage: sim [--seed N] [--seconds S] [--for R] [--trace] "
                    "[--faults LIST] [--no-operators] [--images DIR]\n"
                    "faults:");
    for (unsigned i = 0; i < nemesis_kinds(); i++)
        fprintf(stderr, " %s", nemesis_name(i));
    fprintf(stderr, "\n");
    exit(2);
}

static options_t s_options(int argc, char **argv)
{
    static const struct option rows[] = {
        {"seed", 1, NULL, 's'},         {"seconds", 1, NULL, 'S'},
        {"for", 1, NULL, 'f'},          {"trace", 0, NULL, 't'},
        {"faults", 1, NULL, 'F'},       {"allow-late", 0, NULL, 'l'},
        {"no-operators", 0, NULL, 'n'}, {"images", 1, NULL, 'i'},
        {"scenario", 1, NULL, 'c'},     {0}};
    options_t options = {.seconds = 300, .operators = true};
    for (int letter; (letter = getopt_long(argc, argv, "", rows, NULL)) != -1;)
        switch (letter) {
        case 's':
            options.seed = strtoull(optarg, NULL, 10);
            options.seeded = true;
            break;
        case 'S':
            options.seconds = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            options.real_seconds = strtod(optarg, NULL);
            break;
        case 't':
            trace_print(true);
            break;
        case 'F':
            options.faults = optarg;
            break;
        case 'l':
            check_allows_late = true;
            break;
        case 'n':
            options.operators = false;
            break;
        case 'c':
            options.scenario = optarg;
            break;
        case 'i':
            options.images = optarg;
            break;
        default:
            s_usage();
        }
    return options;
}

static const char *s_here(void)
{
    static char path[512];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    return dirname(path);
}

static void s_print_faults(void)
{
    printf("faults:");
    for (unsigned i = 0; i < nemesis_kinds(); i++)
        if (nemesis_count(i))
            printf(" %s=%" PRIu64, nemesis_name(i), nemesis_count(i));
    printf("\n");
}

/* The command that shows it again. */
static void s_print_again(const options_t *options, uint64_t seed)
{
    if (options->scenario)
        printf("again: build/sim/sim --scenario %s", options->scenario);
    else
        printf("again: build/sim/sim --seed %" PRIu64 " --seconds %" PRIu64,
               seed, options->seconds);
    if (options->faults && !options->scenario)
        printf(" --faults=%s", options->faults);
    if (!options->operators && !options->scenario)
        printf(" --no-operators");
    printf("%s --trace\n", check_allows_late ? " --allow-late" : "");
}

static int s_run(const options_t *options)
{
    double began = s_real();
    uint64_t seed = options->seed, runs = 0, simulated = 0;
    bool well = true;
    do {
        well = cluster_run(seed, options->seconds);
        simulated += world_now() / SECOND;
        runs++;
        if (!well) {
            printf("seed %" PRIu64 ": %s\n", seed, world_verdict());
            s_print_again(options, seed);
        }
        seed++;
    } while (well && s_real() - began < options->real_seconds);
    double spent = s_real() - began;
    printf("hash %016" PRIx64 " (the last run's)\n", trace_hash());
    s_print_faults();
    printf("sim: %" PRIu64 " simulated s in %.1f s (%.0f per s), %" PRIu64
           " runs, seeds %" PRIu64 " to %" PRIu64 ", %" PRIu64
           " losses that nobody alive knew of: %s\n",
           simulated, spent, (double)simulated / spent, runs, options->seed,
           seed - 1, check_unsaid(), well ? "no violation" : "VIOLATION");
    return well ? 0 : 1;
}

int main(int argc, char **argv)
{
    options_t options = s_options(argc, argv);
    s_fix_addresses(argv);
    s_catch_signals();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!options.seeded &&
        getrandom(&options.seed, 4, 0) == 4) /* 32 bits: easy to say */
        options.seeded = true;
    static scenario_head_t head;
    if (options.scenario) {
        if (scenario_read(options.scenario, &head) < 0)
            return 2;
        options.seeded = true;
        options.seed = head.seed;
        options.seconds = head.seconds;
        options.faults = head.faults;
        options.operators = head.operators;
    }
    if (nemesis_choose(options.faults) < 0)
        s_usage();
    operators_enable(options.operators);
    cluster_load(options.images ? options.images : s_here());
    return s_run(&options);
}
