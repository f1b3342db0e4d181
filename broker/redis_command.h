/* SPDX-License-Identifier: Apache-2.0
 *
 * A Redis command under construction: words, borrowed until it is sent, and
 * numbers, whose text it holds itself.
 */
#ifndef BROKER_REDIS_COMMAND_H
#define BROKER_REDIS_COMMAND_H

#include "common/chain.h"

#include <stddef.h>
#include <stdint.h>

#define REDIS_WORDS_MAX 72
#define REDIS_NUMBER_MAX 21

typedef struct {
    int count;
    const char *words[REDIS_WORDS_MAX];
    size_t sizes[REDIS_WORDS_MAX];
    char numbers[REDIS_WORDS_MAX][REDIS_NUMBER_MAX + CHAIN_HEX_BYTES];
} redis_command_t;

void redis_command_bytes(redis_command_t *self, const void *bytes, size_t size);
void redis_command_text(redis_command_t *self, const char *text);
void redis_command_number(redis_command_t *self, uint64_t number);
void redis_command_chain(redis_command_t *self, chain_t chain);
/* "seq chain", or "-" for NULL. */
void redis_command_position(redis_command_t *self, const position_t *position);

#endif
