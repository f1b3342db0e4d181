/* SPDX-License-Identifier: Apache-2.0
 *
 * The board as the leading broker holds it, asked once: for the operator's
 * modes, outside of any loop.
 */
#ifndef PERSISTER_LIVE_H
#define PERSISTER_LIVE_H

#include "common/board.h"
#include "common/bus_socket.h"
#include "common/canvas.h"
#include "common/chain.h"

#include <stdint.h>

typedef struct {
    uint64_t seq;
    uint32_t epoch;
    uint32_t digest;
    chain_t chain; /* at seq, or unknown */
    canvas_t canvas;
} live_t;

/* 0; -1 where no leader answers within a few seconds. */
int live_ask(live_t *live, const char *brokers, const bus_security_t *security);

#endif
