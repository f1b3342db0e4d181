/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to the simulated Redis, as its two ends know it.
 */
#ifndef TESTS_SIM_REDIS_PARTS_H
#define TESTS_SIM_REDIS_PARTS_H

#include "tests/sim/redis.h"
#include "tests/sim/shim.h"

typedef struct request {
    struct request *next;
    uint64_t at;
    size_t count;
    word_t *words; /* owned */
} request_t;

typedef struct answer {
    struct answer *next;
    uint64_t at;
    reply_t *reply;
} answer_t;

typedef struct rconn {
    struct rconn *next;
    process_t *process;
    uint64_t life; /* of it, when it connected */
    unsigned redis;
    uint64_t number;
    int fd;
    bool established;
    bool client, server; /* that end lives */
    bool client_down;    /* the client's end knows that it is over */
    bool serving;
    request_t *asked;
    answer_t *coming, *arrived;
    uint64_t last_asked, last_answer;
} rconn_t;

rconn_t *rconn_new(process_t *process);
/* The client closes. */
void rconn_close(rconn_t *self);
void rconn_ask(rconn_t *self, request_t *request);
rconn_t *rconn_of(const process_t *process, int fd);

#endif
