/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64url without padding (RFC 4648 section 5, as RFC 7515 uses it), read
 * strictly: one text for each byte string, so that a signed token has one
 * spelling and no other.
 */
#ifndef COMMON_BASE64URL_H
#define COMMON_BASE64URL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters for `size` bytes, without NUL. */
static inline size_t base64url_length(size_t size)
{
    return (size * 4 + 2) / 3;
}

/* Bytes in `length` characters, rounded up: room enough for the decoder. */
#define BASE64URL_ROOM(length) ((length) / 4 * 3 + 3)

/* Writes base64url_length(size) characters, no NUL; returns how many. */
size_t base64url_encode(char *text, const void *bytes, size_t size);

/* Decodes into `bytes`, room for BASE64URL_ROOM(length). Returns the size; -1
 * where there is padding, any other character, an impossible length, or a bit
 * set behind the last byte. */
ssize_t base64url_decode(void *bytes, const char *text, size_t length);

#endif
