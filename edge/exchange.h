/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request and its answer, apart from the socket: http.c fills the
 * request in and calls the route's handler; the handler calls exchange_reply or
 * exchange_problem once, at once or later. A handler that answers later sets
 * `drop`, which is called where the connection ends first.
 */
#ifndef EDGE_EXCHANGE_H
#define EDGE_EXCHANGE_H

#include "common/bus.h"
#include "edge/assets.h"
#include "edge/auth.h"
#include "edge/board_cache.h"
#include "edge/connection.h"
#include "edge/edge.h"
#include "edge/problem.h"
#include "edge/route.h"

#define EXCHANGE_BODY_MAX 4096

typedef enum {
    HEADER_AUTHORIZATION,
    HEADER_ORIGIN,
    HEADER_HOST,
    HEADER_ACCEPT_ENCODING,
    HEADER_IF_NONE_MATCH,
    HEADER_IDEMPOTENCY_KEY,
    HEADER_PREFLIGHT_METHOD, /* Access-Control-Request-Method */
    HEADER_FORWARDED_FOR,
    HEADER_CONNECTION,
    HEADER_WS_PROTOCOL,
    HEADER_WS_VERSION,
    HEADER_WS_KEY,
    HEADER_COUNT
} header_t;

typedef enum {
    VERB_GET,
    VERB_HEAD,
    VERB_OPTIONS,
    VERB_POST,
    VERB_PUT,
    VERB_OTHER
} verb_t;

/* What /me has heard so far. */
typedef struct {
    bus_answer_t answer;
    uint32_t remaining_ms;
    bool known; /* the leader told remaining_ms */
} me_lookup_t;

typedef struct exchange {
    /* --- The request; texts are owned and NUL-terminated --- */
    edge_t *edge;
    assets_t *assets;
    board_cache_t *boards;
    connection_t *connection; /* NULL: no address is known */
    verb_t verb;
    char *path;                  /* decoded */
    char *query;                 /* "a=1" NUL "b=2" NUL NUL, decoded; or NULL */
    char *headers[HEADER_COUNT]; /* NULL where absent */
    const route_t *route;        /* NULL: a file, or nothing */
    route_arguments_t arguments; /* into path */
    char *body;                  /* NULL: none */
    size_t body_size;
    bool body_too_large;
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

    /* --- The answer --- */
    bool answered;
    unsigned status;
    char *head; /* status line and fields, with the empty line */
    size_t head_size;
    blob_t *blob;                            /* the body to send; NULL: none */
    size_t sent;                             /* of head and blob */
    void (*on_reply)(struct exchange *self); /* http.c's */
    void *context;                           /* likewise */
} exchange_t;

/* Zeroed but for `edge`. */
exchange_t *exchange_new(edge_t *edge);
/* Drops what waits. Safe on NULL. */
void exchange_destroy(exchange_t **self_p);

/* The value of a name in the query, "" for a name alone; NULL where absent. */
const char *exchange_query(const exchange_t *self, const char *name);

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
/* The same where it names a wait. */
void exchange_retry(exchange_t *self, problem_t kind, uint32_t retry_ms);

#endif
