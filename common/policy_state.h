/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a policy_t, for the two files that make it up: policy.c folds
 * and answers, policy_bytes.c writes and reads.
 */
#ifndef COMMON_POLICY_STATE_H
#define COMMON_POLICY_STATE_H

#include "common/policy.h"
#include "common/siphash.h"

typedef struct {
    uint64_t by, seq;
    uint32_t request;
} policy_request_t;

struct policy {
    uint64_t seq, locked, turned;
    policy_ban_t *bans; /* by open addressing; seq 0: empty. NULL: none */
    size_t bans_mask, bans_count;
    siphash_key_t key;
    policy_region_t regions[POLICY_REGIONS_MAX];
    size_t regions_count;
    policy_rollback_t *rollbacks; /* ascending by seq */
    size_t rollbacks_count;
    policy_request_t *requests; /* a ring: oldest is overwritten */
    size_t requests_count;
    control_reader_t reader;
    size_t records; /* that made it, since it was read as entries */
};

void policy_put_ban(policy_t *self, const policy_ban_t *ban);
void policy_put_region(policy_t *self, const policy_region_t *region);
void policy_put_rollback(policy_t *self, const policy_rollback_t *rollback);
void policy_put_request(policy_t *self, const policy_request_t *request);

#endif
