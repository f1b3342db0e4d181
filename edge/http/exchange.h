/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request and its answer, apart from the socket: http1.c fills the
 * request in and calls the route's handler; the handler calls exchange_reply or
 * exchange_problem once, at once or later. A handler that answers later sets
 * `drop`, which is called where the connection ends first.
 */
#ifndef EDGE_HTTP_EXCHANGE_H
#define EDGE_HTTP_EXCHANGE_H

#include "common/bus_query.h"
#include "edge/auth.h"
#include "edge/connection.h"
#include "edge/edge.h"
#include "edge/http/assets.h"
#include "edge/http/board_renderings.h"
#include "edge/http/message.h"
#include "edge/http/past_cache.h"
#include "edge/http/pixel_cache.h"
#include "edge/http/problem.h"
#include "edge/http/route.h"

/* What /me has heard so far. */
typedef struct {
    bus_answer_t answer;
    uint32_t remaining_ms;
    bool known; /* the leader told remaining_ms */
} me_lookup_t;

typedef struct exchange {
    /* --- The request; texts are NUL-terminated and lie in `text` --- */
    edge_t *edge;
    assets_t *assets;
    board_renderings_t *boards;
    pixel_cache_t *pixels;
    past_cache_t *past_answers;
    connection_t *connection; /* NULL: no address is known */
    char *text;
    verb_t verb;
    const char *path;  /* decoded */
    const char *query; /* "a=1" NUL "b=2" NUL NUL, decoded; or NULL */
    const char *fields[FIELD_COUNT]; /* NULL where absent, or empty */
    const route_t *route;            /* NULL: a file, or nothing */
    route_arguments_t arguments;     /* into path */
    const char *body;                /* NULL: none */
    size_t body_size;
    bool http10; /* keeps alive only where told so */
    bool close;  /* the connection ends with this answer */

    /* --- A handler's own, while it waits --- */
    void (*drop)(struct exchange *self);
    identity_t identity;
    uint64_t ticket, query_ticket;
    unsigned waiting; /* for how many answers yet */
    me_lookup_t me;
    rendering_kind_t kind;
    board_waiter_t waiter;
    pixel_waiter_t pixel_waiter;
    bus_type_t past; /* what of the past is asked */
    past_waiter_t past_waiter;

    /* --- The answer --- */
    bool answered;
    unsigned status;
    char *head; /* status line and fields, with the empty line */
    size_t head_size;
    blob_t *blob;         /* the body to send; NULL: none */
    size_t sent;          /* of head and blob */
    blob_reader_t reader; /* of a shared body */
    void (*on_revoked)(struct exchange *self); /* the answer cannot be ended */
    void (*on_reply)(struct exchange *self);   /* http1.c's */
    void *context;                             /* likewise */
} exchange_t;

/* Zeroed but for `edge`. */
exchange_t *exchange_new(edge_t *edge);
/* Drops what waits. Safe on NULL. */
void exchange_destroy(exchange_t **self_p);

/* Copies a whole request's verb, path, query, fields and body, and whether the
 * connection is to end. `bytes` are those that the message was read from. -1:
 * it is to be refused with 400. */
int exchange_take(exchange_t *self, const message_t *message,
                  const char *bytes);

/* The value of a name in the query, "" for a name alone; NULL where absent. */
const char *exchange_query(const exchange_t *self, const char *name);

/* Where it comes from: the peer, or what a trusted proxy says; :: if no address
 * is known. */
address_t exchange_client(exchange_t *self);

/* Who asks: a good token; AUTH_NONE; or AUTH_BAD. */
auth_result_t exchange_identify(exchange_t *self);

typedef struct {
    unsigned status;
    const char *content_type;
    const char *cache_control; /* NULL: no-store */
    const char *etag;
    const char *encoding; /* Content-Encoding, or NULL */
    bool negotiated;      /* Vary: Accept-Encoding */
    const char *fields;   /* further lines, each with CRLF; or NULL */
    const void *bytes;    /* the body: copied, … */
    size_t size;
    blob_t *blob; /* … or shared */
} reply_t;

/* Answers; HEAD and 304 get the fields alone. Once an exchange. */
void exchange_reply(exchange_t *self, const reply_t *reply);

/* An error (problem.h); `detail` is a sentence of ours. */
void exchange_problem(exchange_t *self, problem_t kind, const char *detail);
/* The same with further members (problem_render). */
void exchange_problem_with(exchange_t *self, problem_t kind, const char *detail,
                           const char *members);
/* The same where it names a wait. */
void exchange_retry(exchange_t *self, problem_t kind, uint32_t retry_ms);

#endif
