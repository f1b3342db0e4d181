/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request, HTTP/1.1 or 1.0: as RFC 9112 and 9110 have it, and
 * nothing else. What they call invalid is refused with its first wrong byte,
 * and never read in another way. Pure, and takes the bytes as they come: the
 * result is the same however they were cut.
 */
#ifndef EDGE_HTTP_HEAD_H
#define EDGE_HTTP_HEAD_H

#include "edge/http/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_BYTES_MAX 16384

/* The fields that the edge looks at. */
typedef enum {
    FIELD_AUTHORIZATION,
    FIELD_ORIGIN,
    FIELD_HOST,
    FIELD_ACCEPT_ENCODING,
    FIELD_IF_NONE_MATCH,
    FIELD_IDEMPOTENCY_KEY,
    FIELD_PREFLIGHT_METHOD, /* Access-Control-Request-Method */
    FIELD_FORWARDED_FOR,
    FIELD_CONNECTION,
    FIELD_UPGRADE,
    FIELD_WS_PROTOCOL,
    FIELD_WS_VERSION,
    FIELD_WS_KEY,
    FIELD_EXPECT,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_COUNT
} field_t;

typedef enum {
    VERB_GET,
    VERB_HEAD,
    VERB_OPTIONS,
    VERB_POST,
    VERB_PUT,
    VERB_DELETE,
    VERB_OTHER
} verb_t;

/* A piece of the bytes. */
typedef struct {
    uint16_t at, size;
} span_t;

/* Lines of fields that occur more than once; they are lists. */
#define HEAD_MORE_MAX 32

/* Zeroed: at the beginning. */
typedef struct {
    bool begun; /* the request line is read */
    bool whole; /* and the empty line */
    verb_t verb;
    bool http10;
    bool chunked;    /* a body in chunks follows */
    bool invited;    /* Expect: 100-continue */
    uint64_t length; /* of the body, unless chunked */
    span_t method;
    span_t authority, path, query; /* of the target; authority may be empty */
    span_t fields[FIELD_COUNT];    /* values; `at` is 0 where absent */
    unsigned more_count;
    struct {
        field_t field;
        span_t value;
    } more[HEAD_MORE_MAX]; /* in their order */
    size_t size;           /* of the lines read so far */
    size_t seen;           /* up to there no byte is wrong */
    problem_t problem;     /* if it is refused */
    const char *detail;    /* of the problem; NULL: not refused */
} head_t;

typedef enum {
    HEAD_PARTIAL, /* more is to come */
    HEAD_WHOLE,
    HEAD_REFUSED, /* for good: answer `problem`, and end the connection */
} head_result_t;

/* Reads on; `bytes` are all those since the beginning, and may have moved. */
head_result_t head_read(head_t *self, const char *bytes, size_t size);

/* For what else is read by lines of fields: a name, a colon, a value. */
bool head_is_field(const char *line, size_t size);
/* For chunk extensions. */
bool head_is_token(char byte);

#endif
