/* SPDX-License-Identifier: Apache-2.0
 *
 * A sequence of faults written down: tests/sim/seeds/NAME.seed. Lines are
 *
 *     # words                     seed N           seconds S
 *     faults LIST                 (random ones, after the sequence)
 *     operators on                (they act by themselves in the random ones)
 *     forbid unavailable          forbid log EVENT
 *     at S ACTION [WHO] [S | WHO] [S] (S counts from the first quiet moment)
 *
 * Actions are scenario.c's table; `order VERB WHAT` is an operator's
 * (operator.h). WHO is b0, b1, p0, p1, e0, e1, e2 or redis; `leader` and
 * `standby` are whoever that is then.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t seed, seconds;
    char faults[256];
    bool operators; /* act by themselves */
} scenario_head_t;

/* -1, with words on standard error, if the file is none. */
int scenario_read(const char *path, scenario_head_t *head);
/* Schedules all, from now on; returns when the last of it is over. */
uint64_t scenario_begin(void);
bool scenario_forbids_unavailable(void);
bool scenario_forbids_log(const char *event);
void scenario_clear(void);

#endif
