/* SPDX-License-Identifier: Apache-2.0
 *
 * See ring.h. Two circular buffers of a power of two with free-running
 * positions: indices, and entries that name a stretch of them. Both double
 * while they may, then drop their oldest.
 */
#include "edge/ring.h"

#include "common/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INDICES_START 4096u
#define ENTRIES_START 256u
/* Positions run both ways from here. */
#define POSITION_START (1ull << 40)

typedef struct {
    uint64_t to;    /* it ends here; it starts where the one before ends */
    uint64_t start; /* position of its first index */
} entry_t;

struct ring {
    size_t pixels_max; /* a power of two */
    uint32_t *indices;
    size_t indices_size;
    uint64_t head; /* position behind the newest index */
    entry_t *entries;
    size_t entries_size;
    uint64_t oldest, newest; /* entries [oldest, newest) */
    uint64_t first;          /* seq where the oldest entry starts */
    uint64_t last;
};

static size_t s_power(size_t at_least)
{
    size_t power = INDICES_START;
    while (power < at_least)
        power *= 2;
    return power;
}

ring_t *ring_new(size_t pixels_max)
{
    ring_t *self = mem_zalloc(1, sizeof *self);
    self->pixels_max = s_power(pixels_max);
    self->indices_size = INDICES_START;
    self->indices = mem_alloc(self->indices_size * sizeof *self->indices);
    self->entries_size = ENTRIES_START;
    self->entries = mem_alloc(self->entries_size * sizeof *self->entries);
    self->head = self->oldest = self->newest = POSITION_START;
    return self;
}

void ring_destroy(ring_t **self_p)
{
    ring_t *self = *self_p;
    if (!self)
        return;
    free(self->indices);
    free(self->entries);
    free(self);
    *self_p = NULL;
}

void ring_reset(ring_t *self, uint64_t seq)
{
    self->oldest = self->newest;
    self->first = self->last = seq;
}

static entry_t *s_entry(const ring_t *self, uint64_t position)
{
    return &self->entries[position & (self->entries_size - 1)];
}

static uint64_t s_tail(const ring_t *self)
{
    return self->oldest == self->newest ? self->head
                                        : s_entry(self, self->oldest)->start;
}

static void s_drop_oldest(ring_t *self)
{
    self->first = s_entry(self, self->oldest)->to;
    self->oldest++;
}

/* A circular buffer of twice the size with the same positions. */
static void *s_doubled(void *old, size_t *size, size_t each, uint64_t from,
                       uint64_t to)
{
    size_t more = *size * 2;
    char *new = mem_alloc(more * each);
    for (uint64_t i = from; i < to; i++)
        memcpy(new + (i & (more - 1)) * each,
               (char *)old + (i & (*size - 1)) * each, each);
    free(old);
    *size = more;
    return new;
}

static void s_make_room(ring_t *self, size_t count)
{
    while (self->head - s_tail(self) + count > self->indices_size) {
        if (self->indices_size < self->pixels_max)
            self->indices =
                s_doubled(self->indices, &self->indices_size,
                          sizeof *self->indices, s_tail(self), self->head);
        else
            s_drop_oldest(self);
    }
    if (self->newest - self->oldest < self->entries_size)
        return;
    if (self->entries_size < RING_ENTRIES_MAX)
        self->entries =
            s_doubled(self->entries, &self->entries_size, sizeof *self->entries,
                      self->oldest, self->newest);
    else
        s_drop_oldest(self);
}

void ring_push(ring_t *self, uint64_t to, const uint32_t *indices, size_t count)
{
    assert(to > self->last);
    if (count > self->pixels_max) {
        ring_reset(self, to);
        return;
    }
    s_make_room(self, count);
    *s_entry(self, self->newest) = (entry_t){.to = to, .start = self->head};
    self->newest++;
    self->last = to;
    for (size_t i = 0; i < count; i++)
        self->indices[self->head++ & (self->indices_size - 1)] = indices[i];
}

int ring_prepend(ring_t *self, uint64_t from, const uint32_t *indices,
                 size_t count)
{
    assert(from < self->first);
    if (self->head - s_tail(self) + count > self->pixels_max ||
        self->newest - self->oldest >= RING_ENTRIES_MAX)
        return -1;
    s_make_room(self, count);
    uint64_t start = s_tail(self) - count;
    for (size_t i = 0; i < count; i++)
        self->indices[(start + i) & (self->indices_size - 1)] = indices[i];
    self->oldest--;
    *s_entry(self, self->oldest) = (entry_t){.to = self->first, .start = start};
    self->first = from;
    return 0;
}

uint64_t ring_first(const ring_t *self)
{
    return self->first;
}

uint64_t ring_last(const ring_t *self)
{
    return self->last;
}

/* Position of the entry that holds since + 1: the first whose end is past it.
 */
static uint64_t s_find(const ring_t *self, uint64_t since)
{
    assert(since >= self->first && since < self->last);
    uint64_t low = self->oldest, high = self->newest - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (s_entry(self, middle)->to > since)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint64_t ring_from(const ring_t *self, uint64_t since)
{
    uint64_t position = s_find(self, since);
    return position == self->oldest ? self->first
                                    : s_entry(self, position - 1)->to;
}

int ring_collect(const ring_t *self, uint64_t since, touched_t *set,
                 uint32_t most)
{
    uint64_t start = s_entry(self, s_find(self, since))->start;
    for (uint64_t i = start; i < self->head; i++) {
        touched_add(set, self->indices[i & (self->indices_size - 1)]);
        if (touched_count(set) > most)
            return -1;
    }
    return 0;
}
