/* SPDX-License-Identifier: Apache-2.0
 *
 * What Redis keeps of the canvas (docs/bus.md, "In Redis"), as operations with
 * typed answers. Every write is fenced by the epoch. Answers come from the loop
 * through ledger_events_t, in the order of the questions, and never from inside
 * a function of this header; ledger_forget drops those still to come. After an
 * error the ledger is lost: on_lost, then on_ready again some time later.
 *
 * Implementations: redis_ledger.c, and whatever stands for Redis in tests.
 */
#ifndef BROKER_LEDGER_H
#define BROKER_LEDGER_H

#include "broker/batch.h"
#include "broker/history.h"
#include "common/canvas.h"
#include "common/policy.h"

#include <stdbool.h>

typedef struct ledger ledger_t;

/* Of what Redis holds. A newer one is refused, an older one brought up. */
#define LEDGER_FORMAT 2

/* What the meta hash says. Texts are borrowed. */
typedef struct {
    uint32_t epoch; /* ours, if we lead now; else the leader's */
    bool empty;     /* no seq there: nothing below counts */
    bool sure;     /* a leader has vouched for it in this run of Redis; else its
                      end may be missing */
    position_t at; /* committed; chain unknown: written by 0.1.0 */
    uint32_t digest;
    uint32_t born; /* epoch in which this history began */
    const char *canvas;
    size_t canvas_size;
} ledger_meta_t;

/* Who asks for the lead, and with what. */
typedef struct {
    uint32_t known_epoch;   /* the new epoch is above this */
    uint32_t epoch;         /* that was led before; 0: none */
    uint64_t holds;         /* seq of the history in memory; 0: none */
    uint32_t grace_ms;      /* in an unsure Redis: how long others may come */
    const position_t *over; /* depose whoever leads from exactly here, since our
                               history goes on from it; NULL: nobody */
} ledger_bid_t;

typedef enum {
    LEAD_DONE,
    LEAD_HELD,    /* another has the lease */
    LEAD_WAITS,   /* others may still come */
    LEAD_SHORTER, /* another holds a longer history */
    LEAD_FORMAT   /* Redis was written by a newer version */
} lead_result_t;

typedef struct {
    lead_result_t result;
    uint32_t wait_ms;   /* unless DONE: ask again then */
    ledger_meta_t meta; /* if DONE */
} ledger_lead_t;

/* A look at Redis, behind the log entries that were asked for. */
typedef struct {
    ledger_meta_t meta;
    bool held;         /* somebody has the lease … */
    uint32_t lease_ms; /* … for so long */
    bool more;         /* there may be more entries */
    uint64_t trimmed;  /* up to here the log is gone */
} ledger_look_t;

/* One entry of the log: packed records, and the chain before the first (unknown
 * in those of 0.1.0). */
typedef struct {
    chain_t before;
    const uint8_t *records;
    size_t count;
} ledger_entry_t;

typedef struct {
    void (*on_ready)(void *context); /* connected, scripts loaded */
    void (*on_lost)(void *context);  /* after on_ready; not ready now */
    void (*on_lead)(void *context, const ledger_lead_t *lead);
    /* `done` false: the fence refused it; a commit, also if the ledger is full:
     * then it was not applied, and will not be. */
    void (*on_renew)(void *context, bool done);
    void (*on_commit)(void *context, bool done);
    void (*on_put)(void *context, bool done); /* log part or board */
    void (*on_canvas)(void *context, bool done);
    void (*on_released)(void *context);
    /* Of ledger_load, in this order; board may be NULL, 0. */
    void (*on_board)(void *context, const void *bytes, size_t size);
    void (*on_bans)(void *context, const uint64_t *users, size_t count);
    void (*on_policy)(void *context, const void *bytes, size_t size);
    void (*on_log)(void *context, const ledger_entry_t *entry);
    void (*on_loaded)(void *context);
    /* Of ledger_follow, behind its entries. */
    void (*on_looked)(void *context, const ledger_look_t *look);
} ledger_events_t;

typedef struct {
    uint32_t epoch, born;
    position_t at;
    const canvas_t *canvas;
    const board_t *board;
    const policy_t *policy;
    bool whole_log; /* what ledger_put_log wrote is all of it, not its end */
} ledger_put_t;

/* The implementation's table; see the functions below for what each does. */
typedef struct {
    void (*destroy)(ledger_t **self_p);
    bool (*ready)(const ledger_t *self);
    const char *(*trouble)(const ledger_t *self);
    void (*forget)(ledger_t *self);
    void (*settled)(ledger_t *self);
    void (*lead)(ledger_t *self, const ledger_bid_t *bid);
    void (*renew)(ledger_t *self, uint32_t epoch, uint64_t holds);
    void (*release)(ledger_t *self);
    void (*vouch)(ledger_t *self, uint32_t epoch);
    void (*commit)(ledger_t *self, uint32_t epoch, const batch_t *batch,
                   uint32_t digest, const policy_t *base);
    void (*load)(ledger_t *self, bool whole);
    void (*follow)(ledger_t *self, uint64_t seq);
    uint64_t (*put_log)(ledger_t *self, uint32_t epoch, bool first,
                        const history_t *history, uint64_t from);
    void (*put_board)(ledger_t *self, const ledger_put_t *put);
    void (*put_canvas)(ledger_t *self, uint32_t epoch, const canvas_t *canvas);
    void (*trim)(ledger_t *self, uint32_t epoch, uint64_t upto);
    void (*probe)(ledger_t *self);
} ledger_ops_t;

/* Implementations' objects begin with this. */
struct ledger {
    const ledger_ops_t *ops;
    const ledger_events_t *events;
    void *context; /* of the events */
    bool full;     /* see ledger_full */
};

static inline void ledger_destroy(ledger_t **self_p)
{
    if (*self_p)
        (*self_p)->ops->destroy(self_p);
}

static inline bool ledger_ready(const ledger_t *self)
{
    return self->ops->ready(self);
}

/* Why it is not ready, in words, borrowed until the loop turns; NULL if it is
 * ready, or cannot say. */
static inline const char *ledger_trouble(const ledger_t *self)
{
    return self->ops->trouble ? self->ops->trouble(self) : NULL;
}

/* It refuses writes, but for the lease and trims, for want of memory or disk;
 * until a commit, or ledger_probe, finds room. */
static inline bool ledger_full(const ledger_t *self)
{
    return self->full;
}

/* Looks whether a full ledger has room again; writes nothing. */
static inline void ledger_probe(ledger_t *self)
{
    self->ops->probe(self);
}

/* No answer to what was asked until now will come. */
static inline void ledger_forget(ledger_t *self)
{
    self->ops->forget(self);
}

/* It answers as it should: the next loss is news again. */
static inline void ledger_settled(ledger_t *self)
{
    self->ops->settled(self);
}

/* Asks for the lease. Whoever holds the longest history gets it in a Redis that
 * may have lost its end; in one that is sure, whoever comes first. */
static inline void ledger_lead(ledger_t *self, const ledger_bid_t *bid)
{
    self->ops->lead(self, bid);
}

/* `holds`: seq of the history in memory if Redis lacks its end; else 0. */
static inline void ledger_renew(ledger_t *self, uint32_t epoch, uint64_t holds)
{
    self->ops->renew(self, epoch, holds);
}

static inline void ledger_release(ledger_t *self)
{
    self->ops->release(self);
}

/* All that is known is in Redis: it is sure until it is restarted. */
static inline void ledger_vouch(ledger_t *self, uint32_t epoch)
{
    self->ops->vouch(self, epoch);
}

/* `digest` is the board's after the batch, which is sealed. `base`: the policy
 * before the batch, written anew, shorter; NULL: Redis' own stays. */
static inline void ledger_commit(ledger_t *self, uint32_t epoch,
                                 const batch_t *batch, uint32_t digest,
                                 const policy_t *base)
{
    self->ops->commit(self, epoch, batch, digest, base);
}

/* Bans; if `whole`, the board before them, and the policy and the log from its
 * start behind. */
static inline void ledger_load(ledger_t *self, bool whole)
{
    self->ops->load(self, whole);
}

/* Entries behind `seq`, some of them, and a look at where Redis is. */
static inline void ledger_follow(ledger_t *self, uint64_t seq)
{
    self->ops->follow(self, seq);
}

/* Writes records of `history` from `from` on into a log of its own, and returns
 * the next seq to go on with. `first`: that log is begun. Redis is as it was
 * until ledger_put_board. */
static inline uint64_t ledger_put_log(ledger_t *self, uint32_t epoch,
                                      bool first, const history_t *history,
                                      uint64_t from)
{
    return self->ops->put_log(self, epoch, first, history, from);
}

/* In one step: the board with its seq, and the log of its own behind what is
 * there or in its place. */
static inline void ledger_put_board(ledger_t *self, const ledger_put_t *put)
{
    self->ops->put_board(self, put);
}

static inline void ledger_put_canvas(ledger_t *self, uint32_t epoch,
                                     const canvas_t *canvas)
{
    self->ops->put_canvas(self, epoch, canvas);
}

/* Drops log entries whose records all have seq ≤ upto. */
static inline void ledger_trim(ledger_t *self, uint32_t epoch, uint64_t upto)
{
    self->ops->trim(self, epoch, upto);
}

#endif
