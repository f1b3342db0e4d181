/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of records on their way in: which message goes on to the writer,
 * which is known already, which leaves a gap that a replay has to fill. Pure.
 *
 *     level ── gap seen ──▶ behind ── replay reaches `seen` ──▶ level
 *                             └── the log has lost it ──▶ hole
 */
#ifndef PERSISTER_INTAKE_H
#define PERSISTER_INTAKE_H

#include "common/bus.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t next;   /* the seq that is taken next */
    uint64_t seen;   /* highest seq known to be committed */
    uint64_t stood;  /* `next` at the last intake_hint */
    uint64_t lacked; /* `next` when intake_lack was told; 0: not */
    uint64_t hole;   /* next … hole are nowhere any more; 0: no hole */
    chain_t chain;   /* at next − 1 */
    bool proved;     /* the leader's history was seen to be this one, or its
                        chain is unknown and its records followed on */
} intake_t;

/* A RECORDS message: `count` packed records from `first` on, and the chain
 * before them. None: count 0. */
typedef struct {
    uint64_t first, count;
    chain_t before;
    const uint8_t *records;
} intake_run_t;

/* -1 unless it is whole: contiguous records, at most BUS_RECORDS_MAX. */
int intake_run_decode(intake_run_t *run, const void *bytes, size_t size);

typedef enum {
    INTAKE_TAKE,   /* goes on, but for its first *skip records */
    INTAKE_OLD,    /* all known already */
    INTAKE_GAP,    /* begins above `next`: left to a replay */
    INTAKE_FORKED, /* of another history: nothing is taken */
} intake_result_t;

/* Everything up to `checkpoint` is in the store; what stands after it is not
 * known, so one replay has to tell: behind at first. */
void intake_start(intake_t *self, position_t checkpoint);

/* Another leader: one replay has to prove that its history is this one. */
void intake_doubt(intake_t *self);

/* A run of at least one record. */
intake_result_t intake_offer(intake_t *self, const intake_run_t *run,
                             uint64_t *skip);

/* A message that is contiguous but cannot be taken now (the queue is full):
 * to be replayed. */
void intake_refuse(intake_t *self, uint64_t last);

/* The leader says that `committed` is committed. Believed at once when nothing
 * was taken since the last hint, else messages on their way explain it. */
void intake_hint(intake_t *self, uint64_t committed);

/* A replay from `next` found nothing: level with what is committed. `chain` is
 * the leader's before `next`. False: it is another history. */
bool intake_level(intake_t *self, chain_t chain);

/* A replay from `next` showed that nothing up to `to` is in the log any more.
 * Believed when it is told again: an answer may be older than the question.
 * Then `hole` says so until records follow on. True when that is news. */
bool intake_lack(intake_t *self, uint64_t to);

static inline bool intake_behind(const intake_t *self)
{
    return self->seen >= self->next;
}

#endif
