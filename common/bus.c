/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus.h.
 */
#include "common/bus.h"

#include "common/canvas.h"
#include "common/cursor.h"

#include <assert.h>

#define COUNTED_HEAD_BYTES 3 /* type, count u16 */
#define BOARD_HEAD_BYTES (1 + 4 + 8 + CHAIN_BYTES + 1 + 2)

static writer_t s_message(uint8_t *bytes, size_t size, bus_type_t type)
{
    writer_t w = writer_of(bytes, size);
    write_u8(&w, (uint8_t)type);
    return w;
}

static size_t s_written(const writer_t *w, const uint8_t *bytes)
{
    assert(!w->full);
    return (size_t)(w->at - bytes);
}

/* The body of a message of `type`; bad where it is another. */
static reader_t s_body(const void *bytes, size_t size, bus_type_t type)
{
    reader_t r = reader_of(bytes, size);
    if (read_u8(&r) != type)
        r.bad = true;
    return r;
}

/* Of the messages by which peers meet: the format follows the type. */
static writer_t s_meeting(uint8_t *bytes, bus_type_t type)
{
    writer_t w = s_message(bytes, BUS_SMALL_MAX, type);
    write_u8(&w, BUS_FORMAT);
    return w;
}

static reader_t s_met(const void *bytes, size_t size, bus_type_t type)
{
    reader_t r = s_body(bytes, size, type);
    if (read_u8(&r) != BUS_FORMAT)
        r.bad = true;
    return r;
}

static void s_write_chain(writer_t *w, chain_t chain)
{
    for (size_t i = 0; i < CHAIN_BYTES; i++)
        write_u8(w, chain.bytes[i]);
}

static chain_t s_read_chain(reader_t *r)
{
    chain_t chain = CHAIN_UNKNOWN;
    const uint8_t *bytes = read_bytes(r, CHAIN_BYTES);
    if (bytes)
        memcpy(chain.bytes, bytes, CHAIN_BYTES);
    return chain;
}

uint8_t bus_peer_format(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    switch (bus_type(bytes, size)) {
    case 0x12: /* SYNC, BOARD, RANGE of 0.1.0 */
    case 0x13:
    case 0x14:
    case 0x20: /* its DIFF, BEAT, CANVAS */
    case 0x21:
    case 0x22:
    case 0x30: /* its RECORDS */
    case 0x40: /* its PERSISTER, GRANT, SNAPSHOT */
    case 0x41:
    case 0x44:
        return 1;
    case BUS_SYNC:
    case BUS_BEAT:
    case BUS_PERSISTER:
    case BUS_GRANT:
        return size > 1 ? at[1] : BUS_FORMAT;
    default:
        return BUS_FORMAT;
    }
}

static int s_result(const reader_t *r)
{
    return reader_done(r) ? 0 : -1;
}

/* The count of a message of `item` bytes each, checked against its size. */
static int s_counted(reader_t *r, size_t item)
{
    size_t count = read_u16(r);
    if (r->bad || count > BUS_PLACES_MAX || reader_left(r) != count * item)
        return -1;
    return (int)count;
}

size_t bus_places_bound(size_t count)
{
    return sizeof(uint64_t) + COUNTED_HEAD_BYTES + count * BUS_PLACE_BYTES;
}

size_t bus_put_places(uint8_t *bytes, const bus_place_t *places, size_t count)
{
    assert(count <= BUS_PLACES_MAX);
    uint64_t unseen = count ? places->unseen : 0;
    writer_t w = s_message(bytes, bus_places_bound(count),
                           unseen ? BUS_PLACES_TOLD : BUS_PLACES);
    if (unseen)
        write_u64(&w, unseen);
    write_u16(&w, (uint16_t)count);
    for (const bus_place_t *p = places; p < places + count; p++) {
        assert(p->unseen == unseen);
        write_u64(&w, p->ticket);
        write_u64(&w, p->user);
        write_u32(&w, p->request);
        write_u16(&w, p->x);
        write_u16(&w, p->y);
        write_u8(&w, p->color);
        write_u8(&w, p->flags);
    }
    return s_written(&w, bytes);
}

int bus_decode_places(bus_place_t *places, const void *bytes, size_t size)
{
    bool told = bus_type(bytes, size) == BUS_PLACES_TOLD;
    reader_t r = s_body(bytes, size, told ? BUS_PLACES_TOLD : BUS_PLACES);
    uint64_t unseen = told ? read_u64(&r) : 0;
    int count = s_counted(&r, BUS_PLACE_BYTES);
    for (bus_place_t *p = places; p < places + (count > 0 ? count : 0); p++) {
        p->unseen = unseen;
        p->ticket = read_u64(&r);
        p->user = read_u64(&r);
        p->request = read_u32(&r);
        p->x = read_u16(&r);
        p->y = read_u16(&r);
        p->color = read_u8(&r);
        p->flags = read_u8(&r);
    }
    return count;
}

size_t bus_verdicts_bound(size_t count)
{
    return COUNTED_HEAD_BYTES + count * BUS_VERDICT_BYTES;
}

size_t bus_put_verdicts(uint8_t *bytes, const bus_verdict_t *verdicts,
                        size_t count)
{
    assert(count <= BUS_PLACES_MAX);
    writer_t w = s_message(bytes, bus_verdicts_bound(count), BUS_VERDICTS);
    write_u16(&w, (uint16_t)count);
    for (const bus_verdict_t *v = verdicts; v < verdicts + count; v++) {
        write_u64(&w, v->ticket);
        write_u8(&w, v->status);
        write_u64(&w, v->seq);
        write_u32(&w, v->remaining_ms);
    }
    return s_written(&w, bytes);
}

int bus_decode_verdicts(bus_verdict_t *verdicts, const void *bytes, size_t size)
{
    reader_t r = s_body(bytes, size, BUS_VERDICTS);
    int count = s_counted(&r, BUS_VERDICT_BYTES);
    for (bus_verdict_t *v = verdicts; v < verdicts + (count > 0 ? count : 0);
         v++) {
        v->ticket = read_u64(&r);
        v->status = read_u8(&r);
        v->seq = read_u64(&r);
        v->remaining_ms = read_u32(&r);
        if (v->status >= VERDICT_COUNT)
            return -1;
    }
    return count;
}

size_t bus_put_sync(uint8_t *bytes, const bus_sync_t *sync)
{
    writer_t w = s_meeting(bytes, BUS_SYNC);
    write_u32(&w, sync->epoch);
    write_u64(&w, sync->seq);
    s_write_chain(&w, sync->chain);
    return s_written(&w, bytes);
}

int bus_decode_sync(bus_sync_t *sync, const void *bytes, size_t size)
{
    reader_t r = s_met(bytes, size, BUS_SYNC);
    sync->epoch = read_u32(&r);
    sync->seq = read_u64(&r);
    sync->chain = s_read_chain(&r);
    return s_result(&r);
}

size_t bus_put_beat(uint8_t *bytes, const bus_beat_t *beat)
{
    writer_t w = s_meeting(bytes, BUS_BEAT);
    write_u32(&w, beat->epoch);
    write_u64(&w, beat->seq);
    write_u32(&w, beat->digest);
    write_u32(&w, beat->online);
    write_u32(&w, beat->lease_ms);
    s_write_chain(&w, beat->chain);
    return s_written(&w, bytes);
}

int bus_decode_beat(bus_beat_t *beat, const void *bytes, size_t size)
{
    reader_t r = s_met(bytes, size, BUS_BEAT);
    beat->epoch = read_u32(&r);
    beat->seq = read_u64(&r);
    beat->digest = read_u32(&r);
    beat->online = read_u32(&r);
    beat->lease_ms = read_u32(&r);
    beat->chain = s_read_chain(&r);
    return s_result(&r);
}

size_t bus_put_report(uint8_t *bytes, const bus_report_t *report)
{
    writer_t w = s_message(bytes, BUS_SMALL_MAX, BUS_REPORT);
    write_u32(&w, report->viewers);
    return s_written(&w, bytes);
}

int bus_decode_report(bus_report_t *report, const void *bytes, size_t size)
{
    reader_t r = s_body(bytes, size, BUS_REPORT);
    report->viewers = read_u32(&r);
    return s_result(&r);
}

size_t bus_put_acked(uint8_t *bytes, const bus_acked_t *acked)
{
    writer_t w = s_message(bytes, BUS_SMALL_MAX, BUS_ACKED);
    write_u32(&w, acked->epoch);
    write_u64(&w, acked->seq);
    write_u64(&w, acked->user);
    write_u32(&w, acked->request);
    return s_written(&w, bytes);
}

int bus_decode_acked(bus_acked_t *acked, const void *bytes, size_t size)
{
    reader_t r = s_body(bytes, size, BUS_ACKED);
    acked->epoch = read_u32(&r);
    acked->seq = read_u64(&r);
    acked->user = read_u64(&r);
    acked->request = read_u32(&r);
    return r.bad || !acked->seq ? -1 : s_result(&r);
}

size_t bus_put_persister(uint8_t *bytes, const bus_persister_t *persister)
{
    writer_t w = s_meeting(bytes, BUS_PERSISTER);
    write_u64(&w, persister->instance);
    write_u32(&w, persister->epoch);
    write_u64(&w, persister->checkpoint);
    write_u64(&w, persister->snapshot_seq);
    write_u8(&w, persister->active);
    s_write_chain(&w, persister->chain);
    return s_written(&w, bytes);
}

int bus_decode_persister(bus_persister_t *persister, const void *bytes,
                         size_t size)
{
    reader_t r = s_met(bytes, size, BUS_PERSISTER);
    persister->instance = read_u64(&r);
    persister->epoch = read_u32(&r);
    persister->checkpoint = read_u64(&r);
    persister->snapshot_seq = read_u64(&r);
    persister->active = read_u8(&r);
    persister->chain = s_read_chain(&r);
    return s_result(&r);
}

size_t bus_put_grant(uint8_t *bytes, const bus_grant_t *grant)
{
    writer_t w = s_meeting(bytes, BUS_GRANT);
    write_u32(&w, grant->epoch);
    write_u8(&w, grant->active);
    write_u64(&w, grant->seq);
    s_write_chain(&w, grant->chain);
    return s_written(&w, bytes);
}

int bus_decode_grant(bus_grant_t *grant, const void *bytes, size_t size)
{
    reader_t r = s_met(bytes, size, BUS_GRANT);
    grant->epoch = read_u32(&r);
    grant->active = read_u8(&r);
    grant->seq = read_u64(&r);
    grant->chain = s_read_chain(&r);
    return s_result(&r);
}

size_t bus_put_replay(uint8_t *bytes, const bus_replay_t *replay)
{
    writer_t w = s_message(bytes, BUS_SMALL_MAX, BUS_REPLAY);
    write_u64(&w, replay->from);
    write_u32(&w, replay->max);
    return s_written(&w, bytes);
}

int bus_decode_replay(bus_replay_t *replay, const void *bytes, size_t size)
{
    reader_t r = s_body(bytes, size, BUS_REPLAY);
    replay->from = read_u64(&r);
    replay->max = read_u32(&r);
    return s_result(&r);
}

size_t bus_put_chain_ask(uint8_t *bytes, uint64_t seq)
{
    writer_t w = s_message(bytes, BUS_SMALL_MAX, BUS_CHAIN_ASK);
    write_u64(&w, seq);
    return s_written(&w, bytes);
}

int bus_decode_chain_ask(uint64_t *seq, const void *bytes, size_t size)
{
    reader_t r = s_body(bytes, size, BUS_CHAIN_ASK);
    *seq = read_u64(&r);
    return s_result(&r);
}

size_t bus_put_chain(uint8_t *bytes, const bus_chain_t *chain)
{
    writer_t w = s_message(bytes, BUS_SMALL_MAX, BUS_CHAIN);
    write_u64(&w, chain->seq);
    s_write_chain(&w, chain->chain);
    write_u64(&w, chain->first);
    return s_written(&w, bytes);
}

int bus_decode_chain(bus_chain_t *chain, const void *bytes, size_t size)
{
    reader_t r = s_body(bytes, size, BUS_CHAIN);
    chain->seq = read_u64(&r);
    chain->chain = s_read_chain(&r);
    chain->first = read_u64(&r);
    return s_result(&r);
}

size_t bus_board_bound(const bus_board_t *board)
{
    return BOARD_HEAD_BYTES + board->json_size + board->pixels_size;
}

size_t bus_put_board(uint8_t *bytes, bus_type_t type, const bus_board_t *board)
{
    assert(board->json_size <= CANVAS_JSON_MAX);
    writer_t w = s_message(bytes, bus_board_bound(board), type);
    write_u32(&w, board->epoch);
    write_u64(&w, board->seq);
    s_write_chain(&w, board->chain);
    write_u8(&w, board->relation);
    write_u16(&w, (uint16_t)board->json_size);
    write_bytes(&w, board->json, board->json_size);
    write_bytes(&w, board->pixels, board->pixels_size);
    return s_written(&w, bytes);
}

int bus_decode_board(bus_board_t *board, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    if (type != BUS_BOARD && type != BUS_SNAPSHOT)
        return -1;
    board->epoch = read_u32(&r);
    board->seq = read_u64(&r);
    board->chain = s_read_chain(&r);
    board->relation = read_u8(&r);
    board->json_size = read_u16(&r);
    if (board->json_size > CANVAS_JSON_MAX || board->relation > HISTORY_FORKED)
        return -1;
    board->json = (const char *)read_bytes(&r, board->json_size);
    board->pixels_size = reader_left(&r);
    board->pixels = read_bytes(&r, board->pixels_size);
    return s_result(&r);
}

size_t bus_put_body_head(uint8_t *bytes, bus_type_t type, uint32_t epoch,
                         chain_t chain)
{
    writer_t w = s_message(bytes, BUS_BODY_HEAD_BYTES, type);
    write_u32(&w, epoch);
    s_write_chain(&w, chain);
    return s_written(&w, bytes);
}

int bus_decode_body(bus_body_t *body, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    read_u8(&r);
    body->epoch = read_u32(&r);
    body->chain = s_read_chain(&r);
    body->size = reader_left(&r);
    body->body = read_bytes(&r, body->size);
    return s_result(&r);
}
