/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON flavour of the public messages (`stipple.v1.json`): the same structs
 * as wire.h, as text. Encoders return a NUL-terminated text owned by the caller
 * (free) and its length.
 */
#ifndef COMMON_WIRE_JSON_H
#define COMMON_WIRE_JSON_H

#include "common/diff.h"
#include "common/wire.h"

char *wire_json_hello(const wire_hello_t *hello, size_t *length);
char *wire_json_verdict(const wire_verdict_t *verdict, size_t *length);
char *wire_json_beat(const wire_beat_t *beat, size_t *length);
char *wire_json_resync(resync_reason_t reason, size_t *length);

/* {"type":"notice","kind":"settings", members of `json` inline}; NULL where
 * json is no object. */
char *wire_json_notice(uint8_t kind, const char *json, size_t json_size,
                       size_t *length);

/* From a diff just opened (not moved); width turns indices into x, y. NULL if
 * it is malformed or the text would have more than `most` bytes. */
char *wire_json_diff(const diff_t *diff, uint32_t width, size_t most,
                     size_t *length);

/* A client's message. 0; -1 where it is no JSON object, has bad UTF-8, an
 * unknown type, or a member that is missing or of the wrong type. Unknown
 * members are ignored. A token is copied into *token (the caller's, free), and
 * request->token points there. */
int wire_json_decode_request(wire_request_t *request, const char *text,
                             size_t size, char **token);

#endif
