/* SPDX-License-Identifier: Apache-2.0
 *
 * The board as an indexed PNG of 4 or 8 bits a pixel.
 */
#ifndef EDGE_HTTP_PNG_H
#define EDGE_HTTP_PNG_H

#include "common/canvas.h"
#include "edge/http/blob.h"

#include <stdatomic.h>

#define PNG_SCALE_MAX 8

/* Each board pixel becomes scale × scale (1 … PNG_SCALE_MAX) of the palette's
 * colour. `pixels` is packed as board.h says, canvas gives size and palette.
 * Pure, so that it may run on any thread; memory is the answer's and one row.
 * The caller owns the blob. NULL where *stop became true meanwhile: a large
 * board takes seconds. */
blob_t *png_render(const canvas_t *canvas, const uint8_t *pixels,
                   unsigned scale, const atomic_bool *stop);

#endif
