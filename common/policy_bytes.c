/* SPDX-License-Identifier: Apache-2.0
 *
 * See policy.h, the state as bytes. An entry as an item:
 *
 *     a u64 · b u64 · c u64 · x0, y0, x1, y1 u16 · kind u8 · has u8 · 0 u16 ·
 *     d u32
 *
 * where a record's flags stand an entry has 0.
 */
#include "common/policy_state.h"

#include "common/cursor.h"
#include "common/mem.h"

#include <assert.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* A megabyte. */
#define LONG_RECORDS 25000u

typedef enum {
    ITEM_SEQ = 1,  /* b: seq */
    ITEM_BAN,      /* a: user, b: seq, c: until */
    ITEM_REGION,   /* b: seq, the box */
    ITEM_LOCK,     /* b: seq */
    ITEM_REQUEST,  /* a: operator, b: seq, d: request */
    ITEM_ROLLBACK, /* a: user, b: seq, c: upto, the box, has; then … */
    ITEM_TIMES,    /* … a: from, c: until, who did it in place of the box */
} item_kind_t;

typedef struct {
    uint64_t a, b, c;
    uint16_t x0, y0, x1, y1;
    uint8_t kind, has;
    uint32_t d;
} item_t;

/* ---- bytes ------------------------------------------------------------ */

typedef void (*item_fn)(void *context, const item_t *item);

static void s_each_request(const policy_t *self, item_fn visit, void *context)
{
    size_t count = self->requests_count;
    size_t first =
        count > POLICY_REQUESTS_MAX ? count - POLICY_REQUESTS_MAX : 0;
    for (size_t i = first; i < count; i++) {
        const policy_request_t *r = &self->requests[i % POLICY_REQUESTS_MAX];
        item_t item = {
            .kind = ITEM_REQUEST, .a = r->by, .b = r->seq, .d = r->request};
        visit(context, &item);
    }
}

static void s_each_rollback(const policy_t *self, item_fn visit, void *context)
{
    for (size_t i = 0; i < self->rollbacks_count; i++) {
        const policy_rollback_t *r = &self->rollbacks[i];
        item_t item = {.kind = ITEM_ROLLBACK,
                       .a = r->of.user,
                       .b = r->seq,
                       .c = r->of.upto,
                       .x0 = r->of.x0,
                       .y0 = r->of.y0,
                       .x1 = r->of.x1,
                       .y1 = r->of.y1,
                       .has = r->of.has};
        item_t times = {.kind = ITEM_TIMES,
                        .a = r->of.from_ms,
                        .b = r->seq,
                        .c = r->of.until_ms,
                        .x0 = (uint16_t)(r->by >> 48),
                        .y0 = (uint16_t)(r->by >> 32),
                        .x1 = (uint16_t)(r->by >> 16),
                        .y1 = (uint16_t)r->by};
        visit(context, &item);
        visit(context, &times);
    }
}

static void s_each(const policy_t *self, item_fn visit, void *context)
{
    item_t item = {.kind = ITEM_SEQ, .b = self->seq};
    policy_ban_t ban;
    if (!self->seq)
        return;
    visit(context, &item);
    for (size_t at = 0; policy_next_ban(self, &at, &ban);) {
        item = (item_t){
            .kind = ITEM_BAN, .a = ban.user, .b = ban.seq, .c = ban.until_ms};
        visit(context, &item);
    }
    for (size_t i = 0; i < self->regions_count; i++) {
        const policy_region_t *r = &self->regions[i];
        item = (item_t){.kind = ITEM_REGION,
                        .b = r->seq,
                        .x0 = r->x0,
                        .y0 = r->y0,
                        .x1 = r->x1,
                        .y1 = r->y1};
        visit(context, &item);
    }
    item = (item_t){.kind = ITEM_LOCK, .b = self->locked};
    if (self->locked)
        visit(context, &item);
    s_each_request(self, visit, context);
    s_each_rollback(self, visit, context);
}

static void s_put_item(uint8_t *bytes, const item_t *item)
{
    writer_t w = writer_of(bytes, POLICY_ITEM_BYTES);
    write_u64(&w, item->a);
    write_u64(&w, item->b);
    write_u64(&w, item->c);
    write_u16(&w, item->x0);
    write_u16(&w, item->y0);
    write_u16(&w, item->x1);
    write_u16(&w, item->y1);
    write_u8(&w, item->kind);
    write_u8(&w, item->has);
    write_u16(&w, 0);
    write_u32(&w, item->d);
}

static item_t s_get_item(const uint8_t *bytes)
{
    reader_t r = reader_of(bytes, POLICY_ITEM_BYTES);
    item_t item = {.a = read_u64(&r)};
    item.b = read_u64(&r);
    item.c = read_u64(&r);
    item.x0 = read_u16(&r);
    item.y0 = read_u16(&r);
    item.x1 = read_u16(&r);
    item.y1 = read_u16(&r);
    item.kind = read_u8(&r);
    item.has = read_u8(&r);
    read_u16(&r);
    item.d = read_u32(&r);
    return item;
}

static void s_encode_item(void *context, const item_t *item)
{
    uint8_t **at = context;
    s_put_item(*at, item);
    *at += POLICY_ITEM_BYTES;
}

static void s_count_item(void *context, const item_t *item)
{
    (void)item;
    *(size_t *)context += POLICY_ITEM_BYTES;
}

static void s_digest_item(void *context, const item_t *item)
{
    uint8_t bytes[POLICY_ITEM_BYTES];
    s_put_item(bytes, item);
    *(uint64_t *)context ^= XXH3_64bits(bytes, sizeof bytes);
}

uint8_t *policy_bytes(const policy_t *self, size_t *size)
{
    *size = 0;
    s_each(self, s_count_item, size);
    uint8_t *bytes = mem_alloc(*size + 1), *at = bytes;
    s_each(self, s_encode_item, &at);
    return bytes;
}

uint64_t policy_digest(const policy_t *self)
{
    uint64_t digest = 0;
    s_each(self, s_digest_item, &digest);
    return digest;
}

/* -1 if there is no such entry. */
static int s_take_item(policy_t *self, const item_t *item)
{
    policy_ban_t ban = {item->a, item->b, item->c};
    policy_region_t region = {item->b, item->x0, item->y0, item->x1, item->y1};
    policy_rollback_t rollback = {.seq = item->b};
    policy_request_t request = {item->a, item->b, item->d};
    policy_rollback_t *last = self->rollbacks_count
                                  ? &self->rollbacks[self->rollbacks_count - 1]
                                  : NULL;
    switch (item->b ? item->kind : 0) {
    case ITEM_SEQ:
        self->seq = item->b;
        return 0;
    case ITEM_BAN:
        policy_put_ban(self, &ban);
        return 0;
    case ITEM_REGION:
        policy_put_region(self, &region);
        return 0;
    case ITEM_LOCK:
        self->locked = item->b;
        return 0;
    case ITEM_REQUEST:
        policy_put_request(self, &request);
        return 0;
    case ITEM_ROLLBACK:
        rollback.of = (selection_t){.user = item->a,
                                    .upto = item->c,
                                    .has = item->has,
                                    .x0 = item->x0,
                                    .y0 = item->y0,
                                    .x1 = item->x1,
                                    .y1 = item->y1};
        policy_put_rollback(self, &rollback);
        return 0;
    case ITEM_TIMES:
        if (!last || last->seq != item->b)
            return -1;
        last->of.from_ms = item->a;
        last->of.until_ms = item->c;
        last->by = (uint64_t)item->x0 << 48 | (uint64_t)item->y0 << 32 |
                   (uint64_t)item->x1 << 16 | item->y1;
        return 0;
    default:
        return -1;
    }
}

bool policy_is_long(const policy_t *self)
{
    size_t entries = self->bans_count + self->regions_count +
                     self->rollbacks_count * 2 + POLICY_REQUESTS_MAX;
    return self->records > entries * 2 + LONG_RECORDS;
}

void policy_written(policy_t *self)
{
    self->records = 0;
}

int policy_decode(policy_t *self, const uint8_t *bytes, size_t size)
{
    policy_clear(self);
    int bad = size % POLICY_ITEM_BYTES ? -1 : 0;
    for (size_t at = 0; at + POLICY_ITEM_BYTES <= size && !bad;
         at += POLICY_ITEM_BYTES) {
        record_t record = record_decode(bytes + at);
        item_t item = s_get_item(bytes + at);
        if (record_is_control(&record))
            policy_feed(self, &record, NULL);
        else
            bad = s_take_item(self, &item);
    }
    if (bad)
        policy_clear(self);
    return bad;
}
