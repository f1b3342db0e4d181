/* SPDX-License-Identifier: Apache-2.0
 *
 * See fanout.h.
 */
#include "edge/fanout.h"

#include "common/clock.h"
#include "common/diff.h"
#include "common/mem.h"
#include "common/wire_json.h"
#include "edge/config_json.h"
#include "edge/mirror.h"
#include "edge/pace.h"
#include "edge/uplink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sessions a slice: about 3 ms of the loop. */
#define SLICE 500
#define BEAT_MS 1000
#define WALL_WEIGHT 0.6
/* Different net diffs kept while seq stands still. */
#define SHARED_MAX 64

typedef struct {
    uint64_t from;
    bool json;
    frame_t *frame; /* NULL: larger than the board */
} shared_t;

/* Of the loop: by the clock, and of it on the processor. */
typedef struct {
    uint64_t wall_ns, cpu_ns;
} spent_t;

struct fanout {
    edge_t *edge;
    walk_t walk;
    uint32_t json_count;
    round_t round;
    pace_t pace;
    uint32_t tick_ms;
    uint64_t started_ms; /* the last round */
    spent_t spent;       /* of this round */
    uint64_t beat_at_ms;
    bool beating;                     /* this round says the beat */
    uint64_t at;                      /* mirror's seq at the round's start */
    uint32_t history, canvas_version; /* the same */
    uint64_t *slice_seq;              /* that each slice was last brought to */
    size_t slices;
    bool attend;
    shared_t shared[SHARED_MAX];
    size_t shared_count;
    uint64_t shared_to;      /* they all end here, … */
    uint32_t shared_history; /* … in this history */
    frame_t *notice[2];
    uint32_t notice_version;
    session_t **dirty;
    size_t dirty_count, dirty_capacity;
};

fanout_t *fanout_new(edge_t *edge)
{
    fanout_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    walk_init(&self->walk);
    self->pace = pace_of((uint32_t)edge->config->tick_min_ms,
                         (uint32_t)edge->config->tick_max_ms);
    self->tick_ms = (uint32_t)edge->config->tick_min_ms;
    edge->metrics[EDGE_TICK_MS] = self->tick_ms;
    return self;
}

static void s_free_frames(frame_t *frames[2])
{
    for (int json = 0; json < 2; json++) {
        free(frames[json]);
        frames[json] = NULL;
    }
}

static void s_drop_shared(fanout_t *self)
{
    while (self->shared_count)
        free(self->shared[--self->shared_count].frame);
}

static void s_drop_round(fanout_t *self)
{
    s_free_frames(self->round.diff);
    s_free_frames(self->round.beat_frame);
    s_free_frames(self->round.both);
}

void fanout_destroy(fanout_t **self_p)
{
    fanout_t *self = *self_p;
    if (!self)
        return;
    s_drop_round(self);
    s_drop_shared(self);
    s_free_frames(self->notice);
    walk_fini(&self->walk);
    free(self->slice_seq);
    free(self->dirty);
    free(self);
    *self_p = NULL;
}

/* --- Members -------------------------------------------------------------- */

void fanout_add(fanout_t *self, session_t *session)
{
    walk_add(&self->walk, &session->node);
    self->json_count += session->json;
    self->edge->metrics[EDGE_SESSIONS]++;
}

void fanout_remove(fanout_t *self, session_t *session)
{
    walk_remove(&self->walk, &session->node);
    self->json_count -= session->json;
    self->edge->metrics[EDGE_SESSIONS]--;
    for (size_t i = 0; session->dirty && i < self->dirty_count; i++)
        if (self->dirty[i] == session)
            self->dirty[i] = NULL;
}

uint32_t fanout_count(const fanout_t *self)
{
    return (uint32_t)self->walk.count;
}

void fanout_attend(fanout_t *self)
{
    self->attend = true;
}

void fanout_dirty(fanout_t *self, session_t *session)
{
    if (session->dirty)
        return;
    session->dirty = true;
    if (self->dirty_count == self->dirty_capacity) {
        self->dirty_capacity =
            self->dirty_capacity ? self->dirty_capacity * 2 : 64;
        self->dirty =
            mem_realloc(self->dirty, self->dirty_capacity, sizeof *self->dirty);
    }
    self->dirty[self->dirty_count++] = session;
}

void fanout_flush(fanout_t *self)
{
    for (size_t i = 0; i < self->dirty_count; i++) {
        session_t *session = self->dirty[i];
        if (!session)
            continue;
        session->dirty = false;
        session_flush(session);
    }
    self->dirty_count = 0;
}

void fanout_drain(fanout_t *self, unsigned count)
{
    for (size_t i = self->walk.size; i-- && count;) {
        session_t *session = (session_t *)self->walk.nodes[i];
        if (!session || session->closing)
            continue;
        session_close(session, CLOSE_SERVICE_RESTART);
        count--;
    }
}

/* --- Frames --------------------------------------------------------------- */

/* A DIFF body as a frame of that flavour. */
static frame_t *s_diff_frame(const fanout_t *self, bool json,
                             const uint8_t *body, size_t size)
{
    static const uint8_t type = WIRE_DIFF;
    if (!json)
        return frame_new(FRAME_BINARY, &type, 1, body, size);
    const board_t *board = mirror_board(self->edge->mirror);
    diff_t diff;
    int opened =
        diff_open(&diff, body, size, board_pixels(board), board_bits(board));
    assert(!opened); /* we made it */
    size_t length;
    char *text = wire_json_diff(&diff, board_width(board), &length);
    frame_t *frame = frame_new(FRAME_TEXT, text, length, NULL, 0);
    free(text);
    return frame;
}

static frame_t *s_beat_frame(bool json, const wire_beat_t *beat)
{
    if (!json) {
        uint8_t bytes[WIRE_SMALL_MAX];
        size_t size = wire_put_beat(bytes, beat);
        return frame_new(FRAME_BINARY, bytes, size, NULL, 0);
    }
    size_t length;
    char *text = wire_json_beat(beat, &length);
    frame_t *frame = frame_new(FRAME_TEXT, text, length, NULL, 0);
    free(text);
    return frame;
}

const frame_t *fanout_notice(fanout_t *self, bool json)
{
    const mirror_t *mirror = self->edge->mirror;
    if (self->notice_version != mirror_canvas_version(mirror))
        s_free_frames(self->notice);
    self->notice_version = mirror_canvas_version(mirror);
    if (self->notice[json])
        return self->notice[json];
    size_t size, length;
    char *text = config_json(mirror_canvas(mirror),
                             self->edge->config->endpoints, &size);
    if (json) {
        char *notice = wire_json_notice(NOTICE_SETTINGS, text, size, &length);
        self->notice[json] = frame_new(FRAME_TEXT, notice, length, NULL, 0);
        free(notice);
    } else {
        uint8_t *bytes = mem_zalloc(1, size + 16);
        length = wire_put_notice(bytes, size + 16, NOTICE_SETTINGS, text, size);
        self->notice[json] = frame_new(FRAME_BINARY, bytes, length, NULL, 0);
        free(bytes);
    }
    free(text);
    return self->notice[json];
}

static shared_t *s_find_shared(fanout_t *self, bool json, uint64_t from)
{
    const mirror_t *mirror = self->edge->mirror;
    if (self->shared_to != mirror_seq(mirror) ||
        self->shared_history != mirror_history(mirror)) {
        s_drop_shared(self);
        self->shared_to = mirror_seq(mirror);
        self->shared_history = mirror_history(mirror);
    }
    for (size_t i = 0; i < self->shared_count; i++)
        if (self->shared[i].from == from && self->shared[i].json == json)
            return &self->shared[i];
    return NULL;
}

static shared_t *s_make_shared(fanout_t *self, bool json, uint64_t since)
{
    if (self->shared_count == SHARED_MAX)
        s_drop_shared(self);
    shared_t *shared = &self->shared[self->shared_count++];
    size_t size;
    shared->json = json;
    uint8_t *body =
        mirror_diff(self->edge->mirror, since, &shared->from, &size);
    shared->frame = body ? s_diff_frame(self, json, body, size) : NULL;
    free(body);
    edge_count(self->edge, EDGE_DIFFS_MADE);
    return shared;
}

const frame_t *fanout_diff(fanout_t *self, bool json, uint64_t since,
                           uint64_t *to)
{
    uint64_t from = mirror_diff_from(self->edge->mirror, since);
    shared_t *shared = s_find_shared(self, json, from);
    if (shared)
        edge_count(self->edge, EDGE_DIFFS_SHARED);
    else
        shared = s_make_shared(self, json, since);
    *to = self->shared_to;
    return shared->frame;
}

/* --- Rounds --------------------------------------------------------------- */

/* The diff from → to, for all who are at its head. */
static void s_make_diff(fanout_t *self, round_t *round)
{
    mirror_t *mirror = self->edge->mirror;
    if (mirror_since(mirror, round->from) != SINCE_DIFF)
        return; /* nothing new, or another history: each sees for itself */
    size_t size;
    uint8_t *body = mirror_diff(mirror, round->from, &round->from, &size);
    if (!body)
        return;
    edge_count(self->edge, EDGE_DIFFS_MADE);
    for (int json = 0; json < 2; json++)
        if (!json || self->json_count)
            round->diff[json] = s_diff_frame(self, json, body, size);
    free(body);
}

static void s_make_beat(fanout_t *self, round_t *round)
{
    const mirror_t *mirror = self->edge->mirror;
    wire_beat_t beat = {.seq = round->to,
                        .digest = board_digest(mirror_board(mirror)),
                        .online = uplink_online(self->edge->uplink)};
    for (int json = 0; json < 2; json++) {
        round->beat_frame[json] = s_beat_frame(json, &beat);
        round->both[json] =
            frame_join(round->diff[json], round->beat_frame[json]);
    }
}

/* What the next slice is brought: from where it was brought last to where the
 * mirror is now, not where it was at the round's start. So a change waits for
 * one tick at most, and not for the walk besides. */
static void s_make_slice(fanout_t *self)
{
    round_t *round = &self->round;
    uint64_t *seq = &self->slice_seq[self->walk.visited / SLICE];
    s_drop_round(self);
    round->from = *seq;
    round->to = *seq = mirror_seq(self->edge->mirror);
    s_make_diff(self, round);
    if (self->beating)
        s_make_beat(self, round);
}

/* Who came since then was told of everything up to then at least. */
static void s_add_slices(fanout_t *self)
{
    size_t slices = self->walk.size / SLICE + 1;
    if (slices <= self->slices)
        return;
    self->slice_seq =
        mem_realloc(self->slice_seq, slices, sizeof *self->slice_seq);
    while (self->slices < slices)
        self->slice_seq[self->slices++] = self->at;
}

static bool s_is_beat_due(fanout_t *self, uint64_t now_ms)
{
    if (now_ms < self->beat_at_ms)
        return false;
    self->beat_at_ms += BEAT_MS;
    if (self->beat_at_ms <= now_ms)
        self->beat_at_ms = now_ms + BEAT_MS;
    return true;
}

static void s_start_round(fanout_t *self, uint64_t now_ms)
{
    const mirror_t *mirror = self->edge->mirror;
    s_add_slices(self);
    self->round.now_ms = now_ms;
    self->beating = s_is_beat_due(self, now_ms);
    self->round.beat += self->beating;
    self->at = mirror_seq(mirror);
    self->history = mirror_history(mirror);
    self->canvas_version = mirror_canvas_version(mirror);
    self->attend = false;
    self->started_ms = now_ms;
    edge_count(self->edge, EDGE_TICKS);
    self->edge->metrics[EDGE_SEQ] = (int64_t)self->at;
    self->edge->metrics[EDGE_EPOCH] = mirror_epoch(mirror);
    walk_start(&self->walk);
}

static spent_t s_now(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (spent_t){.wall_ns = clock_mono_ns(),
                     .cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u +
                               (uint64_t)cpu.tv_nsec};
}

static void s_spend_since(fanout_t *self, spent_t start)
{
    spent_t now = s_now();
    self->spent.wall_ns += now.wall_ns - start.wall_ns;
    self->spent.cpu_ns += now.cpu_ns - start.cpu_ns;
}

/* On a machine that is shared, time without the processor counts too, but
 * less: it is not ours to save. */
static void s_finish_round(fanout_t *self)
{
    double cpu_ms = (double)self->spent.cpu_ns / 1e6;
    double wall_ms = (double)self->spent.wall_ns / 1e6 * WALL_WEIGHT;
    s_drop_round(self);
    self->tick_ms =
        pace_round(&self->pace, cpu_ms > wall_ms ? cpu_ms : wall_ms);
    self->edge->metrics[EDGE_TICK_MS] = self->tick_ms;
    self->edge->metrics[EDGE_WALK_US] = (int64_t)(self->spent.cpu_ns / 1000);
}

static void s_visit(void *context, walk_node_t *node)
{
    fanout_t *self = context;
    session_serve((session_t *)node, &self->round);
}

bool fanout_slice(fanout_t *self)
{
    if (!walk_running(&self->walk))
        return false;
    spent_t start = s_now();
    s_make_slice(self);
    bool more = walk_slice(&self->walk, SLICE, s_visit, self);
    s_spend_since(self, start);
    if (!more)
        s_finish_round(self);
    return more;
}

static bool s_is_due(const fanout_t *self, uint64_t now_ms)
{
    const mirror_t *mirror = self->edge->mirror;
    return self->attend || now_ms >= self->beat_at_ms ||
           mirror_seq(mirror) != self->at ||
           mirror_history(mirror) != self->history ||
           mirror_canvas_version(mirror) != self->canvas_version;
}

uint64_t fanout_poll(fanout_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t next_ms = self->started_ms + self->tick_ms;
    if (walk_running(&self->walk))
        return 0;
    if (!mirror_board(self->edge->mirror))
        return self->tick_ms;
    if (!s_is_due(self, now_ms))
        return self->beat_at_ms - now_ms;
    if (now_ms < next_ms)
        return next_ms - now_ms;
    spent_t start = s_now();
    self->spent = (spent_t){0};
    s_start_round(self, now_ms);
    s_spend_since(self, start);
    if (walk_running(&self->walk))
        return 0;
    s_finish_round(self);
    return self->tick_ms;
}
