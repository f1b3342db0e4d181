/* SPDX-License-Identifier: Apache-2.0
 *
 * See webhook_sender.h.
 */
#include "persister/webhook_sender.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/http_client.h"

#include <inttypes.h>

#define TIMEOUT_MS 5000
#define BASE_MS 500
#define CAP_MS 60000
/* At the end: of each try, and of all of them. */
#define LAST_TRY_MS 1000
#define LAST_MS 2000

typedef struct order {
    struct order *next;
    control_t action;
    uint64_t came_ms; /* mono */
} order_t;

typedef struct {
    webhook_options_t options;
    zsock_t *pipe;
    http_client_t *client;
    order_t *first, **end; /* those that wait, and where the next one goes */
    json_text_t body;
    backoff_t backoff;
    uint64_t try_at_ms; /* mono */
    uint32_t timeout_ms;
    int status; /* of the last answer */
    webhook_news_t news;
} webhook_sender_t;

static void s_on_done(void *context, const http_response_t *response)
{
    webhook_sender_t *self = context;
    self->status = response->status;
}

/* Signed anew each time: a receiver may refuse what is old. */
static webhook_verdict_t s_try(webhook_sender_t *self, const control_t *action)
{
    char signature[WEBHOOK_SIGNATURE_MAX], delivery[64];
    http_request_t request = {
        .method = "POST",
        .url = self->options.url,
        .headers = {"Content-Type: application/json",
                    "User-Agent: stipple/" STIPPLE_VERSION, delivery},
        .timeout_ms = self->timeout_ms,
    };
    webhook_body(&self->body, self->options.shape, action);
    request.body = self->body.bytes;
    request.body_size = self->body.size;
    snprintf(delivery, sizeof delivery, "Stipple-Delivery: %" PRIu64,
             action->seq);
    if (self->options.secret) {
        webhook_sign(signature, self->options.secret, self->options.secret_size,
                     clock_wall_ms() / 1000, &self->body);
        request.headers[3] = signature;
    }
    self->status = 0;
    http_client_start(self->client, &request, s_on_done, self);
    http_client_run(self->client);
    return webhook_judge(self->status);
}

static void s_say(webhook_sender_t *self)
{
    zframe_t *frame = zframe_new(&self->news, sizeof self->news);
    zframe_send(&frame, self->pipe, 0);
}

static void s_drop(webhook_sender_t *self, const control_t *action,
                   const char *why)
{
    self->news.dropped++;
    log_warn("webhook_dropped", "seq=%" PRIu64 " verb=%s status=%d why=%s",
             action->seq, control_word(action->verb), self->status, why);
}

static void s_free_first(webhook_sender_t *self)
{
    order_t *order = self->first;
    self->first = order->next;
    if (!self->first)
        self->end = &self->first;
    free(order);
}

/* One try for the oldest. */
static void s_work(webhook_sender_t *self)
{
    order_t *order = self->first;
    if (!order || clock_mono_ms() < self->try_at_ms)
        return;
    webhook_verdict_t verdict = s_try(self, &order->action);
    uint64_t now_ms = clock_mono_ms();
    bool patient = now_ms - order->came_ms < WEBHOOK_PATIENCE_MS;
    if (verdict == WEBHOOK_AGAIN && patient) {
        self->news.retries++;
        self->try_at_ms = now_ms + backoff_next_ms(&self->backoff);
        s_say(self);
        return;
    }
    if (verdict == WEBHOOK_TOLD)
        self->news.told++;
    else
        s_drop(self, &order->action,
               verdict == WEBHOOK_AGAIN ? "late" : "refused");
    if (verdict != WEBHOOK_AGAIN)
        backoff_reset(&self->backoff);
    self->try_at_ms = 0;
    s_free_first(self);
    s_say(self);
}

static void s_end(webhook_sender_t *self)
{
    uint64_t until_ms = clock_mono_ms() + LAST_MS;
    self->timeout_ms = LAST_TRY_MS;
    for (; self->first; s_free_first(self))
        if (clock_mono_ms() >= until_ms ||
            s_try(self, &self->first->action) != WEBHOOK_TOLD)
            s_drop(self, &self->first->action, "stopping");
    http_client_destroy(&self->client);
    json_text_fini(&self->body);
    free(self);
}

/* Until the next try is due; -1: nothing waits. */
static int s_pause_ms(const webhook_sender_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (!self->first)
        return -1;
    return self->try_at_ms > now_ms ? (int)(self->try_at_ms - now_ms) : 0;
}

/* False: it is to end, as anything but an action says. */
static bool s_take(webhook_sender_t *self)
{
    zframe_t *frame = zframe_recv(self->pipe);
    bool goes_on = frame && zframe_size(frame) == sizeof(control_t);
    if (goes_on) {
        order_t *order = mem_zalloc(1, sizeof *order);
        memcpy(&order->action, zframe_data(frame), sizeof order->action);
        order->came_ms = clock_mono_ms();
        *self->end = order;
        self->end = &order->next;
    }
    zframe_destroy(&frame);
    return goes_on;
}

static void s_run(zsock_t *pipe, void *arg)
{
    webhook_sender_t *self = arg;
    self->pipe = pipe;
    zpoller_t *poller = zpoller_new(pipe, NULL);
    zpoller_set_nonstop(poller, true); /* a signal is for the owner */
    zsock_signal(pipe, 0);
    for (bool goes_on = true; goes_on;) {
        if (zpoller_wait(poller, s_pause_ms(self)))
            goes_on = s_take(self);
        else
            s_work(self);
    }
    zpoller_destroy(&poller);
    s_end(self);
}

zactor_t *webhook_sender_new(const webhook_options_t *options)
{
    webhook_sender_t *self = mem_zalloc(1, sizeof *self);
    self->options = *options;
    self->client = http_client_new(1);
    self->end = &self->first;
    self->backoff = backoff_of(BASE_MS, CAP_MS);
    self->timeout_ms = TIMEOUT_MS;
    return zactor_new(s_run, self);
}

void webhook_tell(zactor_t *self, const control_t *action)
{
    zframe_t *frame = zframe_new(action, sizeof *action);
    zframe_send(&frame, self, 0);
}
