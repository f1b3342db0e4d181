/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators have decided, folded once more: common/policy.h written a
 * second time, as plainly as it goes, for users of the simulation only. Both
 * are compared by a digest.
 */
#ifndef TESTS_SIM_POLICY_MODEL_H
#define TESTS_SIM_POLICY_MODEL_H

#include "common/policy.h"
#include "tests/sim/check_parts.h"

#define ORDERS_MAX 4096 /* keys of operators in a run, from 1 on */
#define MODEL_BOXES_MAX 256
#define MODEL_ROLLBACKS_MAX 512

typedef struct {
    uint64_t seq, until_ms; /* 0: nobody is banned; for ever */
} model_ban_t;

typedef struct {
    uint64_t seq;
    uint16_t x0, y0, x1, y1;
} model_box_t;

typedef struct {
    uint64_t seq, by;
    selection_t of;
} model_rollback_t;

typedef struct {
    uint64_t seq, locked;
    model_ban_t bans[USERS_MAX];
    model_box_t boxes[MODEL_BOXES_MAX];
    size_t box_count;
    model_rollback_t rollbacks[MODEL_ROLLBACKS_MAX];
    size_t rollback_count;
    uint64_t orders[ORDERS_MAX]; /* seq by key; 0: not done */
    uint64_t by;                 /* the one operator of all keys */
    uint32_t keys;               /* the highest that was done */
    control_reader_t reader;
} model_t;

/* What the true history says now. */
const model_t *check_policy_model(void);

/* All but who gives orders, and how many. */
void model_clear(model_t *self);
/* A whole action, the next one. */
void model_apply(model_t *self, const control_t *action);
bool model_bans(const model_t *self, unsigned user, uint64_t now_ms);
/* The box that holds the pixel; NULL: none. */
const model_box_t *model_box_at(const model_t *self, uint16_t x, uint16_t y);
/* A rollback that holds takes this placement back. */
bool model_hides(const model_t *self, const record_t *record);
/* The rollback whose pixels are not all there; NULL: none. */
const model_rollback_t *model_open(const model_t *self);
/* Equal for the model and a policy that says the same. */
uint64_t model_digest(const model_t *self);
uint64_t model_digest_of(const policy_t *policy, uint64_t by, uint32_t keys);

#endif
