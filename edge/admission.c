/* SPDX-License-Identifier: Apache-2.0
 *
 * See admission.h. Whoever is refused is counted here, under the reason.
 */
#include "edge/admission.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/bucket.h"
#include "edge/ws/sessions.h"

#include <stdlib.h>

#define NOT_READY_RETRY_MS 1000
/* Descriptors that are not clients': libraries, the bus, files; and one for
 * each fifty clients, for what HTTP opens. */
#define OWN_FILES 256
#define FILES_PER_OWN 50

struct admission {
    edge_t *edge;
    uint64_t sessions_max, sockets_max;
    uint64_t handshakes; /* see bucket_take */
};

admission_t *admission_new(edge_t *edge, uint64_t files)
{
    admission_t *self = mem_zalloc(1, sizeof *self);
    uint64_t reserve = OWN_FILES + files / FILES_PER_OWN;
    uint64_t most = files > 2 * reserve ? files - reserve : files / 2;
    uint64_t wanted = (uint64_t)edge->config->max_connections;
    self->edge = edge;
    self->sessions_max = wanted && wanted < most ? wanted : most;
    self->sockets_max = self->sessions_max + reserve / 2;
    return self;
}

void admission_destroy(admission_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

connection_t *admission_socket(admission_t *self, const address_t *peer)
{
    edge_t *edge = self->edge;
    edge_count(edge, EDGE_ACCEPTED);
    if ((uint64_t)edge->metrics[EDGE_CONNECTIONS] >= self->sockets_max) {
        edge_count(edge, EDGE_REFUSED_FULL);
        return NULL;
    }
    connection_t *connection = connection_new(edge, peer);
    if (!connection)
        edge_count(edge, EDGE_REFUSED_ADDRESS);
    return connection;
}

admit_t admission_handshake(admission_t *self, uint32_t *retry_ms)
{
    uint32_t rate = (uint32_t)self->edge->config->handshake_rate;
    *retry_ms = NOT_READY_RETRY_MS;
    if (!edge_ready(self->edge)) {
        edge_count(self->edge, EDGE_REFUSED_NOT_READY);
        return ADMIT_NOT_READY;
    }
    uint32_t wait_ms =
        bucket_take(&self->handshakes, clock_mono_ms(), rate, rate);
    if (!wait_ms)
        return ADMIT_OK;
    *retry_ms = wait_ms;
    edge_count(self->edge, EDGE_REFUSED_STORM);
    return ADMIT_STORM;
}

bool admission_is_full(const admission_t *self)
{
    return sessions_count(self->edge->sessions) > self->sessions_max;
}

uint64_t admission_sessions_max(const admission_t *self)
{
    return self->sessions_max;
}
