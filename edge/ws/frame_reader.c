/* SPDX-License-Identifier: Apache-2.0
 *
 * See frame_reader.h.
 */
#include "edge/ws/frame_reader.h"

#include "common/mem.h"
#include "edge/ws/frame.h"

#include <stdlib.h>
#include <string.h>

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define CONTROL 0x08
#define MASKED 0x80
#define CONTROL_MAX 125u
#define HEADER_MAX 14u
#define HELD_MAX (HEADER_MAX + CONTROL_MAX)
#define CONTINUATION 0

typedef struct {
    uint8_t opcode;
    bool final;
    bool wrong;
    uint64_t payload;
    size_t size; /* of the header; 0: it is not wholly there */
} frame_head_t;

static uint64_t s_number(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* The header that these bytes begin with, as far as they go. */
static frame_head_t s_header(const uint8_t *bytes, size_t size)
{
    frame_head_t header = {.opcode = bytes[0] & OPCODE,
                           .final = bytes[0] & FIN,
                           .wrong = bytes[0] & RESERVED};
    if (size < 2)
        return header;
    uint8_t length = bytes[1] & 0x7f;
    size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    header.wrong |= !(bytes[1] & MASKED);
    if (header.opcode & CONTROL)
        header.wrong |= !header.final || length > CONTROL_MAX;
    if (size < 2 + extra + 4)
        return header;
    header.payload = extra ? s_number(bytes + 2, extra) : length;
    header.wrong |= header.payload >> 63;
    header.size = 2 + extra + 4;
    return header;
}

/* Whether a frame of that opcode may come here. */
static bool s_in_order(const frame_reader_t *self, uint8_t opcode)
{
    switch (opcode) {
    case CONTINUATION:
        return self->in_message;
    case FRAME_TEXT:
    case FRAME_BINARY:
        return !self->in_message;
    default:
        return opcode >= FRAME_CLOSE && opcode <= FRAME_PONG;
    }
}

static void s_unmask(uint8_t mask[4], uint8_t *bytes, size_t size)
{
    uint8_t turned[4];
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= mask[i & 3];
    for (size_t i = 0; i < 4; i++)
        turned[i] = mask[(i + size) & 3];
    memcpy(mask, turned, sizeof turned);
}

static void s_break(frame_reader_t *self, input_t *input)
{
    self->broken = true;
    *input = (input_t){.type = INPUT_BROKEN};
}

/* Codes that a peer may send (RFC 6455, section 7.4). */
static bool s_is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
            code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static void s_control(frame_reader_t *self, const frame_head_t *header,
                      uint8_t *payload, input_t *input)
{
    static const input_type_t types[] = {[FRAME_CLOSE] = INPUT_CLOSE,
                                         [FRAME_PING] = INPUT_PING,
                                         [FRAME_PONG] = INPUT_PONG};
    size_t size = (size_t)header->payload;
    s_unmask(self->mask, payload, size);
    *input = (input_t){
        .type = types[header->opcode], .bytes = payload, .size = size};
    if (input->type == INPUT_CLOSE && size &&
        (size == 1 || !s_is_close_code((unsigned)s_number(payload, 2))))
        s_break(self, input);
}

static void s_begin(frame_reader_t *self, const frame_head_t *header)
{
    self->in_frame = true;
    self->first = header->opcode != CONTINUATION;
    self->final = header->final;
    self->in_message = !header->final;
    self->left = header->payload;
    if (self->first)
        self->binary = header->opcode == FRAME_BINARY;
}

/* One frame's header, and all of a control frame: how many of the bytes it
 * takes; 0: it is not wholly there. A data frame gives no input yet. */
static size_t s_frame(frame_reader_t *self, uint8_t *bytes, size_t size,
                      input_t *input)
{
    frame_head_t header = s_header(bytes, size);
    if (header.wrong || !s_in_order(self, header.opcode)) {
        s_break(self, input);
        return size;
    }
    bool control = header.opcode & CONTROL;
    if (!header.size || (control && size - header.size < header.payload))
        return 0;
    memcpy(self->mask, bytes + header.size - 4, 4);
    if (!control) {
        s_begin(self, &header);
        return header.size;
    }
    s_control(self, &header, bytes + header.size, input);
    return header.size + (size_t)header.payload;
}

/* A piece of the present frame: all that there is of it. */
static void s_piece(frame_reader_t *self, uint8_t **bytes, size_t *size,
                    input_t *input)
{
    size_t take = *size < self->left ? *size : (size_t)self->left;
    s_unmask(self->mask, *bytes, take);
    self->left -= take;
    *input = (input_t){.type = INPUT_DATA,
                       .first = self->first,
                       .last = self->final && !self->left,
                       .binary = self->binary,
                       .bytes = *bytes,
                       .size = take};
    self->first = false;
    self->in_frame = self->left;
    *bytes += take;
    *size -= take;
}

/* Adds to what is held until it is a frame's header, or a control frame. */
static void s_hold(frame_reader_t *self, uint8_t **bytes, size_t *size,
                   input_t *input)
{
    if (!self->held)
        self->held = mem_alloc(HELD_MAX);
    while (*size) {
        self->held[self->held_size++] = *(*bytes)++;
        --*size;
        if (!s_frame(self, self->held, self->held_size, input))
            continue;
        self->held_size = 0;
        return;
    }
}

void frame_reader_next(frame_reader_t *self, uint8_t **bytes, size_t *size,
                       input_t *input)
{
    *input = (input_t){.type = INPUT_NONE};
    while (!self->broken && input->type == INPUT_NONE &&
           (*size || (self->in_frame && !self->left))) {
        if (self->in_frame) {
            s_piece(self, bytes, size, input);
            return;
        }
        if (self->held_size) {
            s_hold(self, bytes, size, input);
            continue;
        }
        size_t taken = s_frame(self, *bytes, *size, input);
        if (!taken) {
            s_hold(self, bytes, size, input);
            return;
        }
        *bytes += taken;
        *size -= taken;
    }
    if (!self->held_size && input->type == INPUT_NONE)
        frame_reader_fini(self);
}

void frame_reader_fini(frame_reader_t *self)
{
    free(self->held);
    self->held = NULL;
    self->held_size = 0;
}
