/* SPDX-License-Identifier: Apache-2.0
 *
 * An empty policy, and actions that are fed to it as records of the history.
 */
#ifndef TESTS_UNIT_COMMON_ACTIONS_H
#define TESTS_UNIT_COMMON_ACTIONS_H

#include "common/policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static policy_t *policy;
static uint64_t seq;

static inline void s_set_up(void)
{
    policy = policy_new();
    seq = 0;
}

static inline void s_tear_down(void)
{
    policy_destroy(&policy);
}

/* The action as records of the history; returns its seq. */
static inline uint64_t s_do(policy_t *to, const control_t *control)
{
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(control, seq + 1, records);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(policy_feed(to, &records[i], NULL), i + 1 == count);
    return seq += count;
}

static inline control_t s_ban(uint64_t user, uint64_t until_ms)
{
    return (control_t){.verb = CONTROL_BAN,
                       .of = {.user = user, .until_ms = until_ms}};
}

static inline control_t s_box(control_verb_t verb, uint16_t x0, uint16_t y0,
                              uint16_t x1, uint16_t y1)
{
    return (control_t){.verb = verb,
                       .of = {.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1}};
}

#endif
