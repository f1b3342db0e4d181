/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_command.h.
 */
#include "broker/redis_command.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void redis_command_bytes(redis_command_t *self, const void *bytes, size_t size)
{
    assert(self->count < REDIS_WORDS_MAX);
    self->words[self->count] = bytes;
    self->sizes[self->count++] = size;
}

void redis_command_text(redis_command_t *self, const char *text)
{
    redis_command_bytes(self, text, strlen(text));
}

void redis_command_number(redis_command_t *self, uint64_t number)
{
    assert(self->count < REDIS_WORDS_MAX);
    char *text = self->numbers[self->count];
    snprintf(text, REDIS_NUMBER_MAX, "%" PRIu64, number);
    redis_command_text(self, text);
}

void redis_command_chain(redis_command_t *self, chain_t chain)
{
    assert(self->count < REDIS_WORDS_MAX);
    char *text = self->numbers[self->count];
    chain_to_hex(chain, text);
    redis_command_text(self, text);
}

void redis_command_position(redis_command_t *self, const position_t *position)
{
    assert(self->count < REDIS_WORDS_MAX);
    char hex[CHAIN_HEX_BYTES], *text = self->numbers[self->count];
    snprintf(text, sizeof *self->numbers, "-");
    if (position) {
        chain_to_hex(position->chain, hex);
        snprintf(text, sizeof *self->numbers, "%" PRIu64 " %s", position->seq,
                 hex);
    }
    redis_command_text(self, text);
}
