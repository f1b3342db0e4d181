/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients' addresses, and what one address may do.
 */
#ifndef EDGE_ADDRESS_H
#define EDGE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;
struct edge;

typedef struct {
    uint8_t bytes[16]; /* IPv6; IPv4 as ::ffff:a.b.c.d */
} address_t;

typedef struct address_limits address_limits_t;

address_t address_of(const struct sockaddr *peer);

address_limits_t *address_limits_new(const struct edge *edge);
void address_limits_destroy(address_limits_t **self_p);

/* Counts one open connection of that address (an IPv6 /64 counts as one); -1
 * where it has too many. */
int address_limits_open(address_limits_t *self, const address_t *address);
void address_limits_close(address_limits_t *self, const address_t *address);

#endif
