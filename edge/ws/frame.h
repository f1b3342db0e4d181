/* SPDX-License-Identifier: Apache-2.0
 *
 * WebSocket frames (RFC 6455) from server to client as plain bytes: header
 * included, unmasked, unfragmented, without extensions. The same bytes serve
 * every client, so one is encoded once and never changed; whoever is still
 * sending it holds a reference.
 */
#ifndef EDGE_WS_FRAME_H
#define EDGE_WS_FRAME_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10,
} frame_opcode_t;

/* Why a session is closed (RFC 6455, section 7.4.1; 1012 and 1013: IANA's
 * registry; 4401: docs/protocol.md). */
typedef enum {
    CLOSE_PROTOCOL_ERROR = 1002,
    CLOSE_UNACCEPTABLE = 1003,
    CLOSE_POLICY_VIOLATION = 1008,
    CLOSE_TOO_LARGE = 1009,
    CLOSE_SERVICE_RESTART = 1012,
    CLOSE_TRY_AGAIN = 1013,
    CLOSE_UNAUTHORIZED = 4401,
} close_code_t;

#define FRAME_HEADER_MAX 10

typedef struct {
    uint32_t refs;
    size_t *counted; /* `size` is counted there while it lives; or NULL */
    size_t size;
    uint8_t bytes[];
} frame_t;

/* Writes the header for a payload of that size and returns its length. */
size_t frame_header(uint8_t *bytes, frame_opcode_t opcode, size_t payload);

/* A frame whose payload is `head` and then `body` (either may be empty). The
 * caller holds the only reference. */
frame_t *frame_new(frame_opcode_t opcode, const void *head, size_t head_size,
                   const void *body, size_t body_size);
/* One more reference; returns the frame. */
frame_t *frame_ref(frame_t *self);
/* One less, and the end with the last. Safe on NULL; nulls the pointer. */
void frame_unref(frame_t **self_p);

/* Whole frames as they are, copied. */
frame_t *frame_copy(const uint8_t *bytes, size_t size);
/* Both, one after the other, as one run of bytes; either may be NULL, and the
 * result is NULL where both are. */
frame_t *frame_join(const frame_t *a, const frame_t *b);

/* Bytes to be sent later: what a blocked session is owed. Grows up to
 * OUTBOX_MAX. Zeroed: empty. */
typedef struct {
    uint8_t *bytes;
    uint32_t size, capacity;
} outbox_t;

#define OUTBOX_MAX 262144u
#define OUTBOX_APPEND_MAX 4096u

/* -1, unchanged, where it would exceed OUTBOX_MAX. */
int outbox_add(outbox_t *self, frame_opcode_t opcode, const void *payload,
               size_t size);
/* Puts it before what is there. */
int outbox_add_first(outbox_t *self, frame_opcode_t opcode, const void *payload,
                     size_t size);
/* A whole frame of at most OUTBOX_APPEND_MAX. */
int outbox_append(outbox_t *self, const frame_t *frame);
/* Empties it and frees its memory. */
void outbox_clear(outbox_t *self);

#endif
