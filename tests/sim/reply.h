/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer of the simulated Redis: RESP's types as a tree.
 */
#ifndef TESTS_SIM_REPLY_H
#define TESTS_SIM_REPLY_H

#include <stddef.h>

typedef enum {
    REPLY_NIL,
    REPLY_INTEGER,
    REPLY_STRING,
    REPLY_STATUS,
    REPLY_ERROR,
    REPLY_ARRAY
} reply_type_t;

typedef struct reply {
    reply_type_t type;
    long long integer;
    char *bytes;
    size_t size; /* of bytes, or number of elements */
    struct reply **elements;
} reply_t;

reply_t *reply_nil(void);
reply_t *reply_integer(long long value);
reply_t *reply_string(const void *bytes, size_t size);
reply_t *reply_status(const char *text);
reply_t *reply_error(const char *text);
reply_t *reply_array(void);
/* The array takes the element. */
void reply_push(reply_t *self, reply_t *element);
void reply_free(reply_t *self);

#endif
