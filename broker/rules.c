/* SPDX-License-Identifier: Apache-2.0
 *
 * See rules.h.
 */
#include "broker/rules.h"

#define LEAST_WINDOW_MS 600000u

uint64_t rules_window_ms(const canvas_t *canvas)
{
    return canvas->cooldown_ms > LEAST_WINDOW_MS ? canvas->cooldown_ms
                                                 : LEAST_WINDOW_MS;
}

uint64_t rules_keep_from_ms(const canvas_t *canvas, uint64_t now_ms)
{
    uint64_t window_ms = rules_window_ms(canvas);
    return now_ms > window_ms ? now_ms - window_ms : 0;
}

static uint32_t s_remaining_ms(const rules_t *self,
                               const last_placement_t *last)
{
    uint32_t cooldown_ms = self->canvas->cooldown_ms;
    if (!last)
        return 0;
    uint64_t age_ms = self->now_ms - last->placed_at_ms;
    return age_ms >= cooldown_ms ? 0 : (uint32_t)(cooldown_ms - age_ms);
}

uint32_t rules_remaining_ms(const rules_t *self, uint64_t user)
{
    return s_remaining_ms(self, users_find(self->users, user, self->now_ms));
}

/* Whether it is remembered. A clock that jumps makes nothing old. */
static bool s_counts(const rules_t *self, const last_placement_t *last)
{
    return last->seq >= history_recent(self->history) ||
           last->placed_at_ms + rules_window_ms(self->canvas) > self->now_ms;
}

/* The seq of the placement that `place` repeats; 0 if it repeats none. A
 * request that the edge made up can only be repeated by that edge. A client's
 * own is compared with its user's last placement, and with none before it: it
 * may use a number again. What an edge sends again, and what came to it before
 * that last placement was known there, may be a copy of an older one: it is
 * looked up in the last minute. */
static uint64_t s_repeated(const rules_t *self, const bus_place_t *place,
                           const last_placement_t *last)
{
    bool keyless = place->flags & BUS_PLACE_KEYLESS;
    bool again = place->flags & BUS_PLACE_RESENT;
    if (keyless && !again)
        return 0;
    again |= last && place->unseen && last->seq >= place->unseen;
    if (last && last->request == place->request &&
        keyless == !!(last->flags & RECORD_KEYLESS) &&
        (again || s_counts(self, last)))
        return last->seq;
    if (!again)
        return 0;
    resent_key_t key = {place->user, place->request, keyless};
    return resent_find(self->resent, self->history, self->batch, &key);
}

ruling_t rules_decide(const rules_t *self, const bus_place_t *place)
{
    const last_placement_t *last =
        users_find(self->users, place->user, self->now_ms);
    ruling_t ruling = {.remaining_ms = s_remaining_ms(self, last)};
    const canvas_t *canvas = self->canvas;
    if (place->x >= canvas->width || place->y >= canvas->height)
        ruling.status = VERDICT_OUT_OF_BOUNDS;
    else if (place->color >= canvas->palette_size)
        ruling.status = VERDICT_BAD_COLOR;
    else if ((ruling.seq = s_repeated(self, place, last)))
        ruling.status = VERDICT_DUPLICATE; /* it stands, whatever came since */
    else if (bans_has(self->bans, place->user) ||
             policy_bans_user(self->policy, place->user, self->now_ms))
        ruling.status = VERDICT_BANNED;
    else if (canvas->paused)
        ruling.status = VERDICT_PAUSED;
    else if (policy_locked(self->policy) ||
             policy_protects(self->policy, place->x, place->y))
        ruling.status = VERDICT_PROTECTED;
    else if (ruling.remaining_ms)
        ruling.status = VERDICT_COOLDOWN;
    else
        ruling.remaining_ms = canvas->cooldown_ms;
    return ruling;
}
