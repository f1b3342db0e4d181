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
    edge->metrics[EDGE_CONNECTIONS]++;
    return self;
}

void connection_destroy(connection_t **self_p, edge_t *edge)
{
    connection_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    connection_uncount(edge, &self->address);
    free(self);
}

void connection_leave_count(connection_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void connection_uncount(edge_t *edge, const address_t *address)
{
    address_limits_close(edge->limits, address);
    edge->metrics[EDGE_CONNECTIONS]--;
}
