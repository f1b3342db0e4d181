/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_peer.h.
 */
#include "common/bus_peer.h"

#include "common/bus.h"
#include "common/log.h"

#include <assert.h>

#define SAY_EVERY_MS 10000

bool bus_peer_fits(bus_peer_t *self, const char *peer, const void *bytes,
                   size_t size, uint64_t now_ms)
{
    assert(peer && (bytes || !size));
    uint8_t format = bus_peer_format(bytes, size);
    if (format == BUS_FORMAT)
        return true;
    if (!self->said_at_ms || now_ms - self->said_at_ms >= SAY_EVERY_MS) {
        log_error("bus_format",
                  "peer=%s theirs=%u ours=%u hint=\"the %s is the older one: "
                  "upgrade it\"",
                  peer, format, BUS_FORMAT,
                  format < BUS_FORMAT ? peer : "process that says this");
        self->said_at_ms = now_ms ? now_ms : 1;
    }
    return false;
}
