/* SPDX-License-Identifier: Apache-2.0
 *
 * WebSocket frames from client to server (RFC 6455, section 5), without
 * extensions: bytes in as they come, pieces of messages and whole control
 * frames out. Pure. What breaks a rule of the RFC is found by its first wrong
 * byte, and nothing comes after it.
 */
#ifndef EDGE_WS_FRAME_READER_H
#define EDGE_WS_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    INPUT_NONE, /* more bytes are needed */
    INPUT_DATA, /* a piece of a message */
    INPUT_PING, /* `bytes` are to be sent back */
    INPUT_PONG,
    INPUT_CLOSE,  /* `bytes` are empty, or code and reason */
    INPUT_BROKEN, /* to be closed with 1002 */
} input_type_t;

typedef struct {
    input_type_t type;
    bool first, last; /* of its message */
    bool binary;
    const uint8_t *bytes;
    size_t size;
} input_t;

/* Zeroed: at the beginning. */
typedef struct {
    uint64_t left;     /* of the present data frame's payload */
    uint8_t mask[4];   /* as the next byte needs it */
    bool in_frame;     /* data of it are to come, or it is empty yet unsaid */
    bool in_message;   /* between frames of one message */
    bool first, final; /* of the present frame */
    bool binary;
    bool broken;
    uint8_t held_size;
    uint8_t *held; /* a header, or control frame, not wholly there; or NULL */
} frame_reader_t;

/* The next of `*bytes`, which is unmasked in place and moved on; `input` refers
 * to it, or to memory of the reader's until the next call. */
void frame_reader_next(frame_reader_t *self, uint8_t **bytes, size_t *size,
                       input_t *input);
void frame_reader_fini(frame_reader_t *self);

#endif
