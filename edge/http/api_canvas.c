/* SPDX-License-Identifier: Apache-2.0
 *
 * What needs no waiting: the canvas's settings, the edge's health, the page.
 */
#include "edge/http/api.h"

#include "common/mem.h"
#include "edge/http/config_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void api_get_config(exchange_t *exchange)
{
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    if (!canvas) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "No board has come from the broker yet");
        return;
    }
    size_t size;
    char *body = config_json(canvas, exchange->edge->config, &size);
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
    const char *fault = edge_fault(exchange->edge);
    if (fault)
        exchange_problem(exchange, PROBLEM_UNAVAILABLE, fault);
    else
        s_say(exchange, "ready\n");
}

#define POLICY_MAX 2048

/* The origin of a URL with one of two schemes, as the page connects to it, and
 * that of a WebSocket as it fetches the board there. What is too long for a
 * field, or would end it, is left out. */
static size_t s_put_origin(char *out, size_t size, const char *url,
                           size_t length, const char *scheme)
{
    size_t plain = strlen(scheme);
    if (strncasecmp(url, scheme, plain))
        return 0;
    bool secure = url[plain] == 's' || url[plain] == 'S';
    size_t start = plain + secure + 3;
    if (length <= start || strncmp(url + plain + secure, "://", 3))
        return 0;
    size_t host = strcspn(url + start, "/?#,; \t\"'\r\n");
    if (host + start > length || !host || host > 255)
        return 0;
    bool socket = !strcmp(scheme, "ws");
    const char *fetched = !socket ? "" : secure ? " https://" : " http://";
    int put = snprintf(out, size, " %.*s%s%.*s", (int)(start + host), url,
                       fetched, socket ? (int)host : 0, url + start);
    return put > 0 && (size_t)put < size ? (size_t)put : 0;
}

/* The origins of a comma list, behind what is there. */
static size_t s_put_origins(char text[POLICY_MAX], size_t at, const char *list,
                            const char *scheme)
{
    for (const char *url = list ? list : ""; *url;) {
        url += strspn(url, ", \t");
        size_t length = strcspn(url, ", \t");
        at += s_put_origin(text + at, POLICY_MAX - at - 3, url, length, scheme);
        url += length;
    }
    return at;
}

/* What the page may do: load its own files and nothing inline, and connect to
 * its own edge, the `endpoints` and the `template_origins`. */
static void s_policy(char text[POLICY_MAX], const edge_config_t *config)
{
    size_t at = (size_t)snprintf(
        text, POLICY_MAX,
        "Referrer-Policy: no-referrer\r\n"
        "Cross-Origin-Opener-Policy: same-origin\r\n"
        "Permissions-Policy: camera=(), microphone=(), geolocation=(), "
        "payment=(), usb=()\r\n"
        "Content-Security-Policy: default-src 'self'; img-src 'self' data: "
        "blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'; require-trusted-types-for 'script'; "
        "trusted-types stipple; connect-src 'self'");
    at = s_put_origins(text, at, config->endpoints, "ws");
    at = s_put_origins(text, at, config->template_origins, "http");
    strcpy(text + at, "\r\n");
}

void api_get_file(exchange_t *exchange)
{
    bool forever;
    char policy[POLICY_MAX];
    const asset_t *file =
        assets_find(exchange->assets, exchange->path, &forever);
    encoding_t encoding =
        encoding_choose(exchange->fields[FIELD_ACCEPT_ENCODING]);
    if (!file->body[encoding])
        encoding = ENCODING_IDENTITY;
    bool page = !strncmp(file->content_type, "text/html", 9);
    if (page)
        s_policy(policy, exchange->edge->config);
    bool held = etag_matches(exchange->fields[FIELD_IF_NONE_MATCH], file->etag);
    exchange_reply(exchange,
                   &(reply_t){
                       .status = held ? 304 : 200,
                       .content_type = file->content_type,
                       .cache_control = forever ? "public, max-age=31536000, "
                                                  "immutable"
                                                : "no-cache",
                       .etag = file->etag,
                       .encoding = encoding_name(encoding),
                       .negotiated = true,
                       .fields = page ? policy : NULL,
                       .blob = file->body[encoding],
                   });
}
