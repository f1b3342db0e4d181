/* SPDX-License-Identifier: Apache-2.0
 *
 * One list of transfers: those that wait (for their delay or for a place) and
 * those that run. An easy handle is kept with its transfer and both are used
 * again, so that a steady load allocates nothing.
 */
#include "persister/http_client.h"

#include "common/clock.h"
#include "common/mem.h"

#include <curl/curl.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_MS 3000
#define POLL_MS 1000

typedef enum { IDLE, WAITING, RUNNING } transfer_state_t;

typedef struct transfer {
    struct transfer *next; /* in the client's list of all */
    transfer_state_t state;
    uint64_t due_ms;
    uint64_t order; /* in which they were started */
    uint32_t timeout_ms;
    http_done_fn on_done;
    void *context;
    CURL *easy;
    struct curl_slist *headers;
    char *answer;
    size_t answer_size, answer_capacity;
    char date[64];
} transfer_t;

struct http_client {
    CURLM *multi;
    transfer_t *transfers;
    unsigned in_flight_max, running;
    uint64_t started;
};

http_client_t *http_client_new(unsigned in_flight)
{
    http_client_t *self = mem_zalloc(1, sizeof *self);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    signal(SIGPIPE, SIG_IGN); /* CURLOPT_NOSIGNAL leaves it to us */
    self->multi = curl_multi_init();
    if (!self->multi)
        abort(); /* out of memory, as in mem_* */
    self->in_flight_max = in_flight;
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
    return self;
}

void http_client_destroy(http_client_t **self_p)
{
    http_client_t *self = *self_p;
    if (!self)
        return;
    while (self->transfers) {
        transfer_t *transfer = self->transfers;
        self->transfers = transfer->next;
        if (transfer->state == RUNNING)
            curl_multi_remove_handle(self->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        curl_slist_free_all(transfer->headers);
        free(transfer->answer);
        free(transfer);
    }
    curl_multi_cleanup(self->multi);
    curl_global_cleanup();
    free(self);
    *self_p = NULL;
}

static size_t s_on_body(char *bytes, size_t size, size_t count, void *context)
{
    transfer_t *self = context;
    size *= count;
    if (size > HTTP_BODY_MAX - self->answer_size)
        return 0; /* fails the transfer */
    size_t need = self->answer_size + size + 1;
    if (need > self->answer_capacity) {
        self->answer_capacity = need + need / 2;
        self->answer = mem_realloc(self->answer, self->answer_capacity, 1);
    }
    memcpy(self->answer + self->answer_size, bytes, size);
    self->answer_size += size;
    self->answer[self->answer_size] = '\0';
    return size;
}

static size_t s_on_header(char *bytes, size_t size, size_t count, void *context)
{
    transfer_t *self = context;
    size *= count;
    if (size > 5 && strncasecmp(bytes, "Date:", 5) == 0) {
        size_t at = 5;
        while (at < size && bytes[at] == ' ')
            at++;
        size_t length = size - at;
        if (length >= sizeof self->date)
            length = sizeof self->date - 1;
        memcpy(self->date, bytes + at, length);
        self->date[length] = '\0';
        self->date[strcspn(self->date, "\r\n")] = '\0';
    }
    return size;
}

static transfer_t *s_require(http_client_t *self)
{
    for (transfer_t *each = self->transfers; each; each = each->next) {
        if (each->state == IDLE)
            return each;
    }
    transfer_t *transfer = mem_zalloc(1, sizeof *transfer);
    transfer->easy = curl_easy_init();
    if (!transfer->easy)
        abort(); /* out of memory, as in mem_* */
    transfer->next = self->transfers;
    self->transfers = transfer;
    return transfer;
}

static void s_prepare(transfer_t *self, const http_request_t *request)
{
    CURL *easy = self->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, self);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, s_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, self);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, s_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, self);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (request->direct)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)request->body_size);
    }
    curl_slist_free_all(self->headers);
    /* Without a pause for "100 Continue" before long bodies. */
    self->headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; request->headers[i]; i++)
        self->headers = curl_slist_append(self->headers, request->headers[i]);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, self->headers);
}

void http_client_start(http_client_t *self, const http_request_t *request,
                       http_done_fn on_done, void *context)
{
    transfer_t *transfer = s_require(self);
    transfer->state = WAITING;
    transfer->due_ms = clock_mono_ms() + request->delay_ms;
    transfer->order = self->started++;
    transfer->timeout_ms = request->timeout_ms;
    transfer->on_done = on_done;
    transfer->context = context;
    transfer->answer_size = 0;
    transfer->date[0] = '\0';
    s_prepare(transfer, request);
}

/* The one that waits longest among those that are due. */
static transfer_t *s_due(http_client_t *self, uint64_t now_ms)
{
    transfer_t *found = NULL;
    for (transfer_t *each = self->transfers; each; each = each->next) {
        if (each->state == WAITING && each->due_ms <= now_ms &&
            (!found || each->order < found->order))
            found = each;
    }
    return found;
}

static void s_begin_due(http_client_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    transfer_t *transfer;
    while (self->running < self->in_flight_max &&
           (transfer = s_due(self, now_ms))) {
        transfer->state = RUNNING;
        self->running++;
        curl_multi_add_handle(self->multi, transfer->easy);
    }
}

static void s_finish(http_client_t *self, CURL *easy, CURLcode code)
{
    transfer_t *transfer = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(self->multi, easy);
    self->running--;
    http_response_t response = {
        .status = code == CURLE_OK ? (int)status : 0,
        .error = code == CURLE_OK ? "" : curl_easy_strerror(code),
        .body = transfer->answer_size ? transfer->answer : "",
        .body_size = transfer->answer_size,
        .date = transfer->date,
    };
    transfer->on_done(transfer->context, &response);
    transfer->state = IDLE; /* only now: the callback reads its answer */
}

/* Milliseconds until something is due; -1 where nothing waits or runs. */
static int s_next_ms(const http_client_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    int next_ms = self->running ? POLL_MS : -1;
    for (const transfer_t *each = self->transfers; each; each = each->next) {
        if (each->state != WAITING || self->running == self->in_flight_max)
            continue;
        int left_ms = each->due_ms > now_ms ? (int)(each->due_ms - now_ms) : 0;
        if (next_ms < 0 || left_ms < next_ms)
            next_ms = left_ms;
    }
    return next_ms;
}

void http_client_run(http_client_t *self)
{
    int wait_ms;
    while ((wait_ms = s_next_ms(self)) >= 0) {
        int running, left;
        CURLMsg *message;
        s_begin_due(self);
        curl_multi_perform(self->multi, &running);
        while ((message = curl_multi_info_read(self->multi, &left))) {
            if (message->msg == CURLMSG_DONE)
                s_finish(self, message->easy_handle, message->data.result);
        }
        wait_ms = s_next_ms(self);
        if (wait_ms > 0)
            curl_multi_poll(self->multi, NULL, 0, wait_ms, NULL);
    }
}
