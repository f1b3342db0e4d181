/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated bus: ZeroMQ's sockets with ZeroMQ's habits, over connections
 * with TCP's. Each end of a connection has its own view of whether it is up.
 *
 * - What is on its way arrives in order, after the path's delay; a cut path
 *   holds it, and a cut of more than heartbeat and time-out ends the
 *   connection, at each end in its own time.
 * - PUB drops for a subscriber at its mark; a SUB loses what it had not read
 *   when it reconnects; ROUTER answers a peer that has gone, or whose
 *   connection is a new one, with EHOSTUNREACH; PUSH without a peer and DEALER
 *   without a live one take nothing (the bus sets ZMQ_IMMEDIATE).
 * - A connect to a dead process on a live host is refused and tried again with
 *   back-off; one into a cut path hangs for ZMQ_CONNECT_TIMEOUT, or 127 s, and
 *   then meets whoever has that address.
 */
#ifndef TESTS_SIM_BUS_H
#define TESTS_SIM_BUS_H

#include "tests/sim/world.h"

#define HOSTS_MAX 16
#define FRAMES_MAX 4

typedef struct _zsock_t sock_t;
typedef struct conn conn_t;
typedef struct link link_t;

/* One message on its way or unread. */
typedef struct message {
    struct message *next;
    uint64_t at;   /* arrives then */
    uint64_t conn; /* number of the one it came by; 0: an actor's pipe */
    int side;      /* of that, towards us */
    uint8_t identity[5];
    int count; /* of frames; -1: the end of the connection */
    struct {
        size_t size;
        uint8_t *bytes;
    } frames[FRAMES_MAX];
} message_t;

typedef struct {
    message_t *head, *tail;
    size_t count;
} queue_t;

/* One zsock_connect. */
struct link {
    link_t *next;
    sock_t *sock;
    unsigned host; /* whose name it was told */
    unsigned port;
    conn_t *conn; /* while up */
    unsigned tries;
    uint64_t attempt; /* numbers them */
};

struct conn {
    conn_t *next;
    sock_t *end[2]; /* connected, bound; NULL once dead */
    link_t *link;
    unsigned host[2];
    bool up[2]; /* in that end's view */
    uint64_t number;
    uint8_t identity[5];
    queue_t flow[2]; /* towards that end */
    bool pumping[2];
    size_t waiting[2];     /* in flow and unread, towards that end */
    uint64_t last_at[2];   /* arrival of the newest in flow */
    uint64_t bad_since[2]; /* path is bad since, in that end's view; 0: good */
};

struct _zsock_t {
    int tag;
    int type;
    process_t *process;
    uint64_t life;
    sock_t *next; /* of the process */
    bool bound;
    unsigned port;
    link_t *links;
    queue_t unread;
    message_t *reading; /* taken, and its frames not all */
    int frame;          /* of `reading`, the next one */
    message_t *writing; /* a message whose frames are not all there */
    int send_mark, receive_mark;
    int connect_timeout_ms, reconnect_ms, reconnect_max_ms;
    unsigned turn; /* round robin */
    sock_t *peer;  /* of an actor's pipe */
    fiber_t *waiter;
    char server_key[41], public_key[41];
};

/* ---- the network ------------------------------------------------------ */

/* Hosts are numbered as processes; Redis and its twin come behind. */
#define HOST_REDIS (HOSTS_MAX - 2)

void net_reset(void);
void net_cut(unsigned from, unsigned to, bool cut);
bool net_is_cut(unsigned from, unsigned to);
/* Adds that much to each message's way. */
void net_delay(unsigned from, unsigned to, uint64_t delay);
uint64_t net_latency(unsigned from, unsigned to);
void net_swap_addresses(unsigned a, unsigned b);
/* Called where a path has become good again. */
extern void (*on_net_heal)(void);

/* A process was paused or runs again: heartbeats notice. */
void bus_look(void);
void bus_process_down(process_t *process, bool crashed);
/* Cuts one connection of the process, by chance. */
void bus_break_one(process_t *process);
/* Largest number of messages that ever waited on one connection. */
size_t bus_deepest(void);
/* When a feed last told of a change. */
uint64_t bus_fed_at(void);

sock_t *sock_new(int type);
/* Of a process that does not run now. */
sock_t *sock_new_of(process_t *process, int type);
void sock_connect(sock_t *self, unsigned host, unsigned port);
void sock_free(sock_t *self);
bool sock_readable(const sock_t *self);
/* The message is the socket's from then on, taken or not. -1 and errno. */
int sock_send(sock_t *self, message_t *message);
message_t *sock_receive(sock_t *self);
message_t *message_new(void);
void message_add(message_t *self, const void *bytes, size_t size);
void message_free(message_t *self);
/* zsock, zactor or a raw handle. */
sock_t *sock_of(void *any);

#endif
