/* SPDX-License-Identifier: Apache-2.0
 *
 * See replay.h.
 */
#include "ctl/replay.h"

#include "common/clock.h"
#include "common/key_file.h"
#include "ctl/film.h"
#include "ctl/past.h"
#include "ctl/request.h"
#include "ctl/web.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_STANDARD 300
#define FRAMES_MAX 100000

typedef struct {
    const ctl_config_t *config;
    past_t past;
    frame_t frame;
    uint64_t now_ms;
} replay_t;

static int s_say(int status, const char *why)
{
    fprintf(stderr, "stipplectl: %s\n", why);
    return status;
}

/* ---- what is meant ----------------------------------------------------------
 */

/* 0, or an exit code, and it is said. */
static int s_take_frame(replay_t *self)
{
    const canvas_t *canvas = &self->past.canvas;
    const char *box = self->config->box;
    frame_t *frame = &self->frame;
    char rest;
    *frame = (frame_t){0, 0, canvas->width - 1, canvas->height - 1,
                       (unsigned)self->config->scale};
    if (*box &&
        (strspn(box, "0123456789,") < strlen(box) ||
         sscanf(box, "%" SCNu32 ",%" SCNu32 ",%" SCNu32 ",%" SCNu32 "%c",
                &frame->x0, &frame->y0, &frame->x1, &frame->y1, &rest) != 4))
        return s_say(2, "a box is X0,Y0,X1,Y1");
    if (frame->x0 > frame->x1 || frame->y0 > frame->y1)
        return s_say(2, "the box's first corner is the upper left one");
    if (frame->x1 >= canvas->width || frame->y1 >= canvas->height)
        return s_say(1, "the box is not on the board");
    if ((uint64_t)frame_width(frame) * frame_height(frame) > PICTURE_PIXELS_MAX)
        return s_say(1, "the picture is too large: a smaller box or --scale");
    return 0;
}

/* `standard` for an empty text. */
static int s_moment(replay_t *self, const char *text, uint64_t standard,
                    uint64_t *seq)
{
    *seq = standard;
    if (*text && past_moment(&self->past, text, self->now_ms, seq) < 0)
        return s_say(1, self->past.why);
    return 0;
}

/* ---- one picture
 * -------------------------------------------------------------
 */

static bool s_is_board(const char *path)
{
    size_t length = strlen(path), end = strlen(".board");
    return length > end && !strcmp(path + length - end, ".board");
}

static int s_write(const replay_t *self, const char *path)
{
    bool piped = !strcmp(path, "-");
    FILE *to = piped ? stdout : fopen(path, "wb");
    if (!to)
        return s_say(1, strerror(errno));
    int result = s_is_board(path)
                     ? past_write(&self->past, self->now_ms, to)
                     : picture_png(self->past.board, &self->past.canvas,
                                   &self->frame, to);
    if (!piped && fclose(to))
        result = -1;
    return result < 0 ? s_say(1, "the picture could not be written") : 0;
}

static int s_snapshot(replay_t *self)
{
    const ctl_config_t *config = self->config;
    const char *out = *config->out ? config->out : "snapshot.png";
    uint64_t seq;
    if (s_is_board(out) && (*config->box || config->scale != 1))
        return s_say(2, "a .board is the whole board: no --box, no --scale");
    int status = s_moment(self, config->at, self->past.newest, &seq);
    if (status)
        return status;
    if (past_seek(&self->past, seq) < 0)
        return s_say(1, self->past.why);
    status = s_write(self, out);
    FILE *said = strcmp(out, "-") ? stdout : stderr;
    if (!status && config->json)
        fprintf(said,
                "{\"ok\":true,\"seq\":%" PRIu64 ",\"digest\":%" PRIu32
                ",\"width\":%" PRIu32 ",\"height\":%" PRIu32 "}\n",
                seq, board_digest(self->past.board), frame_width(&self->frame),
                frame_height(&self->frame));
    else if (!status)
        fprintf(said, "seq %" PRIu64 ", digest %08" PRIx32 ": %s\n", seq,
                board_digest(self->past.board), out);
    return status;
}

/* ---- a film
 * ------------------------------------------------------------------
 */

/* The seq of each frame; each is asked for in its turn. */
typedef struct {
    uint64_t from, to, step;  /* in seqs, or … */
    uint64_t at_ms, until_ms; /* … the step is a time in ms: of `at_ms` on */
    uint64_t step_ms;         /* 0: it is in seqs */
} course_t;

static uint64_t s_frames(const course_t *course)
{
    uint64_t way = course->step_ms ? course->until_ms - course->at_ms
                                   : course->to - course->from;
    uint64_t step = course->step_ms ? course->step_ms : course->step;
    return way / step + (way % step != 0) + 1;
}

/* A step of time begins at a time, and ends at one or now. */
static int s_take_times(replay_t *self, course_t *course)
{
    const ctl_config_t *config = self->config;
    uint64_t seq;
    course->until_ms = self->now_ms;
    if (!*config->from || past_is_seq(config->from, &seq) ||
        (*config->to && past_is_seq(config->to, &seq)))
        return s_say(2, "a step of time needs --from as a time, and --to, if "
                        "it is given");
    if (request_time(config->from, self->now_ms, &course->at_ms) < 0 ||
        (*config->to &&
         request_time(config->to, self->now_ms, &course->until_ms) < 0))
        return s_say(2, "a moment is a seq or a time");
    return course->at_ms > course->until_ms ? s_say(2, "from is after to") : 0;
}

static int s_take_course(replay_t *self, course_t *course)
{
    const ctl_config_t *config = self->config;
    const char *step = config->step;
    uint64_t base = self->now_ms, end;
    *course = (course_t){0};
    int status = s_moment(self, config->from, 0, &course->from);
    if (!status)
        status = s_moment(self, config->to, self->past.newest, &course->to);
    if (status)
        return status;
    if (course->from > course->to)
        return s_say(2, "from is after to");
    course->step = (course->to - course->from) / FRAMES_STANDARD + 1;
    if (*step && !past_is_seq(step, &course->step)) {
        if (*step == '-' || request_time(step, base, &end) < 0 || end <= base)
            return s_say(2, "a step is a number of seqs, or a time: 10m");
        course->step_ms = end - base;
        status = s_take_times(self, course);
    }
    if (!status && !course->step)
        status = s_say(2, "a step is a number of seqs, or a time: 10m");
    if (!status && s_frames(course) > FRAMES_MAX)
        status = s_say(2, "that are more than 100000 frames: a longer --step");
    return status;
}

/* Of the frame of that number; the last one is the end itself. */
static int s_seq(replay_t *self, const course_t *course, uint64_t number,
                 uint64_t *seq)
{
    bool last = number + 1 == s_frames(course);
    if (!course->step_ms) {
        *seq = last ? course->to : course->from + number * course->step;
        return 0;
    }
    return past_seq_at(&self->past,
                       last ? course->until_ms
                            : course->at_ms + number * course->step_ms,
                       seq);
}

static void s_progress(uint64_t done, uint64_t all)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rframe %" PRIu64 " of %" PRIu64 "%s", done, all,
                done == all ? "\n" : "");
}

static int s_shoot(replay_t *self, const course_t *course, film_t *film)
{
    uint64_t frames = s_frames(course);
    for (uint64_t i = 0; i < frames; i++) {
        uint64_t seq;
        if (s_seq(self, course, i, &seq) < 0)
            return s_say(1, self->past.why);
        if (past_seek(&self->past, seq) < 0)
            return s_say(1, self->past.why);
        if (film_add(film, self->past.board, &self->past.canvas, &self->frame) <
            0)
            return s_say(1, film->why);
        s_progress(i + 1, frames);
    }
    return 0;
}

static int s_timelapse(replay_t *self)
{
    const ctl_config_t *config = self->config;
    const char *out = *config->out ? config->out : "timelapse";
    course_t course;
    film_t film;
    int status = s_take_course(self, &course);
    if (status)
        return status;
    if (film_open(&film, out, &self->frame, (int)config->fps) < 0)
        return s_say(1, film.why);
    status = s_shoot(self, &course, &film);
    if (film_close(&film) < 0 && !status)
        status = s_say(1, film.why);
    if (!status && config->json)
        printf("{\"ok\":true,\"frames\":%" PRIu32 ",\"seq\":%" PRIu64
               ",\"digest\":%" PRIu32 ",\"width\":%" PRIu32
               ",\"height\":%" PRIu32 "}\n",
               film.frames, self->past.seq, board_digest(self->past.board),
               frame_width(&self->frame), frame_height(&self->frame));
    else if (!status)
        printf("%" PRIu32 " frames up to seq %" PRIu64 ": %s\n", film.frames,
               self->past.seq, out);
    return status;
}

/* ---- the verbs
 * ----------------------------------------------------------------
 */

bool replay_knows(char **words, int count)
{
    return count &&
           (!strcmp(words[0], "snapshot") || !strcmp(words[0], "timelapse"));
}

/* NULL: without one, also where it could be read on the way. The caller's. */
static char *s_token(const ctl_config_t *config)
{
    const char *why = NULL;
    size_t size;
    if (!config->insecure && web_is_open(config->url))
        return NULL;
    char *token = secret_read(config->token_file, &size, &why);
    if (token && (strlen(token) < size || strpbrk(token, " \t\r\n"))) {
        free(token);
        return NULL;
    }
    return token;
}

int replay_run(const ctl_config_t *config, char **words, int count)
{
    replay_t self = {.config = config, .now_ms = clock_wall_ms()};
    if (count != 1)
        return s_say(2, "snapshot and timelapse take no further words");
    if (!*config->url)
        return s_say(2, "the past is an edge's: --url https://HOST");
    char *token = s_token(config);
    int status = past_open(&self.past, config->url, token) < 0
                     ? s_say(1, self.past.why)
                     : s_take_frame(&self);
    if (!status)
        status = *words[0] == 's' ? s_snapshot(&self) : s_timelapse(&self);
    past_close(&self.past);
    if (token)
        OPENSSL_cleanse(token, strlen(token));
    free(token);
    return status;
}
