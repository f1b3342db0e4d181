/* SPDX-License-Identifier: Apache-2.0
 *
 * One request put to every broker of a cluster, and their answers.
 */
#ifndef CTL_BROKERS_H
#define CTL_BROKERS_H

#include "common/bus_socket.h"

#include <jansson.h>

#define BROKERS_MAX 16

typedef struct {
    char *base; /* its endpoint as it was given */
    zsock_t *socket;
    json_t *answer; /* NULL: none came in time */
} broker_answer_t;

typedef struct {
    broker_answer_t table[BROKERS_MAX];
    size_t count;
} brokers_t;

/* Connects to each of `bases` (commas between). -1, with a line in the log,
 * where one is malformed or there are too many. */
int brokers_open(brokers_t *self, const char *bases,
                 const bus_security_t *security);
void brokers_close(brokers_t *self);

/* Sends `request` to all as soon as they are there, and waits until each has
 * answered or timeout_ms is over; with `first_ok`, only until one says ok. */
void brokers_ask(brokers_t *self, const json_t *request, int64_t timeout_ms,
                 bool first_ok);

#endif
