/* SPDX-License-Identifier: Apache-2.0
 *
 * What a moderator asks of the leader by way of an edge, and the answer;
 * otherwise as common/bus.h. The edge hands on the token as it came: the leader
 * believes that, and nothing that the edge says (docs/security.md).
 */
#ifndef COMMON_BUS_ERRAND_H
#define COMMON_BUS_ERRAND_H

#include "common/bus.h"
#include "common/token.h"

/* Of the JSON, either way: a page of the audit may be large. */
#define BUS_ERRAND_MAX 4194304

/* ERRAND: type · ticket u64 · token_size u16 · token · JSON to the end.
 * ERRAND_DONE: type · ticket u64 · JSON to the end; it has no token. */
typedef struct {
    uint64_t ticket;   /* the edge's own; comes back in the answer */
    const char *token; /* borrowed, no NUL behind it; 1 … TOKEN_MAX_BYTES */
    size_t token_size;
    const char *json; /* borrowed, likewise */
    size_t json_size;
} bus_errand_t;

/* `bytes` holds bus_errand_bound(). */
size_t bus_errand_bound(const bus_errand_t *errand);
size_t bus_put_errand(uint8_t *bytes, bus_type_t type,
                      const bus_errand_t *errand);
/* -1 if it is malformed. */
int bus_decode_errand(bus_errand_t *errand, bus_type_t type, const void *bytes,
                      size_t size);

#endif
