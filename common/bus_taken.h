/* SPDX-License-Identifier: Apache-2.0
 *
 * What addresses took of a budget that all edges share, as edges tell it to the
 * leader and the leader to all of them; otherwise as common/bus.h. An address
 * is a keyed hash here: brokers learn none.
 */
#ifndef COMMON_BUS_TAKEN_H
#define COMMON_BUS_TAKEN_H

#include "common/bus.h"

#define BUS_TAKEN_MAX 1024
#define BUS_TAKEN_ROW_BYTES 12

/* key u64 · count u32 */
typedef struct {
    uint64_t key;
    uint32_t count; /* since it was told last */
} bus_taken_t;

/* TAKEN: type · rows to the end. TAKEN_BY_ALL: a body message (bus_body_t,
 * chain unknown) of rows. At most BUS_TAKEN_MAX, none of them empty. */
#define BUS_TAKEN_BOUND (1 + BUS_TAKEN_MAX * BUS_TAKEN_ROW_BYTES)
size_t bus_put_taken(uint8_t *bytes, const bus_taken_t *rows, size_t count);
/* How many into `rows` (room for BUS_TAKEN_MAX); -1 if it is malformed. */
int bus_decode_taken(bus_taken_t *rows, const void *bytes, size_t size);

/* The rows alone. */
size_t bus_put_taken_rows(uint8_t *bytes, const bus_taken_t *rows,
                          size_t count);
int bus_decode_taken_rows(bus_taken_t *rows, const void *bytes, size_t size);

#endif
