/* SPDX-License-Identifier: Apache-2.0
 *
 * See frames.h.
 */
#include "edge/ws/frames.h"

#include "common/diff.h"
#include "common/mem.h"
#include "common/wire_json.h"
#include "edge/http/config_json.h"
#include "edge/mirror.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 512
/* What came since a kept diff is at most this part of it. */
#define FRESH_PART 8
/* A start is rounded by at most this part of its distance. */
#define START_PART 8
/* "[0,0,0]," */
#define JSON_PIXEL_MIN 8
/* A JSON diff is not too large below this, however small the board. */
#define JSON_BYTES_MIN 16384

typedef struct {
    uint64_t from, to;
    bool json;
    frame_t *frame;
} kept_t;

struct frames {
    edge_t *edge;
    kept_t kept[KEPT_MAX]; /* a ring: the oldest is replaced */
    size_t count, next;
    uint32_t history; /* of what is kept */
    size_t held;      /* bytes of catch-up frames alive */
    /* Diffs that begin here or before are larger than the board. */
    uint64_t too_large[2];
    bool has_too_large[2];
    frame_t *notice[2], *beat[2], *message[2];
    uint32_t message_version;
    uint32_t notice_version;
    wire_beat_t beat_of; /* what `beat` says */
};

frames_t *frames_new(edge_t *edge)
{
    frames_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    return self;
}

static void s_drop_kept(frames_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        frame_unref(&self->kept[i].frame);
    self->count = self->next = 0;
}

static void s_drop(frame_t *frames[2])
{
    for (int json = 0; json < 2; json++)
        frame_unref(&frames[json]);
}

void frames_destroy(frames_t **self_p)
{
    frames_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    s_drop_kept(self);
    s_drop(self->notice);
    s_drop(self->beat);
    s_drop(self->message);
    free(self);
}

size_t frames_held_bytes(const frames_t *self)
{
    return self->held;
}

/* --- Making --------------------------------------------------------------- */

static size_t s_board_bytes(const frames_t *self)
{
    return board_size_bytes(mirror_board(self->edge->mirror));
}

/* Larger ones are of no use: the board comes from a cache, in binary. */
static size_t s_json_bytes_max(const frames_t *self)
{
    size_t board = s_board_bytes(self);
    return board > JSON_BYTES_MIN ? board : JSON_BYTES_MIN;
}

/* In binary a pixel takes at least a byte. */
uint32_t frames_most_pixels(const frames_t *self, bool json)
{
    return (uint32_t)(json ? s_json_bytes_max(self) / JSON_PIXEL_MIN
                           : s_board_bytes(self));
}

static frame_t *s_json_diff(const frames_t *self, const uint8_t *body,
                            size_t size)
{
    const board_t *board = mirror_board(self->edge->mirror);
    diff_t diff;
    int opened =
        diff_open(&diff, body, size, board_pixels(board), board_bits(board));
    assert(!opened); /* we made it */
    size_t length;
    char *text = wire_json_diff(&diff, board_width(board),
                                s_json_bytes_max(self), &length);
    if (!text)
        return NULL;
    frame_t *frame = frame_new(FRAME_TEXT, text, length, NULL, 0);
    free(text);
    return frame;
}

frame_t *frames_new_diff(const frames_t *self, bool json, const uint8_t *body,
                         size_t size)
{
    static const uint8_t type = WIRE_DIFF;
    return json ? s_json_diff(self, body, size)
                : frame_new(FRAME_BINARY, &type, 1, body, size);
}

frame_t *frames_new_beat(bool json, const wire_beat_t *beat)
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

frame_t *frames_new_notice(bool json, uint8_t kind, const char *members,
                           size_t size)
{
    size_t length;
    frame_t *frame;
    if (json) {
        char *notice = wire_json_notice(kind, members, size, &length);
        frame = frame_new(FRAME_TEXT, notice, length, NULL, 0);
        free(notice);
    } else {
        uint8_t *bytes = mem_zalloc(1, size + 16);
        length = wire_put_notice(bytes, size + 16, kind, members, size);
        frame = frame_new(FRAME_BINARY, bytes, length, NULL, 0);
        free(bytes);
    }
    return frame;
}

void frames_set_message(frames_t *self, const char *members)
{
    s_drop(self->message);
    for (int json = 0; json < 2; json++)
        self->message[json] =
            frames_new_notice(json, NOTICE_MESSAGE, members, strlen(members));
    self->message_version++;
}

uint32_t frames_message_version(const frames_t *self)
{
    return self->message_version;
}

frame_t *frames_message(frames_t *self, bool json)
{
    assert(self->message[json]);
    return self->message[json];
}

static frame_t *s_new_settings(const frames_t *self, bool json)
{
    size_t size;
    char *text = config_json(mirror_canvas(self->edge->mirror),
                             self->edge->config, &size);
    frame_t *frame = frames_new_notice(json, NOTICE_SETTINGS, text, size);
    free(text);
    return frame;
}

frame_t *frames_notice(frames_t *self, bool json)
{
    uint32_t version = mirror_canvas_version(self->edge->mirror);
    if (self->notice_version != version)
        s_drop(self->notice);
    self->notice_version = version;
    if (!self->notice[json])
        self->notice[json] = s_new_settings(self, json);
    return self->notice[json];
}

frame_t *frames_beat(frames_t *self, bool json, uint32_t online)
{
    const mirror_t *mirror = self->edge->mirror;
    wire_beat_t beat = {.seq = mirror_seq(mirror),
                        .digest = board_digest(mirror_board(mirror)),
                        .online = online};
    if (beat.seq != self->beat_of.seq || beat.digest != self->beat_of.digest ||
        beat.online != self->beat_of.online)
        s_drop(self->beat);
    self->beat_of = beat;
    if (!self->beat[json])
        self->beat[json] = frames_new_beat(json, &beat);
    return self->beat[json];
}

/* --- Catching up ---------------------------------------------------------- */

uint64_t frames_start(uint64_t since, uint64_t seq)
{
    assert(since <= seq);
    uint64_t distance = seq - since, step = 1;
    if (distance < FRAMES_EXACT)
        return since;
    while (step * 2 <= distance / START_PART)
        step *= 2;
    return since & ~(step - 1);
}

/* Another history: nothing of the old one is of use. */
static void s_follow_history(frames_t *self)
{
    uint32_t history = mirror_history(self->edge->mirror);
    if (self->history == history)
        return;
    s_drop_kept(self);
    self->history = history;
    self->has_too_large[0] = self->has_too_large[1] = false;
}

/* So little came since that the rest is a small diff. */
static bool s_is_fresh(const kept_t *kept, uint64_t seq, bool exact)
{
    uint64_t length = kept->to - kept->from;
    if (exact || length < FRAMES_EXACT)
        return kept->to == seq;
    return seq - kept->to <= length / FRESH_PART;
}

static const kept_t *s_find(const frames_t *self, bool json, uint64_t from,
                            uint64_t since, bool exact)
{
    uint64_t seq = mirror_seq(self->edge->mirror);
    for (size_t i = 0; i < self->count; i++) {
        const kept_t *kept = &self->kept[i];
        if (kept->from == from && kept->json == json && kept->to > since &&
            s_is_fresh(kept, seq, exact))
            return kept;
    }
    return NULL;
}

/* True if another frame may be made. What nobody is being sent goes first. */
static bool s_make_room(frames_t *self)
{
    size_t most = (size_t)self->edge->config->catch_up_bytes;
    if (self->held < most)
        return true;
    s_drop_kept(self);
    return self->held < most;
}

static void s_keep(frames_t *self, const kept_t *made)
{
    made->frame->counted = &self->held;
    self->held += made->frame->size;
    if (self->count < KEPT_MAX)
        self->next = self->count++;
    else
        frame_unref(&self->kept[self->next].frame);
    self->kept[self->next] = *made;
    self->next = (self->next + 1) % KEPT_MAX;
}

/* NULL: it is larger than the board. */
static frame_t *s_make(frames_t *self, bool json, uint64_t start,
                       uint64_t *from)
{
    size_t size;
    uint8_t *body = mirror_diff(self->edge->mirror, start,
                                frames_most_pixels(self, json), from, &size);
    frame_t *frame = body ? frames_new_diff(self, json, body, size) : NULL;
    free(body);
    edge_count(self->edge, EDGE_DIFFS_MADE);
    if (frame)
        return frame;
    if (!self->has_too_large[json] || *from > self->too_large[json])
        self->too_large[json] = *from;
    self->has_too_large[json] = true;
    return NULL;
}

static uint64_t s_from(const frames_t *self, uint64_t since)
{
    const mirror_t *mirror = self->edge->mirror;
    uint64_t start = frames_start(since, mirror_seq(mirror));
    uint64_t oldest = mirror_oldest(mirror);
    return mirror_diff_from(mirror, start > oldest ? start : oldest);
}

frame_t *frames_catch_up(frames_t *self, bool json, uint64_t since, bool exact,
                         uint64_t *to)
{
    s_follow_history(self);
    kept_t made = {.json = json, .from = s_from(self, since)};
    if (self->has_too_large[json] && made.from <= self->too_large[json])
        return NULL;
    const kept_t *kept = s_find(self, json, made.from, since, exact);
    if (kept) {
        edge_count(self->edge, EDGE_DIFFS_SHARED);
        *to = kept->to;
        return kept->frame;
    }
    if (!s_make_room(self)) {
        edge_count(self->edge, EDGE_DIFFS_REFUSED);
        return NULL;
    }
    made.frame = s_make(self, json, made.from, &made.from);
    *to = made.to = mirror_seq(self->edge->mirror);
    if (made.frame)
        s_keep(self, &made);
    return made.frame;
}
