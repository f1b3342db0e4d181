/* SPDX-License-Identifier: Apache-2.0
 *
 * See errands.h.
 */
#include "edge/errands.h"

#include "common/backoff.h"
#include "common/bus_errand.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SILENCE_MS 1500 /* without an answer it may have been lost */
#define AGAIN_MS 200 /* behind an `unavailable`, and with nobody to send to */

typedef struct {
    uint64_t ticket; /* 0: free */
    uint64_t until_ms, send_at_ms;
    uint64_t silence_ms;
    json_t *unavailable; /* the last such answer; or NULL */
    uint8_t *bytes;
    size_t size;
    errands_done_fn done;
    void *context;
} errand_t;

struct errands {
    errands_send_fn send;
    void *context;
    uint64_t next_ticket;
    size_t count;
    errand_t table[ERRANDS_MAX];
};

errands_t *errands_new(errands_send_fn send, void *context)
{
    errands_t *self = mem_zalloc(1, sizeof *self);
    self->send = send;
    self->context = context;
    /* Answers to an edge's former life do not fit. */
    self->next_ticket = random_u64() >> 1 | 1;
    return self;
}

static void s_free(errands_t *self, errand_t *errand)
{
    assert(errand->ticket && self->count);
    free(errand->bytes);
    json_decref(errand->unavailable);
    *errand = (errand_t){0};
    self->count--;
}

void errands_destroy(errands_t **self_p)
{
    errands_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        if (self->table[i].ticket)
            s_free(self, &self->table[i]);
    free(self);
}

size_t errands_count(const errands_t *self)
{
    return self->count;
}

/* Ticket 0 finds a free place. */
static errand_t *s_find(errands_t *self, uint64_t ticket)
{
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        if (self->table[i].ticket == ticket)
            return &self->table[i];
    return NULL;
}

static void s_send(errands_t *self, errand_t *errand, uint64_t now_ms)
{
    bool sent = self->send(self->context, errand->bytes, errand->size) == 0;
    errand->send_at_ms = now_ms + (sent ? errand->silence_ms : AGAIN_MS);
}

uint64_t errands_ask(errands_t *self, const char *token, const json_t *request,
                     bool looks, uint64_t now_ms, errands_done_fn done,
                     void *context)
{
    errand_t *errand = s_find(self, 0);
    char *json = json_dumps(request, JSON_COMPACT);
    assert(done && json);
    if (errand) {
        bus_errand_t message = {.ticket = self->next_ticket++,
                                .token = token,
                                .token_size = strlen(token),
                                .json = json,
                                .json_size = strlen(json)};
        *errand =
            (errand_t){.ticket = message.ticket,
                       .until_ms = now_ms + ERRANDS_TIMEOUT_MS,
                       .silence_ms = looks ? ERRANDS_TIMEOUT_MS : SILENCE_MS,
                       .bytes = mem_alloc(bus_errand_bound(&message)),
                       .done = done,
                       .context = context};
        errand->size = bus_put_errand(errand->bytes, BUS_ERRAND, &message);
        self->count++;
        s_send(self, errand, now_ms);
    }
    free(json);
    return errand ? errand->ticket : 0;
}

void errands_cancel(errands_t *self, uint64_t ticket)
{
    errand_t *errand = ticket ? s_find(self, ticket) : NULL;
    if (errand)
        s_free(self, errand);
}

/* Takes a reference of the answer over. */
static void s_end(errands_t *self, errand_t *errand, json_t *answer)
{
    errands_done_fn done = errand->done;
    void *context = errand->context;
    s_free(self, errand);
    done(context, answer);
    json_decref(answer);
}

static bool s_comes_again(const json_t *answer)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    return code && !strcmp(code, "unavailable");
}

int errands_on_answer(errands_t *self, const void *bytes, size_t size,
                      uint64_t now_ms)
{
    bus_errand_t message;
    if (bus_decode_errand(&message, BUS_ERRAND_DONE, bytes, size) < 0)
        return -1;
    errand_t *errand = message.ticket ? s_find(self, message.ticket) : NULL;
    if (!errand)
        return 0; /* a second answer, or it was given up */
    json_t *answer = json_loadb(message.json, message.json_size, 0, NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return -1;
    }
    if (!s_comes_again(answer)) {
        s_end(self, errand, answer);
        return 0;
    }
    json_decref(errand->unavailable);
    errand->unavailable = answer;
    errand->send_at_ms = now_ms + AGAIN_MS;
    return 0;
}

void errands_on_leader(errands_t *self)
{
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        self->table[i].send_at_ms = 0;
}

void errands_tick(errands_t *self, uint64_t now_ms)
{
    for (size_t i = 0; self->count && i < ERRANDS_MAX; i++) {
        errand_t *errand = &self->table[i];
        if (!errand->ticket)
            continue;
        if (now_ms >= errand->until_ms)
            s_end(self, errand, json_incref(errand->unavailable));
        else if (now_ms >= errand->send_at_ms)
            s_send(self, errand, now_ms);
    }
}
