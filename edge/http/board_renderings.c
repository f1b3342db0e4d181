/* SPDX-License-Identifier: Apache-2.0
 *
 * See board_renderings.h. One slot a kind: the rendering in force, the job that
 * runs (if any), who waits. A rendering is good while it is the board of the
 * mirror (same epoch, seq and palette) or, of the same epoch, younger than the
 * life. Whoever asked before a job copied the board gets its rendering, however
 * long it took; who comes while it runs does so only if it is good by that
 * rule.
 */
#include "edge/http/board_renderings.h"

#include "common/clock.h"
#include "common/cursor.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above the default level the board's gzip gets hardly smaller. */
#define GZIP_LEVEL 6
/* Larger bodies are sent by sendfile(), which copies nothing. */
#define FILE_BYTES_MIN 65536
/* A rendering that nobody asked for so long is dropped. */
#define IDLE_MS 60000

typedef struct {
    work_t work;
    board_renderings_t *cache; /* NULL: destroyed meanwhile; the loop's */
    rendering_kind_t kind;
    atomic_bool stop; /* give up: nobody waits any more */
    canvas_t canvas;
    blob_t *board; /* header and pixels: the copy */
    rendering_t made;
} job_t;

typedef struct {
    rendering_t made;
    canvas_t canvas; /* of `made`: size, epoch and palette */
    bool full;       /* `made` counts */
    uint64_t asked_at_ms;
    job_t *job;
    board_waiter_t *served;  /* whom the running job's rendering satisfies */
    board_waiter_t *waiters; /* who came later, and waits for the next */
} slot_t;

struct board_renderings {
    const mirror_t *mirror;
    uint64_t life_ms;
    uint64_t held_max;
    blob_t **held; /* bodies that were replaced, oldest first */
    size_t held_count, held_capacity;
    work_submit_fn submit;
    void *context;
    uint64_t count;
    slot_t slots[RENDERING_KINDS];
};

static void s_rendering_free(rendering_t *made)
{
    for (int i = 0; i < ENCODING_COUNT; i++)
        blob_unref(&made->body[i]);
}

static void s_job_free(job_t *job)
{
    blob_unref(&job->board);
    s_rendering_free(&job->made);
    free(job);
}

board_renderings_t *board_renderings_new(const mirror_t *mirror,
                                         uint64_t life_ms, uint64_t held_bytes,
                                         work_submit_fn submit, void *context)
{
    board_renderings_t *self = mem_zalloc(1, sizeof *self);
    self->mirror = mirror;
    self->life_ms = life_ms;
    self->held_max = held_bytes;
    self->submit = submit;
    self->context = context;
    return self;
}

/* --- Renderings that were replaced ---------------------------------------- */

static uint64_t s_cost(const blob_t *body)
{
    return body->file < 0 ? body->size : 2 * (uint64_t)body->size;
}

/* Drops those that nobody sends any more; what is left. */
uint64_t board_renderings_held_bytes(board_renderings_t *self)
{
    uint64_t bytes = 0;
    size_t kept = 0;
    for (size_t i = 0; i < self->held_count; i++) {
        if (self->held[i]->refs == 1) {
            blob_unref(&self->held[i]);
            continue;
        }
        bytes += s_cost(self->held[i]);
        self->held[kept++] = self->held[i];
    }
    self->held_count = kept;
    return bytes;
}

static void s_hold(board_renderings_t *self, blob_t *body)
{
    if (self->held_count == self->held_capacity) {
        self->held_capacity = self->held_capacity ? self->held_capacity * 2 : 8;
        self->held =
            mem_realloc(self->held, self->held_capacity, sizeof *self->held);
    }
    self->held[self->held_count++] = body;
}

/* Gives a rendering up: whoever sends it may go on, while there is room. */
static void s_replace(board_renderings_t *self, rendering_t *made)
{
    for (int i = 0; i < ENCODING_COUNT; i++) {
        if (made->body[i])
            s_hold(self, made->body[i]);
        made->body[i] = NULL;
    }
    uint64_t bytes = board_renderings_held_bytes(self);
    for (size_t i = 0; i < self->held_count && bytes > self->held_max; i++) {
        bytes -= s_cost(self->held[i]);
        blob_revoke(self->held[i]);
    }
}

static bool s_same_palette(const canvas_t *a, const canvas_t *b)
{
    return a->palette_size == b->palette_size &&
           !memcmp(a->palette, b->palette,
                   a->palette_size * sizeof *a->palette);
}

/* Of the mirror's present history, size and (for a PNG) colours. */
static bool s_alike(const board_renderings_t *self, const canvas_t *canvas,
                    uint64_t seq, rendering_kind_t kind)
{
    const canvas_t *now = mirror_canvas(self->mirror);
    return canvas->epoch == mirror_epoch(self->mirror) &&
           seq <= mirror_seq(self->mirror) && canvas->width == now->width &&
           canvas->height == now->height && canvas->bits == now->bits &&
           (!kind || s_same_palette(canvas, now));
}

static bool s_good(const board_renderings_t *self, const canvas_t *canvas,
                   const rendering_t *made, rendering_kind_t kind)
{
    return s_alike(self, canvas, made->seq, kind) &&
           (made->seq == mirror_seq(self->mirror) ||
            clock_mono_ms() < made->made_at_ms + self->life_ms);
}

/* Same for all encodings, and for a PNG as long as it has the colours that such
 * a board is created with: another palette shows another picture of the same
 * seq. */
static void s_etag(rendering_t *made, rendering_kind_t kind,
                   const canvas_t *canvas)
{
    canvas_t standard;
    uint32_t hash = 0;
    canvas_init(&standard, canvas->width, canvas->height, canvas->bits);
    if (kind && !s_same_palette(canvas, &standard))
        for (unsigned i = 0; i < canvas->palette_size; i++)
            hash = fmix32(hash ^ (canvas->palette[i] + i));
    int length = snprintf(made->etag, sizeof made->etag, "\"%u-%llu",
                          canvas->epoch, (unsigned long long)made->seq);
    snprintf(made->etag + length, sizeof made->etag - (size_t)length,
             hash ? "-%08x\"" : "\"", hash);
}

/* The copy that a job works on: it is also the body served plain. */
static blob_t *s_copy(const board_t *board, uint32_t epoch, uint64_t seq)
{
    size_t size = board_size_bytes(board);
    blob_t *copy = blob_new(BOARD_HEADER_BYTES + size);
    writer_t w = writer_of(copy->bytes, copy->size);
    write_bytes(&w, "STPL", 4);
    write_u8(&w, 1);
    write_u8(&w, (uint8_t)board_bits(board));
    write_u16(&w, BOARD_HEADER_BYTES);
    write_u32(&w, board_width(board));
    write_u32(&w, board_height(board));
    write_u64(&w, seq);
    write_u32(&w, epoch);
    write_u32(&w, board_digest(board));
    write_u64(&w, clock_wall_ms());
    write_bytes(&w, board_bytes(board), size);
    assert(!w.full && w.at == w.end);
    return copy;
}

/* On a worker thread: touches nothing but the job. */
static void s_run(work_t *work)
{
    job_t *job = (job_t *)work;
    blob_t **body = job->made.body;
    if (job->kind) {
        body[ENCODING_IDENTITY] =
            png_render(&job->canvas, job->board->bytes + BOARD_HEADER_BYTES,
                       job->kind, &job->stop);
    } else {
        body[ENCODING_GZIP] =
            blob_gzip(job->board->bytes, job->board->size, GZIP_LEVEL);
        body[ENCODING_IDENTITY] = job->board;
        job->board = NULL;
    }
    for (int i = 0; i < ENCODING_COUNT; i++)
        if (body[i] && body[i]->size > FILE_BYTES_MIN)
            blob_open_file(body[i]);
}

static void s_done(work_t *work);

static void s_push(board_waiter_t **list, board_waiter_t *waiter)
{
    waiter->next = *list;
    waiter->at = list;
    if (waiter->next)
        waiter->next->at = &waiter->next;
    *list = waiter;
}

static void s_start(board_renderings_t *self, rendering_kind_t kind)
{
    slot_t *slot = &self->slots[kind];
    job_t *job = mem_zalloc(1, sizeof *job);
    job->work = (work_t){s_run, s_done};
    job->cache = self;
    job->kind = kind;
    job->canvas = *mirror_canvas(self->mirror);
    job->canvas.epoch = mirror_epoch(self->mirror);
    job->made.seq = mirror_seq(self->mirror);
    job->made.made_at_ms = clock_mono_ms();
    job->board =
        s_copy(mirror_board(self->mirror), job->canvas.epoch, job->made.seq);
    s_etag(&job->made, kind, &job->canvas);
    slot->job = job;
    assert(!slot->served);
    slot->served = slot->waiters;
    slot->waiters = NULL;
    if (slot->served)
        slot->served->at = &slot->served;
    self->submit(self->context, &job->work);
}

/* PNGs of a large board take seconds of a core: one at a time. */
static bool s_may_start(const board_renderings_t *self, rendering_kind_t kind)
{
    for (rendering_kind_t i = kind ? 1 : 0; i <= (kind ? PNG_SCALE_MAX : 0);
         i++)
        if (self->slots[i].job)
            return false;
    return true;
}

/* Starts what is waited for, beginning behind the kind that had its turn. */
static void s_start_next(board_renderings_t *self, rendering_kind_t last)
{
    for (unsigned i = 1; i <= RENDERING_KINDS; i++) {
        rendering_kind_t kind = (last + i) % RENDERING_KINDS;
        if (self->slots[kind].waiters && s_may_start(self, kind))
            s_start(self, kind);
    }
}

/* Only who waits now: a callback may ask, and wait, again. */
static void s_serve(slot_t *slot)
{
    board_waiter_t *list = slot->served;
    slot->served = NULL;
    if (list)
        list->at = &list;
    while (list) {
        board_waiter_t *waiter = list;
        board_renderings_cancel(waiter);
        waiter->on_rendering(waiter, &slot->made);
    }
}

/* Another history began meanwhile: they wait for the next rendering. */
static void s_put_off(slot_t *slot)
{
    while (slot->served) {
        board_waiter_t *waiter = slot->served;
        board_renderings_cancel(waiter);
        s_push(&slot->waiters, waiter);
    }
}

/* Large boards have large PNGs: none is kept for nobody. */
static void s_drop_idle(board_renderings_t *self)
{
    for (int i = 0; i < RENDERING_KINDS; i++) {
        slot_t *slot = &self->slots[i];
        if (slot->full && clock_mono_ms() > slot->asked_at_ms + IDLE_MS) {
            s_replace(self, &slot->made);
            slot->full = false;
        }
    }
}

static void s_done(work_t *work)
{
    job_t *job = (job_t *)work;
    board_renderings_t *self = job->cache;
    rendering_kind_t kind = job->kind;
    slot_t *slot = self ? &self->slots[kind] : NULL;
    if (slot)
        slot->job = NULL;
    if (!slot || job->stop) {
        s_job_free(job);
        return;
    }
    s_replace(self, &slot->made);
    slot->made = job->made;
    slot->canvas = job->canvas;
    slot->full = true;
    memset(&job->made, 0, sizeof job->made);
    s_job_free(job);
    self->count++;
    if (s_alike(self, &slot->canvas, slot->made.seq, kind))
        s_serve(slot);
    else
        s_put_off(slot);
    s_start_next(self, kind);
    s_drop_idle(self);
}

const rendering_t *board_renderings_get(board_renderings_t *self,
                                        rendering_kind_t kind,
                                        board_waiter_t *waiter)
{
    assert(kind < RENDERING_KINDS && mirror_board(self->mirror) && !waiter->at);
    slot_t *slot = &self->slots[kind];
    slot->asked_at_ms = clock_mono_ms();
    if (slot->full && s_good(self, &slot->canvas, &slot->made, kind))
        return &slot->made;
    const job_t *job = slot->job;
    s_push(job && s_good(self, &job->canvas, &job->made, kind) ? &slot->served
                                                               : &slot->waiters,
           waiter);
    if (s_may_start(self, kind))
        s_start(self, kind);
    return NULL;
}

void board_renderings_cancel(board_waiter_t *waiter)
{
    if (!waiter->at)
        return;
    *waiter->at = waiter->next;
    if (waiter->next)
        waiter->next->at = waiter->at;
    waiter->at = NULL;
    waiter->next = NULL;
}

uint64_t board_renderings_age_s(const board_renderings_t *self,
                                const rendering_t *made)
{
    if (made->seq == mirror_seq(self->mirror))
        return 0;
    return (clock_mono_ms() - made->made_at_ms) / 1000;
}

uint64_t board_renderings_made(const board_renderings_t *self)
{
    return self->count;
}

void board_renderings_stop(board_renderings_t *self)
{
    for (int i = 0; i < RENDERING_KINDS; i++)
        if (self->slots[i].job)
            atomic_store(&self->slots[i].job->stop, true);
}

void board_renderings_destroy(board_renderings_t **self_p)
{
    board_renderings_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    board_renderings_stop(self);
    for (int i = 0; i < RENDERING_KINDS; i++) {
        slot_t *slot = &self->slots[i];
        if (slot->job)
            slot->job->cache = NULL;
        s_put_off(slot);
        while (slot->waiters)
            board_renderings_cancel(slot->waiters);
        s_rendering_free(&slot->made);
    }
    while (self->held_count)
        blob_unref(&self->held[--self->held_count]);
    free(self->held);
    free(self);
}
