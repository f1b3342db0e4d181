/* SPDX-License-Identifier: Apache-2.0
 *
 * Which epochs edges tell of, and which of that is believed. An edge may know
 * an epoch that a Redis which was put back, or emptied, has forgotten; it may
 * also be in somebody else's hands, so what it says is bounded by step, by
 * rate and in total: it can neither use the numbers up nor keep a leader from
 * leading. Pure.
 */
#ifndef BROKER_EPOCHS_H
#define BROKER_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>

/* Where Redis may have forgotten epochs, the next one is drawn from so many, so
 * that it is not one that only somebody out of reach knows (redis_scripts.c).
 */
#define EPOCH_LEAP 16384u
/* So far above all that is known here an edge's may be … */
#define EPOCH_STEP_MAX (1u << 20)
/* … so many of them are believed … */
#define EPOCHS_BELIEVED 8u
/* … within that time, and none above this: the other half is for leads. */
#define EPOCHS_WITHIN_MS 60000u
#define EPOCH_TOLD_MAX (UINT32_MAX / 2)

/* Zeros: nothing was told. */
typedef struct {
    uint32_t told; /* the highest that was believed */
    uint64_t since_ms;
    uint32_t believed; /* since then */
} epochs_t;

/* An edge has followed `epoch`; `known` is the highest that is known here
 * otherwise. False: it is above that, and not believed. */
bool epochs_hear(epochs_t *self, uint32_t known, uint32_t epoch,
                 uint64_t now_ms);

#endif
