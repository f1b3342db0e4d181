/* SPDX-License-Identifier: Apache-2.0
 *
 * See frame.h.
 */
#include "edge/ws/frame.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIN 0x80

size_t frame_header(uint8_t *bytes, frame_opcode_t opcode, size_t payload)
{
    unsigned extra = payload < 126 ? 0 : payload < 65536 ? 2 : 8;
    bytes[0] = (uint8_t)(FIN | opcode);
    bytes[1] = (uint8_t)(extra == 0 ? payload : extra == 2 ? 126 : 127);
    for (unsigned i = 0; i < extra; i++)
        bytes[2 + i] = (uint8_t)((uint64_t)payload >> 8 * (extra - 1 - i));
    return 2 + extra;
}

frame_t *frame_new(frame_opcode_t opcode, const void *head, size_t head_size,
                   const void *body, size_t body_size)
{
    size_t payload = head_size + body_size;
    frame_t *self = mem_alloc(sizeof *self + FRAME_HEADER_MAX + payload);
    uint8_t *at = self->bytes + frame_header(self->bytes, opcode, payload);
    if (head_size)
        memcpy(at, head, head_size);
    if (body_size)
        memcpy(at + head_size, body, body_size);
    self->refs = 1;
    self->counted = NULL;
    self->size = (size_t)(at - self->bytes) + payload;
    return self;
}

frame_t *frame_ref(frame_t *self)
{
    assert(self->refs);
    self->refs++;
    return self;
}

void frame_unref(frame_t **self_p)
{
    frame_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert(self->refs);
    if (--self->refs)
        return;
    if (self->counted)
        *self->counted -= self->size;
    free(self);
}

frame_t *frame_copy(const uint8_t *bytes, size_t size)
{
    frame_t *self = mem_alloc(sizeof *self + size);
    memcpy(self->bytes, bytes, size);
    self->refs = 1;
    self->counted = NULL;
    self->size = size;
    return self;
}

frame_t *frame_join(const frame_t *a, const frame_t *b)
{
    size_t a_size = a ? a->size : 0, b_size = b ? b->size : 0;
    if (!a && !b)
        return NULL;
    frame_t *self = mem_alloc(sizeof *self + a_size + b_size);
    if (a)
        memcpy(self->bytes, a->bytes, a_size);
    if (b)
        memcpy(self->bytes + a_size, b->bytes, b_size);
    self->refs = 1;
    self->counted = NULL;
    self->size = a_size + b_size;
    return self;
}

/* Room for one more frame behind what is there. */
static int s_reserve(outbox_t *self, size_t size)
{
    size_t need = self->size + FRAME_HEADER_MAX + size;
    if (need > OUTBOX_MAX)
        return -1;
    if (need > self->capacity) {
        size_t capacity = self->capacity ? self->capacity : 64;
        while (capacity < need)
            capacity *= 2;
        self->bytes = mem_realloc(self->bytes, capacity, 1);
        self->capacity = (uint32_t)capacity;
    }
    return 0;
}

int outbox_add(outbox_t *self, frame_opcode_t opcode, const void *payload,
               size_t size)
{
    if (s_reserve(self, size) < 0)
        return -1;
    uint8_t *at = self->bytes + self->size;
    size_t header = frame_header(at, opcode, size);
    memcpy(at + header, payload, size);
    self->size += (uint32_t)(header + size);
    return 0;
}

int outbox_add_first(outbox_t *self, frame_opcode_t opcode, const void *payload,
                     size_t size)
{
    uint8_t header[FRAME_HEADER_MAX];
    size_t head = frame_header(header, opcode, size);
    if (s_reserve(self, size) < 0)
        return -1;
    memmove(self->bytes + head + size, self->bytes, self->size);
    memcpy(self->bytes, header, head);
    memcpy(self->bytes + head, payload, size);
    self->size += (uint32_t)(head + size);
    return 0;
}

int outbox_append(outbox_t *self, const frame_t *frame)
{
    if (frame->size > OUTBOX_APPEND_MAX || s_reserve(self, frame->size) < 0)
        return -1;
    memcpy(self->bytes + self->size, frame->bytes, frame->size);
    self->size += (uint32_t)frame->size;
    return 0;
}

void outbox_clear(outbox_t *self)
{
    free(self->bytes);
    *self = (outbox_t){0};
}
