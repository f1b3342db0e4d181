/* SPDX-License-Identifier: Apache-2.0
 *
 * What needs no waiting: the canvas's settings, the edge's health, the page.
 */
#include "edge/api.h"

#include "common/mem.h"
#include "edge/config_json.h"

#include <stdlib.h>
#include <string.h>

void api_get_config(exchange_t *exchange)
{
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    if (!canvas) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "No board has come from the broker yet");
        return;
    }
    size_t size;
    char *body = config_json(canvas, exchange->edge->config->endpoints, &size);
    exchange_reply(exchange, &(reply_t){
                                 .status = 200,
                                 .content_type = "application/json",
                                 .cache_control = "no-cache",
                                 .bytes = body,
                                 .size = size,
                             });
    free(body);
}

static void s_say(exchange_t *exchange, const char *word)
{
    exchange_reply(exchange, &(reply_t){
                                 .status = 200,
                                 .content_type = "text/plain; charset=utf-8",
                                 .bytes = word,
                                 .size = strlen(word),
                             });
}

void api_get_healthz(exchange_t *exchange)
{
    s_say(exchange, "ok\n");
}

void api_get_readyz(exchange_t *exchange)
{
    if (edge_ready(exchange->edge))
        s_say(exchange, "ready\n");
    else
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         exchange->edge->draining
                             ? "This edge is going away"
                             : "No board has come from the broker yet");
}

/* Sockets may go to any edge (`endpoints`); all else is the page's own. */
#define PAGE_POLICY                                                            \
    "Content-Security-Policy: default-src 'self'; connect-src *; "             \
    "img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "           \
    "object-src 'none'; base-uri 'none'; frame-ancestors 'self'\r\n"           \
    "Referrer-Policy: no-referrer\r\n"

void api_get_file(exchange_t *exchange)
{
    const asset_t *file = assets_find(exchange->assets, exchange->path);
    encoding_t encoding =
        encoding_choose(exchange->headers[HEADER_ACCEPT_ENCODING]);
    if (!file->body[encoding])
        encoding = ENCODING_IDENTITY;
    bool page = !strncmp(file->content_type, "text/html", 9);
    bool held =
        etag_matches(exchange->headers[HEADER_IF_NONE_MATCH], file->etag);
    exchange_reply(exchange, &(reply_t){
                                 .status = held ? 304 : 200,
                                 .content_type = file->content_type,
                                 .cache_control = "no-cache",
                                 .etag = file->etag,
                                 .encoding = encoding_name(encoding),
                                 .negotiated = true,
                                 .fields = page ? PAGE_POLICY : NULL,
                                 .blob = file->body[encoding],
                             });
}
