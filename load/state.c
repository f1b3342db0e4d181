/* SPDX-License-Identifier: Apache-2.0
 *
 * See state.h. A state's pixels are a table of counted pages; applying a diff
 * copies the table and the touched pages. Living states hang in buckets by seq,
 * remembered steps in a list, oldest first.
 */
#include "load/state.h"

#include "common/board.h"
#include "common/cursor.h"
#include "common/diff.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define PAGE_BYTES_MIN 512
#define PAGES_AIM 2048
#define BOARD_HEAD_BYTES 40

typedef struct {
    uint32_t refs;
    uint8_t bytes[];
} page_t;

/* A remembered diff from one state to the next. */
typedef struct step {
    state_t *from;
    state_t *to;          /* counted */
    struct step *sibling; /* further ones of `from` */
    struct step *older, *newer;
    size_t size;
    uint8_t body[];
} step_t;

struct state {
    history_t *history;
    uint32_t refs;
    uint32_t width, height, pixels;
    uint32_t epoch, digest;
    uint32_t generation; /* of the history it belongs to */
    unsigned bits;
    uint32_t page_bytes, page_count;
    uint64_t seq;
    state_t *next; /* in its bucket */
    step_t *steps;
    page_t *pages[];
};

struct history {
    state_t *buckets[BUCKETS];
    step_t *oldest, *newest;
    uint32_t steps, states, generation;
    size_t step_bytes;
    uint64_t conflicts;
};

/* Pages */

static page_t *s_page_new(uint32_t size)
{
    page_t *page = mem_alloc(sizeof *page + size);
    page->refs = 1;
    return page;
}

static void s_page_unref(page_t *page)
{
    if (!--page->refs)
        free(page);
}

/* The page of `self`, made its own if it is shared. */
static page_t *s_page_own(state_t *self, uint32_t number)
{
    page_t *page = self->pages[number];
    if (page->refs == 1)
        return page;
    page_t *own = s_page_new(self->page_bytes);
    memcpy(own->bytes, page->bytes, self->page_bytes);
    s_page_unref(page);
    self->pages[number] = own;
    return own;
}

/* States */

static state_t **s_bucket(history_t *self, uint64_t seq)
{
    return &self->buckets[seq % BUCKETS];
}

static void s_enlist(state_t *state)
{
    state_t **bucket = s_bucket(state->history, state->seq);
    state->next = *bucket;
    *bucket = state;
}

static void s_delist(state_t *state)
{
    state_t **at = s_bucket(state->history, state->seq);
    while (*at && *at != state)
        at = &(*at)->next;
    if (*at)
        *at = state->next;
}

static state_t *s_state_new(history_t *history, uint32_t width, uint32_t height,
                            unsigned bits)
{
    uint32_t pixels = width * height;
    uint32_t size = (uint32_t)(((uint64_t)pixels * bits + 7) / 8);
    uint32_t page_bytes = PAGE_BYTES_MIN;
    while (size / page_bytes > PAGES_AIM)
        page_bytes *= 2;
    uint32_t count = (size + page_bytes - 1) / page_bytes;
    state_t *self = mem_zalloc(1, sizeof *self + count * sizeof(page_t *));
    self->history = history;
    self->refs = 1;
    self->width = width;
    self->height = height;
    self->pixels = pixels;
    self->bits = bits;
    self->page_bytes = page_bytes;
    self->page_count = count;
    self->generation = history->generation;
    history->states++;
    return self;
}

static void s_step_forget(step_t *step);

static void s_state_free(state_t *self)
{
    s_delist(self);
    for (uint32_t i = 0; i < self->page_count; i++)
        if (self->pages[i])
            s_page_unref(self->pages[i]);
    self->history->states--;
    free(self);
}

state_t *state_ref(state_t *self)
{
    self->refs++;
    return self;
}

/* A state's end may end the one its only remembered step leads to, and so on
 * along a chain: a loop, so that no chain is too long for the stack. */
void state_unref(state_t **self_p)
{
    state_t *self = *self_p;
    *self_p = NULL;
    while (self && !--self->refs) {
        state_t *after = NULL;
        while (self->steps) {
            step_t *step = self->steps;
            state_t *to = state_ref(step->to);
            s_step_forget(step);
            if (!after)
                after = to;
            else
                state_unref(&to);
        }
        s_state_free(self);
        self = after;
    }
}

/* Steps */

static void s_step_forget(step_t *step)
{
    history_t *history = step->from->history;
    step_t **at = &step->from->steps;
    while (*at != step)
        at = &(*at)->sibling;
    *at = step->sibling;
    *(step->older ? &step->older->newer : &history->oldest) = step->newer;
    *(step->newer ? &step->newer->older : &history->newest) = step->older;
    history->steps--;
    history->step_bytes -= step->size;
    state_t *to = step->to;
    free(step);
    state_unref(&to);
}

static void s_step_remember(state_t *from, state_t *to, const void *body,
                            size_t size)
{
    history_t *history = from->history;
    while (history->oldest &&
           (history->steps >= STATE_STEPS_MAX ||
            history->step_bytes + size > STATE_STEP_BYTES_MAX))
        s_step_forget(history->oldest);
    step_t *step = mem_zalloc(1, sizeof *step + size);
    step->from = from;
    step->to = state_ref(to);
    step->size = size;
    memcpy(step->body, body, size);
    step->sibling = from->steps;
    from->steps = step;
    step->older = history->newest;
    *(step->older ? &step->older->newer : &history->oldest) = step;
    history->newest = step;
    history->steps++;
    history->step_bytes += size;
}

static state_t *s_step_find(const state_t *state, const void *body, size_t size)
{
    for (const step_t *step = state->steps; step; step = step->sibling)
        if (step->size == size && !memcmp(step->body, body, size))
            return step->to;
    return NULL;
}

/* History */

history_t *history_new(void)
{
    return mem_zalloc(1, sizeof(history_t));
}

void history_destroy(history_t **self_p)
{
    history_t *self = *self_p;
    if (!self)
        return;
    while (self->oldest)
        s_step_forget(self->oldest);
    assert(!self->states);
    free(self);
    *self_p = NULL;
}

static bool s_same_pixels(const state_t *a, const state_t *b)
{
    if (a->pixels != b->pixels || a->bits != b->bits || a->digest != b->digest)
        return false;
    for (uint32_t i = 0; i < a->page_count; i++)
        if (a->pages[i] != b->pages[i] &&
            memcmp(a->pages[i]->bytes, b->pages[i]->bytes, a->page_bytes))
            return false;
    return true;
}

/* The living state equal to the new `state`, which is let go for it; else
 * `state` itself, now in the buckets. */
static state_t *s_meet(history_t *self, state_t *state)
{
    for (state_t *other = *s_bucket(self, state->seq); other;
         other = other->next) {
        if (other->seq != state->seq || other->generation != state->generation)
            continue;
        if (s_same_pixels(other, state)) {
            state_ref(other);
            state_unref(&state);
            return other;
        }
        self->conflicts++;
    }
    s_enlist(state);
    return state;
}

static void s_set(state_t *self, uint32_t index, uint8_t color)
{
    uint32_t per_byte = 8 / self->bits;
    uint32_t byte = index / per_byte;
    unsigned shift = (per_byte - 1 - index % per_byte) * self->bits;
    uint8_t mask = (uint8_t)(((1u << self->bits) - 1) << shift);
    page_t *page = s_page_own(self, byte / self->page_bytes);
    uint8_t *at = &page->bytes[byte % self->page_bytes];
    uint8_t before = (uint8_t)((*at & mask) >> shift);
    if (before)
        self->digest ^= fmix32(index * 256 + before);
    if (color)
        self->digest ^= fmix32(index * 256 + color);
    *at = (uint8_t)((*at & ~mask) | color << shift);
}

/* Digest of all pixels, anew. */
static uint32_t s_digest(const state_t *self)
{
    uint32_t digest = 0;
    for (uint32_t i = 0; i < self->pixels; i++) {
        uint8_t color = state_get(self, i);
        if (color)
            digest ^= fmix32(i * 256 + color);
    }
    return digest;
}

/* Pages from packed bytes; NULL for a blank board. */
static void s_fill(state_t *self, const uint8_t *packed, size_t size)
{
    for (uint32_t i = 0; i < self->page_count; i++) {
        page_t *page = s_page_new(self->page_bytes);
        size_t at = (size_t)i * self->page_bytes;
        size_t here =
            size - at < self->page_bytes ? size - at : self->page_bytes;
        memset(page->bytes, 0, self->page_bytes);
        if (packed)
            memcpy(page->bytes, packed + at, here);
        self->pages[i] = page;
    }
}

state_t *history_blank(history_t *self, uint32_t width, uint32_t height,
                       unsigned bits)
{
    uint64_t pixels = (uint64_t)width * height;
    if (!pixels || pixels > BOARD_PIXELS_MAX || (bits != 4 && bits != 8))
        return NULL;
    state_t *state = s_state_new(self, width, height, bits);
    s_fill(state, NULL, 0);
    return s_meet(self, state);
}

state_t *history_board(history_t *self, const void *bytes, size_t size,
                       int *digest_ok)
{
    reader_t r = reader_of(bytes, size);
    const uint8_t *magic = read_bytes(&r, 4);
    uint8_t version = read_u8(&r);
    unsigned bits = read_u8(&r);
    uint16_t head = read_u16(&r);
    uint32_t width = read_u32(&r);
    uint32_t height = read_u32(&r);
    uint64_t seq = read_u64(&r);
    uint32_t epoch = read_u32(&r);
    uint32_t digest = read_u32(&r);
    uint64_t pixels = (uint64_t)width * height;
    if (r.bad || memcmp(magic, "STPL", 4) || version != 1 ||
        (bits != 4 && bits != 8) || head < BOARD_HEAD_BYTES || !pixels ||
        pixels > BOARD_PIXELS_MAX || size != head + (pixels * bits + 7) / 8)
        return NULL;
    state_t *state = s_state_new(self, width, height, bits);
    s_fill(state, (const uint8_t *)bytes + head, size - head);
    state->seq = seq;
    state->epoch = epoch;
    state->digest = s_digest(state);
    *digest_ok = state->digest == digest;
    return s_meet(self, state);
}

/* A copy of `from` with the diff applied, or NULL where it is malformed. */
static state_t *s_advance(const state_t *from, diff_t *diff)
{
    state_t *to =
        s_state_new(from->history, from->width, from->height, from->bits);
    for (uint32_t i = 0; i < from->page_count; i++) {
        to->pages[i] = from->pages[i];
        to->pages[i]->refs++;
    }
    to->seq = diff->to;
    to->epoch = from->epoch;
    to->digest = from->digest;
    to->generation = from->generation;
    uint32_t index;
    uint8_t color;
    int more;
    while ((more = diff_next(diff, &index, &color)) > 0)
        s_set(to, index, color);
    if (more < 0)
        state_unref(&to);
    return to;
}

state_step_t history_apply(history_t *self, state_t **state, const void *body,
                           size_t size)
{
    state_t *from = *state;
    state_t *to = s_step_find(from, body, size);
    if (to) {
        state_ref(to);
    } else {
        diff_t diff;
        if (diff_open(&diff, body, size, from->pixels, from->bits) < 0)
            return STATE_BAD_DIFF;
        if (diff.to <= from->seq)
            return STATE_KNOWN;
        if (diff.from > from->seq)
            return STATE_GAP;
        to = s_advance(from, &diff);
        if (!to)
            return STATE_BAD_DIFF;
        to = s_meet(self, to);
        s_step_remember(from, to, body, size);
    }
    *state = to;
    state_unref(&from);
    return STATE_MOVED;
}

void history_forget(history_t *self, const state_t *state)
{
    if (state->generation == self->generation)
        self->generation++;
}

uint64_t history_conflicts(const history_t *self)
{
    return self->conflicts;
}

uint32_t history_states(const history_t *self)
{
    return self->states;
}

uint64_t state_seq(const state_t *self)
{
    return self->seq;
}

uint32_t state_epoch(const state_t *self)
{
    return self->epoch;
}

uint32_t state_digest(const state_t *self)
{
    return self->digest;
}

uint32_t state_width(const state_t *self)
{
    return self->width;
}

uint32_t state_height(const state_t *self)
{
    return self->height;
}

unsigned state_bits(const state_t *self)
{
    return self->bits;
}

uint32_t state_pixels(const state_t *self)
{
    return self->pixels;
}

uint8_t state_get(const state_t *self, uint32_t index)
{
    uint32_t per_byte = 8 / self->bits;
    uint32_t byte = index / per_byte;
    unsigned shift = (per_byte - 1 - index % per_byte) * self->bits;
    return self->pages[byte / self->page_bytes]
                   ->bytes[byte % self->page_bytes] >>
               shift &
           ((1u << self->bits) - 1);
}
