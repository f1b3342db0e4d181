/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP requests on libcurl's multi interface, several in flight on connections
 * that are kept. Made for a thread that may block: requests are started, then
 * run until all are done; a callback may start more. Every request has
 * a deadline, so a run always ends. Nothing is retried here.
 */
#ifndef PERSISTER_HTTP_CLIENT_H
#define PERSISTER_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX (32u << 20) /* an answer longer than that is an error */
#define HTTP_HEADERS_MAX 8

typedef struct http_client http_client_t;

typedef struct {
    const char *method;
    const char *url;
    const char *headers[HTTP_HEADERS_MAX + 1]; /* "Name: value", ends at NULL */
    const void *body; /* borrowed until the request is done */
    size_t body_size;
    uint32_t timeout_ms; /* from its start, behind the delay */
    uint32_t delay_ms;   /* before it starts */
    bool direct;         /* by no proxy: metadata services */
} http_request_t;

/* Borrowed for the callback. */
typedef struct {
    int status;        /* 0: no answer came; error tells why */
    const char *error; /* static text */
    const char *body;  /* terminated, behind body_size */
    size_t body_size;
    const char *date; /* of the Date header, "" without */
} http_response_t;

typedef void (*http_done_fn)(void *context, const http_response_t *response);

/* At most `in_flight` requests at a time; more wait in the order they came. */
http_client_t *http_client_new(unsigned in_flight);

/* What still runs is dropped without its callback. */
void http_client_destroy(http_client_t **self_p);

/* Method, URL and headers are copied. */
void http_client_start(http_client_t *self, const http_request_t *request,
                       http_done_fn on_done, void *context);

/* Until every request is done, those included that callbacks start. Not to be
 * called from a callback. */
void http_client_run(http_client_t *self);

#endif
