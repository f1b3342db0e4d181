/* SPDX-License-Identifier: Apache-2.0
 *
 * The public WebSocket messages of `stipple.v1`, binary flavour (layouts:
 * docs/protocol.md). Pure: bytes in, struct out. DIFF's body is diff.h's. Every
 * encoder returns the bytes written into `bytes`, which holds WIRE_SMALL_MAX
 * (or what the encoder states), type byte included.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PROTOCOL "stipple.v1"
#define WIRE_PROTOCOL_JSON "stipple.v1.json"
#define WIRE_VERSION 1

typedef enum {
    WIRE_HELLO = 0x01,
    WIRE_DIFF = 0x02,
    WIRE_VERDICT = 0x03,
    WIRE_BEAT = 0x04,
    WIRE_RESYNC = 0x05,
    WIRE_NOTICE = 0x06,
    WIRE_PLACE = 0x81,
    WIRE_SINCE = 0x82,
    WIRE_AUTH = 0x83,
    WIRE_PACE = 0x84,
    WIRE_UNDO = 0x85,
} wire_type_t;

/* Every message but DIFF and NOTICE (and AUTH) fits. */
#define WIRE_SMALL_MAX 40
/* From a client: AUTH, and any other. */
#define WIRE_AUTH_MAX 8192
#define WIRE_CLIENT_MAX 1024

/* The slowest pace that a client may ask for. */
#define WIRE_PACE_MAX_MS 60000
/* How long a placement can be taken back, as clients are told. */
#define WIRE_UNDO_MS 5000

/* VERDICT_OK, VERDICT_COOLDOWN, … */
typedef enum {
#define VERDICT(id, number, word) VERDICT_##id = number,
#include "common/verdicts.def"
    VERDICT_COUNT
} verdict_status_t;

/* "ok", "cooldown", …: the JSON flavour's words, which are also the HTTP
 * problems' codes. */
const char *verdict_word(verdict_status_t status);

typedef enum {
    RESYNC_TOO_OLD = 1,
    RESYNC_UNKNOWN_SEQ = 2,
    RESYNC_BOARD_CHANGED = 3,
} resync_reason_t;

#define HELLO_READ_ONLY 1
#define HELLO_PAUSED 2

/* NOTICE kinds: "settings", "banned", "message". */
#define NOTICE_SETTINGS 1
#define NOTICE_BANNED 2
#define NOTICE_MESSAGE 3

typedef struct {
    unsigned bits;
    uint16_t width, height;
    uint32_t epoch;
    uint64_t seq;
    uint32_t cooldown_ms, cooldown_remaining_ms;
    uint8_t flags;
} wire_hello_t;

typedef struct {
    uint32_t request;
    verdict_status_t status;
    uint64_t seq;
    uint32_t cooldown_remaining_ms;
} wire_verdict_t;

typedef struct {
    uint64_t seq;
    uint32_t digest;
    uint32_t online;
} wire_beat_t;

/* x, y and color may lie off the board or palette, even be negative or huge in
 * the JSON flavour: the answer is a verdict. Decoders saturate to INT32. */
typedef struct {
    uint32_t request;
    int32_t x, y;
    int32_t color;
} wire_place_t;

/* Takes placement `seq` of one's own back. */
typedef struct {
    uint32_t request;
    uint64_t seq;
} wire_undo_t;

size_t wire_put_hello(uint8_t *bytes, const wire_hello_t *hello);
size_t wire_put_verdict(uint8_t *bytes, const wire_verdict_t *verdict);
size_t wire_put_beat(uint8_t *bytes, const wire_beat_t *beat);
size_t wire_put_resync(uint8_t *bytes, resync_reason_t reason);
/* Into `size` bytes; 0 if it does not fit. json_size + 12 is enough. */
/* A NOTICE about one action of a moderator fits. */
#define WIRE_NOTICE_MAX 4096
size_t wire_put_notice(uint8_t *bytes, size_t size, uint8_t kind,
                       const char *json, size_t json_size);
size_t wire_put_place(uint8_t *bytes, const wire_place_t *place);
size_t wire_put_since(uint8_t *bytes, uint64_t seq);
size_t wire_put_pace(uint8_t *bytes, uint16_t ms);
size_t wire_put_undo(uint8_t *bytes, const wire_undo_t *undo);

/* What a client said. */
typedef struct {
    wire_type_t type; /* PLACE … UNDO */
    union {
        wire_place_t place;
        uint64_t since;
        uint16_t pace_ms; /* 0 … WIRE_PACE_MAX_MS */
        wire_undo_t undo;
        struct {
            const char *text; /* borrowed from the message, no NUL */
            size_t length;
        } token;
    };
} wire_request_t;

/* 0; -1 if it is malformed, of unknown type, or has bytes too many. */
int wire_decode_request(wire_request_t *request, const void *bytes,
                        size_t size);

/* What an edge said, for clients and tests. */
typedef struct {
    wire_type_t type; /* HELLO … NOTICE */
    union {
        wire_hello_t hello;
        wire_verdict_t verdict;
        wire_beat_t beat;
        resync_reason_t resync;
        struct {
            const uint8_t *body; /* for diff_open */
            size_t size;
        } diff;
        struct {
            uint8_t kind;
            const char *json;
            size_t length;
        } notice;
    };
} wire_event_t;

int wire_decode_event(wire_event_t *event, const void *bytes, size_t size);

#endif
