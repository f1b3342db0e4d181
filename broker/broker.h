/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker: sockets, timers and the connection to Redis on one loop, and the
 * state that says what to do with what they bring.
 *
 *              lease got             loaded
 *     STANDBY ──────────► LOADING ─────────────► LEADING ◄────────┐
 *      ▲  ▲  ▲               │ empty, or behind     │ Redis lost  │ resumed,
 *      │  │  │               │ the store            ▼             │ maybe after
 *      │  │  │               ▼                     AWAY ──────────┘ a repair
 *      │  │  └─────── RESTORING ──► LEADING         │
 *      │  │ lost                                    │
 *      │  └─────────────────────────────────────────┘
 *      │          another broker leads
 *
 * STANDBY holds nothing and says nothing. LOADING reads Redis. RESTORING
 * creates the canvas or fetches it from the store. LEADING decides and commits.
 * AWAY answers placements `unavailable`, everything else from memory.
 *
 * The struct is visible to the files that make up the broker, one a phase or
 * channel: leading.c, repair.c, loading.c, restoring.c, syncs.c, control.c,
 * ctl.c. Nothing else includes this header but main.c and broker.c.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "broker/config.h"
#include "broker/feed.h"
#include "broker/ingress.h"
#include "broker/ledger.h"
#include "broker/persisters.h"
#include "broker/world.h"
#include "common/bus_socket.h"
#include "common/metrics_server.h"

typedef enum { STANDBY, LOADING, RESTORING, LEADING, AWAY } broker_state_t;

/* One commit at a time; see leading.c. */
typedef struct {
    batch_t *batch;
    mailbox_t verdicts;  /* leave when the batch is committed */
    bool in_flight;      /* the batch is on its way */
    bool in_doubt;       /* Redis was lost then; its pixels are off the board */
    uint32_t digest;     /* of the board after the batch */
    uint64_t sent_at_ns; /* of the commit */
    bool publish_due, beat_due;
    bool log_full; /* too many records are not persisted */
    bus_place_t places[BUS_PLACES_MAX];
    bus_verdict_t answers[BUS_PLACES_MAX];
} leading_t;

/* Writing the log and the board from memory; see repair.c. */
typedef struct {
    bool active;
    bool reset;    /* the log is emptied before its first part */
    bool board;    /* the board was sent */
    uint64_t next; /* of the log, to be written */
} repair_t;

typedef struct {
    ledger_meta_t meta; /* its texts are gone */
    bool loaded;        /* waits for a persister's word */
    bool torn;          /* Redis' log goes past its board, or digest differs */
    uint64_t wait_until_ms;
} loading_t;

/* See restoring.c. */
typedef enum { ASK_WORD, ASK_SNAPSHOT, ASK_START, ASK_RECORDS, WRITE } step_t;
typedef struct {
    step_t step;
    bool empty;           /* else only the log's end is missing */
    uint64_t began_at_ms; /* mono */
    uint64_t asked_at_ms;
    uint64_t instance; /* whom we ask */
    uint64_t target;   /* its checkpoint */
    uint64_t start;    /* first seq to fetch */
} restoring_t;

/* The board as a message, for edges that sync at the same seq. */
typedef struct {
    zmq_msg_t frame;
    bool held;
    uint64_t seq;
} board_frame_t;

typedef struct ctl_waiting {
    mail_t mail; /* the request of a set on its way to Redis */
    canvas_t canvas;
    bool held;
} ctl_waiting_t;

typedef struct broker {
    const broker_config_t *config;
    canvas_t blank; /* what the settings create */
    redis_url_t url;
    char *secret;
    zloop_t *loop;
    zsock_t *sockets[4]; /* by bus_channel_t */
    metrics_server_t *metrics;
    int signals; /* signalfd */
    uint64_t token;
    ledger_t *ledger;
    ingress_t ingress;
    bool ingress_polled;
    feed_t *feed;
    persisters_t persisters;
    world_t world;
    board_frame_t board_frame;
    touched_t *range; /* scratch of syncs */
    broker_state_t state;
    bool raising; /* asked for a higher epoch: do not renew this one */
    bool asked;   /* for the lease; the answer is to come */
    bool seen;    /* Redis held a canvas, or a leader, at some time */
    bool ahead;   /* a persister's store is; it was logged */
    bool stopping, ended;
    uint64_t stop_at_ms;
    leading_t leading;
    repair_t repair;
    loading_t loading;
    restoring_t restoring;
    ctl_waiting_t set;
} broker_t;

/* Binds the sockets. NULL, with a line in the log, where it cannot. `config`
 * outlives it. */
broker_t *broker_new(const broker_config_t *config);
/* Runs until SIGTERM or SIGINT; call with those blocked. */
void broker_run(broker_t *self);
void broker_destroy(broker_t **self_p);

/* ---- among the broker's own files ---- */

const char *broker_state_word(const broker_t *self);
void broker_enter(broker_t *self, broker_state_t state);

/* LEADING or AWAY: memory is served. */
static inline bool broker_serves(const broker_t *self)
{
    return self->state == LEADING || self->state == AWAY;
}

/* Drops everything and stands by; `why` is a word for the log. */
void broker_step_down(broker_t *self, const char *why);

/* After anything that may have given the phase something to do. */
void broker_pump(broker_t *self);

/* leading.c: enters LEADING with the world at hand */
void leading_begin(broker_t *self);
void leading_pump(broker_t *self);
void leading_on_commit(broker_t *self, bool done);
/* Redis is lost, or refuses: AWAY. */
void leading_suspend(broker_t *self);
void leading_on_resume(broker_t *self, const ledger_meta_t *meta);
/* The repair is done: go on. */
void leading_go_on(broker_t *self);
void leading_beat(broker_t *self);
/* Each second: trims the log, looks at its length. */
void leading_second(broker_t *self);
void leading_clear(broker_t *self);
uint64_t leading_unconfirmed(const broker_t *self);

/* repair.c: writes history from `from` on and the board to Redis, then goes on
 * with leading_go_on (AWAY) or leading_begin. */
void repair_start(broker_t *self, uint64_t from, bool reset);
void repair_on_put(broker_t *self, bool done);

/* loading.c */
void loading_begin(broker_t *self, const ledger_meta_t *meta);
void loading_on_board(broker_t *self, const void *bytes, size_t size);
void loading_on_ban(broker_t *self, uint64_t user);
void loading_on_log(broker_t *self, const uint8_t *records, size_t size);
void loading_on_loaded(broker_t *self);
/* Time passed, a persister spoke, or the epoch was raised. */
void loading_tick(broker_t *self);

/* restoring.c: Redis is `empty`, or behind the store. */
void restoring_begin(broker_t *self, bool empty);
void restoring_tick(broker_t *self);
void restoring_on_snapshot(broker_t *self, const void *bytes, size_t size);
void restoring_on_records(broker_t *self, const void *bytes, size_t size);

/* syncs.c: answers the sync and ends the mail. */
void sync_answer(broker_t *self, mail_t *mail);
void sync_forget_board(broker_t *self);

/* control.c */
int control_on_readable(zloop_t *loop, zsock_t *socket, void *arg);
void control_send(broker_t *self, mail_t *mail);
/* Sends to a persister. */
void control_tell(broker_t *self, const persister_t *to, const void *bytes,
                  size_t size);

/* ctl.c: a request of stipplectl; ends the mail. */
void ctl_request(broker_t *self, mail_t *mail);
void ctl_on_canvas(broker_t *self, bool done);
/* What was asked of Redis will not be answered. */
void ctl_give_up(broker_t *self, const char *error);

/* Whether our epoch is above what every store has seen; else asks for a higher
 * one, and the phase is ticked when it is there. */
bool broker_epoch_fits(broker_t *self);

#endif
