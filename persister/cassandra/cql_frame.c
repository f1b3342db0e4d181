/* SPDX-License-Identifier: Apache-2.0
 *
 * See cql_frame.h. Each decoder reads its body with a cursor that remembers an
 * overrun, and asks once at the end.
 */
#include "persister/cassandra/cql_frame.h"

#define VERSION_RESPONSE 0x84
#define HEADER_FLAG_TRACING 0x02
#define HEADER_FLAG_PAYLOAD 0x04
#define HEADER_FLAG_WARNING 0x08
#define ROWS_FLAG_GLOBAL_SPEC 0x01
#define ROWS_FLAG_MORE_PAGES 0x02
#define ROWS_FLAG_NO_METADATA 0x04
#define TYPE_DEPTH_MAX 4
#define PAYLOAD_ENTRIES_MAX 256

/* Reads off a span; after a read beyond its end `bad` stays set and everything
 * read is 0 or empty. */
typedef struct {
    const uint8_t *at, *end;
    bool bad;
} reader_t;

static const uint8_t *s_take(reader_t *self, size_t count)
{
    if (self->bad || count > (size_t)(self->end - self->at)) {
        self->bad = true;
        return NULL;
    }
    const uint8_t *at = self->at;
    self->at += count;
    return at;
}

static uint64_t s_get_be(reader_t *self, unsigned bytes)
{
    const uint8_t *at = s_take(self, bytes);
    uint64_t value = 0;
    for (unsigned i = 0; at && i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static cql_bytes_t s_get_span(reader_t *self, size_t size)
{
    const uint8_t *at = s_take(self, size);
    return (cql_bytes_t){at, at ? size : 0};
}

static cql_bytes_t s_get_string(reader_t *self)
{
    return s_get_span(self, s_get_be(self, 2));
}

/* [bytes]: a negative length is null. */
static cql_bytes_t s_get_bytes(reader_t *self)
{
    int32_t size = (int32_t)s_get_be(self, 4);
    if (size < 0)
        return (cql_bytes_t){NULL, 0};
    return s_get_span(self, (size_t)size);
}

static void s_skip_type(reader_t *self, unsigned depth);

static void s_skip_types(reader_t *self, size_t count, bool named,
                         unsigned depth)
{
    for (size_t i = 0; i < count && !self->bad; i++) {
        if (named)
            s_get_string(self);
        s_skip_type(self, depth + 1);
    }
}

/* What stands behind a type's id. */
static void s_skip_type_body(reader_t *self, uint16_t type, unsigned depth)
{
    switch (type) {
    case 0x0000: /* custom */
        s_get_string(self);
        break;
    case 0x0020: /* list */
    case 0x0022: /* set */
        s_skip_types(self, 1, false, depth);
        break;
    case 0x0021: /* map */
        s_skip_types(self, 2, false, depth);
        break;
    case 0x0030: /* user type */
        s_get_string(self);
        s_get_string(self);
        s_skip_types(self, s_get_be(self, 2), true, depth);
        break;
    case 0x0031: /* tuple */
        s_skip_types(self, s_get_be(self, 2), false, depth);
        break;
    default:
        break;
    }
}

static void s_skip_type(reader_t *self, unsigned depth)
{
    if (depth > TYPE_DEPTH_MAX)
        self->bad = true;
    uint16_t type = (uint16_t)s_get_be(self, 2);
    if (!self->bad)
        s_skip_type_body(self, type, depth);
}

static void s_get_columns(cql_reply_t *self, reader_t *reader, uint32_t flags)
{
    if (flags & ROWS_FLAG_GLOBAL_SPEC) {
        s_get_string(reader);
        s_get_string(reader);
    }
    for (uint32_t i = 0; i < self->column_count && !reader->bad; i++) {
        if (!(flags & ROWS_FLAG_GLOBAL_SPEC)) {
            s_get_string(reader);
            s_get_string(reader);
        }
        cql_column_t *column = &self->columns[i];
        column->name = s_get_string(reader);
        column->type = (uint16_t)s_get_be(reader, 2);
        if (!reader->bad)
            s_skip_type_body(reader, column->type, 0);
    }
}

static void s_rows(cql_reply_t *self, reader_t *reader)
{
    uint32_t flags = (uint32_t)s_get_be(reader, 4);
    self->column_count = (uint32_t)s_get_be(reader, 4);
    if (self->column_count > CQL_COLUMNS_MAX) {
        reader->bad = true;
        return;
    }
    if (flags & ROWS_FLAG_MORE_PAGES)
        self->paging = s_get_bytes(reader);
    if (!(flags & ROWS_FLAG_NO_METADATA))
        s_get_columns(self, reader, flags);
    self->rows_left = (uint32_t)s_get_be(reader, 4);
    size_t left = reader->bad ? 0 : (size_t)(reader->end - reader->at);
    /* Each value takes at least its length's four bytes. */
    if (self->rows_left > left ||
        (uint64_t)self->rows_left * self->column_count * 4 > left)
        reader->bad = true;
    self->content = s_get_span(reader, left);
}

static void s_result(cql_reply_t *self, reader_t *reader)
{
    self->result = (int32_t)s_get_be(reader, 4);
    if (self->result == CQL_RESULT_ROWS)
        s_rows(self, reader);
    if (self->result == CQL_RESULT_PREPARED)
        self->id = s_get_string(reader);
    if (self->result < CQL_RESULT_VOID || self->result > CQL_RESULT_SCHEMA ||
        self->id.size > CQL_ID_MAX)
        reader->bad = true;
}

static void s_error(cql_reply_t *self, reader_t *reader)
{
    self->error = (int32_t)s_get_be(reader, 4);
    self->message = s_get_string(reader);
    if (self->error == CQL_ERROR_UNPREPARED)
        self->id = s_get_string(reader);
}

/* Tracing id, warnings and custom payload stand before every body. */
static void s_prelude(cql_reply_t *self, reader_t *reader, uint8_t flags)
{
    if (flags & HEADER_FLAG_TRACING)
        s_take(reader, 16);
    if (flags & HEADER_FLAG_WARNING) {
        self->warnings = (uint32_t)s_get_be(reader, 2);
        for (uint32_t i = 0; i < self->warnings && !reader->bad; i++) {
            cql_bytes_t text = s_get_string(reader);
            if (i == 0)
                self->warning = text;
        }
    }
    if (flags & HEADER_FLAG_PAYLOAD) {
        size_t entries = s_get_be(reader, 2);
        if (entries > PAYLOAD_ENTRIES_MAX)
            reader->bad = true;
        for (size_t i = 0; i < entries && !reader->bad; i++) {
            s_get_string(reader);
            s_get_bytes(reader);
        }
    }
}

cql_result_t cql_header_decode(cql_header_t *self, const uint8_t *bytes,
                               size_t size)
{
    if (size < CQL_HEADER_BYTES)
        return CQL_MORE;
    reader_t reader = {.at = bytes, .end = bytes + CQL_HEADER_BYTES};
    uint8_t version = (uint8_t)s_get_be(&reader, 1);
    self->flags = (uint8_t)s_get_be(&reader, 1);
    self->stream = (int16_t)s_get_be(&reader, 2);
    self->opcode = (uint8_t)s_get_be(&reader, 1);
    self->length = (uint32_t)s_get_be(&reader, 4);
    bool fits = version == VERSION_RESPONSE && self->length <= CQL_BODY_MAX;
    return fits ? CQL_OK : CQL_BAD;
}

cql_result_t cql_reply_decode(cql_reply_t *self, const cql_header_t *header,
                              const uint8_t *body)
{
    reader_t reader = {.at = body, .end = body + header->length};
    *self = (cql_reply_t){.opcode = header->opcode};
    s_prelude(self, &reader, header->flags);
    switch (header->opcode) {
    case CQL_OP_ERROR:
        s_error(self, &reader);
        break;
    case CQL_OP_RESULT:
        s_result(self, &reader);
        break;
    case CQL_OP_AUTHENTICATE:
        self->message = s_get_string(&reader);
        break;
    case CQL_OP_READY:
    case CQL_OP_SUPPORTED:
    case CQL_OP_EVENT:
    case CQL_OP_AUTH_CHALLENGE:
    case CQL_OP_AUTH_SUCCESS:
        break;
    default:
        reader.bad = true;
    }
    return reader.bad ? CQL_BAD : CQL_OK;
}

cql_result_t cql_row_next(cql_reply_t *self, cql_bytes_t *values)
{
    if (self->rows_left == 0)
        return CQL_MORE;
    reader_t reader = {.at = self->content.bytes,
                       .end = self->content.bytes + self->content.size};
    for (uint32_t i = 0; i < self->column_count; i++)
        values[i] = s_get_bytes(&reader);
    if (reader.bad)
        return CQL_BAD;
    self->rows_left--;
    self->content = (cql_bytes_t){reader.at, (size_t)(reader.end - reader.at)};
    return CQL_OK;
}

bool cql_value_int(cql_bytes_t value, int32_t *number)
{
    if (!value.bytes || value.size != 4)
        return false;
    reader_t reader = {.at = value.bytes, .end = value.bytes + 4};
    *number = (int32_t)s_get_be(&reader, 4);
    return true;
}

bool cql_value_bigint(cql_bytes_t value, int64_t *number)
{
    if (!value.bytes || value.size != 8)
        return false;
    reader_t reader = {.at = value.bytes, .end = value.bytes + 8};
    *number = (int64_t)s_get_be(&reader, 8);
    return true;
}

const char *cql_error_name(int32_t error)
{
    static const struct {
        int32_t code;
        const char *name;
    } names[] = {
        {CQL_ERROR_SERVER, "server_error"},
        {CQL_ERROR_CREDENTIALS, "bad_credentials"},
        {CQL_ERROR_UNAVAILABLE, "unavailable"},
        {CQL_ERROR_OVERLOADED, "overloaded"},
        {CQL_ERROR_BOOTSTRAPPING, "bootstrapping"},
        {CQL_ERROR_TRUNCATE, "truncate_error"},
        {CQL_ERROR_WRITE_TIMEOUT, "write_timeout"},
        {CQL_ERROR_READ_TIMEOUT, "read_timeout"},
        {CQL_ERROR_READ_FAILURE, "read_failure"},
        {CQL_ERROR_WRITE_FAILURE, "write_failure"},
        {CQL_ERROR_SYNTAX, "syntax_error"},
        {CQL_ERROR_UNAUTHORIZED, "unauthorized"},
        {CQL_ERROR_INVALID, "invalid"},
        {CQL_ERROR_CONFIG, "config_error"},
        {CQL_ERROR_EXISTS, "already_exists"},
        {CQL_ERROR_UNPREPARED, "unprepared"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].code == error)
            return names[i].name;
    }
    return "unknown_error";
}
