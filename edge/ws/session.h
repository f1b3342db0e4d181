/* SPDX-License-Identifier: Apache-2.0
 *
 * One WebSocket client, binary or JSON: zeroed memory of whoever holds its
 * connection, then session_open … session_fini.
 *
 *     HELLO ──► LIVE ◄──────────────┐
 *       │        │ too old, changed  │ SINCE
 *       │        ▼                   │
 *       └──► AHEAD ──(2 s)──► RESYNC ┘
 *
 * Nothing is ever written into an unfinished frame. What such a session is owed
 * is either derived again later (diffs from `seq`, beats and settings by their
 * version) or small and in `outbox` (verdicts, HELLO, RESYNC; over OUTBOX_MAX,
 * or with much of it while all sessions together hold the setting unread_bytes,
 * it is closed with 1008). So a client that does not read costs one frame.
 */
#ifndef EDGE_WS_SESSION_H
#define EDGE_WS_SESSION_H

#include "common/wire.h"
#include "edge/connection.h"
#include "edge/edge.h"
#include "edge/socket.h"
#include "edge/ws/frame.h"
#include "edge/ws/liveness.h"
#include "edge/ws/sessions.h"

typedef enum {
    SESSION_HELLO = 0, /* HELLO waits for what remains of the cooldown */
    SESSION_LIVE,      /* holds the board at seq */
    SESSION_AHEAD,     /* holds a seq that we have not seen yet */
    SESSION_RESYNC,    /* was told so; waits for SINCE */
} session_state_t;

/* Where verdicts find their session; outlives it while any is under way. */
typedef struct {
    struct session *session; /* NULL once closed */
    uint32_t refs;
} return_path_t;

typedef struct session {
    member_t member;
    uint8_t state; /* session_state_t */
    bool player;
    bool closing;        /* nothing is written any more */
    bool hello_owed;     /* the answer about the cooldown is under way */
    uint16_t close_code; /* yet to be said; 0: none */
    uint16_t in_flight;  /* placements without a verdict */
    uint16_t pace_ms;    /* that it asked for; 0: the tick */
    edge_t *edge;
    socket_t *socket;
    address_t address;
    return_path_t *path; /* NULL before the first question */
    uint64_t seq;        /* see state */
    uint64_t user, expires_at_ms;
    uint64_t cooldown_until_ms;          /* as far as we know */
    uint64_t place_at_us, message_at_us; /* see bucket_take */
    uint64_t catch_up_at_us;             /* see bucket_spend */
    uint64_t wait_until_ms;              /* AHEAD, or a HELLO owed */
    uint64_t diff_at_ms;                 /* paced: no DIFF before */
    outbox_t outbox;
    uint32_t unread;  /* of outbox, as EDGE_UNREAD counts it */
    uint8_t *partial; /* a message that came in pieces */
    uint32_t partial_size;
    liveness_t liveness;
    /* The last it was told of. */
    uint32_t beat, canvas_version, message_version, history;
} session_t;

/* What a slice of a round brings to its sessions, by flavour. */
typedef struct {
    uint64_t from, to;
    uint32_t beat; /* number of the last one */
    uint64_t now_ms;
    uint32_t tick_ms;
    frame_t *diff[2];       /* from → to; NULL for none; [json] */
    frame_t *beat_frame[2]; /* at `to` */
    frame_t *both[2];       /* diff and beat as one write */
} round_t;

/* --- From whoever holds the connection --- */

/* Among the sessions; nothing is said yet. */
void session_open(session_t *self, edge_t *edge, socket_t *socket,
                  const upgrade_t *upgrade);
/* Says HELLO and what follows, or that the edge is full. */
void session_start(session_t *self, bool full);
void session_fini(session_t *self);
/* A piece of a message. */
void session_receive(session_t *self, const uint8_t *bytes, size_t size,
                     bool first, bool last, bool binary);
void session_heard(session_t *self);
/* Answers the peer's PING of at most 125 bytes. */
void session_pong(session_t *self, const uint8_t *bytes, size_t size);
/* The socket takes bytes again. */
void session_writable(session_t *self);
/* What a posted frame came to after all. */
void session_posted(session_t *self, socket_result_t result);
/* The peer said CLOSE: 0 where it is to be answered, -1 where it was the answer
 * to ours. */
int session_peer_closes(session_t *self);

/* --- From the fan-out --- */

/* Its visit in a round; paced: its own, with a round that has no diff. */
void session_serve(session_t *self, const round_t *round);
/* Sends what is in the outbox, if it may. */
void session_flush(session_t *self);

/* --- Writing (session_output.c) --- */

/* Neither closing nor blocked. */
bool session_may_write(const session_t *self);
/* At once, if it may; true if it still may then. */
bool session_write(session_t *self, const uint8_t *bytes, size_t size);
bool session_write_frame(session_t *self, frame_t *frame, edge_metric_t kind);
/* The same with others' (socket_post): the last of a visit in a round. */
void session_post_frame(session_t *self, frame_t *frame);
/* Puts one message into the outbox and has it flushed this turn. */
void session_reply(session_t *self, const void *payload, size_t size);
void session_put(session_t *self, frame_opcode_t opcode, const void *payload,
                 size_t size);
/* The same for a NOTICE with these members, JSON. */
void session_notice(session_t *self, uint8_t kind, const char *members);
/* After any other change of the outbox. */
void session_count_unread(session_t *self);
/* Closes with that code as soon as the socket allows. */
void session_close(session_t *self, close_code_t code);
/* What of that is still to be said. */
void session_say_close(session_t *self);
/* Ends it without a word. */
void session_kill(session_t *self, edge_metric_t why);

/* --- Between session.c and session_messages.c --- */

void session_resync(session_t *self, resync_reason_t reason);
/* Follows SINCE: brings the client from `since` to now. */
void session_since(session_t *self, uint64_t since);
/* From now on at most one DIFF per that time; 0: one per tick. */
void session_set_pace(session_t *self, uint16_t ms);
/* Wants a visit soon. */
void session_attend(session_t *self);
/* Asks for the cooldown; its answer, or 500 ms, brings HELLO. */
void session_greet(session_t *self);
/* Says HELLO, and after the first one brings the client from `seq` to now. */
void session_hello(session_t *self);
return_path_t *session_path(session_t *self);
void return_path_unref(return_path_t *path);

/* One whole message (session_messages.c). */
void session_request(session_t *self, const uint8_t *bytes, size_t size);

#endif
