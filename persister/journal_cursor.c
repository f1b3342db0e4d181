/* SPDX-License-Identifier: Apache-2.0
 *
 * See journal_cursor.h. What a blob repeats of the one before it is skipped by
 * seq.
 */
#include "persister/journal_cursor.h"

#include "common/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void journal_cursor_init(journal_cursor_t *self, blob_codec_t *codec,
                         uint64_t from, uint64_t to, store_scan_fn visit,
                         void *context)
{
    *self = (journal_cursor_t){
        .codec = codec,
        .from = from,
        .to = to,
        .next = from,
        .visit = visit,
        .context = context,
        .records = mem_alloc(sizeof(record_t) * BLOB_RECORDS_MAX),
        .stopped = from > to,
    };
}

void journal_cursor_fini(journal_cursor_t *self)
{
    free(self->records);
    *self = (journal_cursor_t){0};
}

uint64_t journal_cursor_least(const journal_cursor_t *self)
{
    return self->from > JOURNAL_RECORDS_MAX ? self->from - JOURNAL_RECORDS_MAX
                                            : 0;
}

uint64_t journal_cursor_chunk(const journal_cursor_t *self)
{
    return journal_cursor_least(self) >> JOURNAL_CHUNK_SHIFT;
}

static bool s_break(journal_cursor_t *self, const char *what)
{
    self->broken = true;
    snprintf(self->why, sizeof self->why, "the journal %s at seq %" PRIu64,
             what, self->next);
    return false;
}

bool journal_cursor_take(journal_cursor_t *self, const void *blob, size_t size)
{
    uint64_t first;
    uint32_t count;
    if (self->stopped || self->broken)
        return false;
    if (blob_range(blob, size, &first, &count))
        return s_break(self, "is damaged");
    if (first + count - 1 < self->next)
        return true;
    if (first > self->next) {
        /* Before the first visit it is no hole: `from` is not there. */
        if (self->next > self->from)
            return s_break(self, "has a hole");
        self->stopped = true;
        return false;
    }
    if (blob_decode(self->codec, self->records, blob, size) != (int)count)
        return s_break(self, "is damaged");
    size_t skip = (size_t)(self->next - first);
    size_t wanted = count - skip;
    if (wanted > self->to - self->next + 1 && self->to != UINT64_MAX)
        wanted = (size_t)(self->to - self->next + 1);
    bool go_on = self->visit(self->context, self->records + skip, wanted);
    self->next += wanted;
    self->stopped = !go_on || self->next > self->to;
    return !self->stopped;
}

bool journal_cursor_more(const journal_cursor_t *self, uint64_t chunk)
{
    return !self->stopped && !self->broken &&
           self->next >> JOURNAL_CHUNK_SHIFT > chunk;
}

store_result_t journal_cursor_result(journal_cursor_t *self,
                                     uint64_t checkpoint)
{
    if (!self->broken && !self->stopped && self->next > self->from &&
        self->next <= checkpoint)
        s_break(self, "has a hole");
    if (self->broken)
        return STORE_FAILED;
    bool visited = self->next > self->from;
    return visited || self->from > self->to ? STORE_OK : STORE_NONE;
}
