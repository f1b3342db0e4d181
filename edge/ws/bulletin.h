/* SPDX-License-Identifier: Apache-2.0
 *
 * What moderators do, told to those whom it concerns, at once: a ban to the
 * user's own connections, a notice to everybody (docs/protocol.md, NOTICE).
 * Whether somebody may place is the leader's to decide: an edge that missed
 * this lets nobody in.
 */
#ifndef EDGE_WS_BULLETIN_H
#define EDGE_WS_BULLETIN_H

#include "common/bus.h"
#include "edge/edge.h"

/* A POLICY of the leader's feed. */
void bulletin_on_policy(edge_t *edge, const bus_body_t *policy);

#endif
