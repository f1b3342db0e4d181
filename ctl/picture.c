/* SPDX-License-Identifier: Apache-2.0
 *
 * See picture.h. A row at a time, so that no picture stands in memory.
 */
#include "ctl/picture.h"

#include "common/mem.h"

#include <assert.h>
#include <spng.h>
#include <stdlib.h>
#include <zlib.h>

uint32_t frame_width(const frame_t *self)
{
    return (self->x1 - self->x0 + 1) * self->scale;
}

uint32_t frame_height(const frame_t *self)
{
    return (self->y1 - self->y0 + 1) * self->scale;
}

/* Colours by index, one byte each. */
static void s_fill(uint8_t *row, const board_t *board, const frame_t *frame,
                   uint32_t y)
{
    for (uint32_t x = frame->x0; x <= frame->x1; x++)
        for (unsigned i = 0; i < frame->scale; i++)
            *row++ = board_get(board, y * board_width(board) + x);
}

/* Colours that the palette does not name show as black. */
static void s_set_palette(spng_ctx *context, const canvas_t *canvas)
{
    struct spng_plte palette = {.n_entries = 1u << canvas->bits};
    for (unsigned i = 0; i < canvas->palette_size; i++)
        palette.entries[i] = (struct spng_plte_entry){
            .red = (uint8_t)(canvas->palette[i] >> 16),
            .green = (uint8_t)(canvas->palette[i] >> 8),
            .blue = (uint8_t)canvas->palette[i],
        };
    int error = spng_set_plte(context, &palette);
    assert(!error);
}

int picture_png(const board_t *board, const canvas_t *canvas,
                const frame_t *frame, FILE *to)
{
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = {.width = frame_width(frame),
                               .height = frame_height(frame),
                               .bit_depth = 8,
                               .color_type = SPNG_COLOR_TYPE_INDEXED};
    uint8_t *row = mem_alloc(header.width);
    assert(context);
    int error = spng_set_png_file(context, to);
    error |= spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, 3);
    error |= spng_set_option(context, SPNG_FILTER_CHOICE,
                             frame->scale == 1 ? SPNG_FILTER_CHOICE_NONE
                                               : SPNG_FILTER_CHOICE_UP);
    error |= spng_set_ihdr(context, &header);
    assert(!error);
    s_set_palette(context, canvas);
    error = spng_encode_image(context, NULL, 0, SPNG_FMT_PNG,
                              SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    for (uint32_t y = frame->y0; y <= frame->y1 && !error; y++) {
        s_fill(row, board, frame, y);
        for (unsigned i = 0; i < frame->scale && !error; i++)
            error = spng_encode_row(context, row, header.width);
    }
    free(row);
    spng_ctx_free(context);
    return error == SPNG_EOI && fflush(to) == 0 ? 0 : -1;
}

int picture_rgb(const board_t *board, const canvas_t *canvas,
                const frame_t *frame, FILE *to)
{
    uint32_t width = frame_width(frame);
    uint8_t *row = mem_alloc(width), *rgb = mem_alloc((size_t)width * 3);
    bool good = true;
    for (uint32_t y = frame->y0; y <= frame->y1 && good; y++) {
        s_fill(row, board, frame, y);
        for (uint32_t x = 0; x < width; x++) {
            uint32_t color =
                row[x] < canvas->palette_size ? canvas->palette[row[x]] : 0;
            rgb[x * 3] = (uint8_t)(color >> 16);
            rgb[x * 3 + 1] = (uint8_t)(color >> 8);
            rgb[x * 3 + 2] = (uint8_t)color;
        }
        for (unsigned i = 0; i < frame->scale && good; i++)
            good = fwrite(rgb, 3, width, to) == width;
    }
    free(row);
    free(rgb);
    return good && fflush(to) == 0 ? 0 : -1;
}
