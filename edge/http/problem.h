/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors over HTTP: application/problem+json (RFC 9457) with a stable `code`,
 * as docs/protocol.md lists them. One row a kind; the codes are the verdicts'
 * words where a verdict is the cause.
 */
#ifndef EDGE_HTTP_PROBLEM_H
#define EDGE_HTTP_PROBLEM_H

#include "common/wire.h"

#include <stddef.h>
#include <stdint.h>

/* PROBLEM_COOLDOWN, PROBLEM_BAD_REQUEST, … */
typedef enum {
#define PROBLEM(id, status, code) PROBLEM_##id,
#include "edge/http/problems.def"
    PROBLEM_COUNT
} problem_t;

/* Longest text of problem_render. */
#define PROBLEM_MAX_BYTES 512
/* What an `unavailable` of unknown length names. */
#define PROBLEM_RETRY_MS 1000

/* "400", …: the HTTP status. */
unsigned problem_status(problem_t kind);
const char *problem_code(problem_t kind);

/* True where the answer carries Retry-After and retry_ms: 429 and 503. */
int problem_retries(problem_t kind);

/* Whole seconds for Retry-After, rounded up, at least 1. */
uint32_t retry_after_s(uint32_t retry_ms);

/* The kind for a verdict that is neither ok nor duplicate. */
problem_t problem_of_verdict(verdict_status_t status);

/* The body. `detail` is one plain sentence of ours (never a client's text), or
 * NULL; retry_ms counts only where problem_retries. `members` are further ones,
 * with a comma before each, or NULL. Returns the length. */
size_t problem_render(char text[PROBLEM_MAX_BYTES], problem_t kind,
                      const char *detail, uint32_t retry_ms,
                      const char *members);

#endif
