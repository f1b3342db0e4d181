/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's half of WebSocket (RFC 6455) without any I/O: text of the
 * upgrade, the answer's check, frame heads both ways. Frames of a client are
 * masked with the key 0, which is a legal key and leaves the bytes as they are:
 * a load tester has nothing to hide and much to send.
 */
#ifndef LOAD_WS_CLIENT_H
#define LOAD_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
} ws_opcode_t;

/* Longest head of a frame: 2, 8 of length, 4 of mask. */
#define WS_HEAD_MAX 14
/* Frames longer than this are refused: the largest board and some. */
#define WS_FRAME_MAX ((64u << 20) + 4096)

#define WS_KEY_BYTES 25    /* base64 of 16 bytes, and NUL */
#define WS_ACCEPT_BYTES 29 /* base64 of a SHA-1, and NUL */

/* A nonce for `Sec-WebSocket-Key` and the answer it must get. */
typedef struct {
    char key[WS_KEY_BYTES];
    char accept[WS_ACCEPT_BYTES];
} ws_nonce_t;

void ws_nonce_init(ws_nonce_t *self);

/* The upgrade request into `size` bytes; token may be NULL. Returns its length;
 * 0 where it does not fit. */
size_t ws_put_upgrade(char *text, size_t size, const char *host, uint64_t since,
                      const char *token, const ws_nonce_t *nonce);

typedef enum {
    WS_OPEN,    /* upgraded; *used bytes were the answer's head */
    WS_MORE,    /* the head is not whole yet */
    WS_REFUSED, /* another status, in *status */
    WS_BROKEN,  /* no HTTP, or an upgrade we did not ask for */
} ws_answer_t;

ws_answer_t ws_read_answer(const char *text, size_t size,
                           const ws_nonce_t *nonce, size_t *used, int *status);

typedef struct {
    bool fin;
    uint8_t opcode;
    uint32_t head;   /* bytes of head; the payload follows */
    uint32_t length; /* of the payload */
} ws_frame_t;

/* Reads a frame's head as a server sends it. 1: whole head; 0: more bytes are
 * needed; -1: malformed (masked, reserved bits, too long). */
int ws_read_head(ws_frame_t *frame, const uint8_t *bytes, size_t size);

/* Head of a client's frame; returns its length. */
size_t ws_put_head(uint8_t bytes[WS_HEAD_MAX], ws_opcode_t opcode,
                   uint32_t length);

#endif
