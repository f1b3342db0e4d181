/* SPDX-License-Identifier: Apache-2.0
 *
 * See problem.h. `type` is about:blank, so that `title` is the status's own
 * phrase (RFC 9457, section 4.2.1) and `code` is what programs look at.
 */
#include "edge/http/problem.h"

#include "edge/http/status.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    unsigned status;
    const char *code;
} kinds[PROBLEM_COUNT] = {
#define PROBLEM(id, status, code) {status, code},
#include "edge/http/problems.def"
};

unsigned problem_status(problem_t kind)
{
    return kinds[kind].status;
}

const char *problem_code(problem_t kind)
{
    return kinds[kind].code;
}

int problem_retries(problem_t kind)
{
    return kinds[kind].status == 429 || kinds[kind].status == 503;
}

uint32_t retry_after_s(uint32_t retry_ms)
{
    uint32_t seconds = retry_ms / 1000 + (retry_ms % 1000 != 0);
    return seconds ? seconds : 1;
}

problem_t problem_of_verdict(verdict_status_t status)
{
    static const problem_t of[VERDICT_COUNT] = {
        [VERDICT_OK] = PROBLEM_UNAVAILABLE,        /* not asked for */
        [VERDICT_DUPLICATE] = PROBLEM_UNAVAILABLE, /* not asked for */
#define VERDICT(id, number, word)
#define REFUSAL(id, number, word, http) [number] = PROBLEM_##id,
#include "common/verdicts.def"
    };
    return (unsigned)status < VERDICT_COUNT ? of[status] : PROBLEM_UNAVAILABLE;
}

size_t problem_render(char text[PROBLEM_MAX_BYTES], problem_t kind,
                      const char *detail, uint32_t retry_ms,
                      const char *members)
{
    char more[PROBLEM_MAX_BYTES / 2] = "";
    size_t at = 0;
    if (detail)
        at = (size_t)snprintf(more, sizeof more, ",\"detail\":\"%s\"", detail);
    assert(at < sizeof more - 32);
    if (problem_retries(kind))
        snprintf(more + at, sizeof more - at, ",\"retry_ms\":%u", retry_ms);
    int length = snprintf(text, PROBLEM_MAX_BYTES,
                          "{\"type\":\"about:blank\",\"title\":\"%s\","
                          "\"status\":%u,\"code\":\"%s\"%s%s}",
                          status_phrase(kinds[kind].status), kinds[kind].status,
                          kinds[kind].code, more, members ? members : "");
    assert(length > 0 && length < PROBLEM_MAX_BYTES);
    return (size_t)length;
}
