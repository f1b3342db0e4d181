/* SPDX-License-Identifier: Apache-2.0
 *
 * What Redis keeps of the canvas (docs/bus.md, "In Redis"), as operations with
 * typed answers. Every write is fenced by the epoch. Answers come from the loop
 * through ledger_events_t, in the order of the questions, and never from inside
 * a function of this header; ledger_forget drops those still to come. An error
 * from Redis to any of them is answered by giving the connection up: on_lost.
 */
#ifndef BROKER_LEDGER_H
#define BROKER_LEDGER_H

#include "broker/batch.h"
#include "broker/history.h"
#include "broker/redis_url.h"
#include "common/canvas.h"

#include <czmq.h>

typedef struct ledger ledger_t;

/* What the meta hash says. Texts are borrowed. */
typedef struct {
    uint32_t epoch; /* ours, now */
    bool empty;     /* no seq there: nothing below counts */
    uint64_t seq;
    uint32_t digest;
    uint32_t born; /* epoch in which this history began */
    const char *canvas;
    size_t canvas_size;
} ledger_meta_t;

typedef struct {
    void (*on_ready)(void *context); /* connected, scripts loaded */
    void (*on_lost)(void *context);  /* after on_ready */
    /* NULL: someone else holds the lease. */
    void (*on_lead)(void *context, const ledger_meta_t *meta);
    /* NULL: another broker has led since. */
    void (*on_resume)(void *context, const ledger_meta_t *meta);
    /* `done` false: the fence refused it. */
    void (*on_renew)(void *context, bool done);
    void (*on_commit)(void *context, bool done);
    void (*on_put)(void *context, bool done); /* log part or board */
    void (*on_canvas)(void *context, bool done);
    void (*on_released)(void *context);
    /* Of ledger_load, in this order; board may be NULL, 0. */
    void (*on_board)(void *context, const void *bytes, size_t size);
    void (*on_ban)(void *context, uint64_t user);
    void (*on_log)(void *context, const uint8_t *records, size_t size);
    void (*on_loaded)(void *context);
} ledger_events_t;

typedef struct {
    zloop_t *loop;
    const redis_url_t *url;
    const char *key_prefix;
    uint32_t timeout_ms;
    uint32_t lease_ms;
    uint64_t token; /* random, this process's */
} ledger_options_t;

ledger_t *ledger_new(const ledger_options_t *options,
                     const ledger_events_t *events, void *context);
void ledger_destroy(ledger_t **self_p);

bool ledger_ready(const ledger_t *self);

/* No answer to what was asked until now will come. */
void ledger_forget(ledger_t *self);

/* Redis answers as it should (see redis_link_settled). */
void ledger_settled(ledger_t *self);

/* Takes the lease where it is free; the new epoch is above known_epoch. */
void ledger_lead(ledger_t *self, uint32_t known_epoch);
/* After a loss, where `epoch` was led: takes up again where nobody else led
 * since; a Redis that was emptied or set back gets a new epoch. */
void ledger_resume(ledger_t *self, uint32_t epoch);
void ledger_renew(ledger_t *self, uint32_t epoch);
void ledger_release(ledger_t *self);

/* `digest` is the board's after the batch, which is sealed. */
void ledger_commit(ledger_t *self, uint32_t epoch, const batch_t *batch,
                   uint32_t digest);

/* Board, bans and the log from its start on. */
void ledger_load(ledger_t *self);

/* Writes records of `history` from `from` on, as one entry a batch, and
 * returns the next seq to go on with. `reset` empties the log first. */
uint64_t ledger_put_log(ledger_t *self, uint32_t epoch, bool reset,
                        const history_t *history, uint64_t from);
void ledger_put_board(ledger_t *self, uint32_t epoch, uint32_t born,
                      uint64_t seq, const canvas_t *canvas,
                      const board_t *board);
void ledger_put_canvas(ledger_t *self, uint32_t epoch, const canvas_t *canvas);

/* Drops log entries whose records all have seq ≤ upto. */
void ledger_trim(ledger_t *self, uint32_t epoch, uint64_t upto);

#endif
