/* SPDX-License-Identifier: Apache-2.0
 *
 * Heap allocation that never fails: out of memory aborts the process, since no
 * caller could do better. Sizes must be bounded by the caller before the call;
 * nothing a peer sends may decide one beyond a constant. Release with free().
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size_bytes);

/* All bytes zero. Aborts if count × size overflows. */
void *mem_zalloc(size_t count, size_t size_bytes);

/* Both powers of two, alignment ≤ size. */
void *mem_alloc_aligned(size_t alignment, size_t size_bytes);
/* Zeroed memory for a table that is looked into at random: whole lines of the
 * cache, and huge pages if it fills some, since every look would else miss the
 * TLB too. The size is a power of two, at least 64. */
void *mem_zalloc_random(size_t size_bytes);

/* As realloc(), for count elements of size_bytes. */
void *mem_realloc(void *memory, size_t count, size_t size_bytes);

char *mem_strdup(const char *text);

#endif
