/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests over several connections to one CQL server, many in flight. A
 * request is sent again with jittered back-off until its deadline when the
 * server is overloaded, away or silent: only such may be given here as change
 * nothing when they come twice. Connections are opened again as they are
 * needed.
 */
#ifndef PERSISTER_CASSANDRA_CQL_CLIENT_H
#define PERSISTER_CASSANDRA_CQL_CLIENT_H

#include "common/backoff.h"
#include "persister/cassandra/cql_connection.h"
#include "persister/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CQL_CONNECTIONS_MAX 16

typedef struct cql_client cql_client_t;

/* Both borrowed for good. Statements may be added until the first run. */
cql_client_t *cql_client_new(const cql_options_t *options,
                             cql_statements_t *statements,
                             unsigned connections);
void cql_client_destroy(cql_client_t **self_p);

/* One request, in its user's memory, zero before its first use. The user sets
 * the upper members and writes frame; it keeps the frame until on_end and
 * releases it at last. */
typedef struct cql_call cql_call_t;
struct cql_call {
    cql_writer_t frame;
    uint32_t timeout_ms; /* over all tries */
    void *context;
    /* A RESULT came, borrowed. False: `frame` holds what is to be sent next (a
     * further page), with the whole time again. NULL: every result will do. */
    bool (*on_result)(cql_call_t *call, cql_reply_t *reply);
    void (*on_end)(cql_call_t *call); /* over; NULL: nobody cares */
    store_result_t result;            /* OK, RETRY or FAILED */
    int32_t error;                    /* CQL_ERROR_… of the last reply */

    /* The client's own. */
    cql_client_t *client;
    cql_call_t *next;
    cql_connection_t *connection; /* NULL: waits */
    uint64_t due_ms, deadline_ms;
    backoff_t backoff;
};

/* Makes sure that a connection is open and the statements are prepared, so that
 * frames can be written with their ids. OK, RETRY or FAILED. */
store_result_t cql_client_open(cql_client_t *self, uint32_t timeout_ms);

void cql_client_start(cql_client_t *self, cql_call_t *call);

/* Until all calls have ended. Not from a callback. */
void cql_client_run(cql_client_t *self);

/* Starts one, runs, and gives its result. */
store_result_t cql_client_ask(cql_client_t *self, cql_call_t *call);

/* About the last call that ended otherwise than OK. */
const char *cql_client_error(const cql_client_t *self);
__attribute__((format(printf, 2, 3))) void
cql_client_fail(cql_client_t *self, const char *format, ...);

/* Whether a request that got this error may be tried again. Pure. */
bool cql_may_retry(int32_t error);

#endif
