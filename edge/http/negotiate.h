/* SPDX-License-Identifier: Apache-2.0
 *
 * What request headers ask for: If-None-Match, Accept-Encoding, Connection and
 * other comma lists (RFC 9110). Pure text in, answer out; a header that makes
 * no sense asks for nothing.
 */
#ifndef EDGE_HTTP_NEGOTIATE_H
#define EDGE_HTTP_NEGOTIATE_H

#include <stdbool.h>

typedef enum { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_COUNT } encoding_t;

/* "gzip"; NULL for identity. */
const char *encoding_name(encoding_t encoding);

/* Accept-Encoding's best among ours; a tie goes to gzip. NULL: identity. */
encoding_t encoding_choose(const char *accept);

/* True where If-None-Match names `etag` (with its quotes): by weak comparison,
 * in a list, or as `*`. NULL matches nothing. */
bool etag_matches(const char *if_none_match, const char *etag);

/* True where a comma list holds `token`, whatever the case; NULL holds none. */
bool list_has(const char *list, const char *token);

#endif
