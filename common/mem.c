/* SPDX-License-Identifier: Apache-2.0
 *
 * See mem.h. The message is written with write(2): stdio may need memory.
 */
#include "common/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE_BYTES 64u
#define HUGE_PAGE_BYTES (2u << 20)
#include <string.h>
#include <unistd.h>

static void *s_checked(void *memory)
{
    if (!memory) {
        static const char text[] = "out of memory\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size_bytes)
{
    return s_checked(malloc(size_bytes ? size_bytes : 1));
}

void *mem_zalloc(size_t count, size_t size_bytes)
{
    return s_checked(calloc(count ? count : 1, size_bytes ? size_bytes : 1));
}

void *mem_alloc_aligned(size_t alignment, size_t size_bytes)
{
    return s_checked(aligned_alloc(alignment, size_bytes));
}

void *mem_zalloc_random(size_t size_bytes)
{
    bool huge = size_bytes >= HUGE_PAGE_BYTES;
    void *memory = mem_alloc_aligned(huge ? HUGE_PAGE_BYTES : CACHE_LINE_BYTES,
                                     size_bytes);
    if (huge)
        madvise(memory, size_bytes, MADV_HUGEPAGE);
    return memset(memory, 0, size_bytes);
}

void *mem_realloc(void *memory, size_t count, size_t size_bytes)
{
    if (!count || !size_bytes)
        count = size_bytes = 1;
    return s_checked(reallocarray(memory, count, size_bytes));
}

char *mem_strdup(const char *text)
{
    return s_checked(strdup(text));
}
