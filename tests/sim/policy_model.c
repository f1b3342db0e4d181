/* SPDX-License-Identifier: Apache-2.0
 *
 * See policy_model.h.
 */
#include "tests/sim/policy_model.h"

#include "common/backoff.h"

#include <string.h>

/* A policy hashes its users with a random key. Which one it is shows nowhere,
 * and nothing here may be random. */
uint64_t random_u64(void)
{
    return 4;
}

void model_clear(model_t *self)
{
    model_t empty = {.keys = self->keys, .by = self->by};
    *self = empty;
}

/* ---- the fold --------------------------------------------------------- */

static model_ban_t *s_ban(model_t *self, const selection_t *of)
{
    uint64_t user = of->user - IDENTITY;
    if (user >= USERS_MAX)
        violation("policy", "somebody else is banned: %016llx",
                  (unsigned long long)of->user);
    return &self->bans[user];
}

static bool s_within(const model_box_t *inner, const selection_t *outer)
{
    return inner->x0 >= outer->x0 && inner->y0 >= outer->y0 &&
           inner->x1 <= outer->x1 && inner->y1 <= outer->y1;
}

static void s_let_go(model_t *self, const selection_t *of)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->box_count; i++)
        if (!s_within(&self->boxes[i], of))
            self->boxes[kept++] = self->boxes[i];
    self->box_count = kept;
}

static model_rollback_t *s_rollback(model_t *self, uint64_t seq)
{
    for (size_t i = 0; i < self->rollback_count; i++)
        if (self->rollbacks[i].seq == seq)
            return &self->rollbacks[i];
    violation("policy", "an action names a rollback %llu that does not hold",
              (unsigned long long)seq);
}

static void s_forget(model_t *self, model_rollback_t *rollback)
{
    size_t behind =
        (size_t)(self->rollbacks + self->rollback_count - rollback) - 1;
    memmove(rollback, rollback + 1, behind * sizeof *rollback);
    self->rollback_count--;
}

static void s_restore(model_t *self, const selection_t *of)
{
    model_rollback_t *rollback = s_rollback(self, of->upto);
    if (of->has & HAS_OPEN)
        rollback->of.has |= HAS_OPEN | HAS_RESTORING;
    else
        s_forget(self, rollback);
}

static void s_done(model_t *self, const selection_t *of)
{
    model_rollback_t *rollback = s_rollback(self, of->upto);
    if (!(rollback->of.has & HAS_OPEN))
        violation("policy", "rollback %llu is done twice",
                  (unsigned long long)of->upto);
    if (rollback->of.has & HAS_RESTORING)
        s_forget(self, rollback);
    else
        rollback->of.has &= (uint8_t)~HAS_OPEN;
}

static void s_decide(model_t *self, const control_t *action)
{
    const selection_t *of = &action->of;
    if (self->box_count == MODEL_BOXES_MAX ||
        self->rollback_count == MODEL_ROLLBACKS_MAX)
        violation("sim", "the model of the policy is full");
    switch (action->verb) {
    case CONTROL_BAN:
        *s_ban(self, of) = (model_ban_t){action->seq, of->until_ms};
        return;
    case CONTROL_UNBAN:
        *s_ban(self, of) = (model_ban_t){0};
        return;
    case CONTROL_PROTECT:
        self->boxes[self->box_count++] =
            (model_box_t){action->seq, of->x0, of->y0, of->x1, of->y1};
        return;
    case CONTROL_UNPROTECT:
        s_let_go(self, of);
        return;
    case CONTROL_LOCK:
        self->locked = action->seq;
        return;
    case CONTROL_UNLOCK:
        self->locked = 0;
        return;
    case CONTROL_ROLLBACK:
        self->rollbacks[self->rollback_count++] =
            (model_rollback_t){action->seq, action->by, *of};
        return;
    case CONTROL_RESTORE:
        s_restore(self, of);
        return;
    case CONTROL_DONE:
        s_done(self, of);
        return;
    default:
        return;
    }
}

void model_apply(model_t *self, const control_t *action)
{
    s_decide(self, action);
    self->seq = action->seq;
    if (!action->request)
        return;
    if (action->request >= ORDERS_MAX || (self->by && self->by != action->by))
        violation("policy", "seq %llu is an action of nobody",
                  (unsigned long long)action->seq);
    self->by = action->by;
    self->orders[action->request] = action->seq;
    if (action->request > self->keys)
        self->keys = action->request;
}

/* ---- questions -------------------------------------------------------- */

bool model_bans(const model_t *self, unsigned user, uint64_t now_ms)
{
    const model_ban_t *ban = &self->bans[user];
    return ban->seq && (!ban->until_ms || now_ms < ban->until_ms);
}

const model_box_t *model_box_at(const model_t *self, uint16_t x, uint16_t y)
{
    for (size_t i = 0; i < self->box_count; i++) {
        const model_box_t *box = &self->boxes[i];
        if (x >= box->x0 && x <= box->x1 && y >= box->y0 && y <= box->y1)
            return box;
    }
    return NULL;
}

static bool s_takes_back(const selection_t *of, const record_t *r)
{
    bool user = !(of->has & HAS_USER) || r->user == of->user;
    bool box = !(of->has & HAS_BOX) || (r->x >= of->x0 && r->x <= of->x1 &&
                                        r->y >= of->y0 && r->y <= of->y1);
    bool time = !(of->has & HAS_TIME) || (r->placed_at_ms >= of->from_ms &&
                                          r->placed_at_ms <= of->until_ms);
    return r->seq <= of->upto && user && box && time;
}

bool model_hides(const model_t *self, const record_t *record)
{
    for (size_t i = 0; i < self->rollback_count; i++)
        if (!(self->rollbacks[i].of.has & HAS_RESTORING) &&
            s_takes_back(&self->rollbacks[i].of, record))
            return true;
    return false;
}

const model_rollback_t *model_open(const model_t *self)
{
    for (size_t i = 0; i < self->rollback_count; i++)
        if (self->rollbacks[i].of.has & HAS_OPEN)
            return &self->rollbacks[i];
    return NULL;
}

/* ---- the digest ------------------------------------------------------- */

static void s_mix(uint64_t *hash, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t words[] = {a, b, c};
    for (size_t i = 0; i < 3; i++) {
        *hash = (*hash ^ words[i]) * 0x9e3779b97f4a7c15u;
        *hash ^= *hash >> 29;
    }
}

static void s_mix_box(uint64_t *hash, uint64_t seq, const uint16_t corners[4])
{
    s_mix(hash, seq, (uint64_t)corners[0] << 16 | corners[1],
          (uint64_t)corners[2] << 16 | corners[3]);
}

static void s_mix_rollback(uint64_t *hash, uint64_t seq, uint64_t by,
                           const selection_t *of)
{
    s_mix(hash, seq, by, of->user);
    s_mix(hash, of->from_ms, of->until_ms, of->upto);
    s_mix_box(hash, of->has, (uint16_t[]){of->x0, of->y0, of->x1, of->y1});
}

uint64_t model_digest(const model_t *self)
{
    uint64_t hash = 0;
    s_mix(&hash, self->seq, self->locked, 1);
    for (unsigned i = 0; i < USERS_MAX; i++)
        s_mix(&hash, i, self->bans[i].seq, self->bans[i].until_ms);
    for (size_t i = 0; i < self->box_count; i++) {
        const model_box_t *b = &self->boxes[i];
        s_mix_box(&hash, b->seq, (uint16_t[]){b->x0, b->y0, b->x1, b->y1});
    }
    for (size_t i = 0; i < self->rollback_count; i++)
        s_mix_rollback(&hash, self->rollbacks[i].seq, self->rollbacks[i].by,
                       &self->rollbacks[i].of);
    for (uint32_t key = 1; key <= self->keys; key++)
        if (self->orders[key])
            s_mix(&hash, key, self->orders[key], 2);
    return hash;
}

uint64_t model_digest_of(const policy_t *policy, uint64_t by, uint32_t keys)
{
    uint64_t hash = 0, seq;
    model_ban_t bans[USERS_MAX] = {0};
    policy_ban_t ban;
    size_t count;
    s_mix(&hash, policy_seq(policy), policy_locked(policy), 1);
    for (size_t at = 0; policy_next_ban(policy, &at, &ban);)
        if (ban.user - IDENTITY < USERS_MAX)
            bans[ban.user - IDENTITY] = (model_ban_t){ban.seq, ban.until_ms};
    for (unsigned i = 0; i < USERS_MAX; i++)
        s_mix(&hash, i, bans[i].seq, bans[i].until_ms);
    const policy_region_t *r = policy_regions(policy, &count);
    for (size_t i = 0; i < count; i++, r++)
        s_mix_box(&hash, r->seq, (uint16_t[]){r->x0, r->y0, r->x1, r->y1});
    const policy_rollback_t *rollbacks = policy_rollbacks(policy, &count);
    for (size_t i = 0; i < count; i++)
        s_mix_rollback(&hash, rollbacks[i].seq, rollbacks[i].by,
                       &rollbacks[i].of);
    for (uint32_t key = 1; key <= keys; key++)
        if ((seq = policy_request(policy, by, key)))
            s_mix(&hash, key, seq, 2);
    return hash;
}
