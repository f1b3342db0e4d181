/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection as a browser would hold it: upgrade with `since`, diffs
 * applied, beats checked, gaps and resyncs healed as docs/protocol.md says,
 * reconnect with jitter. Who places on it stands behind client_ops_t.
 *
 *      idle ──due──▶ connecting ──▶ upgrading ──101──▶ open ⇄ stalled
 *       ▲                 │             │               │
 *       └──── wait ───────┴─────────────┴───────────────┘
 *
 * Its memory is this struct; bytes wait on the heap only where a frame came or
 * went by halves.
 */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "common/backoff.h"
#include "common/wire.h"
#include "load/hub.h"

typedef enum {
    CLIENT_IDLE,
    CLIENT_CONNECTING,
    CLIENT_UPGRADING,
    CLIENT_OPEN,
    CLIENT_STALLED, /* open, and not reading on purpose */
} client_phase_t;

/* Who places on a connection: what it is asked and told. */
typedef struct {
    const char *(*token)(void *player); /* borrowed; for the upgrade */
    void (*opened)(void *player, const wire_hello_t *hello, uint64_t now_us);
    void (*verdict)(void *player, const wire_verdict_t *verdict,
                    uint64_t now_us);
    void (*lost)(void *player); /* after it was open */
    void (*pump)(void *player); /* something came, or a tick went by */
} client_ops_t;

struct client {
    hub_t *hub;
    const client_ops_t *ops; /* NULL: only watches */
    void *player;            /* of the ops */
    state_t *state;
    int fd;
    uint8_t phase;
    uint8_t endpoint;
    bool wants_board; /* ignores diffs until one comes */
    bool writing;     /* EPOLLOUT is on */
    uint8_t behind;   /* beats in a row that were ahead of the state */
    bool narrow;      /* small receive buffer: one that will stall */
    uint32_t index;   /* in the worker */
    uint64_t due_ms;  /* idle: connect; connecting: give up */
    uint64_t heard_ms;
    uint64_t since_ms;     /* of the last SINCE */
    bool verified;         /* a beat was right */
    uint64_t verified_seq; /* of the last one */
    uint64_t recover_seq;  /* after a stall: right again from here on */
    uint64_t resumed_us;
    backoff_t backoff;
    uint64_t frames, bytes;
    uint8_t *rest; /* first part of a frame */
    uint32_t rest_size;
    uint8_t *out; /* not yet sent */
    uint32_t out_size;
};

/* Begins at `state` (counted for it) and connects at due_ms. */
void client_init(client_t *self, hub_t *hub, uint32_t index, state_t *state,
                 uint64_t due_ms);
void client_fini(client_t *self);

/* What epoll said. May call the player. */
void client_event(client_t *self, uint32_t events);

/* Every 50 ms or so: connects when due, gives up on what hangs. */
void client_tick(client_t *self, uint64_t now_ms);

/* Sends whole frames, or keeps what does not go now. */
void client_send(client_t *self, const void *bytes, size_t size);

/* A fetched board, for one that wants it (takes its own count). */
void client_board(client_t *self, state_t *board);

void client_stall(client_t *self);
void client_resume(client_t *self, uint64_t target_seq, uint64_t now_us);

/* A beat said that it is right at `seq` or later. */
static inline bool client_is_verified(const client_t *self, uint64_t seq)
{
    return self->verified && self->verified_seq >= seq;
}

static inline bool client_is_open(const client_t *self)
{
    return self->phase == CLIENT_OPEN;
}

#endif
