/* SPDX-License-Identifier: Apache-2.0
 *
 * The board as it is served when all is over, against what was placed.
 */
#ifndef LOAD_FINAL_H
#define LOAD_FINAL_H

#include "load/config.h"
#include "load/replay.h"
#include "load/report.h"

/* Fetches the board from every edge until it holds all up to last_ack (it may
 * be as old as its cache life), and fills the outcome's board, replay and
 * expect members. `replay` is NULL where none was played. */
void final_check(const config_t *config, const replay_t *replay,
                 uint64_t last_ack, outcome_t *outcome);

#endif
