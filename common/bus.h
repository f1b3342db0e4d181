/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between our own processes, one ZeroMQ frame each (behind a ROUTER:
 * identity frame, then this one). Little-endian, first byte the type. Layouts,
 * who sends what and when: docs/bus.md. Pure: bytes in, struct out; limits are
 * part of the decoders.
 */
#ifndef COMMON_BUS_H
#define COMMON_BUS_H

#include "common/record.h"
#include "common/wire.h"

typedef enum {
    /* ingress: edge DEALER ↔ broker ROUTER */
    BUS_PLACES = 0x10,   /* edge → broker: placements to decide */
    BUS_VERDICTS = 0x11, /* broker → edge: one for each placement */
    BUS_SYNC = 0x12,     /* edge → broker: bring me from seq to now */
    BUS_BOARD = 0x13,    /* broker → edge: the whole board and settings */
    BUS_RANGE = 0x14,    /* broker → edge: one DIFF body from the asked seq */
    BUS_REPORT = 0x15,   /* edge → broker, each second: viewers here */
    /* feed: broker PUB → edge SUB; the type byte is the topic */
    BUS_DIFF = 0x20,   /* epoch, then a DIFF body */
    BUS_BEAT = 0x21,   /* each second */
    BUS_CANVAS = 0x22, /* settings changed */
    /* journal: broker PUSH → persister PULL */
    BUS_RECORDS = 0x30, /* committed records, contiguous */
    /* control: persister and stipplectl DEALER ↔ broker ROUTER */
    BUS_PERSISTER = 0x40, /* persister → broker, every 500 ms: where I am */
    BUS_GRANT = 0x41,     /* broker → persister: you are active, or not */
    BUS_REPLAY = 0x42,    /* either way: send records from seq on */
    BUS_SNAPSHOT_ASK = 0x43, /* broker → persister: restore me */
    BUS_SNAPSHOT = 0x44,     /* persister → broker: the newest snapshot */
    BUS_CTL = 0x48,          /* stipplectl → broker: a JSON request */
    BUS_CTL_REPLY = 0x49,    /* broker → stipplectl: a JSON answer */
    /* query: edge DEALER ↔ persister ROUTER */
    BUS_PIXEL = 0x50,  /* edge → persister: who placed this pixel */
    BUS_USER = 0x51,   /* edge → persister: a user's last placement */
    BUS_ANSWER = 0x52, /* persister → edge */
} bus_type_t;

/* In one BUS_PLACES or BUS_VERDICTS, BUS_RECORDS or a replay's answer. */
#define BUS_PLACES_MAX 4096
#define BUS_RECORDS_MAX 16384

#define BUS_PLACE_BYTES 26
#define BUS_VERDICT_BYTES 21

enum {
    BUS_PLACE_KEYLESS = 1, /* see RECORD_KEYLESS; never a duplicate … */
    BUS_PLACE_RESENT = 2,  /* … unless it was sent before, after fail-over */
    BUS_PLACE_ASK = 4,     /* places nothing: what of user's cooldown remains?
                              Verdict `ok`, seq 0, remaining_ms, at once */
};

/* ticket u64 · user u64 · request u32 · x u16 · y u16 · color u8 · flags u8 */
typedef struct {
    uint64_t ticket; /* the edge's own; comes back in the verdict */
    uint64_t user;
    uint32_t request;
    uint16_t x, y;
    uint8_t color;
    uint8_t flags;
} bus_place_t;

/* ticket u64 · status u8 · seq u64 · remaining_ms u32 */
typedef struct {
    uint64_t ticket;
    uint8_t status; /* verdict_status_t */
    uint64_t seq;
    uint32_t remaining_ms;
} bus_verdict_t;

/* type · count u16 · count × place */
size_t bus_places_bound(size_t count);
size_t bus_put_places(uint8_t *bytes, const bus_place_t *places, size_t count);
/* How many into `places` (room for BUS_PLACES_MAX); -1 where malformed. */
int bus_decode_places(bus_place_t *places, const void *bytes, size_t size);

/* type · count u16 · count × verdict */
size_t bus_verdicts_bound(size_t count);
size_t bus_put_verdicts(uint8_t *bytes, const bus_verdict_t *verdicts,
                        size_t count);
int bus_decode_verdicts(bus_verdict_t *verdicts, const void *bytes,
                        size_t size);

/* type · epoch u32 · seq u64: the edge holds `seq` of that epoch's history
 * (0, 0: nothing). */
typedef struct {
    uint32_t epoch;
    uint64_t seq;
} bus_sync_t;

/* type · epoch u32 · seq u64 · digest u32 · online u32 · lease_ms u32 */
typedef struct {
    uint32_t epoch;
    uint64_t seq;
    uint32_t digest;
    uint32_t online;   /* viewers on the whole cluster */
    uint32_t lease_ms; /* how long a fail-over may take */
} bus_beat_t;

/* type · viewers u32 */
typedef struct {
    uint32_t viewers;
} bus_report_t;

/* type · epoch u32 · seq u64 · json_size u16 · canvas JSON · packed pixels.
 * In BUS_SNAPSHOT a seq of 0 with no pixels means: the store is empty. */
typedef struct {
    uint32_t epoch;
    uint64_t seq;
    const char *json; /* borrowed */
    size_t json_size;
    const uint8_t *pixels; /* borrowed */
    size_t pixels_size;
} bus_board_t;

/* type · epoch u32 · bytes to the end (DIFF: a DIFF body; RANGE the same;
 * CANVAS: its JSON; RECORDS: packed records, maybe none) */
typedef struct {
    uint32_t epoch;
    const uint8_t *body; /* borrowed */
    size_t size;
} bus_body_t;

/* type · instance u64 · epoch u32 · checkpoint u64 · snapshot_seq u64 ·
 * active u8 */
typedef struct {
    uint64_t instance;     /* random per process start */
    uint32_t epoch;        /* highest epoch the store has seen */
    uint64_t checkpoint;   /* highest contiguous seq in the store */
    uint64_t snapshot_seq; /* of the newest snapshot; 0 for none */
    uint8_t active;        /* it believes it is granted */
} bus_persister_t;

/* type · epoch u32 · active u8 · seq u64 */
typedef struct {
    uint32_t epoch;
    uint8_t active;
    uint64_t seq; /* committed now, so that the persister sees its lag */
} bus_grant_t;

/* type · from u64 · max u32: records from `from` on, answered by one
 * BUS_RECORDS (empty: nothing there yet). A broker whose log no longer reaches
 * back so far begins at its first */
typedef struct {
    uint64_t from;
    uint32_t max;
} bus_replay_t;

/* type · ticket u64 · (PIXEL: x u16 · y u16) (USER: user u64) */
typedef struct {
    uint64_t ticket;
    uint64_t user;
    uint16_t x, y;
} bus_query_t;

/* type · ticket u64 · status u8 (0 found, 1 none, 2 store failed) · record of
 * 40 bytes (zero unless found) */
typedef struct {
    uint64_t ticket;
    uint8_t status;
    record_t record;
} bus_answer_t;

enum { BUS_FOUND = 0, BUS_NONE = 1, BUS_STORE_FAILED = 2 };

/* Enough for every fixed-size message above (all but PLACES, VERDICTS, board
 * and body messages). */
#define BUS_SMALL_MAX 64

size_t bus_put_sync(uint8_t *bytes, const bus_sync_t *sync);
size_t bus_put_beat(uint8_t *bytes, const bus_beat_t *beat);
size_t bus_put_report(uint8_t *bytes, const bus_report_t *report);
size_t bus_put_persister(uint8_t *bytes, const bus_persister_t *persister);
size_t bus_put_grant(uint8_t *bytes, const bus_grant_t *grant);
size_t bus_put_replay(uint8_t *bytes, const bus_replay_t *replay);
size_t bus_put_query(uint8_t *bytes, bus_type_t type, const bus_query_t *query);
size_t bus_put_answer(uint8_t *bytes, const bus_answer_t *answer);

/* BOARD or SNAPSHOT; `bytes` holds bus_board_bound(). */
size_t bus_board_bound(const bus_board_t *board);
size_t bus_put_board(uint8_t *bytes, bus_type_t type, const bus_board_t *board);

/* Head of a body message: the caller appends the body behind it. */
#define BUS_BODY_HEAD_BYTES 5
size_t bus_put_body_head(uint8_t *bytes, bus_type_t type, uint32_t epoch);

/* Type of a message; 0 where it is empty. */
static inline uint8_t bus_type(const void *bytes, size_t size)
{
    return size ? *(const uint8_t *)bytes : 0;
}

/* Each -1 where the message is malformed or has bytes too many. */
int bus_decode_sync(bus_sync_t *sync, const void *bytes, size_t size);
int bus_decode_beat(bus_beat_t *beat, const void *bytes, size_t size);
int bus_decode_report(bus_report_t *report, const void *bytes, size_t size);
int bus_decode_persister(bus_persister_t *persister, const void *bytes,
                         size_t size);
int bus_decode_grant(bus_grant_t *grant, const void *bytes, size_t size);
int bus_decode_replay(bus_replay_t *replay, const void *bytes, size_t size);
int bus_decode_query(bus_query_t *query, const void *bytes, size_t size);
int bus_decode_answer(bus_answer_t *answer, const void *bytes, size_t size);
int bus_decode_board(bus_board_t *board, const void *bytes, size_t size);
int bus_decode_body(bus_body_t *body, const void *bytes, size_t size);

#endif
