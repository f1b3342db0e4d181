/* SPDX-License-Identifier: Apache-2.0
 *
 * See tally.h. Rows in the order in which they came, and a table with open
 * addressing that finds them; twice as large, so that a search ends.
 */
#include "broker/tally.h"

#include "common/mem.h"
#include "common/siphash.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * BUS_TAKEN_MAX) /* a power of 2 */

struct tally {
    siphash_key_t hash; /* edges choose the keys */
    bus_taken_t rows[BUS_TAKEN_MAX];
    size_t count;
    uint16_t slots[SLOTS]; /* a row's index and 1; 0: free */
};

tally_t *tally_new(void)
{
    tally_t *self = mem_zalloc(1, sizeof *self);
    self->hash = siphash_key();
    return self;
}

void tally_destroy(tally_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* The slot of that key, or the free one where it belongs. */
static uint16_t *s_slot(tally_t *self, uint64_t key)
{
    size_t at = siphash(self->hash, &key, sizeof key) % SLOTS;
    while (self->slots[at] && self->rows[self->slots[at] - 1].key != key)
        at = (at + 1) % SLOTS;
    return &self->slots[at];
}

size_t tally_add(tally_t *self, const bus_taken_t *rows, size_t count)
{
    size_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t *slot = s_slot(self, rows[i].key);
        if (!*slot && self->count == BUS_TAKEN_MAX) {
            refused++;
            continue;
        }
        if (!*slot) {
            self->rows[self->count] = (bus_taken_t){.key = rows[i].key};
            *slot = (uint16_t)++self->count;
        }
        bus_taken_t *sum = &self->rows[*slot - 1];
        uint32_t room = UINT32_MAX - sum->count;
        sum->count += rows[i].count < room ? rows[i].count : room;
    }
    return refused;
}

size_t tally_rows(const tally_t *self, const bus_taken_t **rows)
{
    *rows = self->rows;
    return self->count;
}

void tally_clear(tally_t *self)
{
    self->count = 0;
    memset(self->slots, 0, sizeof self->slots);
}
