/* SPDX-License-Identifier: Apache-2.0
 *
 * See exchange.h. The head is written as text here and not by libwebsockets, so
 * that head and body leave in one write and every field is seen in one place.
 */
#include "edge/exchange.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/origin.h"
#include "edge/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD_MAX 2048

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
    for (int i = 0; i < HEADER_COUNT; i++)
        free(self->headers[i]);
    free(self->path);
    free(self->query);
    free(self->body);
    free(self->head);
    blob_unref(&self->blob);
    free(self);
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

auth_result_t exchange_identify(exchange_t *self)
{
    return auth_request(self->edge->auth, self->headers[HEADER_AUTHORIZATION],
                        exchange_query(self, "token"), &self->identity);
}

/* --- The head --------------------------------------------------------------
 */

typedef struct {
    char text[HEAD_MAX];
    size_t length;
} head_t;

static void s_put(head_t *head, const char *text)
{
    size_t length = strlen(text);
    assert(head->length + length <= sizeof head->text);
    memcpy(head->text + head->length, text, length);
    head->length += length;
}

static void s_put_number(head_t *head, uint64_t number)
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
static void s_put_field(head_t *head, const char *name, const char *value)
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
    const char *asked = self->headers[HEADER_PREFLIGHT_METHOD];
    return self->verb == VERB_POST || self->verb == VERB_PUT ||
           (self->verb == VERB_OPTIONS && asked &&
            (!strcmp(asked, "PUT") || !strcmp(asked, "POST")));
}

/* Any page may read; those of the setting may write. */
static void s_put_cors(head_t *head, const exchange_t *self)
{
    static const char allow_origin[] = "Access-Control-Allow-Origin";
    const char *origin = self->headers[HEADER_ORIGIN];
    const char *origins = self->edge->config->origins;
    bool all = !s_writes(self) || !strcmp(origins, "*");
    if (all)
        s_put_field(head, allow_origin, "*");
    else if (origin && strlen(origin) < 256 &&
             origin_allowed(origins, origin, self->headers[HEADER_HOST]))
        s_put_field(head, allow_origin, origin);
    if (!all)
        s_put(head, "Vary: Origin\r\n");
    if (self->verb == VERB_OPTIONS)
        s_put(head, "Access-Control-Allow-Methods: GET, HEAD, POST, PUT\r\n"
                    "Access-Control-Allow-Headers: Authorization, "
                    "Content-Type, Idempotency-Key, If-None-Match\r\n"
                    "Access-Control-Max-Age: 600\r\n");
    else
        s_put(head, "Access-Control-Expose-Headers: ETag, Retry-After\r\n");
}

static void s_put_body(head_t *head, const reply_t *reply, size_t size)
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
    head_t head;
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
        self->blob =
            reply->blob ? blob_ref(reply->blob) : blob_of(reply->bytes, size);
    self->on_reply(self);
}

static void s_problem(exchange_t *self, problem_t kind, const char *detail,
                      uint32_t retry_ms)
{
    char body[PROBLEM_MAX_BYTES], fields[128] = "";
    char allow[ROUTE_ALLOW_MAX] = "GET, HEAD, OPTIONS";
    if (kind == PROBLEM_METHOD_NOT_ALLOWED) {
        if (self->route)
            route_allow(self->route, allow);
        snprintf(fields, sizeof fields, "Allow: %s\r\n", allow);
    } else if (kind == PROBLEM_UNAUTHORIZED) {
        snprintf(fields, sizeof fields, "WWW-Authenticate: Bearer\r\n");
    } else if (problem_retries(kind)) {
        snprintf(fields, sizeof fields, "Retry-After: %u\r\n",
                 retry_after_s(retry_ms));
    }
    size_t size = problem_render(body, kind, detail, retry_ms);
    edge_count(self->edge, (edge_metric_t)(EDGE_PROBLEM_BAD_REQUEST + kind));
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
    s_problem(self, kind, detail, PROBLEM_RETRY_MS);
}

void exchange_retry(exchange_t *self, problem_t kind, uint32_t retry_ms)
{
    s_problem(self, kind, NULL, retry_ms);
}
