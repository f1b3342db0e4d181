/* SPDX-License-Identifier: Apache-2.0
 *
 * See succession.h.
 */
#include "broker/succession.h"

#include <assert.h>

static succession_t s_weigh(const history_view_t *mine,
                            const ledger_meta_t *redis, bool led, lost_t *lost)
{
    history_view_t theirs = {.head = redis->at};
    uint64_t forked_at = 0;
    bool longer = mine->head.seq > redis->at.seq;
    switch (history_relate(mine, &theirs, &forked_at)) {
    case HISTORY_EQUAL:
        return SUCCEED_LEVEL;
    case HISTORY_CONTINUES:
        return SUCCEED_MEMORY;
    case HISTORY_BEHIND:
        return SUCCEED_READ_ON;
    case HISTORY_UNKNOWN:
        /* Redis goes on from memory if its log says so. */
        if (mine->head.seq < redis->at.seq)
            return SUCCEED_READ_ON;
        return longer && !led ? SUCCEED_MEMORY : SUCCEED_REDIS;
    case HISTORY_FORKED:
        break;
    }
    bool memory = longer && !led;
    *lost = (lost_t){forked_at, memory ? redis->at.seq : mine->head.seq};
    return memory ? SUCCEED_MEMORY : SUCCEED_REDIS;
}

succession_t succession_of(const history_view_t *mine,
                           const ledger_meta_t *redis, lost_t *lost)
{
    *lost = (lost_t){0};
    if (!mine)
        return redis->empty ? SUCCEED_NOTHING : SUCCEED_REDIS;
    return redis->empty ? SUCCEED_MEMORY : s_weigh(mine, redis, false, lost);
}

succession_t succession_on_return(const history_view_t *mine,
                                  const ledger_meta_t *redis, bool alone,
                                  lost_t *lost)
{
    assert(mine);
    if (!alone && (redis->empty || !redis->sure)) {
        *lost = (lost_t){0};
        return SUCCEED_NOTHING;
    }
    return succession_of(mine, redis, lost);
}

succession_t succession_under(const history_view_t *mine,
                              const ledger_meta_t *redis, lost_t *lost)
{
    *lost = (lost_t){0};
    if (!mine)
        return redis->empty ? SUCCEED_NOTHING : SUCCEED_REDIS;
    return redis->empty ? SUCCEED_MEMORY : s_weigh(mine, redis, true, lost);
}

bool succession_of_store(const history_view_t *mine, position_t store)
{
    assert(mine);
    return store.seq > mine->head.seq;
}
