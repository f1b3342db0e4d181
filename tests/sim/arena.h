/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap of one simulated process: size classes over one reserved range at a
 * fixed address, emptied at once when the process ends.
 */
#ifndef TESTS_SIM_ARENA_H
#define TESTS_SIM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct arena arena_t;

arena_t *arena_new(unsigned number);
void arena_reset(arena_t *self);
void *arena_alloc(arena_t *self, size_t size, size_t alignment);
void arena_free(arena_t *self, void *memory);
size_t arena_size_of(const void *memory);
size_t arena_used(const arena_t *self);
/* NULL where it is no arena's memory. */
arena_t *arena_of(const void *memory);

#endif
