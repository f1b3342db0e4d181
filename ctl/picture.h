/* SPDX-License-Identifier: Apache-2.0
 *
 * A box of a board as a picture: an indexed PNG, or rows of red, green, blue.
 */
#ifndef CTL_PICTURE_H
#define CTL_PICTURE_H

#include "common/board.h"
#include "common/canvas.h"

#include <stdio.h>

#define PICTURE_SCALE_MAX 8
/* Pixels of the picture: one is in memory as a whole. */
#define PICTURE_PIXELS_MAX (256u << 20)

/* Both corners within. */
typedef struct {
    uint32_t x0, y0, x1, y1;
    unsigned scale; /* each pixel becomes scale × scale */
} frame_t;

uint32_t frame_width(const frame_t *self);
uint32_t frame_height(const frame_t *self);

/* Each writes to a file that is open; -1 if that failed. */
int picture_png(const board_t *board, const canvas_t *canvas,
                const frame_t *frame, FILE *to);
int picture_rgb(const board_t *board, const canvas_t *canvas,
                const frame_t *frame, FILE *to);

#endif
