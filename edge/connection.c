/* SPDX-License-Identifier: Apache-2.0
 *
 * See connection.h.
 */
#include "edge/connection.h"

#include "common/mem.h"
#include "edge/edge.h"

#include <stdlib.h>

connection_t *connection_new(edge_t *edge, const address_t *address)
{
    if (address_limits_open(edge->limits, address) < 0)
        return NULL;
    connection_t *self = mem_zalloc(1, sizeof *self);
    self->address = *address;
    self->counted = true;
    edge->metrics[EDGE_CONNECTIONS]++;
    return self;
}

void connection_destroy(connection_t **self_p, edge_t *edge)
{
    connection_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->counted)
        address_limits_close(edge->limits, &self->address);
    edge->metrics[EDGE_CONNECTIONS]--;
    free(self->upgrade);
    free(self);
}
