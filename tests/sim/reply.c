/* SPDX-License-Identifier: Apache-2.0
 *
 * See reply.h.
 */
#include "tests/sim/reply.h"

#include <stdlib.h>
#include <string.h>

static reply_t *s_new(reply_type_t type)
{
    reply_t *self = calloc(1, sizeof *self);
    self->type = type;
    return self;
}

static reply_t *s_bytes(reply_type_t type, const void *bytes, size_t size)
{
    reply_t *self = s_new(type);
    self->bytes = malloc(size + 1);
    self->size = size;
    if (size)
        memcpy(self->bytes, bytes, size);
    self->bytes[size] = '\0';
    return self;
}

reply_t *reply_nil(void)
{
    return s_new(REPLY_NIL);
}

reply_t *reply_integer(long long value)
{
    reply_t *self = s_new(REPLY_INTEGER);
    self->integer = value;
    return self;
}

reply_t *reply_string(const void *bytes, size_t size)
{
    return s_bytes(REPLY_STRING, bytes, size);
}

reply_t *reply_status(const char *text)
{
    return s_bytes(REPLY_STATUS, text, strlen(text));
}

reply_t *reply_error(const char *text)
{
    return s_bytes(REPLY_ERROR, text, strlen(text));
}

reply_t *reply_array(void)
{
    return s_new(REPLY_ARRAY);
}

void reply_push(reply_t *self, reply_t *element)
{
    if ((self->size & (self->size - 1)) == 0)
        self->elements =
            realloc(self->elements,
                    (self->size ? self->size * 2 : 1) * sizeof(reply_t *));
    self->elements[self->size++] = element;
}

void reply_free(reply_t *self)
{
    if (!self)
        return;
    for (size_t i = 0; self->type == REPLY_ARRAY && i < self->size; i++)
        reply_free(self->elements[i]);
    free(self->elements);
    free(self->bytes);
    free(self);
}
