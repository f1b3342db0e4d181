/* SPDX-License-Identifier: Apache-2.0
 *
 * The CQL reply decoder on any bytes: header, body and every row.
 */
#include "persister/cassandra/cql_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    cql_header_t header;
    cql_reply_t reply;
    cql_bytes_t values[CQL_COLUMNS_MAX];
    if (cql_header_decode(&header, bytes, size) != CQL_OK ||
        header.length > size - CQL_HEADER_BYTES)
        return 0;
    if (cql_reply_decode(&reply, &header, bytes + CQL_HEADER_BYTES) != CQL_OK)
        return 0;
    while (cql_row_next(&reply, values) == CQL_OK) {
        int64_t wide;
        int32_t narrow;
        for (uint32_t i = 0; i < reply.column_count; i++) {
            cql_value_bigint(values[i], &wide);
            cql_value_int(values[i], &narrow);
        }
    }
    return 0;
}
