/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of the CQL binary protocol, version 4: what a client reads.
 * (What it sends: cql_request.h.) Pure: bytes in, struct out; no sockets.
 * Big-endian throughout:
 *
 *     version u8 · flags u8 · stream i16 · opcode u8 · length u32 · body
 *
 * A decoded reply points into the bytes it was decoded from. Every count and
 * length is checked against the bytes at hand and the limits below.
 *
 * https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec
 */
#ifndef PERSISTER_CASSANDRA_CQL_FRAME_H
#define PERSISTER_CASSANDRA_CQL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CQL_HEADER_BYTES 9
#define CQL_BODY_MAX (32u << 20) /* our pages stay far below */
#define CQL_COLUMNS_MAX 24
#define CQL_ID_MAX 64 /* of a prepared statement */

enum {
    CQL_OP_ERROR = 0x00,
    CQL_OP_STARTUP = 0x01,
    CQL_OP_READY = 0x02,
    CQL_OP_AUTHENTICATE = 0x03,
    CQL_OP_SUPPORTED = 0x06,
    CQL_OP_QUERY = 0x07,
    CQL_OP_RESULT = 0x08,
    CQL_OP_PREPARE = 0x09,
    CQL_OP_EXECUTE = 0x0A,
    CQL_OP_EVENT = 0x0C,
    CQL_OP_BATCH = 0x0D,
    CQL_OP_AUTH_CHALLENGE = 0x0E,
    CQL_OP_AUTH_RESPONSE = 0x0F,
    CQL_OP_AUTH_SUCCESS = 0x10,
};

typedef enum {
    CQL_ONE = 0x0001,
    CQL_QUORUM = 0x0004,
    CQL_LOCAL_QUORUM = 0x0006,
    CQL_LOCAL_SERIAL = 0x0009,
    CQL_LOCAL_ONE = 0x000A,
} cql_consistency_t;

/* ERROR codes that need an answer of their own. */
enum {
    CQL_ERROR_SERVER = 0x0000,
    CQL_ERROR_CREDENTIALS = 0x0100,
    CQL_ERROR_UNAVAILABLE = 0x1000,
    CQL_ERROR_OVERLOADED = 0x1001,
    CQL_ERROR_BOOTSTRAPPING = 0x1002,
    CQL_ERROR_TRUNCATE = 0x1003,
    CQL_ERROR_WRITE_TIMEOUT = 0x1100,
    CQL_ERROR_READ_TIMEOUT = 0x1200,
    CQL_ERROR_READ_FAILURE = 0x1300,
    CQL_ERROR_WRITE_FAILURE = 0x1500,
    CQL_ERROR_SYNTAX = 0x2000,
    CQL_ERROR_UNAUTHORIZED = 0x2100,
    CQL_ERROR_INVALID = 0x2200,
    CQL_ERROR_CONFIG = 0x2300,
    CQL_ERROR_EXISTS = 0x2400,
    CQL_ERROR_UNPREPARED = 0x2500,
};

/* Kinds of RESULT. */
enum {
    CQL_RESULT_VOID = 1,
    CQL_RESULT_ROWS = 2,
    CQL_RESULT_KEYSPACE = 3,
    CQL_RESULT_PREPARED = 4,
    CQL_RESULT_SCHEMA = 5,
};

typedef enum { CQL_OK, CQL_MORE, CQL_BAD } cql_result_t;

typedef struct {
    const uint8_t *bytes;
    size_t size;
} cql_bytes_t;

typedef struct {
    int16_t stream;
    uint8_t flags, opcode;
    uint32_t length; /* of the body */
} cql_header_t;

/* MORE where size < CQL_HEADER_BYTES; BAD for another version, for a request,
 * or a body above CQL_BODY_MAX. */
cql_result_t cql_header_decode(cql_header_t *self, const uint8_t *bytes,
                               size_t size);

typedef struct {
    cql_bytes_t name; /* not terminated */
    uint16_t type;
} cql_column_t;

typedef struct {
    uint8_t opcode;
    int32_t result;        /* CQL_RESULT_…, where opcode is RESULT */
    int32_t error;         /* CQL_ERROR_…, where opcode is ERROR */
    cql_bytes_t message;   /* of ERROR; AUTHENTICATE's class */
    cql_bytes_t id;        /* of PREPARED; of the statement UNPREPARED */
    uint32_t warnings;     /* how many the server added */
    cql_bytes_t warning;   /* the first of them */
    cql_bytes_t paging;    /* bytes NULL: the last page */
    uint32_t column_count; /* of ROWS */
    cql_column_t columns[CQL_COLUMNS_MAX];
    uint32_t rows_left;  /* not yet read by cql_row_next */
    cql_bytes_t content; /* of the rows, not yet read */
} cql_reply_t;

/* CQL_OK or CQL_BAD. `body` is what `header` says, whole, and outlives self. */
cql_result_t cql_reply_decode(cql_reply_t *self, const cql_header_t *header,
                              const uint8_t *body);

/* The next row's values into values[column_count]; bytes NULL: null. MORE when
 * there is none left. */
cql_result_t cql_row_next(cql_reply_t *self, cql_bytes_t *values);

/* False, number untouched, where the value is null or of another size. */
bool cql_value_int(cql_bytes_t value, int32_t *number);
bool cql_value_bigint(cql_bytes_t value, int64_t *number);

/* What kind of trouble an ERROR code is, as one word for logs. */
const char *cql_error_name(int32_t error);

#endif
