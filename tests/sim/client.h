/* SPDX-License-Identifier: Apache-2.0
 *
 * People before their browsers: small clients of the public protocol that
 * watch, place, reconnect with `since` and send again what got no answer.
 */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include "tests/sim/world.h"

typedef struct {
    unsigned count; /* of clients; each second one places */
    uint32_t cooldown_ms;
    uint64_t pace; /* between a verdict and the next placement, at most */
} clients_options_t;

void clients_reset(const clients_options_t *options);
void clients_start(void);
/* No new placements, or placements again. */
void clients_place(bool on);
/* One of them stops reading for that long. */
void clients_stall_one(uint64_t time);
uint64_t clients_last_ok(void);
/* Each is connected, level with the truth, and waits for nothing. */
void clients_check_level(void);

#endif
