/* SPDX-License-Identifier: Apache-2.0
 *
 * See edges.h.
 */
#include "broker/edges.h"

#include "common/mem.h"
#include "common/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Identities are the peers' own choice. */
static siphash_key_t s_key;
#define HASH_FUNCTION(bytes, size, hash)                                       \
    ((hash) = (unsigned)siphash(s_key, bytes, size))
#include <uthash.h>

typedef struct {
    uint8_t identity[255];
    uint32_t viewers;
    uint64_t heard_at_ms;
    UT_hash_handle hh;
} edge_t;

struct edges {
    edge_t *table;
};

edges_t *edges_new(void)
{
    if (!s_key.k0)
        s_key = siphash_key();
    return mem_zalloc(1, sizeof(edges_t));
}

static void s_drop(edges_t *self, edge_t *edge)
{
    HASH_DEL(self->table, edge);
    free(edge);
}

void edges_destroy(edges_t **self_p)
{
    if (!*self_p)
        return;
    while ((*self_p)->table)
        s_drop(*self_p, (*self_p)->table);
    free(*self_p);
    *self_p = NULL;
}

int edges_report(edges_t *self, const void *identity, size_t size,
                 uint32_t viewers, uint64_t now_ms)
{
    edge_t *edge;
    assert(size <= sizeof edge->identity);
    HASH_FIND(hh, self->table, identity, (unsigned)size, edge);
    if (!edge) {
        if (edges_count(self) >= EDGES_MAX)
            return -1;
        edge = mem_zalloc(1, sizeof *edge);
        memcpy(edge->identity, identity, size);
        HASH_ADD(hh, self->table, identity, (unsigned)size, edge);
    }
    edge->viewers = viewers;
    edge->heard_at_ms = now_ms;
    return 0;
}

void edges_expire(edges_t *self, uint64_t now_ms)
{
    edge_t *edge, *next;
    HASH_ITER(hh, self->table, edge, next)
    {
        if (now_ms - edge->heard_at_ms > EDGE_QUIET_MS)
            s_drop(self, edge);
    }
}

size_t edges_count(const edges_t *self)
{
    return HASH_COUNT(self->table);
}

uint32_t edges_viewers(const edges_t *self)
{
    uint64_t viewers = 0;
    for (edge_t *edge = self->table; edge; edge = edge->hh.next)
        viewers += edge->viewers;
    return viewers > UINT32_MAX ? UINT32_MAX : (uint32_t)viewers;
}
