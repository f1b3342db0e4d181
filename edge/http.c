/* SPDX-License-Identifier: Apache-2.0
 *
 * libwebsockets' HTTP callbacks to exchanges, and answers to the socket. What
 * version 4.1 does and must be kept in mind here:
 *
 * - A request with a body that was pipelined behind another is parsed from a
 *   buffer whose beginning, the request's own line, is then given out as the
 *   body; completing such a transaction hangs the loop for ever. So a request
 *   with a body is answered only after its first bytes were seen, and a body
 *   that begins like a request line ends the connection. Clients may not
 *   pipeline after PUT or POST anyway (RFC 9112, section 9.3.2).
 * - While an answer is awaited, reading is switched off: else the next
 *   request's bytes complete the body again and again.
 * - Without Content-Length, POST and PUT are taken to have 100 MB to come:
 *   they are answered at once, and the connection ends.
 * - Nothing is written while a partial send waits.
 * - While an answer waits for its reader, input is neither read nor can it be
 *   switched off without the output: unread bytes wake the loop again and
 *   again. Who sends more and reads nothing is hung up on after a second or
 * two.
 */
#include "edge/http.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/answer.h"
#include "edge/api.h"
#include "edge/guest.h"
#include "edge/guest_socket.h"
#include "edge/http_request.h"
#include "edge/server.h"

#include <ctype.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

/* A body larger than this is not even read away. */
#define DISCARD_BYTES_MAX (16 << 20)
/* Longest time without progress of an answer. */
#define ANSWER_TIMEOUT_S 30
/* For a whole body; lws itself only bounds each pause in it. */
#define BODY_TIMEOUT_MS 20000
#define STALL_CHECK_US 1000000
#define STUCK_CHECK_US 250000

struct http {
    edge_t *edge;
    assets_t *assets;
    board_cache_t *boards;
    uint8_t *buffer; /* head and first piece of the answer being sent */
};

/* libwebsockets' memory for a connection. */
typedef struct {
    exchange_t *exchange; /* NULL between requests */
} user_t;

/* What http.c keeps of an exchange: its `context`. */
typedef struct {
    struct lws *wsi;
    uint64_t expected; /* of the body, by Content-Length */
    uint64_t began_at_ms;
    bool began;    /* the body did */
    bool deferred; /* the handler answers later */
    size_t sent;   /* of the answer, when it was last looked at */
    bool stuck;    /* it had not gone on then, and input waited */
} link_t;

/* --- Renderings on the thread pool ------------------------------------------
 */

typedef struct {
    uv_work_t request;
    work_t *work;
} task_t;

static void s_run_task(uv_work_t *request)
{
    work_t *work = ((task_t *)request)->work;
    work->run(work);
}

static void s_task_done(uv_work_t *request, int status)
{
    task_t *task = (task_t *)request;
    (void)status; /* never cancelled */
    task->work->done(task->work);
    free(task);
}

static void s_submit(void *context, work_t *work)
{
    edge_t *edge = context;
    task_t *task = mem_zalloc(1, sizeof *task);
    task->work = work;
    edge_count(edge, EDGE_RENDERINGS);
    uv_queue_work(server_loop(edge->server), &task->request, s_run_task,
                  s_task_done);
}

http_t *http_new(edge_t *edge)
{
    http_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    self->buffer = mem_alloc(ANSWER_BUFFER_BYTES);
    self->boards = board_cache_new(
        edge->mirror, (uint64_t)edge->config->board_max_age_s * 1000, s_submit,
        edge);
    self->assets = assets_new(edge->config->web_dir);
    if (!self->assets)
        http_destroy(&self);
    return self;
}

void http_destroy(http_t **self_p)
{
    http_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    board_cache_destroy(&self->boards);
    assets_destroy(&self->assets);
    free(self->buffer);
    free(self);
}

void http_stop(http_t *self)
{
    if (self)
        board_cache_stop(self->boards);
}

void http_equip(exchange_t *exchange)
{
    const http_t *self = exchange->edge->http;
    exchange->assets = self->assets;
    exchange->boards = self->boards;
}

size_t http_user_bytes(void)
{
    return sizeof(user_t);
}

/* --- Sending ----------------------------------------------------------------
 */

/* -1 where the connection is to end now. */
static int s_finish(user_t *user, struct lws *wsi)
{
    if (lws_partial_buffered(wsi))
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_TIMEOUT_S);
    if (user->exchange->close) {
        if (!lws_partial_buffered(wsi))
            return -1;
        lws_callback_on_writable(wsi); /* once it is drained */
        return 0;
    }
    /* Completing frees `user` and makes a new one. */
    free(user->exchange->context);
    exchange_destroy(&user->exchange);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Goes on with an answer; -1 where the connection is to end now. */
static int s_send(http_t *self, user_t *user, struct lws *wsi)
{
    exchange_t *exchange = user->exchange;
    answer_result_t result = answer_send(exchange, wsi, self->buffer);
    if (result == ANSWER_FAILED)
        return -1;
    if (result == ANSWER_SENT)
        return s_finish(user, wsi);
    ((link_t *)exchange->context)->sent = exchange->sent;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_TIMEOUT_S);
    lws_set_timer_usecs(wsi, STALL_CHECK_US);
    lws_callback_on_writable(wsi);
    return 0;
}

/* More input, or its end, waits behind the request that is being answered. */
static bool s_has_input(struct lws *wsi)
{
    uint8_t byte;
    return recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* While an answer waits for its reader: each second, sooner where there is
 * input. */
static int s_on_timer(user_t *user, struct lws *wsi)
{
    exchange_t *exchange = user ? user->exchange : NULL;
    if (!exchange || !exchange->answered)
        return 0;
    link_t *link = exchange->context;
    bool stuck = s_has_input(wsi) && link->sent == exchange->sent;
    if (stuck && link->stuck) {
        guest_socket_kill(wsi); /* a mere -1 would wait for the reader */
        return 0;
    }
    link->stuck = stuck;
    link->sent = exchange->sent;
    lws_set_timer_usecs(wsi, stuck ? STUCK_CHECK_US : STALL_CHECK_US);
    return 0;
}

/* A handler's answer. One that came at once is sent by the callback. */
static void s_on_reply(exchange_t *exchange)
{
    const link_t *link = exchange->context;
    if (!link->deferred)
        return;
    lws_rx_flow_control(link->wsi, 1);
    lws_callback_on_writable(link->wsi);
}

/* --- Reading -----------------------------------------------------------------
 */

/* Where libwebsockets found no length it may have missed one (guest_misreads):
 * what follows may be a body, and its answer, behind a proxy, another person's.
 * Such a connection ends with its answer, but where no proxy can be: behind our
 * own TLS, and in HTTP/1.0, which none speaks to us with keep-alive. */
static bool s_end_is_in_doubt(const exchange_t *exchange, struct lws *wsi)
{
    const edge_config_t *config = exchange->edge->config;
    bool proxied = config->trusted_proxies && *config->trusted_proxies;
    return !http_request_has_length(wsi) &&
           (proxied || (!edge_config_has_tls(config) && !exchange->http10));
}

static exchange_t *s_begin(http_t *self, struct lws *wsi)
{
    exchange_t *exchange = exchange_new(self->edge);
    link_t *link = mem_zalloc(1, sizeof *link);
    link->wsi = wsi;
    exchange->context = link;
    exchange->on_reply = s_on_reply;
    exchange->connection = guest_connection(wsi);
    http_equip(exchange);
    http_request_read(exchange, wsi);
    exchange->close |= s_end_is_in_doubt(exchange, wsi);
    edge_count(self->edge, EDGE_HTTP_REQUESTS);
    return exchange;
}

static void s_end(user_t *user)
{
    if (!user || !user->exchange)
        return;
    void *context = user->exchange->context;
    exchange_destroy(&user->exchange);
    free(context);
}

/* Has the request answered, and sends or waits. */
static int s_handle(http_t *self, user_t *user, struct lws *wsi)
{
    exchange_t *exchange = user->exchange;
    link_t *link = exchange->context;
    api_handle(exchange);
    if (exchange->answered)
        return s_send(self, user, wsi);
    link->deferred = true;
    lws_rx_flow_control(wsi, 0);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_TIMEOUT_S);
    return 0;
}

/* To who asks before sending a body (RFC 9110, section 10.1.1). */
static int s_invite(http_t *self, struct lws *wsi)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t *at = self->buffer + LWS_PRE;
    memcpy(at, text, sizeof text - 1);
    return lws_write(wsi, at, sizeof text - 1, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int s_on_request(http_t *self, user_t *user, struct lws *wsi)
{
    s_end(user);
    exchange_t *exchange = user->exchange = s_begin(self, wsi);
    link_t *link = exchange->context;
    int64_t length = http_request_body_length(wsi);
    if (length < 0 || !*exchange->path) {
        exchange->close = true;
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         length < 0 ? "The body's length is not given as "
                                      "one Content-Length"
                                    : "The path or the version is none");
        return s_send(self, user, wsi);
    }
    if (http_request_is_open_ended(exchange, wsi))
        exchange->close = true;
    if (!length)
        return s_handle(self, user, wsi);
    link->expected = (uint64_t)length;
    link->began_at_ms = clock_mono_ms();
    exchange->body_too_large = length > EXCHANGE_BODY_MAX;
    if (exchange->body_too_large)
        return 0;
    exchange->body = mem_alloc((size_t)length);
    return !exchange->http10 && http_request_expects(wsi) ? s_invite(self, wsi)
                                                          : 0;
}

/* What a body from the wrong place of lws's buffer begins with. */
static bool s_is_request_line(const char *bytes, size_t size)
{
    static const char *const lines[] = {"GET /",     "HEAD /",  "POST /",
                                        "PUT /",     "PATCH /", "OPTIONS /",
                                        "OPTIONS *", "DELETE /"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        size_t length = strlen(lines[i]);
        if (!strncasecmp(bytes, lines[i], size < length ? size : length))
            return true;
    }
    return false;
}

static int s_on_body(http_t *self, user_t *user, struct lws *wsi,
                     const char *bytes, size_t size)
{
    exchange_t *exchange = user->exchange;
    if (!exchange || exchange->answered || !size)
        return 0;
    link_t *link = exchange->context;
    if (!link->began && s_is_request_line(bytes, size)) {
        edge_count(self->edge, EDGE_HTTP_MALFORMED);
        return -1;
    }
    if (clock_mono_ms() > link->began_at_ms + BODY_TIMEOUT_MS)
        return -1;
    link->began = true;
    if (exchange->body && exchange->body_size + size <= link->expected) {
        memcpy(exchange->body + exchange->body_size, bytes, size);
        exchange->body_size += size;
    }
    if (link->expected <= DISCARD_BYTES_MAX)
        return 0;
    exchange->close = true;
    api_handle(exchange); /* answers at once: too large */
    return s_send(self, user, wsi);
}

static int s_on_body_end(http_t *self, user_t *user, struct lws *wsi)
{
    const exchange_t *exchange = user->exchange;
    if (!exchange || exchange->answered ||
        ((const link_t *)exchange->context)->deferred)
        return 0;
    return s_handle(self, user, wsi);
}

/* --- Everything else ---------------------------------------------------------
 */

/* "WORD target HTTP/": a request, though of a method that nobody knows. */
static bool s_is_request(const char *bytes, size_t size)
{
    size_t word = 0;
    while (word < size && isalpha((unsigned char)bytes[word]))
        word++;
    return word && word < size && bytes[word] == ' ' &&
           memmem(bytes, size, " HTTP/", 6);
}

/* No HTTP at all, or a method that libwebsockets has no name for. */
static int s_on_raw(http_t *self, struct lws *wsi, const char *bytes,
                    size_t size)
{
    user_t user = {.exchange = exchange_new(self->edge)};
    link_t link = {.wsi = wsi};
    user.exchange->verb = VERB_OTHER;
    user.exchange->close = true;
    user.exchange->context = &link;
    user.exchange->on_reply = s_on_reply;
    edge_count(self->edge, EDGE_HTTP_MALFORMED);
    if (s_is_request(bytes, size))
        exchange_problem(user.exchange, PROBLEM_METHOD_NOT_ALLOWED, NULL);
    else
        exchange_problem(user.exchange, PROBLEM_BAD_REQUEST,
                         "This is no HTTP request");
    answer_send(user.exchange, wsi, self->buffer);
    exchange_destroy(&user.exchange);
    return -1;
}

/* -1: answered, and the connection ends; 0: libwebsockets shakes hands. */
static int s_on_upgrade(http_t *self, struct lws *wsi, const char *to)
{
    user_t user = {.exchange = s_begin(self, wsi)};
    connection_t *connection = user.exchange->connection;
    upgrade_t *upgrade = NULL;
    user.exchange->close = true;
    if (strcasecmp(to, "websocket") || !connection)
        exchange_problem(user.exchange, PROBLEM_BAD_REQUEST,
                         "The only upgrade is to a WebSocket");
    else
        upgrade = api_upgrade(user.exchange);
    if (upgrade) {
        free(connection->upgrade);
        connection->upgrade = upgrade;
    } else {
        answer_send(user.exchange, wsi, self->buffer);
    }
    s_end(&user);
    return upgrade ? 0 : -1;
}

static int s_on_writable(http_t *self, user_t *user, struct lws *wsi)
{
    if (!user->exchange || !user->exchange->answered)
        return 0;
    return s_send(self, user, wsi);
}

int http_callback(struct lws *wsi, int reason, void *user, void *in,
                  size_t length)
{
    /* Reasons without a connection come before the edge is whole. */
    http_t *self = reason == LWS_CALLBACK_PROTOCOL_INIT ||
                           reason == LWS_CALLBACK_PROTOCOL_DESTROY
                       ? NULL
                       : guest_edge(wsi)->http;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return s_on_request(self, user, wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return s_on_body(self, user, wsi, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return s_on_body_end(self, user, wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return s_on_writable(self, user, wsi);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        s_end(user);
        return 0;
    case LWS_CALLBACK_TIMER:
        return s_on_timer(user, wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return s_on_upgrade(self, wsi, in);
    case LWS_CALLBACK_RAW_RX:
        return s_on_raw(self, wsi, in, length);
    case LWS_CALLBACK_ESTABLISHED: /* a WebSocket of no protocol of ours */
        return -1;
    default:
        return 0;
    }
}
