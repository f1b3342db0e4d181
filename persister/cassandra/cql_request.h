/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of the CQL binary protocol, version 4, as a client writes them.
 * Pure: each function leaves one whole frame in the writer. Replies:
 * cql_frame.h.
 */
#ifndef PERSISTER_CASSANDRA_CQL_REQUEST_H
#define PERSISTER_CASSANDRA_CQL_REQUEST_H

#include "persister/cassandra/cql_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One request frame that grows on the heap, bounded by what its user puts in.
 * Zero is empty; cql_writer_fini frees. */
typedef struct {
    uint8_t *bytes;
    size_t size, capacity;
} cql_writer_t;

void cql_writer_fini(cql_writer_t *self);

/* Bytes behind those that are there. */
void cql_writer_append(cql_writer_t *self, const void *bytes, size_t size);

/* Frames for the stream 0; the connection stamps the stream when it sends. */
void cql_startup(cql_writer_t *self);
void cql_auth_response(cql_writer_t *self, const char *user,
                       const char *password); /* SASL PLAIN */
void cql_query(cql_writer_t *self, const char *text,
               cql_consistency_t consistency);
void cql_prepare(cql_writer_t *self, const char *text);

/* EXECUTE: begin, `values` values, end. `paging` may be empty; page_size 0: no
 * paging. A conditional statement (IF …) is settled in the own data centre. */
void cql_execute_begin(cql_writer_t *self, cql_bytes_t prepared_id,
                       cql_consistency_t consistency, uint16_t values);
void cql_execute_end(cql_writer_t *self, int32_t page_size, cql_bytes_t paging,
                     bool conditional);

/* Unlogged BATCH: begin, for each statement an entry and its values, end with
 * the number of entries. */
void cql_batch_begin(cql_writer_t *self);
void cql_batch_entry(cql_writer_t *self, cql_bytes_t prepared_id,
                     uint16_t values);
void cql_batch_end(cql_writer_t *self, uint16_t entries,
                   cql_consistency_t consistency);

/* Values of int, bigint, blob and text. */
void cql_put_int(cql_writer_t *self, int32_t value);
void cql_put_bigint(cql_writer_t *self, int64_t value);
void cql_put_blob(cql_writer_t *self, const void *bytes, size_t size);
void cql_put_text(cql_writer_t *self, const char *text);

#endif
