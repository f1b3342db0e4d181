/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON as it is written to DynamoDB on the hot path: pieces of text put one
 * behind the other. The caller minds commas and braces; what stands between
 * quotes is escaped here. Reading is jansson's.
 */
#ifndef PERSISTER_JSON_TEXT_H
#define PERSISTER_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Zero is empty. */
typedef struct {
    char *bytes;
    size_t size, capacity;
} json_text_t;

void json_text_fini(json_text_t *self);

/* Empty again, memory kept. */
void json_text_clear(json_text_t *self);

/* `text` as it stands, or `size` bytes of it; a decimal number; "…" with quotes
 * and escapes; 16 hex digits without quotes; Base64 without quotes. */
void json_put(json_text_t *self, const char *text);
void json_put_raw(json_text_t *self, const char *text, size_t size);
void json_put_number(json_text_t *self, uint64_t number);
void json_put_string(json_text_t *self, const char *string);
void json_put_hex64(json_text_t *self, uint64_t number);
void json_put_base64(json_text_t *self, const void *bytes, size_t size);

/* The text's bytes; the caller owns them. NULL where it is no Base64. */
uint8_t *base64_decode(const char *text, size_t length, size_t *size);

#endif
