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
    [PROBLEM_BAD_REQUEST] = {400, "bad_request"},
    [PROBLEM_UNAUTHORIZED] = {401, "unauthorized"},
    [PROBLEM_BANNED] = {403, "banned"},
    [PROBLEM_FORBIDDEN] = {403, "forbidden"},
    [PROBLEM_ROLE_TOO_LOW] = {403, "role_too_low"},
    [PROBLEM_NOT_FOUND] = {404, "not_found"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, "method_not_allowed"},
    [PROBLEM_TOO_LARGE] = {413, "too_large"},
    [PROBLEM_OUT_OF_BOUNDS] = {422, "out_of_bounds"},
    [PROBLEM_BAD_COLOR] = {422, "bad_color"},
    [PROBLEM_COOLDOWN] = {429, "cooldown"},
    [PROBLEM_RATE_LIMITED] = {429, "rate_limited"},
    [PROBLEM_PAUSED] = {409, "paused"},
    [PROBLEM_PROTECTED] = {403, "protected"},
    [PROBLEM_TOO_LATE] = {409, "too_late"},
    [PROBLEM_UNAVAILABLE] = {503, "unavailable"},
    [PROBLEM_UPGRADE_REQUIRED] = {426, "upgrade_required"},
    [PROBLEM_HEADERS_TOO_LARGE] = {431, "headers_too_large"},
    [PROBLEM_EXPECTATION_FAILED] = {417, "expectation_failed"},
    [PROBLEM_NOT_IMPLEMENTED] = {501, "not_implemented"},
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
        [VERDICT_OK] = PROBLEM_UNAVAILABLE, /* not asked for */
        [VERDICT_COOLDOWN] = PROBLEM_COOLDOWN,
        [VERDICT_OUT_OF_BOUNDS] = PROBLEM_OUT_OF_BOUNDS,
        [VERDICT_BAD_COLOR] = PROBLEM_BAD_COLOR,
        [VERDICT_BANNED] = PROBLEM_BANNED,
        [VERDICT_PAUSED] = PROBLEM_PAUSED,
        [VERDICT_UNAUTHORIZED] = PROBLEM_UNAUTHORIZED,
        [VERDICT_RATE_LIMITED] = PROBLEM_RATE_LIMITED,
        [VERDICT_UNAVAILABLE] = PROBLEM_UNAVAILABLE,
        [VERDICT_DUPLICATE] = PROBLEM_UNAVAILABLE, /* not asked for */
        [VERDICT_PROTECTED] = PROBLEM_PROTECTED,
        [VERDICT_TOO_LATE] = PROBLEM_TOO_LATE,
    };
    return (unsigned)status < VERDICT_COUNT ? of[status] : PROBLEM_UNAVAILABLE;
}

size_t problem_render(char text[PROBLEM_MAX_BYTES], problem_t kind,
                      const char *detail, uint32_t retry_ms)
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
                          "\"status\":%u,\"code\":\"%s\"%s}",
                          status_phrase(kinds[kind].status), kinds[kind].status,
                          kinds[kind].code, more);
    assert(length > 0 && length < PROBLEM_MAX_BYTES);
    return (size_t)length;
}
