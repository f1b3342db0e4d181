/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http_request.h"

#include "common/mem.h"
#include "edge/input.h"
#include "edge/negotiate.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum lws_token_indexes token;
    verb_t verb;
} verbs[] = {
    {WSI_TOKEN_GET_URI, VERB_GET},         {WSI_TOKEN_HEAD_URI, VERB_HEAD},
    {WSI_TOKEN_POST_URI, VERB_POST},       {WSI_TOKEN_PUT_URI, VERB_PUT},
    {WSI_TOKEN_OPTIONS_URI, VERB_OPTIONS}, {WSI_TOKEN_PATCH_URI, VERB_OTHER},
    {WSI_TOKEN_DELETE_URI, VERB_OTHER},
};

static const struct {
    header_t header;
    enum lws_token_indexes token;
    const char *custom; /* where libwebsockets has no token */
} headers[] = {
    {HEADER_AUTHORIZATION, WSI_TOKEN_HTTP_AUTHORIZATION, NULL},
    {HEADER_ORIGIN, WSI_TOKEN_ORIGIN, NULL},
    {HEADER_HOST, WSI_TOKEN_HOST, NULL},
    {HEADER_ACCEPT_ENCODING, WSI_TOKEN_HTTP_ACCEPT_ENCODING, NULL},
    {HEADER_IF_NONE_MATCH, WSI_TOKEN_HTTP_IF_NONE_MATCH, NULL},
    {HEADER_IDEMPOTENCY_KEY, 0, "idempotency-key:"},
    {HEADER_PREFLIGHT_METHOD, 0, "access-control-request-method:"},
    {HEADER_FORWARDED_FOR, WSI_TOKEN_X_FORWARDED_FOR, NULL},
    {HEADER_CONNECTION, WSI_TOKEN_CONNECTION, NULL},
    {HEADER_WS_PROTOCOL, WSI_TOKEN_PROTOCOL, NULL},
    {HEADER_WS_VERSION, WSI_TOKEN_VERSION, NULL},
    {HEADER_WS_KEY, WSI_TOKEN_KEY, NULL},
};

/* libwebsockets keeps the white space behind a value, which is none of it. */
static char *s_trim(char *text)
{
    size_t length = text ? strlen(text) : 0;
    while (length && strchr(" \t", text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* A header's value; NULL where absent. The caller's (free). */
static char *s_header(struct lws *wsi, enum lws_token_indexes token)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0)
        return NULL;
    char *text = mem_zalloc(1, (size_t)length + 1);
    if (lws_hdr_copy(wsi, text, length + 1, token) < 0)
        *text = '\0';
    return text;
}

static char *s_custom(struct lws *wsi, const char *name)
{
    int length = lws_hdr_custom_length(wsi, name, (int)strlen(name));
    if (length < 0)
        return NULL;
    char *text = mem_zalloc(1, (size_t)length + 2);
    if (lws_hdr_custom_copy(wsi, text, length + 2, name, (int)strlen(name)) < 0)
        *text = '\0';
    return text;
}

/* The query's pieces, each with its NUL, and an empty one. */
static char *s_query(struct lws *wsi)
{
    int total = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    if (total <= 0)
        return NULL;
    char *query = mem_zalloc(1, (size_t)total + 3);
    char *at = query;
    int length;
    for (int i = 0;
         (length = lws_hdr_copy_fragment(wsi, at, total + 1 - (int)(at - query),
                                         WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
         i++)
        if (length)
            at += strlen(at) + 1;
    *at = '\0';
    return query;
}

static void s_read_target(exchange_t *exchange, struct lws *wsi)
{
    exchange->verb = VERB_OTHER;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (lws_hdr_total_length(wsi, verbs[i].token) > 0) {
            exchange->verb = verbs[i].verb;
            exchange->path = s_header(wsi, verbs[i].token);
            /* %00 in it: another path than the one that was asked for. */
            if ((int)strlen(exchange->path) !=
                lws_hdr_total_length(wsi, verbs[i].token))
                *exchange->path = '\0';
        }
    if (!exchange->path)
        exchange->path = mem_strdup("");
    exchange->query = s_query(wsi);
}

void http_request_read(exchange_t *exchange, struct lws *wsi)
{
    char version[16] = "";
    s_read_target(exchange, wsi);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        exchange->headers[headers[i].header] =
            s_trim(headers[i].custom ? s_custom(wsi, headers[i].custom)
                                     : s_header(wsi, headers[i].token));
    const char *connection = exchange->headers[HEADER_CONNECTION];
    lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP);
    exchange->http10 = !strcmp(version, "HTTP/1.0");
    if (!exchange->http10 && strcmp(version, "HTTP/1.1"))
        *exchange->path = '\0';
    exchange->close = exchange->http10 ? !list_has(connection, "keep-alive")
                                       : list_has(connection, "close");
}

int64_t http_request_body_length(struct lws *wsi)
{
    int64_t length = 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return -1;
    char *text = s_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (text && input_integer(text, strcspn(text, " \t"), &length) < 0)
        length = -1;
    free(text);
    return length;
}

bool http_request_has_length(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
}

bool http_request_is_open_ended(const exchange_t *exchange, struct lws *wsi)
{
    bool writes = exchange->verb == VERB_POST || exchange->verb == VERB_PUT ||
                  lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0;
    return writes && !http_request_has_length(wsi);
}

bool http_request_expects(struct lws *wsi)
{
    char *expected = s_header(wsi, WSI_TOKEN_HTTP_EXPECT);
    bool expects = list_has(expected, "100-continue");
    free(expected);
    return expects;
}
