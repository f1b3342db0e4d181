/* SPDX-License-Identifier: Apache-2.0
 *
 * See head.h. Each byte is looked at once for being allowed at all, and each
 * line once when it is whole. A line ends with CRLF; a bare LF, which RFC 9112
 * leaves to the recipient, is refused: others may not see a line's end there.
 */
#include "edge/http/head.h"

#include <string.h>
#include <strings.h>

/* Classes of bytes. */
#define TOKEN 1 /* RFC 9110, 5.6.2 */
#define TEXT 2  /* of a value: 5.5 */
#define PATH 4  /* RFC 3986, 3.3, and the slash */
#define HOST 8  /* a reg-name: 3.2.2 */
#define LETTER (TOKEN | TEXT | PATH | HOST)

static const uint8_t classes[256] = {
    ['\t'] = TEXT,
    [' '] = TEXT,
    ['!'] = LETTER,
    ['"'] = TEXT,
    ['#'] = TEXT | TOKEN,
    ['$'] = LETTER,
    ['%'] = LETTER,
    ['&'] = LETTER,
    ['\''] = LETTER,
    ['('] = TEXT | PATH | HOST,
    [')'] = TEXT | PATH | HOST,
    ['*'] = LETTER,
    ['+'] = LETTER,
    [','] = TEXT | PATH | HOST,
    ['-'] = LETTER,
    ['.'] = LETTER,
    ['/'] = TEXT | PATH,
    ['0' ... '9'] = LETTER,
    [':'] = TEXT | PATH,
    [';'] = TEXT | PATH | HOST,
    ['<'] = TEXT,
    ['='] = TEXT | PATH | HOST,
    ['>'] = TEXT,
    ['?'] = TEXT,
    ['@'] = TEXT | PATH,
    ['A' ... 'Z'] = LETTER,
    ['['] = TEXT,
    ['\\'] = TEXT,
    [']'] = TEXT,
    ['^'] = TEXT | TOKEN,
    ['_'] = LETTER,
    ['`'] = TEXT | TOKEN,
    ['a' ... 'z'] = LETTER,
    ['{'] = TEXT,
    ['|'] = TEXT | TOKEN,
    ['}'] = TEXT,
    ['~'] = LETTER,
    [0x80 ... 0xff] = TEXT,
};

/* How often a field may come, and what is to be done with its value. */
typedef bool (*check_fn)(head_t *self, const char *value, size_t size);

static bool s_is(char byte, uint8_t class)
{
    return classes[(uint8_t)byte] & class;
}

bool head_is_token(char byte)
{
    return s_is(byte, TOKEN);
}

static bool s_refuse(head_t *self, problem_t problem, const char *detail)
{
    self->problem = problem;
    self->detail = detail;
    return false;
}

static bool s_invalid(head_t *self, const char *detail)
{
    return s_refuse(self, PROBLEM_BAD_REQUEST, detail);
}

static bool s_equals(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && !strncasecmp(text, word, size);
}

/* How many bytes of that class, and %XX, it begins with. */
static size_t s_run(const char *text, size_t size, uint8_t class)
{
    size_t i = 0;
    while (i < size && s_is(text[i], class))
        if (text[i++] == '%') {
            static const char hex[] = "0123456789abcdefABCDEF";
            if (size - i < 2 || !text[i] || !text[i + 1] ||
                !strchr(hex, text[i]) || !strchr(hex, text[i + 1]))
                return i - 1;
            i += 2;
        }
    return i;
}

/* --- Hosts -----------------------------------------------------------------
 */

/* host [":" port] (RFC 9110, 7.2); an empty host names nobody. */
static bool s_is_authority(const char *text, size_t size)
{
    size_t host;
    if (size && text[0] == '[') { /* an IPv6 address */
        host = 1;
        while (host < size && (strchr(":.", text[host]) ||
                               strchr("0123456789abcdefABCDEF", text[host])))
            host++;
        if (host < 3 || host >= size || text[host] != ']')
            return false;
        host++;
    } else {
        host = s_run(text, size, HOST);
    }
    if (!host || host == size)
        return host;
    if (text[host++] != ':')
        return false;
    while (host < size && text[host] >= '0' && text[host] <= '9')
        host++;
    return host == size;
}

/* --- The request line ------------------------------------------------------
 */

static const struct {
    const char *word;
    verb_t verb;
} methods[] = {
    {"GET", VERB_GET},   {"HEAD", VERB_HEAD}, {"OPTIONS", VERB_OPTIONS},
    {"POST", VERB_POST}, {"PUT", VERB_PUT},   {"DELETE", VERB_DELETE},
};

static span_t s_span(size_t at, size_t size)
{
    return (span_t){(uint16_t)at, (uint16_t)size};
}

/* "scheme://authority" of an absolute form: its size; 0 if it is none. */
static size_t s_absolute(head_t *self, const char *text, size_t size, size_t at)
{
    size_t scheme = size > 7 && !strncasecmp(text, "http://", 7)    ? 7
                    : size > 8 && !strncasecmp(text, "https://", 8) ? 8
                                                                    : 0;
    size_t end = scheme;
    while (end < size && text[end] != '/' && text[end] != '?')
        end++;
    if (!scheme || !s_is_authority(text + scheme, end - scheme))
        return 0;
    self->authority = s_span(at + scheme, end - scheme);
    return end;
}

static bool s_target(head_t *self, const char *text, size_t size, size_t at)
{
    size_t skip = 0;
    if (self->verb == VERB_OPTIONS && size == 1 && *text == '*') {
        self->path = s_span(at, 1);
        return true;
    }
    if (size && *text != '/' && !(skip = s_absolute(self, text, size, at)))
        return s_invalid(self, "The target is no path and no http URL");
    size_t path = s_run(text + skip, size - skip, PATH);
    self->path = s_span(at + skip, path);
    if (skip + path == size)
        return size || s_invalid(self, "There is no target");
    if (text[skip + path] != '?')
        return s_invalid(self, "A byte of the target is to be written as %XX");
    skip += path + 1;
    self->query = s_span(at + skip, size - skip);
    for (size_t i = skip; i < size; i++)
        if (text[i] == '?')
            continue;
        else if (!(path = s_run(text + i, size - i, PATH)))
            return s_invalid(self,
                             "A byte of the query is to be written as %XX");
        else
            i += path - 1;
    return true;
}

/* "GET /path?query HTTP/1.1", with one blank between. */
static bool s_request_line(head_t *self, const char *line, size_t size)
{
    const char *blank = memchr(line, ' ', size);
    size_t method = blank ? (size_t)(blank - line) : size;
    for (size_t i = 0; i < method; i++)
        if (!s_is(line[i], TOKEN))
            return s_invalid(self, "The method is no token");
    const char *last = memrchr(line, ' ', size);
    if (!blank || last == blank)
        return s_invalid(self, "A request line is method, target, version");
    self->verb = VERB_OTHER;
    self->method = s_span(self->size, method);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (method == strlen(methods[i].word) &&
            !memcmp(line, methods[i].word, method))
            self->verb = methods[i].verb;
    size_t version = size - (size_t)(last + 1 - line);
    self->http10 = version == 8 && !memcmp(last + 1, "HTTP/1.0", 8);
    if (!self->http10 && (version != 8 || memcmp(last + 1, "HTTP/1.1", 8)))
        return s_invalid(self, "The version is HTTP/1.1 or HTTP/1.0");
    self->begun = true;
    /* CONNECT has a target of its own kind, and is answered with 405. */
    if (method == 7 && !memcmp(line, "CONNECT", 7) &&
        s_is_authority(blank + 1, (size_t)(last - blank) - 1))
        return true;
    return s_target(self, blank + 1, (size_t)(last - blank) - 1,
                    self->size + method + 1);
}

/* --- Fields ----------------------------------------------------------------
 */

static bool s_host(head_t *self, const char *value, size_t size)
{
    return s_is_authority(value, size) ||
           s_invalid(self, "Host is a host, and a port maybe");
}

/* Any number of digits is a number; what 64 bits do not hold is as much. */
static bool s_length(head_t *self, const char *value, size_t size)
{
    uint64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9')
            return s_invalid(self, "Content-Length is one number");
        bool over =
            __builtin_mul_overflow(length, 10u, &length) ||
            __builtin_add_overflow(length, (uint64_t)(value[i] - '0'), &length);
        if (over)
            length = UINT64_MAX / 16;
    }
    self->length = length;
    return size || s_invalid(self, "Content-Length is one number");
}

static bool s_coding(head_t *self, const char *value, size_t size)
{
    if (!size)
        return s_invalid(self, "Transfer-Encoding is empty");
    self->chunked = s_equals(value, size, "chunked");
    return self->chunked || s_refuse(self, PROBLEM_NOT_IMPLEMENTED,
                                     "The only transfer coding is chunked");
}

static bool s_expect(head_t *self, const char *value, size_t size)
{
    self->invited = s_equals(value, size, "100-continue");
    return self->invited || s_refuse(self, PROBLEM_EXPECTATION_FAILED,
                                     "The only expectation is 100-continue");
}

/* The one table of fields: a name is compared whole. A field that is no list
 * stands once. */
static const struct {
    const char *name;
    uint8_t size;
    bool list;
    check_fn check;
} names[FIELD_COUNT] = {
#define NAME(text) .name = text, .size = sizeof text - 1
    [FIELD_AUTHORIZATION] = {NAME("authorization")},
    [FIELD_ORIGIN] = {NAME("origin")},
    [FIELD_HOST] = {NAME("host"), .check = s_host},
    [FIELD_ACCEPT_ENCODING] = {NAME("accept-encoding"), .list = true},
    [FIELD_IF_NONE_MATCH] = {NAME("if-none-match"), .list = true},
    [FIELD_IDEMPOTENCY_KEY] = {NAME("idempotency-key")},
    [FIELD_PREFLIGHT_METHOD] = {NAME("access-control-request-method")},
    [FIELD_FORWARDED_FOR] = {NAME("x-forwarded-for"), .list = true},
    [FIELD_CONNECTION] = {NAME("connection"), .list = true},
    [FIELD_UPGRADE] = {NAME("upgrade"), .list = true},
    [FIELD_WS_PROTOCOL] = {NAME("sec-websocket-protocol"), .list = true},
    [FIELD_WS_VERSION] = {NAME("sec-websocket-version")},
    [FIELD_WS_KEY] = {NAME("sec-websocket-key")},
    [FIELD_EXPECT] = {NAME("expect"), .check = s_expect},
    [FIELD_CONTENT_LENGTH] = {NAME("content-length"), .check = s_length},
    [FIELD_TRANSFER_ENCODING] = {NAME("transfer-encoding"), .check = s_coding},
#undef NAME
};

/* Keeps a value at `at`; a second line of a list stands behind the first. */
static bool s_keep(head_t *self, field_t field, size_t at, size_t size)
{
    if (!self->fields[field].at) {
        self->fields[field] = s_span(at, size);
        return true;
    }
    if (!names[field].list)
        return s_invalid(self, "A field that is no list stands twice");
    if (self->more_count == HEAD_MORE_MAX)
        return s_refuse(self, PROBLEM_HEADERS_TOO_LARGE,
                        "There are too many lines of the same fields");
    self->more[self->more_count].field = field;
    self->more[self->more_count++].value = s_span(at, size);
    return true;
}

static size_t s_name(const char *line, size_t size)
{
    size_t name = 0;
    while (name < size && s_is(line[name], TOKEN))
        name++;
    return name < size && line[name] == ':' ? name : 0;
}

/* The one thing that is allowed and refused: others do not read it so. */
static bool s_is_doubtful(head_t *self, field_t field, bool tab)
{
    return tab && field == FIELD_CONTENT_LENGTH &&
           !s_invalid(self, "A tab stands behind Content-Length's number");
}

static bool s_field(head_t *self, const char *line, size_t size)
{
    size_t name = s_name(line, size), at = name + 1;
    bool tab = false;
    if (!name)
        return s_invalid(self, "A field is a name, a colon and a value");
    while (at < size && (line[at] == ' ' || line[at] == '\t'))
        at++;
    while (size > at && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        tab |= line[--size] == '\t';
    for (int i = 0; i < FIELD_COUNT; i++)
        if (names[i].size == name && !strncasecmp(line, names[i].name, name))
            return !s_is_doubtful(self, (field_t)i, tab) &&
                   s_keep(self, (field_t)i, self->size + at, size - at) &&
                   (!names[i].check ||
                    names[i].check(self, line + at, size - at));
    return true;
}

bool head_is_field(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!s_is(line[i], TEXT))
            return false;
    return s_name(line, size);
}

/* What only all lines together tell. */
static bool s_end(head_t *self)
{
    bool length = self->fields[FIELD_CONTENT_LENGTH].at;
    self->whole = true;
    if (!self->http10 && !self->fields[FIELD_HOST].at)
        return s_invalid(self, "There is no Host");
    if (self->chunked && (length || self->http10))
        return s_invalid(self, "How long the body is cannot be told");
    self->invited &= !self->http10;
    return true;
}

/* --- Lines -----------------------------------------------------------------
 */

/* From `seen` on, up to the LF if there is one; false at a byte that no line
 * may have. A CR stands before the LF and nowhere else. */
static bool s_see(head_t *self, const char *bytes, size_t size)
{
    while (self->seen < size) {
        const char *at = bytes + self->seen;
        bool first = self->seen == self->size;
        if (*at == '\r') {
            if (self->seen + 1 == size)
                return true;
            return at[1] == '\n' || s_invalid(self, "A CR without its LF");
        }
        if (*at == '\n')
            return s_invalid(self, "A LF without its CR");
        if (!s_is(*at, first ? TOKEN : TEXT))
            return s_invalid(self, "A byte that may not stand in a head");
        self->seen++;
    }
    return true;
}

static bool s_line(head_t *self, const char *line, size_t size)
{
    if (!size) /* before the request they are passed over: RFC 9112, 2.2 */
        return !self->begun || s_end(self);
    return self->begun ? s_field(self, line, size)
                       : s_request_line(self, line, size);
}

head_result_t head_read(head_t *self, const char *bytes, size_t size)
{
    size_t most = size < HEAD_BYTES_MAX ? size : HEAD_BYTES_MAX;
    while (!self->whole && !self->detail && s_see(self, bytes, most) &&
           self->seen + 1 < most) {
        if (!s_line(self, bytes + self->size, self->seen - self->size))
            break;
        self->size = self->seen += 2;
    }
    if (!self->detail && !self->whole && most == HEAD_BYTES_MAX)
        s_refuse(self, PROBLEM_HEADERS_TOO_LARGE, "A head has at most 16 KiB");
    return self->detail  ? HEAD_REFUSED
           : self->whole ? HEAD_WHOLE
                         : HEAD_PARTIAL;
}
