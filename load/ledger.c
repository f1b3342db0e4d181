/* SPDX-License-Identifier: Apache-2.0
 *
 * See ledger.h. Per pixel two stamps say in which shown diff it was last
 * contained and last explained, so a range of n placements is judged in n
 * steps, walked from the highest seq down: of one pixel's acknowledgements in a
 * range only the last must show.
 */
#include "load/ledger.h"

#include "common/diff.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define RING_START (1u << 16)
#define RING_MAX (1u << 24)

/* A diff or board that was shown: the range (from, to] and its pixels. */
typedef struct {
    uint64_t from, to, at_us;
    uint32_t count;
    bool whole; /* a board: every pixel */
    uint32_t *pixels;
    uint8_t *colors;
} shown_t;

/* Shown with a colour that a later acknowledgement may still explain. */
typedef struct {
    uint64_t seq, to;
    uint32_t pixel;
} doubt_t;

struct ledger {
    bool shared;
    histogram_t *seen;
    ledger_counts_t counts;
    ack_t *ring; /* by seq % ring_size; seq 0 is empty */
    uint32_t ring_size;
    uint64_t waiting;
    uint64_t last_ack;
    uint64_t head;                   /* the witness is here */
    uint32_t *contained, *explained; /* stamp per pixel */
    uint8_t *color;                  /* in the diff of stamp `contained` */
    uint32_t pixels, stamp;
    shown_t *shown; /* ring of LEDGER_DIFFS_MAX */
    uint32_t shown_first, shown_count;
    size_t shown_bytes;
    doubt_t *doubts;
    size_t doubt_count, doubt_room;
};

ledger_t *ledger_new(bool shared, histogram_t *seen)
{
    ledger_t *self = mem_zalloc(1, sizeof *self);
    self->shared = shared;
    self->seen = seen;
    self->ring_size = RING_START;
    self->ring = mem_zalloc(RING_START, sizeof(ack_t));
    self->shown = mem_zalloc(LEDGER_DIFFS_MAX, sizeof(shown_t));
    return self;
}

static void s_shown_drop(ledger_t *self)
{
    shown_t *oldest = &self->shown[self->shown_first];
    self->shown_bytes -= oldest->count * 5u;
    free(oldest->pixels);
    free(oldest->colors);
    memset(oldest, 0, sizeof *oldest);
    self->shown_first = (self->shown_first + 1) % LEDGER_DIFFS_MAX;
    self->shown_count--;
}

void ledger_destroy(ledger_t **self_p)
{
    ledger_t *self = *self_p;
    if (!self)
        return;
    while (self->shown_count)
        s_shown_drop(self);
    free(self->ring);
    free(self->contained);
    free(self->explained);
    free(self->color);
    free(self->shown);
    free(self->doubts);
    free(self);
    *self_p = NULL;
}

/* Doubts: colours that wait for an explanation */

static void s_doubt(ledger_t *self, uint64_t seq, uint64_t to, uint32_t pixel)
{
    if (self->shared)
        return;
    if (self->doubt_count == self->doubt_room) {
        self->doubt_room = self->doubt_room ? self->doubt_room * 2 : 64;
        self->doubts =
            mem_realloc(self->doubts, self->doubt_room, sizeof(doubt_t));
    }
    self->doubts[self->doubt_count++] = (doubt_t){seq, to, pixel};
}

/* An acknowledgement after the fact that overwrote what is in doubt. */
static void s_explain(ledger_t *self, const ack_t *ack)
{
    for (size_t i = 0; i < self->doubt_count;) {
        doubt_t *doubt = &self->doubts[i];
        if (doubt->pixel == ack->pixel && doubt->seq < ack->seq &&
            ack->seq <= doubt->to)
            *doubt = self->doubts[--self->doubt_count];
        else
            i++;
    }
}

/* Acknowledgements */

static bool s_ring_grow(ledger_t *self)
{
    uint32_t size = self->ring_size * 2;
    if (size > RING_MAX)
        return false;
    ack_t *ring = mem_zalloc(size, sizeof(ack_t));
    for (uint32_t i = 0; i < self->ring_size; i++)
        if (self->ring[i].seq)
            ring[self->ring[i].seq % size] = self->ring[i];
    free(self->ring);
    self->ring = ring;
    self->ring_size = size;
    return true;
}

static void s_wait(ledger_t *self, const ack_t *ack)
{
    ack_t *place = &self->ring[ack->seq % self->ring_size];
    while (place->seq && place->seq != ack->seq && s_ring_grow(self))
        place = &self->ring[ack->seq % self->ring_size];
    if (place->seq == ack->seq) {
        bool same = place->pixel == ack->pixel && place->color == ack->color;
        self->counts.seq_reused += !same;
        return;
    }
    if (place->seq) {
        self->counts.unjudged++;
        return;
    }
    *place = *ack;
    self->waiting++;
    self->counts.acknowledged++;
}

/* The recent diff that covers seq, or NULL. */
static const shown_t *s_shown_find(const ledger_t *self, uint64_t seq)
{
    uint32_t low = 0, high = self->shown_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const shown_t *shown =
            &self->shown[(self->shown_first + middle) % LEDGER_DIFFS_MAX];
        if (seq <= shown->from)
            high = middle;
        else if (seq > shown->to)
            low = middle + 1;
        else
            return shown;
    }
    return NULL;
}

/* Index of a pixel in a diff; -1 where it is not there. */
static int64_t s_shown_pixel(const shown_t *shown, uint32_t pixel)
{
    uint32_t low = 0, high = shown->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (shown->pixels[middle] < pixel)
            low = middle + 1;
        else
            high = middle;
    }
    return low < shown->count && shown->pixels[low] == pixel ? (int64_t)low
                                                             : -1;
}

static void s_ack_late(ledger_t *self, const ack_t *ack, uint64_t now_us)
{
    const shown_t *shown = s_shown_find(self, ack->seq);
    if (!shown) {
        self->counts.unjudged++;
        return;
    }
    self->counts.acknowledged++;
    s_explain(self, ack);
    int64_t at = shown->whole ? 0 : s_shown_pixel(shown, ack->pixel);
    if (at < 0) {
        self->counts.not_seen++;
        return;
    }
    self->counts.seen++;
    /* Seen before its own verdict: the eye waits for neither. */
    uint64_t seen_us = shown->at_us < now_us ? shown->at_us : now_us;
    histogram_add(self->seen,
                  seen_us > ack->sent_us ? seen_us - ack->sent_us : 0);
    if (!shown->whole && shown->colors[at] != ack->color)
        s_doubt(self, ack->seq, shown->to, ack->pixel);
}

void ledger_ack(ledger_t *self, const ack_t *ack, uint64_t now_us)
{
    if (ack->seq > self->last_ack)
        self->last_ack = ack->seq;
    if (ack->seq <= self->head)
        s_ack_late(self, ack, now_us);
    else
        s_wait(self, ack);
}

/* What the witness was shown */

static void s_stamp_room(ledger_t *self, uint32_t pixels)
{
    if (pixels == self->pixels)
        return;
    free(self->contained);
    free(self->explained);
    free(self->color);
    self->contained = mem_zalloc(pixels, sizeof(uint32_t));
    self->explained = mem_zalloc(pixels, sizeof(uint32_t));
    self->color = mem_zalloc(pixels, 1);
    self->pixels = pixels;
    self->stamp = 0;
}

/* Stamps the diff's pixels and keeps them for late acknowledgements. */
static void s_keep(ledger_t *self, uint64_t from, const state_t *now,
                   const void *body, size_t size, uint64_t now_us)
{
    shown_t shown = {.from = from, .to = state_seq(now), .at_us = now_us};
    diff_t diff;
    shown.whole = !body;
    if (body &&
        !diff_open(&diff, body, size, state_pixels(now), state_bits(now))) {
        shown.pixels = mem_alloc((diff.count + 1) * sizeof(uint32_t));
        shown.colors = mem_alloc(diff.count + 1);
        uint32_t index;
        uint8_t color;
        while (diff_next(&diff, &index, &color) > 0) {
            self->contained[index] = self->stamp;
            self->color[index] = color;
            shown.pixels[shown.count] = index;
            shown.colors[shown.count++] = color;
        }
    }
    while (self->shown_count == LEDGER_DIFFS_MAX ||
           (self->shown_count && self->shown_bytes > LEDGER_DIFF_BYTES_MAX))
        s_shown_drop(self);
    self->shown_bytes += shown.count * 5u;
    self->shown[(self->shown_first + self->shown_count++) % LEDGER_DIFFS_MAX] =
        shown;
}

/* One waiting acknowledgement that the range covers. */
static void s_judge(ledger_t *self, const ack_t *ack, const state_t *now,
                    bool whole, uint64_t now_us)
{
    self->waiting--;
    if (ack->pixel >= self->pixels ||
        (!whole && self->contained[ack->pixel] != self->stamp)) {
        self->counts.not_seen++;
        return;
    }
    self->counts.seen++;
    histogram_add(self->seen,
                  now_us > ack->sent_us ? now_us - ack->sent_us : 0);
    if (self->explained[ack->pixel] == self->stamp)
        return;
    self->explained[ack->pixel] = self->stamp;
    uint8_t color =
        whole ? state_get(now, ack->pixel) : self->color[ack->pixel];
    if (color != ack->color)
        s_doubt(self, ack->seq, state_seq(now), ack->pixel);
}

void ledger_shown(ledger_t *self, const state_t *before, const state_t *now,
                  const void *body, size_t size, uint64_t now_us)
{
    uint64_t from = before ? state_seq(before) : 0;
    uint64_t to = state_seq(now);
    if (to < self->head)
        return; /* an older board after a resync: its diffs come again */
    if (from < self->head)
        from = self->head;
    s_stamp_room(self, state_pixels(now));
    self->stamp++;
    s_keep(self, from, now, body, size, now_us);
    self->head = to;
    if (!self->waiting)
        return;
    /* A range wider than the ring holds nothing below ring_size. */
    uint64_t low = to - from > self->ring_size ? to - self->ring_size : from;
    for (uint64_t seq = to; seq > low; seq--) {
        ack_t *ack = &self->ring[seq % self->ring_size];
        if (ack->seq <= from || ack->seq > to)
            continue;
        s_judge(self, ack, now, !body, now_us);
        ack->seq = 0;
    }
}

uint64_t ledger_waiting(const ledger_t *self)
{
    return self->waiting;
}

uint64_t ledger_last_ack(const ledger_t *self)
{
    return self->last_ack;
}

ledger_counts_t ledger_counts(const ledger_t *self)
{
    ledger_counts_t counts = self->counts;
    counts.not_seen += self->waiting;
    counts.wrong_color = self->doubt_count;
    return counts;
}
