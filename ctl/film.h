/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the frames of a timelapse go: into a folder, one PNG each, or through
 * ffmpeg into a video, whose kind its name says.
 */
#ifndef CTL_FILM_H
#define CTL_FILM_H

#include "ctl/picture.h"

#include <sys/types.h>

typedef struct {
    const char *path; /* borrowed */
    FILE *pipe;       /* to ffmpeg; NULL: into a folder */
    pid_t ffmpeg;
    uint32_t frames; /* so far */
    const char *why; /* the last failure, in words */
} film_t;

/* -1: see `why`. */
int film_open(film_t *self, const char *path, const frame_t *frame, int fps);
int film_add(film_t *self, const board_t *board, const canvas_t *canvas,
             const frame_t *frame);
/* Waits for the video's end. -1: there is none; see `why`. */
int film_close(film_t *self);

#endif
