/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-persister --verify: replays the whole store from blank, compares the
 * board with every snapshot on the way and with the live one, and the
 * placements table and the look-ups with the journal.
 */
#ifndef PERSISTER_VERIFY_H
#define PERSISTER_VERIFY_H

#include "common/bus_socket.h"

/* Prints one line of JSON; the exit code: 0 only where all is well. Brokers
 * that do not answer are no fault of the store ("live":"unreachable"). */
int verify(const char *store, const char *brokers,
           const bus_security_t *security);

#endif
