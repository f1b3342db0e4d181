/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators ask of the history, as a leader passes it on to a persister:
 * look-ups (LOOK), whose answers are JSON that goes back as it is (LOOKED), and
 * what a rollback would show (BELOW_ASK, BELOW). Otherwise as common/bus.h.
 */
#ifndef COMMON_BUS_LOOK_H
#define COMMON_BUS_LOOK_H

#include "common/bus.h"
#include "common/control.h"

/* Rows in one LOOKED; pixels in one BELOW; rollbacks that hold, in BELOW_ASK.
 */
#define BUS_LOOK_MAX 1000
#define BUS_BELOW_MAX (1u << 20)
#define BUS_HIDDEN_MAX 1001

#define BUS_ANY_COLOR 0xffff

typedef enum {
    LOOK_PLACEMENTS = 0,
    LOOK_ACTIONS = 1, /* of.user, if it counts, is who acted */
} look_kind_t;

/* type · ticket u64 · kind u8 · limit u16 · color u16 · has u8 · selection:
 * the newest `limit` that fit, up to of.upto. */
typedef struct {
    uint64_t ticket;
    uint8_t kind;
    uint16_t limit; /* 1 … BUS_LOOK_MAX */
    uint16_t color; /* or BUS_ANY_COLOR */
    selection_t of;
} bus_look_t;
#define BUS_LOOK_BYTES (15 + SELECTION_BYTES)

/* type · ticket u64 · JSON to the end */
typedef struct {
    uint64_t ticket;
    const char *json; /* borrowed, not terminated */
    size_t size;
} bus_looked_t;
#define BUS_LOOKED_HEAD_BYTES 9

/* type · ticket u64 · least u64 · width u16 · height u16 · has u8 · selection ·
 * takes_back u8 · count u16 · count × (has u8 · selection) */
typedef struct {
    uint64_t ticket;
    uint64_t least; /* seq that the store has to have reached */
    uint16_t width, height;
    selection_t of;      /* whose pixels are asked for … */
    bool takes_back;     /* … as if its placements were not there; or again */
    uint16_t count;      /* of the others, whose placements do not count: */
    selection_t *hidden; /* room for BUS_HIDDEN_MAX where it is decoded */
} bus_below_ask_t;
#define BUS_BELOW_ASK_BOUND(count)                                             \
    (23 + SELECTION_BYTES + 2 + (size_t)(count) * (1 + SELECTION_BYTES))

typedef enum {
    BELOW_FOUND = 0,
    BELOW_BEHIND = 1, /* the store is not at `least` yet: ask again */
    BELOW_FAILED = 2,
    BELOW_TOO_MANY = 3, /* more than BUS_BELOW_MAX pixels would change */
} below_status_t;

/* type · ticket u64 · status u8 · upto u64 · placements u64 · spared u32 ·
 * count u32 · count × (index u32 · color u8) */
typedef struct {
    uint64_t ticket;
    uint8_t status;
    uint64_t upto;       /* seq at which this is so */
    uint64_t placements; /* that fit, and are not taken back already */
    uint32_t spared;     /* pixels that stay, since others placed there later */
    uint32_t count;      /* pixels that change */
    const uint8_t *pixels; /* borrowed; BUS_BELOW_PIXEL_BYTES each */
} bus_below_t;
#define BUS_BELOW_HEAD_BYTES 34
#define BUS_BELOW_PIXEL_BYTES 5

size_t bus_put_look(uint8_t *bytes, const bus_look_t *look);
/* The caller appends the JSON behind it. */
size_t bus_put_looked_head(uint8_t *bytes, uint64_t ticket);
/* `bytes` holds BUS_BELOW_ASK_BOUND(count). */
size_t bus_put_below_ask(uint8_t *bytes, const bus_below_ask_t *ask);
/* The caller appends the pixels behind it. */
size_t bus_put_below_head(uint8_t *bytes, const bus_below_t *below);

/* One pixel of a BELOW, there and back. */
void bus_put_below_pixel(uint8_t *bytes, uint32_t index, uint8_t color);
uint32_t bus_below_pixel(const bus_below_t *below, uint32_t i, uint8_t *color);

/* Each -1 where the message is malformed or has bytes too many. */
int bus_decode_look(bus_look_t *look, const void *bytes, size_t size);
int bus_decode_looked(bus_looked_t *looked, const void *bytes, size_t size);
int bus_decode_below_ask(bus_below_ask_t *ask, const void *bytes, size_t size);
int bus_decode_below(bus_below_t *below, const void *bytes, size_t size);

#endif
