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

static const struct {
    const char *word;
    verb_t verb;
    bool has_body;
} methods[] = {
    {"GET ", VERB_GET, false},         {"HEAD ", VERB_HEAD, false},
    {"OPTIONS ", VERB_OPTIONS, false}, {"POST ", VERB_POST, true},
    {"PUT ", VERB_PUT, true},
};

/* These change where a request ends, or what is to be said before it does. */
static const char *const uncommon[] = {"transfer-encoding", "expect"};

/* What is found on the way to a request_head_t. */
typedef struct {
    request_head_t *head;
    slice_t length; /* the Content-Length field */
    bool has_body;
} parse_t;

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

/* The length of the method with its blank; 0 where it is none of ours. */
static size_t s_method(parse_t *self, slice_t line)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t size = strlen(methods[i].word);
        if (line.size > size && !memcmp(line.text, methods[i].word, size)) {
            self->head->verb = methods[i].verb;
            self->has_body = methods[i].has_body;
            return size;
        }
    }
    return 0;
}

/* "GET /path?query HTTP/1.1" */
static bool s_request_line(parse_t *self, slice_t line)
{
    static const char version[] = " HTTP/1.1";
    request_head_t *head = self->head;
    size_t tail = sizeof version - 1, skip = s_method(self, line);
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

static bool s_field(parse_t *self, slice_t line)
{
    request_head_t *head = self->head;
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
    if (s_is(name, "content-length"))
        return s_keep(&self->length, value) && value.size;
    if (s_is(name, "upgrade"))
        return s_keep(&head->upgrade, value);
    for (size_t i = 0; i < HEADER_COUNT; i++)
        if (s_is(name, names[i]))
            return s_keep(&head->headers[i], value);
    return true;
}

/* A body's length is told where there may be one, and nowhere else. */
static bool s_body(parse_t *self)
{
    slice_t length = self->length;
    size_t size = 0;
    if (!self->has_body || !length.text)
        return self->has_body == !!length.text;
    if (length.size > sizeof "4096" - 1)
        return false;
    for (size_t i = 0; i < length.size; i++) {
        if (!isdigit((unsigned char)length.text[i]))
            return false;
        size = size * 10 + (size_t)(length.text[i] - '0');
    }
    self->head->body.size = size;
    return size <= EXCHANGE_BODY_MAX;
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

/* A word and a blank, or a word so far, and no empty line behind bare LFs. */
static bool s_is_beginning(const char *bytes, size_t size)
{
    size_t word = 0;
    while (word < size && isalpha((unsigned char)bytes[word]))
        word++;
    return word && (word == size || bytes[word] == ' ') &&
           !memmem(bytes, size, "\n\n", 2) && !memmem(bytes, size, "\n\r\n", 3);
}

/* The lines up to `end`, which is where the empty one's CRLF begins. */
static bool s_lines(parse_t *self, const char *at, const char *end)
{
    for (bool first = true; at < end; first = false) {
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        slice_t line = {at, (size_t)(stop - at)};
        if (memchr(line.text, '\r', line.size) ||
            memchr(line.text, '\n', line.size) ||
            !(first ? s_request_line(self, line) : s_field(self, line)))
            return false;
        at = stop + 2;
    }
    return true;
}

head_kind_t request_head_parse(request_head_t *head, const char *bytes,
                               size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    parse_t parse = {.head = head};
    *head = (request_head_t){0};
    if (!end)
        return s_is_beginning(bytes, size) ? HEAD_PARTIAL : HEAD_OTHER;
    size_t head_size = (size_t)(end - bytes) + 4;
    if (!s_is_text(bytes, head_size) || !s_lines(&parse, bytes, end + 2) ||
        !s_body(&parse) || !head->headers[HEADER_HOST].text)
        return HEAD_OTHER;
    head->size = head_size + head->body.size;
    head->body.text = bytes + head_size;
    return size < head->size ? HEAD_PARTIAL : HEAD_PLAIN;
}
