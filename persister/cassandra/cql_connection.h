/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to a CQL server: opened with start-up, SASL PLAIN and the
 * statements prepared; then requests go out on as many streams as there are and
 * replies come back in any order.
 *
 *     CLOSED ──open──▶ OPEN ──loss, stall, damage──▶ CLOSED
 *
 * What waits for a reply when a connection closes gets NULL for it. Whether and
 * when to open again is its owner's question.
 */
#ifndef PERSISTER_CASSANDRA_CQL_CONNECTION_H
#define PERSISTER_CASSANDRA_CQL_CONNECTION_H

#include "persister/cassandra/cql_request.h"
#include "persister/cassandra/cql_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CQL_STREAMS 128 /* in flight on one connection */
#define CQL_STATEMENTS_MAX 24

#define CQL_PASSWORD_MAX 1024

typedef struct {
    cql_address_t address;
    const char *user;          /* NULL: no login */
    const char *password_file; /* its first line; read at each login, so that
                                  a new password needs no restart */
} cql_options_t;

typedef struct {
    uint8_t bytes[CQL_ID_MAX];
    size_t size; /* 0: not prepared yet */
} cql_id_t;

/* Statements by the number their owner gave them; prepared on each connection,
 * with the same id on every one. */
typedef struct {
    size_t count;
    char *texts[CQL_STATEMENTS_MAX]; /* the owner's */
    cql_id_t ids[CQL_STATEMENTS_MAX];
} cql_statements_t;

typedef struct cql_connection cql_connection_t;

/* `reply` is borrowed for the call; NULL where the connection is lost. */
typedef void (*cql_reply_fn)(void *context, cql_reply_t *reply);

/* Both borrowed for good. */
cql_connection_t *cql_connection_new(const cql_options_t *options,
                                     cql_statements_t *statements);
void cql_connection_destroy(cql_connection_t **self_p);

typedef enum {
    CQL_OPENED,
    CQL_AWAY,    /* nobody there, or no answer in time */
    CQL_REFUSED, /* wrong credentials, certificate, statement */
} cql_opening_t;

/* Blocks until it is open or deadline_ms (of clock_mono_ms) has come. */
cql_opening_t cql_connection_open(cql_connection_t *self, uint64_t deadline_ms);
bool cql_connection_is_open(const cql_connection_t *self);

/* Everything in flight gets its NULL. `why` is kept as the error. */
void cql_connection_close(cql_connection_t *self, const char *why);

/* How many wait for a reply; at most CQL_STREAMS. */
unsigned cql_connection_in_flight(const cql_connection_t *self);

/* One frame; needs an open connection and a free stream. The bytes are copied.
 */
void cql_connection_send(cql_connection_t *self, cql_writer_t *frame,
                         cql_reply_fn on_reply, void *context);

/* For poll(). */
int cql_connection_fd(const cql_connection_t *self);
short cql_connection_events(const cql_connection_t *self);

/* Writes and reads what it can; calls back for each reply. */
void cql_connection_service(cql_connection_t *self);

/* One sentence about the last loss or refusal. */
const char *cql_connection_error(const cql_connection_t *self);

#endif
