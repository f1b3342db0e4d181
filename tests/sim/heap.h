/* SPDX-License-Identifier: Apache-2.0
 *
 * malloc for what runs in a process: that process's arena; the world's own
 * memory is libc's.
 */
#ifndef TESTS_SIM_HEAP_H
#define TESTS_SIM_HEAP_H

#include <stddef.h>

void *heap_alloc(size_t size);
void heap_free(void *memory);

#endif
