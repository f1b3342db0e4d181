/* SPDX-License-Identifier: Apache-2.0
 *
 * What png_render writes is read back by libspng and compared pixel by pixel.
 */
#include "edge/http/png.h"

#include "common/board.h"

#include <check.h>
#include <spng.h>
#include <stdlib.h>

Suite *suite_edge_png(void);

static board_t *s_board(const canvas_t *canvas)
{
    board_t *board = board_new(canvas->width, canvas->height, canvas->bits);
    for (uint32_t i = 0; i < board_pixels(board); i++)
        board_set(board, i, (uint8_t)(i * 7 % canvas->palette_size));
    return board;
}

/* Decoded as RGB, 3 bytes a pixel; the caller's (free). */
static uint8_t *s_decode(const blob_t *png, struct spng_ihdr *header)
{
    spng_ctx *context = spng_ctx_new(0);
    size_t size;
    ck_assert_int_eq(spng_set_png_buffer(context, png->bytes, png->size), 0);
    ck_assert_int_eq(spng_get_ihdr(context, header), 0);
    ck_assert_int_eq(spng_decoded_image_size(context, SPNG_FMT_RGB8, &size), 0);
    uint8_t *pixels = malloc(size);
    ck_assert_int_eq(spng_decode_image(context, pixels, size, SPNG_FMT_RGB8, 0),
                     0);
    spng_ctx_free(context);
    return pixels;
}

static void s_check(uint32_t width, uint32_t height, unsigned bits,
                    unsigned scale)
{
    canvas_t canvas;
    struct spng_ihdr header;
    canvas_init(&canvas, width, height, bits);
    board_t *board = s_board(&canvas);
    atomic_bool stop = false;
    blob_t *png = png_render(&canvas, board_bytes(board), scale, &stop);
    uint8_t *rgb = s_decode(png, &header);
    ck_assert_uint_eq(header.width, width * scale);
    ck_assert_uint_eq(header.height, height * scale);
    ck_assert_uint_eq(header.bit_depth, bits);
    ck_assert_uint_eq(header.color_type, SPNG_COLOR_TYPE_INDEXED);
    for (uint32_t y = 0; y < header.height; y++)
        for (uint32_t x = 0; x < header.width; x++) {
            uint8_t color = board_get(board, y / scale * width + x / scale);
            const uint8_t *at = rgb + 3 * ((size_t)y * header.width + x);
            ck_assert_uint_eq((uint32_t)at[0] << 16 | at[1] << 8 | at[2],
                              canvas.palette[color]);
        }
    free(rgb);
    blob_unref(&png);
    board_destroy(&board);
}

START_TEST(every_scale_reads_back)
{
    s_check(13, 7, 4, (unsigned)_i);
    s_check(13, 7, 8, (unsigned)_i);
}
END_TEST

START_TEST(odd_sizes_read_back)
{
    s_check(1, 1, 4, 1);
    s_check(1, 9, 4, 3);
    s_check(3, 1, 8, 8);
    s_check(300, 200, 4, 1);
}
END_TEST

START_TEST(a_stopped_rendering_gives_nothing)
{
    canvas_t canvas;
    atomic_bool stop = true;
    canvas_init(&canvas, 30, 20, 4);
    board_t *board = s_board(&canvas);
    ck_assert_ptr_null(png_render(&canvas, board_bytes(board), 8, &stop));
    board_destroy(&board);
}
END_TEST

Suite *suite_edge_png(void)
{
    Suite *suite = suite_create("edge/png");
    TCase *tcase = tcase_create("png");
    tcase_add_loop_test(tcase, every_scale_reads_back, 1, PNG_SCALE_MAX + 1);
    tcase_add_test(tcase, odd_sizes_read_back);
    tcase_add_test(tcase, a_stopped_rendering_gives_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
