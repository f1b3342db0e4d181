/* SPDX-License-Identifier: Apache-2.0
 *
 * One process's part of a run: its share of the viewers and placers on one
 * epoll loop, from the first connect to the last check.
 */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include "load/hub.h"

/* Runs worker `number` to its end and leaves what it found in *report. Exit
 * status for the process: 0, or 1 where it could not begin. */
int worker_run(const config_t *config, const replay_t *replay, share_t *share,
               report_t *report, unsigned number);

#endif
