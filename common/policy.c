/* SPDX-License-Identifier: Apache-2.0
 *
 * See policy.h.
 */
#include "common/policy_state.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

policy_t *policy_new(void)
{
    policy_t *self = mem_zalloc(1, sizeof *self);
    self->key = siphash_key();
    self->requests = mem_zalloc(POLICY_REQUESTS_MAX, sizeof *self->requests);
    return self;
}

void policy_destroy(policy_t **self_p)
{
    policy_t *self = *self_p;
    if (!self)
        return;
    free(self->bans);
    free(self->rollbacks);
    free(self->requests);
    free(self);
    *self_p = NULL;
}

void policy_clear(policy_t *self)
{
    free(self->bans);
    free(self->rollbacks);
    *self = (policy_t){.key = self->key, .requests = self->requests};
}

/* ---- bans ------------------------------------------------------------- */

/* The user's place, or the empty one where it would go. */
static size_t s_place(const policy_t *self, uint64_t user)
{
    size_t i = (size_t)siphash(self->key, &user, sizeof user) & self->bans_mask;
    while (self->bans[i].seq && self->bans[i].user != user)
        i = (i + 1) & self->bans_mask;
    return i;
}

static void s_grow(policy_t *self)
{
    policy_ban_t *old = self->bans;
    size_t places = old ? self->bans_mask + 1 : 0;
    self->bans_mask = (places ? places * 2 : 64) - 1;
    self->bans = mem_zalloc(self->bans_mask + 1, sizeof *self->bans);
    for (size_t i = 0; i < places; i++)
        if (old[i].seq)
            self->bans[s_place(self, old[i].user)] = old[i];
    free(old);
}

void policy_put_ban(policy_t *self, const policy_ban_t *ban)
{
    if (!self->bans || self->bans_count * 2 > self->bans_mask)
        s_grow(self);
    policy_ban_t *place = &self->bans[s_place(self, ban->user)];
    self->bans_count += !place->seq;
    *place = *ban;
}

/* What stands behind the gap, and could not be found over it, moves into it. */
static void s_unban(policy_t *self, uint64_t user)
{
    if (!self->bans)
        return;
    size_t gap = s_place(self, user);
    if (!self->bans[gap].seq)
        return;
    self->bans[gap] = (policy_ban_t){0};
    self->bans_count--;
    size_t i = gap;
    for (;;) {
        i = (i + 1) & self->bans_mask;
        if (!self->bans[i].seq)
            return;
        policy_ban_t moved = self->bans[i];
        self->bans[i] = (policy_ban_t){0};
        self->bans[s_place(self, moved.user)] = moved;
    }
}

bool policy_bans_user(const policy_t *self, uint64_t user, uint64_t now_ms)
{
    if (!self->bans_count)
        return false;
    const policy_ban_t *ban = &self->bans[s_place(self, user)];
    return ban->seq && (!ban->until_ms || now_ms < ban->until_ms);
}

bool policy_has_ban(const policy_t *self, uint64_t user)
{
    return self->bans && self->bans[s_place(self, user)].seq;
}

size_t policy_bans(const policy_t *self)
{
    return self->bans_count;
}

bool policy_next_ban(const policy_t *self, size_t *at, policy_ban_t *ban)
{
    while (self->bans && *at <= self->bans_mask) {
        *ban = self->bans[(*at)++];
        if (ban->seq)
            return true;
    }
    return false;
}

/* ---- regions and rollbacks -------------------------------------------- */

bool policy_protects(const policy_t *self, uint16_t x, uint16_t y)
{
    for (size_t i = 0; i < self->regions_count; i++) {
        const policy_region_t *r = &self->regions[i];
        if (x >= r->x0 && x <= r->x1 && y >= r->y0 && y <= r->y1)
            return true;
    }
    return false;
}

const policy_region_t *policy_regions(const policy_t *self, size_t *count)
{
    *count = self->regions_count;
    return self->regions;
}

void policy_put_region(policy_t *self, const policy_region_t *region)
{
    if (self->regions_count < POLICY_REGIONS_MAX)
        self->regions[self->regions_count++] = *region;
}

/* Every region that lies in the box. */
static void s_unprotect(policy_t *self, const selection_t *box)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->regions_count; i++) {
        const policy_region_t *r = &self->regions[i];
        bool within = r->x0 >= box->x0 && r->x1 <= box->x1 &&
                      r->y0 >= box->y0 && r->y1 <= box->y1;
        if (!within)
            self->regions[kept++] = *r;
    }
    self->regions_count = kept;
}

const policy_rollback_t *policy_rollbacks(const policy_t *self, size_t *count)
{
    *count = self->rollbacks_count;
    return self->rollbacks;
}

void policy_put_rollback(policy_t *self, const policy_rollback_t *rollback)
{
    self->rollbacks = mem_realloc(self->rollbacks, self->rollbacks_count + 1,
                                  sizeof *self->rollbacks);
    self->rollbacks[self->rollbacks_count++] = *rollback;
}

const policy_rollback_t *policy_rollback(const policy_t *self, uint64_t seq)
{
    for (size_t i = 0; i < self->rollbacks_count; i++)
        if (self->rollbacks[i].seq == seq)
            return &self->rollbacks[i];
    return NULL;
}

const policy_rollback_t *policy_open(const policy_t *self)
{
    for (size_t i = 0; i < self->rollbacks_count; i++)
        if (self->rollbacks[i].of.has & HAS_OPEN)
            return &self->rollbacks[i];
    return NULL;
}

uint64_t policy_turned(const policy_t *self)
{
    return self->turned;
}

static void s_drop_rollback(policy_t *self, uint64_t seq)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->rollbacks_count; i++)
        if (self->rollbacks[i].seq != seq)
            self->rollbacks[kept++] = self->rollbacks[i];
    self->rollbacks_count = kept;
}

/* It holds no more; its pixels may still be to come. */
static void s_restore(policy_t *self, uint64_t seq, bool open)
{
    policy_rollback_t *r = (policy_rollback_t *)policy_rollback(self, seq);
    if (r && open)
        r->of.has |= HAS_OPEN | HAS_RESTORING;
    else
        s_drop_rollback(self, seq);
}

static void s_close(policy_t *self, uint64_t seq)
{
    policy_rollback_t *r = (policy_rollback_t *)policy_rollback(self, seq);
    if (r && (r->of.has & HAS_RESTORING))
        s_drop_rollback(self, seq);
    else if (r)
        r->of.has &= (uint8_t)~HAS_OPEN;
}

uint64_t policy_locked(const policy_t *self)
{
    return self->locked;
}

/* ---- requests --------------------------------------------------------- */

void policy_put_request(policy_t *self, const policy_request_t *request)
{
    self->requests[self->requests_count++ % POLICY_REQUESTS_MAX] = *request;
}

uint64_t policy_request(const policy_t *self, uint64_t by, uint32_t request)
{
    size_t held = self->requests_count < POLICY_REQUESTS_MAX
                      ? self->requests_count
                      : POLICY_REQUESTS_MAX;
    for (size_t i = 0; request && i < held; i++)
        if (self->requests[i].request == request && self->requests[i].by == by)
            return self->requests[i].seq;
    return 0;
}

/* ---- the fold --------------------------------------------------------- */

static void s_apply(policy_t *self, const control_t *control)
{
    const selection_t *of = &control->of;
    policy_ban_t ban = {of->user, control->seq, of->until_ms};
    policy_region_t region = {control->seq, of->x0, of->y0, of->x1, of->y1};
    policy_rollback_t rollback = {control->seq, control->by, *of};
    policy_request_t request = {control->by, control->seq, control->request};
    switch (control->verb) {
    case CONTROL_BAN:
        policy_put_ban(self, &ban);
        break;
    case CONTROL_UNBAN:
        s_unban(self, of->user);
        break;
    case CONTROL_PROTECT:
        policy_put_region(self, &region);
        break;
    case CONTROL_UNPROTECT:
        s_unprotect(self, of);
        break;
    case CONTROL_LOCK:
        self->locked = control->seq;
        break;
    case CONTROL_UNLOCK:
        self->locked = 0;
        break;
    case CONTROL_ROLLBACK:
        policy_put_rollback(self, &rollback);
        break;
    case CONTROL_RESTORE:
        s_restore(self, of->upto, of->has & HAS_OPEN);
        break;
    case CONTROL_DONE:
        s_close(self, of->upto);
        break;
    default: /* changes nothing that is kept */
        break;
    }
    if (control->verb == CONTROL_ROLLBACK || control->verb == CONTROL_RESTORE ||
        control->verb == CONTROL_DONE)
        self->turned = control->seq;
    if (control->request)
        policy_put_request(self, &request);
    self->seq = control->seq;
}

bool policy_feed(policy_t *self, const record_t *record, control_t *control)
{
    control_t action;
    if (!record_is_control(record) || record->seq <= self->seq)
        return false;
    self->records++;
    if (!control_read(&self->reader, record, &action))
        return false;
    s_apply(self, &action);
    if (control)
        *control = action;
    return true;
}

uint64_t policy_seq(const policy_t *self)
{
    return self->seq;
}
