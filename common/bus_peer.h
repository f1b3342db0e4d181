/* SPDX-License-Identifier: Apache-2.0
 *
 * Refuses peers whose bus format is not ours, and says so: one line per kind of
 * peer each ten seconds, since such a peer goes on speaking.
 */
#ifndef COMMON_BUS_PEER_H
#define COMMON_BUS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero at first. */
typedef struct {
    uint64_t said_at_ms;
} bus_peer_t;

/* Whether a message is of our format; if not, it is to be dropped. `peer` is a
 * word for the log: "broker", "edge", "persister". */
bool bus_peer_fits(bus_peer_t *self, const char *peer, const void *bytes,
                   size_t size, uint64_t now_ms);

#endif
