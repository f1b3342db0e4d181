/* SPDX-License-Identifier: Apache-2.0
 *
 * See wire.h. Decoding is two tables, one a direction: type → reader. A reader
 * only reads its members; that nothing is missing or left over is asked once.
 */
#include "common/wire.h"

#include "common/cursor.h"

#include <assert.h>

static const char *const s_verdict_words[VERDICT_COUNT] = {
#define VERDICT(id, number, word) [number] = word,
#include "common/verdicts.def"
};

const char *verdict_word(verdict_status_t status)
{
    assert(status < VERDICT_COUNT);
    return s_verdict_words[status];
}

static size_t s_written(const writer_t *w, const uint8_t *bytes)
{
    return w->full ? 0 : (size_t)(w->at - bytes);
}

static writer_t s_message(uint8_t *bytes, size_t size, wire_type_t type)
{
    writer_t w = writer_of(bytes, size);
    write_u8(&w, (uint8_t)type);
    return w;
}

size_t wire_put_hello(uint8_t *bytes, const wire_hello_t *hello)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_HELLO);
    write_u8(&w, WIRE_VERSION);
    write_u8(&w, (uint8_t)hello->bits);
    write_u16(&w, hello->width);
    write_u16(&w, hello->height);
    write_u32(&w, hello->epoch);
    write_u64(&w, hello->seq);
    write_u32(&w, hello->cooldown_ms);
    write_u32(&w, hello->cooldown_remaining_ms);
    write_u8(&w, hello->flags);
    return s_written(&w, bytes);
}

size_t wire_put_verdict(uint8_t *bytes, const wire_verdict_t *verdict)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_VERDICT);
    write_u32(&w, verdict->request);
    write_u8(&w, (uint8_t)verdict->status);
    write_u64(&w, verdict->seq);
    write_u32(&w, verdict->cooldown_remaining_ms);
    return s_written(&w, bytes);
}

size_t wire_put_beat(uint8_t *bytes, const wire_beat_t *beat)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_BEAT);
    write_u64(&w, beat->seq);
    write_u32(&w, beat->digest);
    write_u32(&w, beat->online);
    return s_written(&w, bytes);
}

size_t wire_put_resync(uint8_t *bytes, resync_reason_t reason)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_RESYNC);
    write_u8(&w, (uint8_t)reason);
    return s_written(&w, bytes);
}

size_t wire_put_notice(uint8_t *bytes, size_t size, uint8_t kind,
                       const char *json, size_t json_size)
{
    writer_t w = s_message(bytes, size, WIRE_NOTICE);
    write_u8(&w, kind);
    write_varint(&w, json_size);
    write_bytes(&w, json, json_size);
    return s_written(&w, bytes);
}

size_t wire_put_place(uint8_t *bytes, const wire_place_t *place)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_PLACE);
    write_u32(&w, place->request);
    write_u16(&w, (uint16_t)place->x);
    write_u16(&w, (uint16_t)place->y);
    write_u8(&w, (uint8_t)place->color);
    return s_written(&w, bytes);
}

size_t wire_put_since(uint8_t *bytes, uint64_t seq)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_SINCE);
    write_u64(&w, seq);
    return s_written(&w, bytes);
}

size_t wire_put_pace(uint8_t *bytes, uint16_t ms)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_PACE);
    write_u16(&w, ms);
    return s_written(&w, bytes);
}

size_t wire_put_undo(uint8_t *bytes, const wire_undo_t *undo)
{
    writer_t w = s_message(bytes, WIRE_SMALL_MAX, WIRE_UNDO);
    write_u32(&w, undo->request);
    write_u64(&w, undo->seq);
    return s_written(&w, bytes);
}

static void s_read_place(wire_request_t *request, reader_t *r)
{
    request->place.request = read_u32(r);
    request->place.x = read_u16(r);
    request->place.y = read_u16(r);
    request->place.color = read_u8(r);
}

static void s_read_since(wire_request_t *request, reader_t *r)
{
    request->since = read_u64(r);
}

static void s_read_auth(wire_request_t *request, reader_t *r)
{
    request->token.length = reader_left(r);
    request->token.text = (const char *)read_bytes(r, reader_left(r));
    if (request->token.length > WIRE_AUTH_MAX)
        r->bad = true;
}

static void s_read_pace(wire_request_t *request, reader_t *r)
{
    request->pace_ms = read_u16(r);
    if (request->pace_ms > WIRE_PACE_MAX_MS)
        r->bad = true;
}

static void s_read_undo(wire_request_t *request, reader_t *r)
{
    request->undo.request = read_u32(r);
    request->undo.seq = read_u64(r);
}

int wire_decode_request(wire_request_t *request, const void *bytes, size_t size)
{
    static void (*const readers[])(wire_request_t *, reader_t *) = {
        [WIRE_PLACE - WIRE_PLACE] = s_read_place,
        [WIRE_SINCE - WIRE_PLACE] = s_read_since,
        [WIRE_AUTH - WIRE_PLACE] = s_read_auth,
        [WIRE_PACE - WIRE_PLACE] = s_read_pace,
        [WIRE_UNDO - WIRE_PLACE] = s_read_undo,
    };
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    if (type < WIRE_PLACE || type > WIRE_UNDO)
        return -1;
    request->type = (wire_type_t)type;
    readers[type - WIRE_PLACE](request, &r);
    return reader_done(&r) ? 0 : -1;
}

static void s_read_hello(wire_event_t *event, reader_t *r)
{
    wire_hello_t *hello = &event->hello;
    if (read_u8(r) != WIRE_VERSION)
        r->bad = true;
    hello->bits = read_u8(r);
    hello->width = read_u16(r);
    hello->height = read_u16(r);
    hello->epoch = read_u32(r);
    hello->seq = read_u64(r);
    hello->cooldown_ms = read_u32(r);
    hello->cooldown_remaining_ms = read_u32(r);
    hello->flags = read_u8(r);
    if (hello->bits != 4 && hello->bits != 8)
        r->bad = true;
}

static void s_read_diff(wire_event_t *event, reader_t *r)
{
    event->diff.size = reader_left(r);
    event->diff.body = read_bytes(r, reader_left(r));
}

static void s_read_verdict(wire_event_t *event, reader_t *r)
{
    event->verdict.request = read_u32(r);
    uint8_t status = read_u8(r);
    event->verdict.status = (verdict_status_t)status;
    event->verdict.seq = read_u64(r);
    event->verdict.cooldown_remaining_ms = read_u32(r);
    if (status >= VERDICT_COUNT)
        r->bad = true;
}

static void s_read_beat(wire_event_t *event, reader_t *r)
{
    event->beat.seq = read_u64(r);
    event->beat.digest = read_u32(r);
    event->beat.online = read_u32(r);
}

static void s_read_resync(wire_event_t *event, reader_t *r)
{
    uint8_t reason = read_u8(r);
    event->resync = (resync_reason_t)reason;
    if (reason < RESYNC_TOO_OLD || reason > RESYNC_BOARD_CHANGED)
        r->bad = true;
}

static void s_read_notice(wire_event_t *event, reader_t *r)
{
    event->notice.kind = read_u8(r);
    uint64_t length = read_varint(r);
    if (length != reader_left(r))
        r->bad = true;
    event->notice.length = reader_left(r);
    event->notice.json = (const char *)read_bytes(r, reader_left(r));
}

int wire_decode_event(wire_event_t *event, const void *bytes, size_t size)
{
    static void (*const readers[])(wire_event_t *, reader_t *) = {
        [WIRE_HELLO] = s_read_hello,     [WIRE_DIFF] = s_read_diff,
        [WIRE_VERDICT] = s_read_verdict, [WIRE_BEAT] = s_read_beat,
        [WIRE_RESYNC] = s_read_resync,   [WIRE_NOTICE] = s_read_notice,
    };
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    if (type < WIRE_HELLO || type > WIRE_NOTICE)
        return -1;
    event->type = (wire_type_t)type;
    readers[type](event, &r);
    return reader_done(&r) ? 0 : -1;
}
