/* SPDX-License-Identifier: Apache-2.0
 *
 * See request_head.h.
 */
#include "edge/request_head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const names[HEADER_COUNT] = {
    [HEADER_AUTHORIZATION] = "authorization",
    [HEADER_ORIGIN] = "origin",
    [HEADER_HOST] = "host",
    [HEADER_ACCEPT_ENCODING] = "accept-encoding",
    [HEADER_IF_NONE_MATCH] = "if-none-match",
    [HEADER_IDEMPOTENCY_KEY] = "idempotency-key",
    [HEADER_PREFLIGHT_METHOD] = "access-control-request-method",
    [HEADER_FORWARDED_FOR] = "x-forwarded-for",
    [HEADER_CONNECTION] = "connection",
    [HEADER_WS_PROTOCOL] = "sec-websocket-protocol",
    [HEADER_WS_VERSION] = "sec-websocket-version",
    [HEADER_WS_KEY] = "sec-websocket-key",
};

/* These change where a request ends, or what is to be said before it does. */
static const char *const uncommon[] = {"content-length", "transfer-encoding",
                                       "expect"};

static bool s_is(slice_t name, const char *text)
{
    return name.size == strlen(text) &&
           !strncasecmp(name.text, text, name.size);
}

/* Letters, digits and what else is itself, whoever reads it. */
static bool s_plain(slice_t text, const char *others)
{
    for (size_t i = 0; i < text.size; i++)
        if (!isalnum((unsigned char)text.text[i]) &&
            (!text.text[i] || !strchr(others, text.text[i])))
            return false;
    return true;
}

/* Neither "//" nor a segment that begins with a dot, which may be "..". */
static bool s_is_path(slice_t path)
{
    if (!path.size || path.text[0] != '/' || !s_plain(path, "/-._~"))
        return false;
    for (size_t i = 1; i < path.size; i++)
        if (path.text[i - 1] == '/' &&
            (path.text[i] == '/' || path.text[i] == '.'))
            return false;
    return true;
}

/* "GET /path?query HTTP/1.1" */
static bool s_request_line(request_head_t *head, slice_t line)
{
    static const char version[] = " HTTP/1.1";
    static const struct {
        const char *word;
        verb_t verb;
    } verbs[] = {{"GET ", VERB_GET}, {"HEAD ", VERB_HEAD}};
    size_t tail = sizeof version - 1, skip = 0;
    for (size_t i = 0; i < 2 && !skip; i++)
        if (line.size > strlen(verbs[i].word) &&
            !memcmp(line.text, verbs[i].word, strlen(verbs[i].word))) {
            head->verb = verbs[i].verb;
            skip = strlen(verbs[i].word);
        }
    if (!skip || line.size < skip + tail ||
        memcmp(line.text + line.size - tail, version, tail))
        return false;
    head->path = (slice_t){line.text + skip, line.size - skip - tail};
    const char *mark = memchr(head->path.text, '?', head->path.size);
    if (mark) {
        size_t size = (size_t)(mark - head->path.text);
        head->query = (slice_t){mark + 1, head->path.size - size - 1};
        head->path.size = size;
    }
    return s_is_path(head->path) && s_plain(head->query, "-._~=&");
}

static slice_t s_trim(slice_t value)
{
    while (value.size && *value.text == ' ')
        value.text++, value.size--;
    while (value.size && value.text[value.size - 1] == ' ')
        value.size--;
    return value;
}

/* Keeps a value; false where there is one already. */
static bool s_keep(slice_t *where, slice_t value)
{
    if (where->text)
        return false;
    if (value.size)
        *where = value;
    return true;
}

static bool s_field(request_head_t *head, slice_t line)
{
    const char *colon = memchr(line.text, ':', line.size);
    if (!colon)
        return false;
    slice_t name = {line.text, (size_t)(colon - line.text)};
    slice_t value = s_trim((slice_t){colon + 1, line.size - name.size - 1});
    if (!name.size || !s_plain(name, "-_"))
        return false;
    for (size_t i = 0; i < sizeof uncommon / sizeof *uncommon; i++)
        if (s_is(name, uncommon[i]))
            return false;
    if (s_is(name, "upgrade"))
        return s_keep(&head->upgrade, value);
    for (size_t i = 0; i < HEADER_COUNT; i++)
        if (s_is(name, names[i]))
            return s_keep(&head->headers[i], value);
    return true;
}

/* Printable ASCII and line ends, nothing else. */
static bool s_is_text(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((bytes[i] < ' ' || bytes[i] > '~') && bytes[i] != '\r' &&
            bytes[i] != '\n')
            return false;
    return true;
}

bool request_head_parse(request_head_t *head, const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    *head = (request_head_t){0};
    if (!end)
        return false;
    head->size = (size_t)(end - bytes) + 4;
    if (!s_is_text(bytes, head->size))
        return false;
    const char *at = bytes;
    for (bool first = true; at < end + 2; first = false) {
        const char *stop = memmem(at, (size_t)(end + 2 - at), "\r\n", 2);
        slice_t line = {at, (size_t)(stop - at)};
        if (memchr(line.text, '\r', line.size) ||
            memchr(line.text, '\n', line.size) ||
            !(first ? s_request_line(head, line) : s_field(head, line)))
            return false;
        at = stop + 2;
    }
    return head->headers[HEADER_HOST].text;
}
