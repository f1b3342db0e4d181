/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that stand for czmq share.
 */
#ifndef TESTS_SIM_SHIM_H
#define TESTS_SIM_SHIM_H

#include "tests/sim/bus.h"

#define ACTOR_TAG 0x0005cafe

/* A zactor_t: this end of its pipe. */
typedef struct actor {
    int tag;
    sock_t *pipe;
    fiber_t *fiber;
} actor_t;

/* Descriptors from here on are simulated. */
#define FD_SIGNALS 10000
#define FD_REDIS 10001

/* Whether the running process's descriptor is ready: a mask of POLLIN, POLLOUT
 * (redis_client.c). */
short fd_ready(process_t *process, int fd);
/* Wakes a process that waits in a poll. */
void fd_wake(process_t *process, uint64_t at);

#endif
