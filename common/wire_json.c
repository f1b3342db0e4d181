/* SPDX-License-Identifier: Apache-2.0
 *
 * See wire_json.h. Everything goes through jansson but for a diff's pixels,
 * which are many and plain.
 */
#include "common/wire_json.h"

#include "common/json_input.h"
#include "common/mem.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "[65535,65535,255]," */
#define PIXEL_TEXT_MAX 20
#define DIFF_TEXT_MAX 100

/* Takes the object; compact text. */
static char *s_text(json_t *root, size_t *length)
{
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    *length = strlen(text);
    return text;
}

char *wire_json_hello(const wire_hello_t *hello, size_t *length)
{
    return s_text(
        json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}",
                  "type", "hello", "version", WIRE_VERSION, "bits",
                  (json_int_t)hello->bits, "width", (json_int_t)hello->width,
                  "height", (json_int_t)hello->height, "epoch",
                  (json_int_t)hello->epoch, "seq", (json_int_t)hello->seq,
                  "cooldown_ms", (json_int_t)hello->cooldown_ms,
                  "cooldown_remaining_ms",
                  (json_int_t)hello->cooldown_remaining_ms, "read_only",
                  !!(hello->flags & HELLO_READ_ONLY), "paused",
                  !!(hello->flags & HELLO_PAUSED)),
        length);
}

char *wire_json_verdict(const wire_verdict_t *verdict, size_t *length)
{
    return s_text(json_pack("{s:s, s:I, s:s, s:I, s:I}", "type", "verdict",
                            "request", (json_int_t)verdict->request, "status",
                            verdict_word(verdict->status), "seq",
                            (json_int_t)verdict->seq, "cooldown_remaining_ms",
                            (json_int_t)verdict->cooldown_remaining_ms),
                  length);
}

char *wire_json_beat(const wire_beat_t *beat, size_t *length)
{
    return s_text(json_pack("{s:s, s:I, s:I, s:I}", "type", "beat", "seq",
                            (json_int_t)beat->seq, "digest",
                            (json_int_t)beat->digest, "online",
                            (json_int_t)beat->online),
                  length);
}

char *wire_json_resync(resync_reason_t reason, size_t *length)
{
    static const char *const words[] = {
        [RESYNC_TOO_OLD] = "too_old",
        [RESYNC_UNKNOWN_SEQ] = "unknown_seq",
        [RESYNC_BOARD_CHANGED] = "board_changed",
    };
    return s_text(
        json_pack("{s:s, s:s}", "type", "resync", "reason", words[reason]),
        length);
}

char *wire_json_notice(uint8_t kind, const char *json, size_t json_size,
                       size_t *length)
{
    json_t *members = json_loadb(json, json_size, 0, NULL);
    if (!json_is_object(members)) {
        json_decref(members);
        return NULL;
    }
    static const char *const kinds[] = {[NOTICE_SETTINGS] = "settings",
                                        [NOTICE_BANNED] = "banned",
                                        [NOTICE_MESSAGE] = "message"};
    bool known = kind && kind < sizeof kinds / sizeof *kinds;
    json_t *root = json_pack("{s:s, s:s}", "type", "notice", "kind",
                             known ? kinds[kind] : "other");
    json_object_update_missing(root, members);
    json_decref(members);
    return s_text(root, length);
}

/* Decimal digits of `value` at `at`; returns what is behind them. */
static char *s_put_number(char *at, uint32_t value)
{
    char digits[10];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        *at++ = digits[--count];
    return at;
}

/* "[x,y,color]" */
static char *s_put_pixel(char *at, uint32_t x, uint32_t y, uint8_t color)
{
    *at++ = '[';
    at = s_put_number(at, x);
    *at++ = ',';
    at = s_put_number(at, y);
    *at++ = ',';
    at = s_put_number(at, color);
    *at++ = ']';
    return at;
}

char *wire_json_diff(const diff_t *diff, uint32_t width, size_t most,
                     size_t *length)
{
    diff_t walk = *diff;
    size_t size = DIFF_TEXT_MAX + (size_t)diff->left * PIXEL_TEXT_MAX;
    size = size < most ? size : most;
    char *text = mem_alloc(size + DIFF_TEXT_MAX);
    char *at = text, *end = text + size;
    at +=
        snprintf(text, DIFF_TEXT_MAX,
                 "{\"type\":\"diff\",\"from\":%llu,\"to\":%llu,\"pixels\":[",
                 (unsigned long long)diff->from, (unsigned long long)diff->to);
    uint32_t index;
    uint8_t color;
    int result;
    while ((result = diff_next(&walk, &index, &color)) == 1 && at < end) {
        if (walk.left + 1 < diff->left)
            *at++ = ',';
        at = s_put_pixel(at, index % width, index / width, color);
    }
    *at++ = ']';
    *at++ = '}';
    *at = '\0';
    *length = (size_t)(at - text);
    if (result == 0 && *length <= most)
        return text;
    free(text);
    return NULL;
}

/* An integer member; -1 where it is missing or none. Larger than an int32 is
 * saturated: it is off every board and palette just the same. */
static int s_get_int32(const json_t *root, const char *name, int32_t *value)
{
    const json_t *member = json_object_get(root, name);
    if (!json_is_integer(member))
        return -1;
    json_int_t number = json_integer_value(member);
    *value = number > INT32_MAX   ? INT32_MAX
             : number < INT32_MIN ? INT32_MIN
                                  : (int32_t)number;
    return 0;
}

static int s_get_unsigned(const json_t *root, const char *name, json_int_t most,
                          json_int_t *value)
{
    const json_t *member = json_object_get(root, name);
    *value = json_integer_value(member);
    return json_is_integer(member) && *value >= 0 && *value <= most ? 0 : -1;
}

static int s_decode_place(wire_request_t *request, const json_t *root,
                          char **token)
{
    json_int_t number;
    (void)token;
    request->type = WIRE_PLACE;
    if (s_get_unsigned(root, "request", UINT32_MAX, &number) < 0)
        return -1;
    request->place.request = (uint32_t)number;
    return s_get_int32(root, "x", &request->place.x) |
           s_get_int32(root, "y", &request->place.y) |
           s_get_int32(root, "color", &request->place.color);
}

static int s_decode_since(wire_request_t *request, const json_t *root,
                          char **token)
{
    json_int_t number;
    (void)token;
    request->type = WIRE_SINCE;
    if (s_get_unsigned(root, "seq", INT64_MAX, &number) < 0)
        return -1;
    request->since = (uint64_t)number;
    return 0;
}

static int s_decode_auth(wire_request_t *request, const json_t *root,
                         char **token)
{
    const json_t *member = json_object_get(root, "token");
    request->type = WIRE_AUTH;
    if (!json_is_string(member) || json_string_length(member) > WIRE_AUTH_MAX ||
        json_string_length(member) != strlen(json_string_value(member)))
        return -1;
    *token = mem_strdup(json_string_value(member));
    request->token.text = *token;
    request->token.length = json_string_length(member);
    return 0;
}

static int s_decode_pace(wire_request_t *request, const json_t *root,
                         char **token)
{
    json_int_t number;
    (void)token;
    request->type = WIRE_PACE;
    if (s_get_unsigned(root, "ms", WIRE_PACE_MAX_MS, &number) < 0)
        return -1;
    request->pace_ms = (uint16_t)number;
    return 0;
}

static int s_decode_undo(wire_request_t *request, const json_t *root,
                         char **token)
{
    json_int_t number, seq;
    (void)token;
    request->type = WIRE_UNDO;
    if (s_get_unsigned(root, "request", UINT32_MAX, &number) < 0 ||
        s_get_unsigned(root, "seq", INT64_MAX, &seq) < 0)
        return -1;
    request->undo.request = (uint32_t)number;
    request->undo.seq = (uint64_t)seq;
    return 0;
}

static int s_decode_object(wire_request_t *request, const json_t *root,
                           char **token)
{
    static const struct {
        const char *type;
        int (*decode)(wire_request_t *, const json_t *, char **);
    } types[] = {
        {"place", s_decode_place}, {"since", s_decode_since},
        {"auth", s_decode_auth},   {"pace", s_decode_pace},
        {"undo", s_decode_undo},
    };
    const char *type = json_string_value(json_object_get(root, "type"));
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (!strcmp(type, types[i].type))
            return types[i].decode(request, root, token);
    return -1;
}

int wire_json_decode_request(wire_request_t *request, const char *text,
                             size_t size, char **token)
{
    *token = NULL;
    json_t *root = json_input_load(text, size, 0);
    int result = root ? s_decode_object(request, root, token) : -1;
    json_decref(root);
    return result;
}
