/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients' addresses, and what one address may cost: open connections,
 * anonymous identities, WebSocket handshakes, bytes of diffs to catch up,
 * questions to the store (the settings ..._per_address; 0 is no limit). Their
 * defaults are more than 3,000 viewers behind one address ask for. An IPv6 /64
 * counts as one address, since that is what one customer gets. Exempt are
 * loopback (unless limit_loopback) and the trusted proxies, which speak for
 * many.
 *
 * Capacity: at most ADDRESS_MAX addresses are remembered; past it, addresses
 * without a connection are forgotten, and after that a new one is not counted.
 * Nobody is refused for the table's sake.
 *
 * An address that reaches a limit and sends X-Forwarded-For may be a proxy that
 * the operator forgot to name: the log says so, once per address and at most
 * once a minute.
 */
#ifndef EDGE_ADDRESS_LIMITS_H
#define EDGE_ADDRESS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_MAX 262144

struct sockaddr;
struct edge;

typedef struct {
    uint8_t bytes[16]; /* IPv6; IPv4 as ::ffff:a.b.c.d */
} address_t;

typedef struct address_limits address_limits_t;

/* Of IPv4 or IPv6; any other family gives ::. */
address_t address_of(const struct sockaddr *peer);

/* "1.2.3.4", "::1", "[::1]:80", "1.2.3.4:80"; -1 for any other text. */
int address_parse(const char *text, address_t *address);

/* What counts as one address: all of IPv4, the /64 of IPv6. */
address_t address_key(const address_t *address);

/* NULL, with a line in the log, where trusted_proxies is malformed. */
address_limits_t *address_limits_new(const struct edge *edge);
void address_limits_destroy(address_limits_t **self_p);

/* Counts one open connection of that address; -1, not counted, where it has
 * too many. */
int address_limits_open(address_limits_t *self, const address_t *address);
/* Undoes one address_limits_open that gave 0. */
void address_limits_close(address_limits_t *self, const address_t *address);

/* No limit by address applies to that one. */
bool address_limits_exempt(const address_limits_t *self,
                           const address_t *address);

/* Takes one anonymous identity of that address: 0, or the ms to wait. */
uint32_t address_limits_session(address_limits_t *self,
                                const address_t *address);
/* Takes one WebSocket handshake: 0, or the ms to wait. */
uint32_t address_limits_handshake(address_limits_t *self,
                                  const address_t *address);
/* Takes one question to the store: 0, or the ms to wait. */
uint32_t address_limits_lookup(address_limits_t *self,
                               const address_t *address);
/* Takes as many bytes of diffs for a client that lags or returns: 0, or -1 if
 * it must fetch the board instead. */
int address_limits_catch_up(address_limits_t *self, const address_t *address,
                            size_t bytes);
/* That peer sent X-Forwarded-For. */
void address_limits_note_forwarded(address_limits_t *self,
                                   const address_t *peer);

/* The client behind `peer`: where peer is a trusted proxy, the last address in
 * X-Forwarded-For (NULL: none) that is not one itself; else the peer. */
address_t address_limits_client(const address_limits_t *self,
                                const address_t *peer,
                                const char *forwarded_for);

#endif
