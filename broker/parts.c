/* SPDX-License-Identifier: Apache-2.0
 *
 * See parts.h.
 */
#include "broker/parts.h"

#include "broker/metrics.h"
#include "common/bus_socket.h"
#include "common/log.h"

#include <inttypes.h>

void parts_init(parts_t *self, const broker_config_t *config,
                const canvas_t *blank, zsock_t *const *sockets)
{
    *self = (parts_t){.config = config,
                      .blank = *blank,
                      .journal = sockets[BUS_JOURNAL],
                      .control = sockets[BUS_CONTROL]};
    ingress_init(&self->ingress, sockets[BUS_INGRESS]);
    self->feed = feed_new(sockets[BUS_FEED]);
    world_init(&self->world);
}

void parts_fini(parts_t *self)
{
    syncs_fini(&self->syncs);
    world_fini(&self->world);
    feed_destroy(&self->feed);
    ingress_fini(&self->ingress);
}

void parts_wake(parts_t *self, now_t now)
{
    self->now = now;
}

uint64_t parts_unconfirmed(const parts_t *self)
{
    uint64_t trimmed = history_first(self->world.history) - 1;
    uint64_t confirmed = self->persisters.checkpoint > trimmed
                             ? self->persisters.checkpoint
                             : trimmed;
    return self->world.seq > confirmed ? self->world.seq - confirmed : 0;
}

uint64_t parts_behind_ms(const parts_t *self)
{
    const history_t *history = self->world.history;
    uint64_t waiting = parts_unconfirmed(self);
    uint64_t oldest = self->world.seq - waiting + 1;
    if (!waiting || oldest >= history_next(history)) /* still loading */
        return 0;
    uint64_t placed_at_ms = history_get(history, oldest).placed_at_ms;
    return self->now.wall_ms > placed_at_ms ? self->now.wall_ms - placed_at_ms
                                            : 0;
}

uint64_t parts_log_records(const parts_t *self)
{
    const history_t *history = self->world.history;
    return history_next(history) - history_first(history);
}

uint64_t parts_keep_from_ms(const parts_t *self)
{
    return rules_keep_from_ms(&self->world.canvas, self->now.wall_ms);
}

bool parts_redis_full(const parts_t *self)
{
    return self->world.epoch && ledger_full(self->ledger);
}

void parts_say_lost(const parts_t *self, uint64_t from, uint64_t to,
                    const char *why)
{
    char last[24] = "unknown";
    assert(from && (!to || from <= to));
    if (to)
        snprintf(last, sizeof last, "%" PRIu64, to);
    COUNT_BY(HISTORY_LOST, to ? to - from + 1 : 1);
    log_error("history_lost", "from=%" PRIu64 " to=%s why=%s epoch=%" PRIu32,
              from, last, why, self->world.epoch);
}

void parts_relate_stores(parts_t *self)
{
    history_view_t mine = history_view(self->world.history);
    for (size_t i = 0; i < PERSISTERS_MAX; i++)
        persister_relate(&self->persisters.table[i], &mine);
}

void parts_gauge(const parts_t *self)
{
    const world_t *world = &self->world;
    GAUGE(LOG_RECORDS, parts_log_records(self));
    GAUGE(UNCONFIRMED, parts_unconfirmed(self));
    GAUGE(LOG_LIMIT, self->config->log_limit);
    GAUGE(BEHIND_MS, parts_behind_ms(self));
    GAUGE(USERS, users_count(world->users));
    GAUGE(VIEWERS, edges_viewers(self->ingress.edges));
    GAUGE(EDGES, edges_count(self->ingress.edges));
    GAUGE(PERSISTERS, persisters_count(&self->persisters, self->now.mono_ms));
    GAUGE(EPOCH, world->epoch);
    GAUGE(REDIS_FULL, parts_redis_full(self));
}
