/* SPDX-License-Identifier: Apache-2.0
 *
 * See exchange.h. An answer's head is written here, so that head and body leave
 * in one write and every field is seen in one place.
 */
#include "edge/http/exchange.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/http/negotiate.h"
#include "edge/http/origin.h"
#include "edge/http/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD_MAX 4096

exchange_t *exchange_new(edge_t *edge)
{
    exchange_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    return self;
}

void exchange_destroy(exchange_t **self_p)
{
    exchange_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->drop)
        self->drop(self);
    free(self->text);
    free(self->head);
    blob_leave(&self->reader);
    blob_unref(&self->blob);
    free(self);
}

/* --- The request -----------------------------------------------------------
 */

static int s_hex(char digit)
{
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* Text with its %XX decoded, but that of a slash, which would be another path;
 * what follows its NUL, or NULL where it would have one inside. */
static char *s_decode(char *at, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *at = text[i];
        if (text[i] == '%') {
            char byte = (char)(s_hex(text[i + 1]) << 4 | s_hex(text[i + 2]));
            if (!byte)
                return NULL;
            if (byte != '/') {
                *at = byte;
                i += 2;
            }
        }
        at++;
    }
    *at = '\0';
    return at + 1;
}

/* "a=1&b=2" as its pieces, each with its NUL, and an empty one. */
static char *s_pieces(char *at, const char *query, size_t size)
{
    const char *end = query + size;
    while (at && query < end) {
        const char *stop = memchr(query, '&', (size_t)(end - query));
        size_t piece = (size_t)((stop ? stop : end) - query);
        if (piece)
            at = s_decode(at, query, piece);
        query += piece + 1;
    }
    if (at)
        *at++ = '\0';
    return at;
}

static char *s_copy(char *at, const char *text, size_t size)
{
    memcpy(at, text, size);
    at[size] = '\0';
    return at + size + 1;
}

/* The values of all its lines, as one list. */
static char *s_field(exchange_t *self, char *at, const head_t *head,
                     const char *bytes, field_t field)
{
    span_t value = head->fields[field];
    const char *begin = at;
    if (!value.at)
        return at;
    at = s_copy(at, bytes + value.at, value.size);
    for (unsigned i = 0; i < head->more_count; i++) {
        if (head->more[i].field != field)
            continue;
        at[-1] = ',';
        value = head->more[i].value;
        at = s_copy(at, bytes + value.at, value.size);
    }
    self->fields[field] = *begin ? begin : NULL;
    return at;
}

int exchange_take(exchange_t *self, const message_t *message, const char *bytes)
{
    const head_t *head = &message->head;
    /* No text is longer than it was in the head, but for its NUL. */
    char *at = self->text =
        mem_alloc(head->size + message->body_size + FIELD_COUNT + 8);
    self->verb = head->verb;
    self->http10 = head->http10;
    self->path = at;
    at = head->path.size ? s_decode(at, bytes + head->path.at, head->path.size)
                         : s_copy(at, "/", 1);
    if (at && head->query.size) {
        self->query = at;
        at = s_pieces(at, bytes + head->query.at, head->query.size);
    }
    if (!at)
        return -1;
    for (int i = 0; i < FIELD_COUNT; i++)
        at = s_field(self, at, head, bytes, (field_t)i);
    if (head->authority.size) { /* before Host: RFC 9112, 3.2.2 */
        self->fields[FIELD_HOST] = at;
        at = s_copy(at, bytes + head->authority.at, head->authority.size);
    }
    self->body_size = message->body_size;
    if (self->body_size) {
        self->body = at;
        s_copy(at, message->body, self->body_size);
    }
    const char *connection = self->fields[FIELD_CONNECTION];
    self->close = list_has(connection, "close") ||
                  (self->http10 && !list_has(connection, "keep-alive"));
    return 0;
}

const char *exchange_query(const exchange_t *self, const char *name)
{
    size_t length = strlen(name);
    const char *at = self->query ? self->query : "";
    for (; *at; at += strlen(at) + 1) {
        if (strncmp(at, name, length))
            continue;
        if (at[length] == '=')
            return at + length + 1;
        if (!at[length])
            return at + length;
    }
    return NULL;
}

/* Who names two tokens is nobody. */
static bool s_has_two_tokens(const exchange_t *self)
{
    unsigned count = 0;
    for (const char *at = self->query ? self->query : ""; *at;
         at += strlen(at) + 1)
        count += !strncmp(at, "token", 5) && (at[5] == '=' || !at[5]);
    return count > 1;
}

address_t exchange_client(exchange_t *self)
{
    const connection_t *connection = self->connection;
    const char *forwarded = self->fields[FIELD_FORWARDED_FOR];
    address_limits_t *limits = self->edge->limits;
    if (!connection)
        return (address_t){{0}};
    if (forwarded)
        address_limits_note_forwarded(limits, &connection->address);
    return address_limits_client(limits, &connection->address, forwarded);
}

auth_result_t exchange_identify(exchange_t *self)
{
    if (s_has_two_tokens(self))
        return AUTH_BAD;
    return auth_request(self->edge->auth, self->fields[FIELD_AUTHORIZATION],
                        exchange_query(self, "token"), &self->identity);
}

/* --- The head --------------------------------------------------------------
 */

typedef struct {
    char text[HEAD_MAX];
    size_t length;
} lines_t;

static void s_put(lines_t *head, const char *text)
{
    size_t length = strlen(text);
    assert(head->length + length <= sizeof head->text);
    memcpy(head->text + head->length, text, length);
    head->length += length;
}

static void s_put_number(lines_t *head, uint64_t number)
{
    char digits[21];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    s_put(head, at);
}

/* A whole line. */
static void s_put_field(lines_t *head, const char *name, const char *value)
{
    s_put(head, name);
    s_put(head, ": ");
    s_put(head, value);
    s_put(head, "\r\n");
}

/* The Date field's value, made once a second. */
static const char *s_date(void)
{
    static char text[32];
    static time_t made;
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    if (now != made || !text[0]) {
        gmtime_r(&now, &utc);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        made = now;
    }
    return text;
}

static bool s_writes(const exchange_t *self)
{
    const char *asked = self->fields[FIELD_PREFLIGHT_METHOD];
    return self->verb == VERB_POST || self->verb == VERB_PUT ||
           self->verb == VERB_DELETE ||
           (self->verb == VERB_OPTIONS && asked &&
            (!strcmp(asked, "PUT") || !strcmp(asked, "POST") ||
             !strcmp(asked, "DELETE")));
}

/* Any page may read; those of the setting may write. */
static void s_put_cors(lines_t *head, const exchange_t *self)
{
    static const char allow_origin[] = "Access-Control-Allow-Origin";
    const char *origin = self->fields[FIELD_ORIGIN];
    const char *origins = self->edge->config->origins;
    bool all = !s_writes(self) || !strcmp(origins, "*");
    if (all)
        s_put_field(head, allow_origin, "*");
    else if (origin && strlen(origin) < 256 &&
             origin_allowed(origins, origin, self->fields[FIELD_HOST]))
        s_put_field(head, allow_origin, origin);
    if (!all)
        s_put(head, "Vary: Origin\r\n");
    if (self->verb == VERB_OPTIONS)
        s_put(head,
              "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE\r\n"
              "Access-Control-Allow-Headers: Authorization, "
              "Content-Type, Idempotency-Key, If-None-Match\r\n"
              "Access-Control-Max-Age: 600\r\n");
    else
        s_put(head, "Access-Control-Expose-Headers: ETag, Retry-After\r\n");
}

static void s_put_body(lines_t *head, const reply_t *reply, size_t size)
{
    if (reply->content_type)
        s_put_field(head, "Content-Type", reply->content_type);
    if (reply->encoding)
        s_put_field(head, "Content-Encoding", reply->encoding);
    if (reply->status == 304 || reply->status == 204)
        return;
    s_put(head, "Content-Length: ");
    s_put_number(head, size);
    s_put(head, "\r\n");
}

static void s_make_head(exchange_t *self, const reply_t *reply, size_t size)
{
    lines_t head;
    head.length = 0; /* the text needs no zeroing */
    s_put(&head, "HTTP/1.1 ");
    s_put_number(&head, reply->status);
    s_put(&head, " ");
    s_put(&head, status_phrase(reply->status));
    s_put(&head, "\r\n");
    s_put_field(&head, "Date", s_date());
    s_put_body(&head, reply, size);
    s_put_field(&head, "Cache-Control",
                reply->cache_control ? reply->cache_control : "no-store");
    if (reply->etag)
        s_put_field(&head, "ETag", reply->etag);
    if (reply->negotiated)
        s_put(&head, "Vary: Accept-Encoding\r\n");
    s_put_cors(&head, self);
    s_put(&head, "X-Content-Type-Options: nosniff\r\n");
    if (reply->fields)
        s_put(&head, reply->fields);
    if (self->close)
        s_put(&head, "Connection: close\r\n");
    else if (self->http10)
        s_put(&head, "Connection: keep-alive\r\n");
    s_put(&head, "\r\n");
    self->head = mem_alloc(head.length);
    memcpy(self->head, head.text, head.length);
    self->head_size = head.length;
}

static void s_on_revoked(blob_reader_t *reader)
{
    exchange_t *self =
        (exchange_t *)((char *)reader - offsetof(exchange_t, reader));
    if (self->on_revoked)
        self->on_revoked(self);
}

static void s_take_body(exchange_t *self, const reply_t *reply)
{
    if (!reply->blob) {
        self->blob = blob_of(reply->bytes, reply->size);
        return;
    }
    self->blob = blob_ref(reply->blob);
    self->reader.on_revoked = s_on_revoked;
    blob_read(self->blob, &self->reader);
}

void exchange_reply(exchange_t *self, const reply_t *reply)
{
    assert(!self->answered);
    size_t size = reply->blob ? reply->blob->size : reply->size;
    self->answered = true;
    self->drop = NULL;
    self->status = reply->status;
    self->close |= self->edge->draining;
    s_make_head(self, reply, size);
    if (size && self->verb != VERB_HEAD && reply->status != 304)
        s_take_body(self, reply);
    self->on_reply(self);
}

static const edge_metric_t s_metrics[PROBLEM_COUNT] = {
#define PROBLEM(id, status, code) EDGE_PROBLEM_##id,
#include "edge/http/problems.def"
};

static void s_problem(exchange_t *self, problem_t kind, const char *detail,
                      uint32_t retry_ms, const char *members)
{
    char body[PROBLEM_MAX_BYTES], fields[128] = "";
    char allow[ROUTE_ALLOW_MAX] = "GET, HEAD, OPTIONS";
    if (kind == PROBLEM_METHOD_NOT_ALLOWED) {
        if (self->route)
            route_allow(self->route, allow);
        snprintf(fields, sizeof fields, "Allow: %s\r\n", allow);
    } else if (kind == PROBLEM_UNAUTHORIZED) {
        snprintf(fields, sizeof fields, "WWW-Authenticate: Bearer\r\n");
    } else if (kind == PROBLEM_UPGRADE_REQUIRED) {
        snprintf(fields, sizeof fields,
                 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n");
    } else if (problem_retries(kind)) {
        snprintf(fields, sizeof fields, "Retry-After: %u\r\n",
                 retry_after_s(retry_ms));
    }
    size_t size = problem_render(body, kind, detail, retry_ms, members);
    edge_count(self->edge, s_metrics[kind]);
    exchange_reply(self, &(reply_t){
                             .status = problem_status(kind),
                             .content_type = "application/problem+json",
                             .fields = fields,
                             .bytes = body,
                             .size = size,
                         });
}

void exchange_problem(exchange_t *self, problem_t kind, const char *detail)
{
    s_problem(self, kind, detail, PROBLEM_RETRY_MS, NULL);
}

void exchange_problem_with(exchange_t *self, problem_t kind, const char *detail,
                           const char *members)
{
    s_problem(self, kind, detail, PROBLEM_RETRY_MS, members);
}

void exchange_retry(exchange_t *self, problem_t kind, uint32_t retry_ms)
{
    s_problem(self, kind, NULL, retry_ms, NULL);
}
