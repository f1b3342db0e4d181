/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between our own processes, one ZeroMQ frame each (behind a ROUTER:
 * identity frame, then this one). Little-endian, first byte the type. Layouts,
 * who sends what and when: docs/bus.md. Pure: bytes in, struct out; limits are
 * part of the decoders.
 */
#ifndef COMMON_BUS_H
#define COMMON_BUS_H

#include "common/chain.h"
#include "common/record.h"
#include "common/wire.h"

#include <stdbool.h>

/* Of the layouts below. Peers meet by SYNC, BEAT, PERSISTER, GRANT and FOLLOW,
 * which say it in their second byte; bus_peer_format() reads it. Types whose
 * layout changed since 0.1.0 (format 1) have new numbers. */
#define BUS_FORMAT 2

typedef enum {
    /* ingress: edge DEALER ↔ broker ROUTER */
    BUS_PLACES = 0x10,   /* edge → broker: placements to decide */
    BUS_VERDICTS = 0x11, /* broker → edge: one for each placement */
    BUS_REPORT = 0x15,   /* edge → broker, each second: viewers here */
    BUS_SYNC = 0x16,     /* edge → broker: bring me from seq to now */
    BUS_BOARD = 0x17,    /* broker → edge: the whole board and settings */
    BUS_RANGE = 0x18,    /* broker → edge: one DIFF body from the asked seq */
    BUS_PLACES_TOLD = 0x19, /* PLACES, and what was known when they came */
    BUS_ACKED = 0x1a,  /* edge → broker: this was accepted; do you hold it? */
    BUS_ERRAND = 0x1b, /* edge → broker: a moderator asks something */
    BUS_ERRAND_DONE = 0x1c, /* broker → edge: the answer; bus_errand.h */
    BUS_TAKEN = 0x1d, /* edge → broker: of a shared budget; bus_taken.h */
    /* feed: broker PUB → edge SUB; the type byte is the topic */
    BUS_DIFF = 0x24,         /* epoch, then a DIFF body */
    BUS_BEAT = 0x25,         /* each second */
    BUS_CANVAS = 0x26,       /* settings changed */
    BUS_POLICY = 0x27,       /* an operator did something: control records */
    BUS_TAKEN_BY_ALL = 0x28, /* each second, if there is any; bus_taken.h */
    /* journal: broker PUSH → persister PULL */
    BUS_RECORDS = 0x31, /* committed records, contiguous */
    /* control: persister and stipplectl DEALER ↔ broker ROUTER */
    BUS_REPLAY = 0x42,       /* either way: send records from seq on */
    BUS_SNAPSHOT_ASK = 0x43, /* broker → persister: restore me */
    BUS_CTL = 0x48,          /* stipplectl → broker: a JSON request */
    BUS_CTL_REPLY = 0x49,    /* broker → stipplectl: a JSON answer */
    BUS_PERSISTER = 0x4a, /* persister → broker, every 500 ms: where I am */
    BUS_GRANT = 0x4b,     /* broker → persister: you are active, or not */
    BUS_SNAPSHOT = 0x4c,  /* persister → broker: the newest snapshot */
    BUS_CHAIN_ASK = 0x4d, /* either way: your chain at a seq? */
    BUS_CHAIN = 0x4e,     /* the answer */
    /* control, too: what operators ask; layouts: common/bus_look.h */
    BUS_LOOK = 0x70,      /* broker → persister: placements, or actions */
    BUS_LOOKED = 0x71,    /* persister → broker: a JSON answer */
    BUS_BELOW_ASK = 0x72, /* broker → persister: what would a rollback show? */
    BUS_BELOW = 0x73,     /* persister → broker: pixels and their colours */
    /* query: edge DEALER ↔ persister ROUTER; layouts: common/bus_query.h */
    BUS_PIXEL = 0x50,     /* edge → persister: who placed this pixel */
    BUS_USER = 0x51,      /* edge → persister: a user's last placement */
    BUS_ANSWER = 0x52,    /* persister → edge, to those two */
    BUS_HISTORY = 0x53,   /* edge → persister: a pixel's placements */
    BUS_PAST_DIFF = 0x54, /* edge → persister: from one seq to another */
    BUS_SNAPSHOTS = 0x55, /* edge → persister: which boards are kept */
    BUS_PAGE = 0x56,      /* persister → edge, to those three */
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
    BUS_PLACE_UNDO = 8,    /* takes user's last placement back, whose seq has
                              these low 40 bits: x, y, color, as bus_undo_of
                              has them */
};

/* A ticket's high bits say which copy of its placement this is: 0 the first,
 * then counted up each time it is sent again. A verdict answers one copy. */
#define BUS_TICKET_BITS 56
#define BUS_COPY_MAX 127u

static inline uint64_t bus_ticket(uint64_t ticket)
{
    return ticket & ((UINT64_C(1) << BUS_TICKET_BITS) - 1);
}

static inline unsigned bus_copy(uint64_t ticket)
{
    return ticket >> BUS_TICKET_BITS & BUS_COPY_MAX;
}

/* ticket u64 · user u64 · request u32 · x u16 · y u16 · color u8 · flags u8 */
typedef struct {
    uint64_t unseen; /* the least seq that the edge did not know of when this
                        came to it; 0: not told. See bus_put_places */
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

/* Of seqs that far apart only one is a user's last. */
#define BUS_UNDO_MASK ((UINT64_C(1) << 40) - 1)
static inline void bus_undo_put(bus_place_t *place, uint64_t seq)
{
    place->flags |= BUS_PLACE_UNDO;
    place->x = (uint16_t)seq;
    place->y = (uint16_t)(seq >> 16);
    place->color = (uint8_t)(seq >> 32);
}
static inline uint64_t bus_undo_of(const bus_place_t *place)
{
    return place->x | (uint64_t)place->y << 16 | (uint64_t)place->color << 32;
}

/* type · count u16 · count × place; TOLD: type · unseen u64 · count u16 · count
 * × place. `unseen` of all is the first one's, and 0 makes it a PLACES. */
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

/* type · format u8 · epoch u32 · seq u64 · chain: the edge holds `seq` of that
 * epoch's history (all 0: nothing). */
typedef struct {
    uint32_t epoch;
    uint64_t seq;
    chain_t chain; /* unknown: only what was touched since is asked */
} bus_sync_t;

/* type · format u8 · epoch u32 · seq u64 · digest u32 · online u32 ·
 * lease_ms u32 · chain */
typedef struct {
    uint32_t epoch;
    uint64_t seq;
    uint32_t digest;
    uint32_t online;   /* viewers on the whole cluster */
    uint32_t lease_ms; /* how long a fail-over may take */
    chain_t chain;     /* at seq */
} bus_beat_t;

/* type · viewers u32 */
typedef struct {
    uint32_t viewers;
} bus_report_t;

/* type · epoch u32 · seq u64 · user u64 · request u32 */
typedef struct {
    uint32_t epoch; /* that the edge followed then */
    uint64_t seq;   /* 0: none */
    uint64_t user;
    uint32_t request;
} bus_acked_t;

/* type · epoch u32 · seq u64 · chain · relation u8 · json_size u16 · canvas
 * JSON · packed pixels. In BUS_SNAPSHOT the policy stands behind them, if there
 * is one, and a seq of 0 with no pixels means: the
 * store is empty. */
typedef struct {
    uint32_t epoch;
    uint64_t seq;
    chain_t chain; /* at seq */
    /* history_relation_t: how this history relates to the one in the SYNC that
     * is answered. FORKED or BEHIND: what the edge showed is nowhere any more.
     */
    uint8_t relation;
    const char *json; /* borrowed */
    size_t json_size;
    const uint8_t *pixels; /* borrowed */
    size_t pixels_size;
} bus_board_t;

/* type · epoch u32 · chain · bytes to the end. DIFF and RANGE: a DIFF body, and
 * the chain at its `to`. RECORDS: packed records, maybe none, and the chain
 * before the first (none: before the one that was asked for). CANVAS: its JSON,
 * no chain. POLICY: packed control records, no chain. TAKEN_BY_ALL: rows, no
 * chain. */
typedef struct {
    uint32_t epoch;
    chain_t chain;
    const uint8_t *body; /* borrowed */
    size_t size;
} bus_body_t;

/* type · format u8 · instance u64 · epoch u32 · checkpoint u64 ·
 * snapshot_seq u64 · active u8 · chain */
typedef struct {
    uint64_t instance;     /* random per process start */
    uint32_t epoch;        /* highest that it or its store has seen */
    uint64_t checkpoint;   /* highest contiguous seq in the store */
    uint64_t snapshot_seq; /* of the newest snapshot; 0 for none */
    uint8_t active;        /* it believes it is granted */
    chain_t chain;         /* at checkpoint */
} bus_persister_t;

/* type · format u8 · epoch u32 · active u8 · seq u64 · chain */
typedef struct {
    uint32_t epoch;
    uint8_t active;
    uint64_t seq;  /* committed now, so that the persister sees its lag */
    chain_t chain; /* at seq */
} bus_grant_t;

/* type · from u64 · max u32: records from `from` on, answered by one
 * BUS_RECORDS (empty: nothing there yet). A broker whose log no longer reaches
 * back so far begins at its first */
typedef struct {
    uint64_t from;
    uint32_t max;
} bus_replay_t;

/* CHAIN_ASK: type · seq u64. CHAIN: type · seq u64 · chain (unknown: it cannot
 * tell) · first u64 (the least seq whose chain it can tell) */
typedef struct {
    uint64_t seq;
    chain_t chain;
    uint64_t first;
} bus_chain_t;

/* Enough for every fixed-size message above (all but PLACES, VERDICTS, board
 * and body messages). */
#define BUS_SMALL_MAX 96

size_t bus_put_sync(uint8_t *bytes, const bus_sync_t *sync);
size_t bus_put_beat(uint8_t *bytes, const bus_beat_t *beat);
size_t bus_put_report(uint8_t *bytes, const bus_report_t *report);
size_t bus_put_acked(uint8_t *bytes, const bus_acked_t *acked);
size_t bus_put_persister(uint8_t *bytes, const bus_persister_t *persister);
size_t bus_put_grant(uint8_t *bytes, const bus_grant_t *grant);
size_t bus_put_replay(uint8_t *bytes, const bus_replay_t *replay);
size_t bus_put_chain_ask(uint8_t *bytes, uint64_t seq);
size_t bus_put_chain(uint8_t *bytes, const bus_chain_t *chain);

/* BOARD or SNAPSHOT; `bytes` holds bus_board_bound(). */
size_t bus_board_bound(const bus_board_t *board);
size_t bus_put_board(uint8_t *bytes, bus_type_t type, const bus_board_t *board);

/* Head of a body message: the caller appends the body behind it. */
#define BUS_BODY_HEAD_BYTES 21
size_t bus_put_body_head(uint8_t *bytes, bus_type_t type, uint32_t epoch,
                         chain_t chain);

/* The format of the peer that sent this: BUS_FORMAT of most messages, 1 of
 * those that only 0.1.0 sends, and what it says of those by which peers meet.
 * Another than BUS_FORMAT means that the peer is not understood. */
uint8_t bus_peer_format(const void *bytes, size_t size);

/* Type of a message; 0 where it is empty. */
static inline uint8_t bus_type(const void *bytes, size_t size)
{
    return size ? *(const uint8_t *)bytes : 0;
}

/* A body message of the feed. */
static inline bool bus_is_fed(uint8_t type)
{
    return type == BUS_DIFF || type == BUS_CANVAS || type == BUS_POLICY ||
           type == BUS_TAKEN_BY_ALL;
}

/* Each -1 where the message is malformed or has bytes too many. */
int bus_decode_sync(bus_sync_t *sync, const void *bytes, size_t size);
int bus_decode_beat(bus_beat_t *beat, const void *bytes, size_t size);
int bus_decode_report(bus_report_t *report, const void *bytes, size_t size);
int bus_decode_acked(bus_acked_t *acked, const void *bytes, size_t size);
int bus_decode_persister(bus_persister_t *persister, const void *bytes,
                         size_t size);
int bus_decode_grant(bus_grant_t *grant, const void *bytes, size_t size);
int bus_decode_replay(bus_replay_t *replay, const void *bytes, size_t size);
int bus_decode_chain_ask(uint64_t *seq, const void *bytes, size_t size);
int bus_decode_chain(bus_chain_t *chain, const void *bytes, size_t size);
int bus_decode_board(bus_board_t *board, const void *bytes, size_t size);
int bus_decode_body(bus_body_t *body, const void *bytes, size_t size);

#endif
