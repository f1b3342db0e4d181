/* SPDX-License-Identifier: Apache-2.0
 *
 * See past.h.
 */
#include "ctl/past.h"

#include "common/cursor.h"
#include "common/diff.h"
#include "common/wire.h"
#include "ctl/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 128
#define BOARD_HEAD_BYTES 40
#define BOARD_SEQ_AT 16

static int s_fail(past_t *self, const char *why)
{
    self->why = why;
    return -1;
}

/* The board's head names the newest seq. */
static int s_read_newest(past_t *self)
{
    if (fetch_get(&self->fetch, "/api/v1/board") < 0)
        return s_fail(self, fetch_why(&self->fetch));
    reader_t r = reader_of((uint8_t *)self->fetch.body, self->fetch.size);
    if (self->fetch.size < BOARD_HEAD_BYTES ||
        memcmp(self->fetch.body, "STPL", 4))
        return s_fail(self, "this is not the address of an edge");
    read_bytes(&r, BOARD_SEQ_AT);
    self->newest = read_u64(&r);
    return 0;
}

int past_open(past_t *self, const char *base, const char *token)
{
    *self = (past_t){0};
    fetch_open(&self->fetch, base, token);
    if (fetch_get(&self->fetch, "/api/v1/config") < 0)
        return s_fail(self, fetch_why(&self->fetch));
    if (canvas_from_json(&self->canvas, self->fetch.body, self->fetch.size) < 0)
        return s_fail(self, "this is not the address of an edge");
    self->board =
        board_new(self->canvas.width, self->canvas.height, self->canvas.bits);
    return s_read_newest(self);
}

void past_close(past_t *self)
{
    board_destroy(&self->board);
    fetch_close(&self->fetch);
}

/* ---- to a seq --------------------------------------------------------------
 */

static int s_apply(past_t *self, uint64_t to)
{
    diff_t diff;
    uint32_t index;
    uint8_t color;
    const uint8_t *bytes = (uint8_t *)self->fetch.body;
    if (!self->fetch.size || bytes[0] != WIRE_DIFF ||
        diff_open(&diff, bytes + 1, self->fetch.size - 1,
                  board_pixels(self->board), board_bits(self->board)) < 0 ||
        diff.from != self->seq || diff.to != to || !diff_valid(&diff))
        return s_fail(self, "an edge sent a diff that makes no sense");
    while (diff_next(&diff, &index, &color) > 0)
        board_set(self->board, index, color);
    self->seq = to;
    return 0;
}

/* In halves where too many placements lie between. */
static int s_go_on(past_t *self, uint64_t to)
{
    char path[PATH_MAX_BYTES];
    while (self->seq < to) {
        uint64_t next = to;
        for (;;) {
            snprintf(path, sizeof path,
                     "/api/v1/diffs?from=%" PRIu64 "&to=%" PRIu64, self->seq,
                     next);
            if (fetch_get(&self->fetch, path) == 0)
                break;
            if (self->fetch.status == 422)
                return s_fail(self, "that is yet to come");
            if (self->fetch.status != 413 || next - self->seq < 2)
                return s_fail(self, fetch_why(&self->fetch));
            next = self->seq + (next - self->seq) / 2;
        }
        if (s_apply(self, next) < 0)
            return -1;
    }
    return 0;
}

int past_seek(past_t *self, uint64_t seq)
{
    if (seq < self->seq) {
        board_clear(self->board);
        self->seq = 0;
    }
    return s_go_on(self, seq);
}

int past_write(const past_t *self, uint64_t now_ms, FILE *to)
{
    uint8_t head[BOARD_HEAD_BYTES];
    size_t size = board_size_bytes(self->board);
    writer_t w = writer_of(head, sizeof head);
    write_bytes(&w, "STPL", 4);
    write_u8(&w, 1);
    write_u8(&w, (uint8_t)board_bits(self->board));
    write_u16(&w, BOARD_HEAD_BYTES);
    write_u32(&w, board_width(self->board));
    write_u32(&w, board_height(self->board));
    write_u64(&w, self->seq);
    write_u32(&w, self->canvas.epoch);
    write_u32(&w, board_digest(self->board));
    write_u64(&w, now_ms);
    return fwrite(head, 1, sizeof head, to) == sizeof head &&
                   fwrite(board_bytes(self->board), 1, size, to) == size &&
                   fflush(to) == 0
               ? 0
               : -1;
}

/* ---- moments ----------------------------------------------------------------
 */

bool past_is_seq(const char *text, uint64_t *seq)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *seq = strtoull(text, &end, 10);
    return !*end;
}

/* Of the newest placement that is found; 0: `*more` is where to look on, or
 * there is none (0). */
static uint64_t s_found(const fetch_t *fetch, uint64_t *more)
{
    json_t *answer = json_loadb(fetch->body, fetch->size, 0, NULL);
    json_t *row = json_array_get(json_object_get(answer, "placements"), 0);
    json_int_t seq = json_integer_value(json_object_get(row, "seq"));
    json_int_t next = json_integer_value(json_object_get(answer, "next"));
    *more = next > 0 ? (uint64_t)next + 1 : 0;
    json_decref(answer);
    return seq > 0 ? (uint64_t)seq : 0;
}

int past_seq_at(past_t *self, uint64_t time_ms, uint64_t *seq)
{
    char path[PATH_MAX_BYTES];
    uint64_t before = 0;
    do {
        int at =
            snprintf(path, sizeof path,
                     "/api/v1/admin/search?limit=1&until=%" PRIu64, time_ms);
        if (before)
            snprintf(path + at, sizeof path - (size_t)at, "&before=%" PRIu64,
                     before);
        if (fetch_get(&self->fetch, path) < 0)
            return s_fail(self, self->fetch.status == 401
                                    ? "for a time a moderator's token is "
                                      "needed: --token-file"
                                    : fetch_why(&self->fetch));
        *seq = s_found(&self->fetch, &before);
    } while (!*seq && before);
    return 0;
}

int past_moment(past_t *self, const char *text, uint64_t now_ms, uint64_t *seq)
{
    uint64_t time_ms;
    if (past_is_seq(text, seq))
        return 0;
    if (request_time(text, now_ms, &time_ms) < 0)
        return s_fail(self, "a moment is a seq or a time");
    if (time_ms > now_ms)
        return s_fail(self, "that is yet to come");
    return past_seq_at(self, time_ms, seq);
}
