/* SPDX-License-Identifier: Apache-2.0
 *
 * See arena.h. A block is a head of 16 bytes and the memory; free blocks of a
 * class are a list through their first word.
 */
#include "tests/sim/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BASE ((uintptr_t)0x100000000000)
#define RANGE ((size_t)4 << 30)
#define ARENAS_MAX 32
#define CLASSES 34
#define HEAD 16

struct arena {
    uint8_t *base;
    size_t top, used;
    void *free[CLASSES];
};

typedef struct {
    uint32_t class;
    uint32_t pad; /* from the block's start to this head */
    uint64_t size;
} head_t;

static arena_t s_arenas[ARENAS_MAX];

arena_t *arena_new(unsigned number)
{
    arena_t *self = &s_arenas[number];
    void *at = (void *)(BASE + number * RANGE);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (self->base)
        return self;
    if (mmap(at, RANGE, PROT_READ | PROT_WRITE, flags, -1, 0) != at) {
        perror("sim: arena");
        exit(2);
    }
    self->base = at;
    return self;
}

void arena_reset(arena_t *self)
{
    madvise(self->base, (self->top + 4095) & ~(size_t)4095, MADV_DONTNEED);
    self->top = self->used = 0;
    memset(self->free, 0, sizeof self->free);
}

/* 16 bytes steps would waste less, but powers of two are quick and enough. */
static unsigned s_class(size_t size)
{
    return size <= 32 ? 5 : 64 - (unsigned)__builtin_clzll(size - 1);
}

void *arena_alloc(arena_t *self, size_t size, size_t alignment)
{
    size_t room = size + HEAD + (alignment > 16 ? alignment : 0);
    unsigned class = s_class(room);
    uint8_t *block = class < CLASSES ? self->free[class] : NULL;
    if (block) {
        memcpy(&self->free[class], block, sizeof(void *));
    } else {
        if (class >= CLASSES || self->top + ((size_t)1 << class) > RANGE) {
            fprintf(stderr, "sim: a process asked for %zu bytes\n", size);
            abort();
        }
        block = self->base + self->top;
        self->top += (size_t)1 << class;
    }
    uintptr_t at = (uintptr_t)block + HEAD;
    if (alignment > 16)
        at = (at + alignment - 1) & ~(uintptr_t)(alignment - 1);
    head_t *head = (head_t *)(at - HEAD);
    *head = (head_t){class, (uint32_t)((uint8_t *)head - block), size};
    self->used += (size_t)1 << class;
    return (void *)at;
}

void arena_free(arena_t *self, void *memory)
{
    head_t head = *(head_t *)((uint8_t *)memory - HEAD);
    uint8_t *block = (uint8_t *)memory - HEAD - head.pad;
    self->used -= (size_t)1 << head.class;
    memcpy(block, &self->free[head.class], sizeof(void *));
    self->free[head.class] = block;
}

size_t arena_size_of(const void *memory)
{
    return ((const head_t *)((const uint8_t *)memory - HEAD))->size;
}

size_t arena_used(const arena_t *self)
{
    return self->used;
}

arena_t *arena_of(const void *memory)
{
    uintptr_t at = (uintptr_t)memory;
    if (at < BASE || at >= BASE + ARENAS_MAX * RANGE)
        return NULL;
    return &s_arenas[(at - BASE) / RANGE];
}
