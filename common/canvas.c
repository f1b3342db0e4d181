/* SPDX-License-Identifier: Apache-2.0
 *
 * See canvas.h.
 */
#include "common/canvas.h"

#include "common/board.h"
#include "common/wire.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* r/place 2017 and 2022, in the order of Reddit's own data. */
static const uint32_t s_colors_2017[] = {
    0xFFFFFF, 0xE4E4E4, 0x888888, 0x222222, 0xFFA7D1, 0xE50000,
    0xE59500, 0xA06A42, 0xE5D900, 0x94E044, 0x02BE01, 0x00D3DD,
    0x0083C7, 0x0000EA, 0xCF6EE4, 0x820080};
static const uint32_t s_colors_2022[] = {
    0xFFFFFF, 0x6D001A, 0xBE0039, 0xFF4500, 0xFFA800, 0xFFD635, 0xFFF8B8,
    0x00A368, 0x00CC78, 0x7EED56, 0x00756F, 0x009EAA, 0x00CCC0, 0x2450A4,
    0x3690EA, 0x51E9F4, 0x493AC1, 0x6A5CFF, 0x94B3FF, 0x811E9F, 0xB44AC0,
    0xE4ABFF, 0xDE107F, 0xFF3881, 0xFF99AA, 0x6D482F, 0x9C6926, 0xFFB470,
    0x000000, 0x515252, 0x898D90, 0xD4D7D9};

#define COUNT(array) (sizeof(array) / sizeof *(array))

void canvas_init(canvas_t *self, uint32_t width, uint32_t height, unsigned bits)
{
    *self = (canvas_t){
        .width = width, .height = height, .bits = bits, .cooldown_ms = 300000};
    const uint32_t *colors = bits == 4 ? s_colors_2017 : s_colors_2022;
    self->palette_size =
        bits == 4 ? COUNT(s_colors_2017) : COUNT(s_colors_2022);
    memcpy(self->palette, colors, self->palette_size * sizeof *colors);
}

int canvas_check(const canvas_t *self, const char **why)
{
    *why = NULL;
    if (!self->width || !self->height || self->width > BOARD_SIDE_MAX ||
        self->height > BOARD_SIDE_MAX ||
        (uint64_t)self->width * self->height > BOARD_PIXELS_MAX)
        *why = "size must be 1x1 to 65535x65535 and at most 67108864 pixels";
    else if (self->bits != 4 && self->bits != 8)
        *why = "bits must be 4 or 8";
    else if (!self->palette_size || self->palette_size > 1u << self->bits)
        *why = "palette must have 1 to 2^bits colours";
    return *why ? -1 : 0;
}

bool canvas_equal(const canvas_t *a, const canvas_t *b)
{
    return a->width == b->width && a->height == b->height &&
           a->bits == b->bits && a->epoch == b->epoch &&
           a->cooldown_ms == b->cooldown_ms && a->tick_ms == b->tick_ms &&
           a->paused == b->paused && a->palette_size == b->palette_size &&
           !memcmp(a->palette, b->palette,
                   a->palette_size * sizeof *a->palette);
}

static json_t *s_palette_to_json(const canvas_t *self)
{
    json_t *palette = json_array();
    for (unsigned i = 0; i < self->palette_size; i++) {
        char text[8];
        snprintf(text, sizeof text, "#%06X", self->palette[i] & 0xFFFFFFu);
        json_array_append_new(palette, json_string(text));
    }
    return palette;
}

size_t canvas_to_json(const canvas_t *self, char *json, size_t size)
{
    json_t *root = json_pack(
        "{s:s, s:{s:I, s:I, s:I, s:I}, s:o, s:I, s:I, s:b}", "protocol",
        WIRE_PROTOCOL, "board", "width", (json_int_t)self->width, "height",
        (json_int_t)self->height, "bits", (json_int_t)self->bits, "epoch",
        (json_int_t)self->epoch, "palette", s_palette_to_json(self),
        "cooldown_ms", (json_int_t)self->cooldown_ms, "tick_ms",
        (json_int_t)self->tick_ms, "paused", self->paused);
    size_t length = json_dumpb(root, json, size - 1, JSON_COMPACT);
    json_decref(root);
    assert(length < size);
    json[length] = '\0';
    return length;
}

/* Exactly "#RRGGBB" at the text's start. */
static int s_color_parse(const char *text, uint32_t *color)
{
    if (text[0] != '#' || strspn(text + 1, "0123456789abcdefABCDEF") < 6)
        return -1;
    char digits[7];
    memcpy(digits, text + 1, 6);
    digits[6] = '\0';
    *color = (uint32_t)strtoul(digits, NULL, 16);
    return 0;
}

static int s_palette_from_json(canvas_t *self, const json_t *palette)
{
    size_t count = json_array_size(palette);
    if (!count || count > CANVAS_PALETTE_MAX)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(palette, i));
        if (!text || strlen(text) != 7 ||
            s_color_parse(text, &self->palette[i]) < 0)
            return -1;
    }
    self->palette_size = (unsigned)count;
    return 0;
}

static int s_from_object(canvas_t *self, json_t *root)
{
    json_int_t width, height, bits, epoch, cooldown_ms, tick_ms = 0;
    json_t *palette;
    int paused;
    if (json_unpack(root, "{s:{s:I, s:I, s:I, s:I}, s:o, s:I, s?I, s:b}",
                    "board", "width", &width, "height", &height, "bits", &bits,
                    "epoch", &epoch, "palette", &palette, "cooldown_ms",
                    &cooldown_ms, "tick_ms", &tick_ms, "paused", &paused) < 0)
        return -1;
    if (width < 1 || width > BOARD_SIDE_MAX || height < 1 ||
        height > BOARD_SIDE_MAX || (bits != 4 && bits != 8) || epoch < 0 ||
        epoch > UINT32_MAX || cooldown_ms < 0 || cooldown_ms > UINT32_MAX ||
        tick_ms < 0 || tick_ms > CANVAS_TICK_MAX_MS)
        return -1;
    self->width = (uint32_t)width;
    self->height = (uint32_t)height;
    self->bits = (unsigned)bits;
    self->epoch = (uint32_t)epoch;
    self->cooldown_ms = (uint32_t)cooldown_ms;
    self->tick_ms = (uint32_t)tick_ms;
    self->paused = paused;
    return s_palette_from_json(self, palette);
}

int canvas_from_json(canvas_t *self, const char *json, size_t size)
{
    if (size > CANVAS_JSON_MAX)
        return -1;
    json_t *root = json_loadb(json, size, 0, NULL);
    canvas_t read = {0};
    const char *why;
    int result =
        root && !s_from_object(&read, root) && !canvas_check(&read, &why) ? 0
                                                                          : -1;
    json_decref(root);
    if (result == 0)
        *self = read;
    return result;
}

int canvas_set_palette(canvas_t *self, const char *text)
{
    canvas_t next = *self;
    next.palette_size = 0;
    for (;; text++) {
        if (next.palette_size == 1u << self->bits ||
            s_color_parse(text, &next.palette[next.palette_size]) < 0)
            return -1;
        next.palette_size++;
        text += 7;
        if (*text != ',')
            break;
    }
    if (*text)
        return -1;
    *self = next;
    return 0;
}
