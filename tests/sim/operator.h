/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators before stipplectl: they speak on the brokers' control sockets, ban
 * and let go, protect boxes, lock the board, take placements back. Each order
 * has a key and is asked for with it again and again until it is answered, but
 * for a few that are given up. Their chances are a stream of their own: a run
 * without them is the run that it was.
 */
#ifndef TESTS_SIM_OPERATOR_H
#define TESTS_SIM_OPERATOR_H

#include "tests/sim/world.h"

/* Whether they act by themselves in runs from now on. */
void operators_enable(bool on);
void operators_reset(uint64_t seed, unsigned users);
/* Whether the brokers of this run keep a short log, so that what operators
 * decided outlives the records that said it. */
bool operators_trim(void);
/* In bad weather they give orders; when it is quiet they wait for what they
 * have asked for. */
void operators_act(bool on);
/* Somebody waits for an answer, or the board is locked, or a rollback open. */
bool operators_busy(void);
/* One order: "ban 3", "unban 3", "protect X0,Y0,X1,Y1", "unprotect …",
 * "lock", "unlock", "rollback 3", "restore" (of the newest). -1: no such. */
int operators_order(const char *verb, const char *what);
/* Asks the leader for the policy that it holds, and compares it. */
void operators_compare(void);
/* Whether anybody ever gave an order in this run. */
bool operators_are_there(void);

#endif
