/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators have decided, at a seq: who is banned until when, which boxes
 * are protected, whether the board is locked, which rollbacks hold, and which
 * of the operators' requests were done. A fold over the control records of the
 * history (control.h), the same for whoever reads them: leader, standby,
 * persister, --verify.
 *
 * As bytes (in Redis, in snapshots) it is a list of items of 40 bytes, which
 * are either an entry of the state or a control record as it stands in the log.
 * So what follows is appended, and read in one pass.
 */
#ifndef COMMON_POLICY_H
#define COMMON_POLICY_H

#include "common/control.h"

#define POLICY_ITEM_BYTES RECORD_BYTES
#define POLICY_REGIONS_MAX 256
/* Whose requests are known again. */
#define POLICY_REQUESTS_MAX 4096
#define POLICY_ROLLBACKS_MAX 1000
#define POLICY_BANS_MAX 1000000

typedef struct policy policy_t;

typedef struct {
    uint64_t user, seq, until_ms; /* 0: for ever */
} policy_ban_t;

typedef struct {
    uint64_t seq; /* of the action that protects it */
    uint16_t x0, y0, x1, y1;
} policy_region_t;

typedef struct {
    uint64_t seq, by;
    selection_t of; /* HAS_OPEN: some of its pixels are still to come */
} policy_rollback_t;

policy_t *policy_new(void);
void policy_destroy(policy_t **self_p);
void policy_clear(policy_t *self);

/* The next record of the history. Placements and what is known already (seq ≤
 * policy_seq) change nothing. True if an action is whole now; it is in *control
 * unless that is NULL. */
bool policy_feed(policy_t *self, const record_t *record, control_t *control);

/* The last action that is part of it; 0: none. */
uint64_t policy_seq(const policy_t *self);

bool policy_bans_user(const policy_t *self, uint64_t user, uint64_t now_ms);
/* The same, whether it has ended or not. */
bool policy_has_ban(const policy_t *self, uint64_t user);
bool policy_protects(const policy_t *self, uint16_t x, uint16_t y);
/* The seq of the action that locked the board; 0: it is open. */
uint64_t policy_locked(const policy_t *self);
/* The seq of what that operator asked for by that number; 0: nothing. */
uint64_t policy_request(const policy_t *self, uint64_t by, uint32_t request);

/* Lists. Borrowed until the next change; bans in no order. */
size_t policy_bans(const policy_t *self);
/* Each ban once: begin with *at = 0; false at the end. */
bool policy_next_ban(const policy_t *self, size_t *at, policy_ban_t *ban);
const policy_region_t *policy_regions(const policy_t *self, size_t *count);
const policy_rollback_t *policy_rollbacks(const policy_t *self, size_t *count);
/* The rollback of that seq; NULL: none that holds has it. Borrowed, as above.
 */
const policy_rollback_t *policy_rollback(const policy_t *self, uint64_t seq);
/* The one that is open; NULL: none is. */
const policy_rollback_t *policy_open(const policy_t *self);
/* The last action that changed which placements show, as far as it was read as
 * a record; 0: none. */
uint64_t policy_turned(const policy_t *self);

/* The state as items: `size` bytes, the caller's (free). */
uint8_t *policy_bytes(const policy_t *self, size_t *size);
/* Redis holds many records more of it than it has entries: worth writing anew.
 */
bool policy_is_long(const policy_t *self);
void policy_written(policy_t *self);
/* -1, and empty, if they are malformed. */
int policy_decode(policy_t *self, const uint8_t *bytes, size_t size);
/* Equal for equal states. */
uint64_t policy_digest(const policy_t *self);

#endif
