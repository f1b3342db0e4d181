/* SPDX-License-Identifier: Apache-2.0
 *
 * See db.h: the commands on streams.
 */
#include "tests/sim/db_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*on_db_entry)(const db_t *self, const word_t *words, size_t count);

typedef struct {
    uint64_t id, minor;
} stream_id_t;

static int s_compare(stream_id_t a, stream_id_t b)
{
    if (a.id != b.id)
        return a.id < b.id ? -1 : 1;
    return a.minor == b.minor ? 0 : a.minor < b.minor ? -1 : 1;
}

static stream_id_t s_id(const word_t *word, uint64_t minor)
{
    stream_id_t id = {0, minor};
    char text[64];
    snprintf(text, sizeof text, "%.*s",
             (int)(word->size < 63 ? word->size : 63), word->bytes);
    sscanf(text, "%" SCNu64 "-%" SCNu64, &id.id, &id.minor);
    return id;
}

reply_t *command_xadd(call_t *call)
{
    stream_id_t id = s_id(&call->words[2], 0);
    value_t *stream = db_require(call->db, &call->words[1], VALUE_STREAM);
    if (!stream)
        return reply_error(WRONG_TYPE);
    if (s_compare(id, (stream_id_t){stream->last_id, stream->last_minor}) <= 0)
        return reply_error("ERR The ID specified in XADD is equal or smaller "
                           "than the target stream top item");
    entry_t *entry = calloc(1, sizeof *entry);
    entry->refs = 1;
    entry->id = stream->last_id = id.id;
    entry->minor = stream->last_minor = id.minor;
    entry->count = call->count - 3;
    entry->words = calloc(entry->count, sizeof *entry->words);
    for (size_t i = 0; i < entry->count; i++)
        entry->words[i] =
            bytes_of(call->words[i + 3].bytes, call->words[i + 3].size);
    entry_push(stream, entry);
    if (on_db_entry)
        on_db_entry(call->db, call->words, call->count);
    return reply_string(call->words[2].bytes, call->words[2].size);
}

static reply_t *s_entry(const entry_t *entry)
{
    char id[48];
    int length = snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64, entry->id,
                          entry->minor);
    reply_t *self = reply_array(), *words = reply_array();
    for (size_t i = 0; i < entry->count; i++)
        reply_push(words, bytes_reply(&entry->words[i]));
    reply_push(self, reply_string(id, (size_t)length));
    reply_push(self, words);
    return self;
}

/* One end of a range; `first` tells which. */
static stream_id_t s_bound(const word_t *word, bool first)
{
    if (word_is(word, "-"))
        return (stream_id_t){0, 0};
    if (word_is(word, "+"))
        return (stream_id_t){UINT64_MAX, UINT64_MAX};
    bool open = word->size && *word->bytes == '(';
    word_t rest = {word->bytes + open, word->size - open};
    stream_id_t id = s_id(&rest, first ? 0 : UINT64_MAX);
    if (open && first)
        id.minor++;
    else if (open && !id.minor--)
        id.id--;
    return id;
}

static reply_t *s_range(call_t *call, bool reverse)
{
    stream_id_t low = s_bound(&call->words[reverse ? 3 : 2], true);
    stream_id_t high = s_bound(&call->words[reverse ? 2 : 3], false);
    size_t most = SIZE_MAX;
    if (call->count > 5 && word_is(&call->words[4], "COUNT"))
        most = (size_t)word_value(&call->words[5]);
    value_t *stream = db_find(call->db, &call->words[1]);
    if (stream && stream->kind != VALUE_STREAM)
        return reply_error(WRONG_TYPE);
    reply_t *all = reply_array();
    for (size_t i = 0; stream && i < stream->count && all->size < most; i++) {
        const entry_t *entry =
            stream->entries[reverse ? stream->count - 1 - i : i];
        stream_id_t id = {entry->id, entry->minor};
        if (s_compare(id, low) >= 0 && s_compare(id, high) <= 0)
            reply_push(all, s_entry(entry));
    }
    return all;
}

reply_t *command_xrange(call_t *call)
{
    return s_range(call, false);
}

reply_t *command_xrevrange(call_t *call)
{
    return s_range(call, true);
}

reply_t *command_xlen(call_t *call)
{
    value_t *stream = db_find(call->db, &call->words[1]);
    return reply_integer(stream ? (long long)stream->count : 0);
}

/* XTRIM key MINID [=] id */
reply_t *command_xtrim(call_t *call)
{
    value_t *stream = db_find(call->db, &call->words[1]);
    stream_id_t least = s_id(&call->words[call->count - 1], 0);
    size_t count = 0;
    if (!word_is(&call->words[2], "MINID"))
        return reply_error("ERR syntax error");
    while (stream && count < stream->count &&
           s_compare((stream_id_t){stream->entries[count]->id,
                                   stream->entries[count]->minor},
                     least) < 0)
        count++;
    if (count)
        entries_trim(stream, count);
    return reply_integer((long long)count);
}

/* XDEL key id */
reply_t *command_xdel(call_t *call)
{
    value_t *stream = db_find(call->db, &call->words[1]);
    stream_id_t id = s_id(&call->words[2], 0);
    for (size_t i = 0; stream && i < stream->count; i++) {
        entry_t *entry = stream->entries[i];
        if (entry->id != id.id || entry->minor != id.minor)
            continue;
        memmove(&stream->entries[1], &stream->entries[0],
                i * sizeof *stream->entries);
        stream->entries[0] = entry;
        entries_trim(stream, 1);
        return reply_integer(1);
    }
    return reply_integer(0);
}

/* XSETID key id: the newest one that is there is the least. */
reply_t *command_xsetid(call_t *call)
{
    value_t *stream = db_find(call->db, &call->words[1]);
    stream_id_t id = s_id(&call->words[2], 0);
    if (!stream)
        return reply_error("ERR no such key");
    const entry_t *last =
        stream->count ? stream->entries[stream->count - 1] : NULL;
    if (last && s_compare((stream_id_t){last->id, last->minor}, id) > 0)
        return reply_error("ERR The ID specified in XSETID is smaller than the "
                           "target stream top item");
    stream->last_id = id.id;
    stream->last_minor = id.minor;
    return reply_status("OK");
}
