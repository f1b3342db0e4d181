/* SPDX-License-Identifier: Apache-2.0
 *
 * Several processes of one edge: the parent forks them, passes signals on and
 * starts anew whoever dies. It serves nothing itself.
 */
#ifndef EDGE_WORKERS_H
#define EDGE_WORKERS_H

/* Runs `work(context, number)` for numbers 0 … count − 1, each in a process of
 * its own, until SIGTERM or SIGINT; returns the exit code for all: 0 where
 * every worker ended with 0 after that. A worker that cannot start (ends with 1
 * within a second) ends all. No threads or ZeroMQ contexts before this call. */
int workers_run(unsigned count, int (*work)(void *context, unsigned number),
                void *context);

#endif
