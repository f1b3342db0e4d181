/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides one placement against memory. Pure but for resent's index and
 * users_find's mending of times. The edge has checked token and rate; the order
 * here is docs/protocol.md's: out_of_bounds, bad_color, duplicate, banned,
 * paused, protected, cooldown.
 */
#ifndef BROKER_RULES_H
#define BROKER_RULES_H

#include "broker/bans.h"
#include "broker/resent.h"
#include "broker/users.h"
#include "common/bus.h"
#include "common/canvas.h"
#include "common/policy.h"

/* What a placement is decided against; all borrowed. */
typedef struct {
    const canvas_t *canvas;
    const bans_t *bans;
    const policy_t *policy;
    users_t *users;
    const history_t *history;
    resent_t *resent;
    uint64_t now_ms;      /* wall */
    const batch_t *batch; /* behind the history; NULL: none is */
} rules_t;

typedef struct {
    verdict_status_t status;
    uint64_t seq;          /* of a duplicate's first placement, else 0 */
    uint32_t remaining_ms; /* of the cooldown, after the verdict */
} ruling_t;

/* How long a last placement is remembered: the longer of the cooldown and ten
 * minutes. */
uint64_t rules_window_ms(const canvas_t *canvas);

/* `now_ms` less the window, not below 0. */
uint64_t rules_keep_from_ms(const canvas_t *canvas, uint64_t now_ms);

/* VERDICT_OK: the caller places it and gives it a seq. */
ruling_t rules_decide(const rules_t *self, const bus_place_t *place);

/* What remains of the user's cooldown now. */
uint32_t rules_remaining_ms(const rules_t *self, uint64_t user);

#endif
