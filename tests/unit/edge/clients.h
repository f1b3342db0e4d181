/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions over sockets that are none, on an edge whose broker is a few calls
 * and whose clock is turned by hand. In test_session.c.
 */
#ifndef TESTS_UNIT_EDGE_CLIENTS_H
#define TESTS_UNIT_EDGE_CLIENTS_H

#include "common/wire.h"
#include "edge/ws/session.h"

#define CLIENTS_SIDE 32 /* of the board */
#define CLIENTS_MAX 1200

typedef struct {
    socket_t socket;
    session_t session;
    bool blocked;    /* does not read: a write is partial, then none */
    bool unfinished; /* such a write happened */
    bool killed;
    uint32_t acknowledged;
    uint8_t bytes[98304]; /* what it was sent */
    size_t size, at;
    unsigned writes, pings;
} client_t;

extern edge_config_t clients_config;
extern edge_t clients_edge;
extern client_t *clients;
extern uint64_t clients_ms, clients_seq;

/* A checked fixture. */
void clients_setup(void);
void clients_teardown(void);

/* The leader's board reaches the mirror; one placement does. */
void clients_send_board(uint32_t epoch);
void clients_place(uint32_t index, uint8_t color);
/* Lets time pass, as the loop would. */
void clients_pass(uint64_t ms);

/* A session on its socket; nothing is said yet. */
void clients_open(client_t *client, const upgrade_t *upgrade);
/* Number `i` comes to watch. */
client_t *clients_join(int i, uint64_t since);
/* Says one whole message. */
void client_receive(client_t *client, const void *bytes, size_t size);
/* The next frame but pings: its type, 0 where there is none, or the opcode of
 * a control frame. */
uint8_t client_next(client_t *client, wire_event_t *event);
void client_expect(client_t *client, uint8_t type, wire_event_t *event);
void client_expect_diff(client_t *client, uint64_t from, uint64_t to);

#endif
