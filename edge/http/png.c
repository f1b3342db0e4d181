/* SPDX-License-Identifier: Apache-2.0
 *
 * See png.h. Rows go to libspng one by one into a growing blob, so a board of
 * 64 million pixels at scale 8 never stands unpacked in memory. A row of
 * scaled-up pixels is encoded `scale` times: with the Up filter the repeats are
 * zeros.
 */
#include "edge/http/png.h"

#include "common/mem.h"

#include <assert.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct {
    blob_t *blob;
    size_t used;
} sink_t;

/* spng's writer. */
static int s_write(spng_ctx *context, void *user, void *bytes, size_t size)
{
    (void)context;
    sink_t *sink = user;
    if (sink->blob->size - sink->used < size) {
        size_t room = (sink->used + size) * 2;
        sink->blob = mem_realloc(sink->blob, 1, sizeof(blob_t) + room);
        sink->blob->size = room;
    }
    memcpy(sink->blob->bytes + sink->used, bytes, size);
    sink->used += size;
    return 0;
}

/* Colours that the palette does not name show as black. */
static void s_set_palette(spng_ctx *context, const canvas_t *canvas)
{
    struct spng_plte palette = {.n_entries = 1u << canvas->bits};
    for (unsigned i = 0; i < canvas->palette_size; i++) {
        uint32_t color = canvas->palette[i];
        palette.entries[i] = (struct spng_plte_entry){
            .red = (uint8_t)(color >> 16),
            .green = (uint8_t)(color >> 8),
            .blue = (uint8_t)color,
        };
    }
    int error = spng_set_plte(context, &palette);
    assert(!error);
}

static uint8_t s_pixel(const uint8_t *pixels, unsigned bits, size_t index)
{
    if (bits == 8)
        return pixels[index];
    return index & 1 ? pixels[index / 2] & 15 : pixels[index / 2] >> 4;
}

/* One output row, packed as PNG wants it, which is also high bits first. */
static void s_fill_row(uint8_t *row, const canvas_t *canvas,
                       const uint8_t *pixels, size_t first, unsigned scale)
{
    size_t at = 0;
    for (uint32_t x = 0; x < canvas->width; x++) {
        uint8_t color = s_pixel(pixels, canvas->bits, first + x);
        for (unsigned i = 0; i < scale; i++, at++) {
            if (canvas->bits == 8)
                row[at] = color;
            else if (at & 1)
                row[at / 2] |= color;
            else
                row[at / 2] = (uint8_t)(color << 4);
        }
    }
}

/* -1: stopped. */
static int s_encode_rows(spng_ctx *context, const canvas_t *canvas,
                         const uint8_t *pixels, unsigned scale,
                         const atomic_bool *stop)
{
    size_t row_size = ((size_t)canvas->width * scale * canvas->bits + 7) / 8;
    uint8_t *row = mem_alloc(row_size);
    int result = 0;
    for (uint32_t y = 0; y < canvas->height && !atomic_load(stop); y++) {
        s_fill_row(row, canvas, pixels, (size_t)y * canvas->width, scale);
        for (unsigned i = 0; i < scale; i++)
            result = spng_encode_row(context, row, row_size);
    }
    free(row);
    assert(result == SPNG_EOI || atomic_load(stop));
    return result == SPNG_EOI ? 0 : -1;
}

blob_t *png_render(const canvas_t *canvas, const uint8_t *pixels,
                   unsigned scale, const atomic_bool *stop)
{
    assert(scale >= 1 && scale <= PNG_SCALE_MAX);
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    sink_t sink = {.blob = blob_new(65536)};
    struct spng_ihdr header = {
        .width = canvas->width * scale,
        .height = canvas->height * scale,
        .bit_depth = (uint8_t)canvas->bits,
        .color_type = SPNG_COLOR_TYPE_INDEXED,
    };
    assert(context);
    int error = spng_set_png_stream(context, s_write, &sink);
    error |= spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL,
                             scale == 1 ? 6 : 1);
    error |= spng_set_option(context, SPNG_FILTER_CHOICE,
                             scale == 1 ? SPNG_FILTER_CHOICE_NONE
                                        : SPNG_FILTER_CHOICE_UP);
    error |= spng_set_option(context, SPNG_IMG_COMPRESSION_STRATEGY,
                             scale == 1 ? Z_DEFAULT_STRATEGY : Z_RLE);
    error |= spng_set_ihdr(context, &header);
    assert(!error);
    s_set_palette(context, canvas);
    error = spng_encode_image(context, NULL, 0, SPNG_FMT_PNG,
                              SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    assert(!error);
    int result = s_encode_rows(context, canvas, pixels, scale, stop);
    spng_ctx_free(context);
    if (result == 0)
        return blob_shrink(sink.blob, sink.used);
    blob_unref(&sink.blob);
    return NULL;
}
