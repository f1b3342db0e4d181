/* SPDX-License-Identifier: Apache-2.0
 *
 * See cql_request.h. A frame's length is put in when its body is complete.
 */
#include "persister/cassandra/cql_request.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_REQUEST 0x04
#define QUERY_FLAG_VALUES 0x01
#define QUERY_FLAG_PAGE_SIZE 0x04
#define QUERY_FLAG_PAGING_STATE 0x08
#define QUERY_FLAG_SERIAL 0x10
#define BATCH_UNLOGGED 1
#define KIND_PREPARED 1
#define BATCH_COUNT_AT (CQL_HEADER_BYTES + 1)

static uint8_t *s_grow(cql_writer_t *self, size_t count)
{
    if (self->size + count > self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 512;
        while (capacity < self->size + count)
            capacity *= 2;
        self->bytes = mem_realloc(self->bytes, capacity, 1);
        self->capacity = capacity;
    }
    uint8_t *at = self->bytes + self->size;
    self->size += count;
    return at;
}

static void s_put_be(cql_writer_t *self, uint64_t value, unsigned bytes)
{
    uint8_t *at = s_grow(self, bytes);
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

void cql_writer_append(cql_writer_t *self, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(s_grow(self, size), bytes, size);
}

static void s_begin(cql_writer_t *self, uint8_t opcode)
{
    self->size = 0;
    s_put_be(self, VERSION_REQUEST, 1);
    s_put_be(self, 0, 1); /* flags */
    s_put_be(self, 0, 2); /* stream */
    s_put_be(self, opcode, 1);
    s_put_be(self, 0, 4); /* length, known at the end */
}

static void s_end(cql_writer_t *self)
{
    size_t length = self->size - CQL_HEADER_BYTES;
    for (unsigned i = 0; i < 4; i++)
        self->bytes[5 + i] = (uint8_t)(length >> 8 * (3 - i));
}

static void s_put_string(cql_writer_t *self, const char *text)
{
    size_t length = strlen(text);
    assert(length <= UINT16_MAX);
    s_put_be(self, length, 2);
    cql_writer_append(self, text, length);
}

static void s_put_short_bytes(cql_writer_t *self, cql_bytes_t bytes)
{
    assert(bytes.size <= UINT16_MAX);
    s_put_be(self, bytes.size, 2);
    cql_writer_append(self, bytes.bytes, bytes.size);
}

void cql_writer_fini(cql_writer_t *self)
{
    free(self->bytes);
    *self = (cql_writer_t){0};
}

void cql_startup(cql_writer_t *self)
{
    s_begin(self, CQL_OP_STARTUP);
    s_put_be(self, 1, 2); /* entries of the string map */
    s_put_string(self, "CQL_VERSION");
    s_put_string(self, "3.0.0");
    s_end(self);
}

void cql_auth_response(cql_writer_t *self, const char *user,
                       const char *password)
{
    size_t user_length = strlen(user), password_length = strlen(password);
    s_begin(self, CQL_OP_AUTH_RESPONSE);
    s_put_be(self, user_length + password_length + 2, 4);
    s_put_be(self, 0, 1); /* no authorization identity */
    cql_writer_append(self, user, user_length);
    s_put_be(self, 0, 1);
    cql_writer_append(self, password, password_length);
    s_end(self);
}

void cql_query(cql_writer_t *self, const char *text,
               cql_consistency_t consistency)
{
    size_t length = strlen(text);
    s_begin(self, CQL_OP_QUERY);
    s_put_be(self, length, 4);
    cql_writer_append(self, text, length);
    s_put_be(self, consistency, 2);
    s_put_be(self, 0, 1); /* flags */
    s_end(self);
}

void cql_prepare(cql_writer_t *self, const char *text)
{
    size_t length = strlen(text);
    s_begin(self, CQL_OP_PREPARE);
    s_put_be(self, length, 4);
    cql_writer_append(self, text, length);
    s_end(self);
}

/* Behind the id stand consistency and flags; s_execute_flags finds the latter
 * again. */
void cql_execute_begin(cql_writer_t *self, cql_bytes_t prepared_id,
                       cql_consistency_t consistency, uint16_t values)
{
    s_begin(self, CQL_OP_EXECUTE);
    s_put_short_bytes(self, prepared_id);
    s_put_be(self, consistency, 2);
    s_put_be(self, QUERY_FLAG_VALUES, 1);
    s_put_be(self, values, 2);
}

static uint8_t *s_execute_flags(cql_writer_t *self)
{
    const uint8_t *id = self->bytes + CQL_HEADER_BYTES;
    return self->bytes + CQL_HEADER_BYTES + 2 + (id[0] << 8 | id[1]) + 2;
}

void cql_execute_end(cql_writer_t *self, int32_t page_size, cql_bytes_t paging,
                     bool conditional)
{
    if (page_size > 0) {
        *s_execute_flags(self) |= QUERY_FLAG_PAGE_SIZE;
        s_put_be(self, (uint32_t)page_size, 4);
    }
    if (paging.bytes) {
        *s_execute_flags(self) |= QUERY_FLAG_PAGING_STATE;
        cql_put_blob(self, paging.bytes, paging.size);
    }
    if (conditional) {
        *s_execute_flags(self) |= QUERY_FLAG_SERIAL;
        s_put_be(self, CQL_LOCAL_SERIAL, 2);
    }
    s_end(self);
}

void cql_batch_begin(cql_writer_t *self)
{
    s_begin(self, CQL_OP_BATCH);
    s_put_be(self, BATCH_UNLOGGED, 1);
    s_put_be(self, 0, 2); /* entries, known at the end */
}

void cql_batch_entry(cql_writer_t *self, cql_bytes_t prepared_id,
                     uint16_t values)
{
    s_put_be(self, KIND_PREPARED, 1);
    s_put_short_bytes(self, prepared_id);
    s_put_be(self, values, 2);
}

void cql_batch_end(cql_writer_t *self, uint16_t entries,
                   cql_consistency_t consistency)
{
    self->bytes[BATCH_COUNT_AT] = (uint8_t)(entries >> 8);
    self->bytes[BATCH_COUNT_AT + 1] = (uint8_t)entries;
    s_put_be(self, consistency, 2);
    s_put_be(self, 0, 1); /* flags */
    s_end(self);
}

void cql_put_int(cql_writer_t *self, int32_t value)
{
    s_put_be(self, 4, 4);
    s_put_be(self, (uint32_t)value, 4);
}

void cql_put_bigint(cql_writer_t *self, int64_t value)
{
    s_put_be(self, 8, 4);
    s_put_be(self, (uint64_t)value, 8);
}

void cql_put_blob(cql_writer_t *self, const void *bytes, size_t size)
{
    assert(size <= INT32_MAX);
    s_put_be(self, size, 4);
    cql_writer_append(self, bytes, size);
}

void cql_put_text(cql_writer_t *self, const char *text)
{
    cql_put_blob(self, text, strlen(text));
}
