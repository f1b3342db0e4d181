/* SPDX-License-Identifier: Apache-2.0
 *
 * See fanout.h.
 */
#include "edge/ws/fanout.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/mirror.h"
#include "edge/send_ring.h"
#include "edge/uplink.h"
#include "edge/ws/frames.h"
#include "edge/ws/pace.h"
#include "edge/ws/sessions.h"

#include <stdlib.h>
#include <time.h>

/* Sessions a slice: about 3 ms of the loop. */
#define SLICE 500
#define BEAT_MS 1000
#define WALL_WEIGHT 0.6
/* Of the loop: by the clock, and of it on the processor. */
typedef struct {
    uint64_t wall_ns, cpu_ns;
} spent_t;

struct fanout {
    edge_t *edge;
    round_t round;
    pace_t pace;
    uint32_t least_ms; /* of the tick: the edge's own or the canvas's */
    uint32_t tick_ms;
    uint64_t started_ms; /* the last round */
    spent_t spent;       /* of this round */
    uint64_t beat_at_ms;
    bool beating;        /* this round says the beat */
    uint64_t seen;       /* mirror's seq when last looked at */
    uint64_t waiting_us; /* since when a change waits for a round; 0: none */
    uint64_t carried_us; /* the same, of what this round carries */
    uint64_t at;         /* mirror's seq at the round's start */
    uint32_t history, canvas_version; /* the same */
    uint64_t *slice_seq;              /* that each slice was last brought to */
    size_t slices;
};

fanout_t *fanout_new(edge_t *edge)
{
    fanout_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    self->pace = pace_of((uint32_t)edge->config->tick_min_ms,
                         (uint32_t)edge->config->tick_max_ms);
    self->tick_ms = self->least_ms = (uint32_t)edge->config->tick_min_ms;
    edge->metrics[EDGE_TICK_MS] = self->tick_ms;
    return self;
}

static void s_free_frames(frame_t *frames[2])
{
    for (int json = 0; json < 2; json++)
        frame_unref(&frames[json]);
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
    free(self->slice_seq);
    free(self);
    *self_p = NULL;
}

static void s_flush(void *context, member_t *member)
{
    (void)context;
    session_flush((session_t *)member);
}

void fanout_flush(fanout_t *self)
{
    sessions_flush(self->edge->sessions, s_flush, self);
}

static bool s_say_restart(member_t *member)
{
    session_t *session = (session_t *)member;
    if (session->closing)
        return false;
    session_close(session, CLOSE_SERVICE_RESTART);
    return true;
}

void fanout_drain(fanout_t *self, unsigned count)
{
    sessions_pick(self->edge->sessions, count, s_say_restart);
}

/* --- Rounds --------------------------------------------------------------- */

/* Frames are made in binary, and in JSON if someone speaks it. */
static int s_flavours(const fanout_t *self)
{
    return sessions_speak(self->edge->sessions, true) ? 2 : 1;
}

/* The diff from → to, for all who are at its head. */
static void s_make_diff(fanout_t *self, round_t *round)
{
    mirror_t *mirror = self->edge->mirror;
    const frames_t *frames = self->edge->frames;
    if (mirror_since(mirror, round->from) != SINCE_DIFF)
        return; /* nothing new, or another history: each sees for itself */
    size_t size;
    uint8_t *body =
        mirror_diff(mirror, round->from, frames_most_pixels(frames, false),
                    &round->from, &size);
    if (!body)
        return;
    edge_count(self->edge, EDGE_DIFFS_MADE);
    for (int json = 0; json < s_flavours(self); json++)
        round->diff[json] = frames_new_diff(frames, json, body, size);
    free(body);
}

static void s_make_beat(fanout_t *self, round_t *round)
{
    const mirror_t *mirror = self->edge->mirror;
    wire_beat_t beat = {.seq = round->to,
                        .digest = board_digest(mirror_board(mirror)),
                        .online = uplink_online(self->edge->uplink)};
    for (int json = 0; json < s_flavours(self); json++) {
        round->beat_frame[json] = frames_new_beat(json, &beat);
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
    uint64_t *seq =
        &self->slice_seq[sessions_passed(self->edge->sessions) / SLICE];
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
    size_t slices = sessions_to_pass(self->edge->sessions) / SLICE + 1;
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

/* --- How old changes are when all have them: two clock readings per round ---
 */

static void s_see_changes(fanout_t *self)
{
    uint64_t seq = mirror_seq(self->edge->mirror);
    if (seq == self->seen)
        return;
    self->seen = seq;
    if (!self->waiting_us)
        self->waiting_us = clock_mono_ns() / 1000;
}

static void s_measure_freshness(fanout_t *self)
{
    if (self->carried_us && sessions_count(self->edge->sessions))
        metric_observe_us(&self->edge->histograms[EDGE_FRESHNESS],
                          clock_mono_ns() / 1000 - self->carried_us);
    self->carried_us = 0;
}

/* The canvas may ask all edges for a longer tick than their own least one. */
static void s_heed_canvas(fanout_t *self)
{
    const edge_config_t *config = self->edge->config;
    const canvas_t *canvas = mirror_canvas(self->edge->mirror);
    uint32_t least_ms = (uint32_t)config->tick_min_ms;
    if (canvas && canvas->tick_ms > least_ms)
        least_ms = canvas->tick_ms;
    if (least_ms == self->least_ms)
        return;
    self->least_ms = least_ms;
    self->tick_ms =
        pace_bound(&self->pace, least_ms, (uint32_t)config->tick_max_ms);
}

static void s_start_round(fanout_t *self, uint64_t now_ms)
{
    const mirror_t *mirror = self->edge->mirror;
    s_heed_canvas(self);
    self->carried_us = self->waiting_us;
    self->waiting_us = 0;
    s_add_slices(self);
    self->round.now_ms = now_ms;
    self->round.tick_ms = self->tick_ms;
    self->beating = s_is_beat_due(self, now_ms);
    self->round.beat += self->beating;
    self->at = mirror_seq(mirror);
    if (self->history != mirror_history(mirror) ||
        self->canvas_version != mirror_canvas_version(mirror))
        sessions_hurry(self->edge->sessions); /* it is theirs at once too */
    self->history = mirror_history(mirror);
    self->canvas_version = mirror_canvas_version(mirror);
    self->started_ms = now_ms;
    edge_count(self->edge, EDGE_TICKS);
    self->edge->metrics[EDGE_SEQ] = (int64_t)self->at;
    self->edge->metrics[EDGE_EPOCH] = mirror_epoch(mirror);
    sessions_start_round(self->edge->sessions);
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
    s_measure_freshness(self);
    self->tick_ms =
        pace_round(&self->pace, cpu_ms > wall_ms ? cpu_ms : wall_ms);
    self->edge->metrics[EDGE_TICK_MS] = self->tick_ms;
    self->edge->metrics[EDGE_WALK_US] = (int64_t)(self->spent.cpu_ns / 1000);
}

static void s_visit(void *context, member_t *member)
{
    fanout_t *self = context;
    session_serve((session_t *)member, &self->round);
}

bool fanout_slice(fanout_t *self)
{
    if (!sessions_in_round(self->edge->sessions))
        return false;
    spent_t start = s_now();
    s_make_slice(self);
    bool more = sessions_visit(self->edge->sessions, SLICE, s_visit, self);
    if (self->edge->send_ring)
        send_ring_submit(self->edge->send_ring);
    s_spend_since(self, start);
    if (!more)
        s_finish_round(self);
    return more;
}

static bool s_is_due(const fanout_t *self, uint64_t now_ms)
{
    const mirror_t *mirror = self->edge->mirror;
    return sessions_need_visit(self->edge->sessions) ||
           now_ms >= self->beat_at_ms || mirror_seq(mirror) != self->at ||
           mirror_history(mirror) != self->history ||
           mirror_canvas_version(mirror) != self->canvas_version;
}

/* --- Those with a pace of their own --- */

static void s_visit_paced(void *context, member_t *member)
{
    session_serve((session_t *)member, context);
}

static void s_serve_due(fanout_t *self, uint64_t now_ms)
{
    sessions_t *sessions = self->edge->sessions;
    if (sessions_due_ms(sessions) > now_ms)
        return;
    uint64_t seq = mirror_seq(self->edge->mirror);
    uint32_t online = uplink_online(self->edge->uplink);
    round_t round = {.from = seq,
                     .to = seq,
                     .beat = self->round.beat,
                     .now_ms = now_ms,
                     .tick_ms = self->tick_ms};
    for (int json = 0; json < s_flavours(self); json++)
        round.beat_frame[json] = frames_beat(self->edge->frames, json, online);
    sessions_visit_due(sessions, now_ms, SLICE, s_visit_paced, &round);
}

/* The ms until the next round is to be looked at; 0 while one is running. */
static uint64_t s_poll_round(fanout_t *self, uint64_t now_ms)
{
    uint64_t next_ms = self->started_ms + self->tick_ms;
    if (!s_is_due(self, now_ms))
        return self->beat_at_ms - now_ms;
    if (now_ms < next_ms)
        return next_ms - now_ms;
    spent_t start = s_now();
    self->spent = (spent_t){0};
    s_start_round(self, now_ms);
    s_spend_since(self, start);
    if (sessions_in_round(self->edge->sessions))
        return 0;
    s_finish_round(self);
    return self->tick_ms;
}

uint64_t fanout_poll(fanout_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    s_see_changes(self);
    if (sessions_in_round(self->edge->sessions))
        return 0;
    if (!mirror_board(self->edge->mirror))
        return self->tick_ms;
    s_serve_due(self, now_ms);
    uint64_t next_ms = s_poll_round(self, now_ms);
    uint64_t due_ms = sessions_due_ms(self->edge->sessions);
    uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    return left_ms < next_ms ? left_ms : next_ms;
}
