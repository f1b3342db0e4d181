/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_write.h.
 */
#include "broker/redis_write.h"

/* Records written back with one call: entries of ENTRY_RECORDS. */
#define ENTRY_RECORDS 2000
#define PUT_ENTRIES 16

void redis_write_commit(redis_command_t *self, uint32_t epoch,
                        const batch_t *batch, uint32_t digest,
                        const uint8_t *policy, size_t policy_size)
{
    redis_command_number(self, epoch);
    redis_command_number(self, batch_from(batch).seq);
    redis_command_number(self, batch_to(batch).seq);
    redis_command_number(self, digest);
    redis_command_bytes(self, batch_records(batch),
                        batch_count(batch) * RECORD_BYTES);
    redis_command_chain(self, batch_from(batch).chain);
    redis_command_chain(self, batch_to(batch).chain);
    size_t controls;
    const uint8_t *bytes = batch_controls(batch, &controls);
    redis_command_bytes(self, policy ? policy : bytes, policy_size);
    redis_command_bytes(self, bytes, controls * RECORD_BYTES);
    for (size_t i = 0; i < batch_chunks(batch); i++) {
        batch_chunk_t chunk = batch_chunk(batch, i);
        redis_command_number(self, chunk.words);
        redis_command_bytes(self, chunk.bytes, chunk.size);
    }
}

uint64_t redis_write_log(redis_command_t *self, uint32_t epoch, bool first,
                         const history_t *history, uint64_t from)
{
    redis_command_number(self, epoch);
    redis_command_number(self, first);
    for (int i = 0; i < PUT_ENTRIES && from < history_next(history); i++) {
        size_t count;
        const uint8_t *records =
            history_slice(history, from, ENTRY_RECORDS, &count);
        from += count;
        redis_command_number(self, from - 1);
        redis_command_chain(self, history_chain(history, from - count - 1));
        redis_command_bytes(self, records, count * RECORD_BYTES);
    }
    return from;
}

size_t redis_write_part(redis_command_t *self, const ledger_put_t *put,
                        size_t from, size_t most)
{
    size_t left = board_size_bytes(put->board) - from;
    size_t size = left < most ? left : most;
    redis_command_number(self, put->epoch);
    redis_command_number(self, from);
    redis_command_bytes(self, board_bytes(put->board) + from, size);
    return from + size;
}

void redis_write_board(redis_command_t *self, const ledger_put_t *put,
                       char *json)
{
    size_t size = canvas_to_json(put->canvas, json, CANVAS_JSON_MAX);
    redis_command_number(self, put->epoch);
    redis_command_number(self, put->at.seq);
    redis_command_number(self, board_digest(put->board));
    redis_command_bytes(self, json, size);
    redis_command_number(self, put->born);
    redis_command_chain(self, put->at.chain);
    redis_command_number(self, LEDGER_FORMAT);
    redis_command_number(self, board_size_bytes(put->board));
    redis_command_number(self, put->whole_log);
}
