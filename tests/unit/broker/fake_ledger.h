/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands for Redis in tests of the broker: remembers what was asked last, and
 * is answered by the test itself, through the events.
 */
#ifndef TESTS_FAKE_LEDGER_H
#define TESTS_FAKE_LEDGER_H

#include "broker/ledger.h"

#include <assert.h>

typedef enum {
    ASKED_NOTHING,
    ASKED_LEAD,
    ASKED_RENEW,
    ASKED_RELEASE,
    ASKED_COMMIT,
    ASKED_LOAD,
    ASKED_FOLLOW,
    ASKED_PUT_LOG,
    ASKED_PUT_BOARD,
    ASKED_CANVAS
} asked_t;

typedef struct {
    ledger_t ledger; /* first: this is one */
    bool ready;
    unsigned asked[ASKED_CANVAS + 1]; /* how often */
    asked_t last;
    ledger_bid_t bid;
    position_t over;
    uint32_t epoch; /* of the last fenced question */
    uint64_t holds, seq;
    bool whole_log, whole, vouched;
    position_t put_at, commit_from, commit_to;
    unsigned forgotten, probed, settled;
    uint64_t trimmed; /* up to here */
    canvas_t canvas;  /* of the last PUT_CANVAS */
} fake_ledger_t;

static fake_ledger_t *s_fake(ledger_t *ledger)
{
    return (fake_ledger_t *)ledger;
}

static void s_fake_ask(ledger_t *ledger, asked_t what, uint32_t epoch)
{
    fake_ledger_t *self = s_fake(ledger);
    assert(self->ready);
    self->asked[what]++;
    self->last = what;
    self->epoch = epoch;
}

static void s_fake_destroy(ledger_t **self_p)
{
    *self_p = NULL;
}

static bool s_fake_ready(const ledger_t *ledger)
{
    return ((const fake_ledger_t *)ledger)->ready;
}

static const char *s_fake_trouble(const ledger_t *ledger)
{
    return s_fake_ready(ledger) ? NULL : "gone";
}

static void s_fake_forget(ledger_t *ledger)
{
    s_fake(ledger)->forgotten++;
}

static void s_fake_settled(ledger_t *ledger)
{
    s_fake(ledger)->settled++;
}

static void s_fake_lead(ledger_t *ledger, const ledger_bid_t *bid)
{
    fake_ledger_t *self = s_fake(ledger);
    s_fake_ask(ledger, ASKED_LEAD, bid->epoch);
    self->bid = *bid;
    if (bid->over) {
        self->over = *bid->over;
        self->bid.over = &self->over;
    }
}

static void s_fake_renew(ledger_t *ledger, uint32_t epoch, uint64_t holds)
{
    s_fake_ask(ledger, ASKED_RENEW, epoch);
    s_fake(ledger)->holds = holds;
}

static void s_fake_release(ledger_t *ledger)
{
    s_fake_ask(ledger, ASKED_RELEASE, 0);
}

static void s_fake_vouch(ledger_t *ledger, uint32_t epoch)
{
    (void)epoch;
    s_fake(ledger)->vouched = true;
}

static void s_fake_commit(ledger_t *ledger, uint32_t epoch,
                          const batch_t *batch, uint32_t digest,
                          const policy_t *base)
{
    (void)digest, (void)base;
    s_fake_ask(ledger, ASKED_COMMIT, epoch);
    s_fake(ledger)->commit_from = batch_from(batch);
    s_fake(ledger)->commit_to = batch_to(batch);
}

static void s_fake_load(ledger_t *ledger, bool whole)
{
    s_fake_ask(ledger, ASKED_LOAD, 0);
    s_fake(ledger)->whole = whole;
}

static void s_fake_follow(ledger_t *ledger, uint64_t seq)
{
    s_fake_ask(ledger, ASKED_FOLLOW, 0);
    s_fake(ledger)->seq = seq;
}

static uint64_t s_fake_put_log(ledger_t *ledger, uint32_t epoch, bool first,
                               const history_t *history, uint64_t from)
{
    (void)first, (void)from;
    s_fake_ask(ledger, ASKED_PUT_LOG, epoch);
    return history_next(history);
}

static void s_fake_put_board(ledger_t *ledger, const ledger_put_t *put)
{
    s_fake_ask(ledger, ASKED_PUT_BOARD, put->epoch);
    s_fake(ledger)->put_at = put->at;
    s_fake(ledger)->whole_log = put->whole_log;
}

static void s_fake_put_canvas(ledger_t *ledger, uint32_t epoch,
                              const canvas_t *canvas)
{
    s_fake(ledger)->canvas = *canvas;
    s_fake_ask(ledger, ASKED_CANVAS, epoch);
}

static void s_fake_trim(ledger_t *ledger, uint32_t epoch, uint64_t upto)
{
    (void)epoch;
    s_fake(ledger)->trimmed = upto;
}

static void s_fake_probe(ledger_t *ledger)
{
    s_fake(ledger)->probed++;
}

static const ledger_ops_t s_fake_ops = {.destroy = s_fake_destroy,
                                        .ready = s_fake_ready,
                                        .trouble = s_fake_trouble,
                                        .forget = s_fake_forget,
                                        .settled = s_fake_settled,
                                        .lead = s_fake_lead,
                                        .renew = s_fake_renew,
                                        .release = s_fake_release,
                                        .vouch = s_fake_vouch,
                                        .commit = s_fake_commit,
                                        .load = s_fake_load,
                                        .follow = s_fake_follow,
                                        .put_log = s_fake_put_log,
                                        .put_board = s_fake_put_board,
                                        .put_canvas = s_fake_put_canvas,
                                        .trim = s_fake_trim,
                                        .probe = s_fake_probe};

static inline fake_ledger_t fake_ledger(void)
{
    return (fake_ledger_t){.ledger = {.ops = &s_fake_ops}, .ready = true};
}

#endif
