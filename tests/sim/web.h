/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients' connections to edges: bytes with delay, a buffer that a client who
 * does not read fills up, an end when the edge dies. One side of this header
 * is the edge's image's, the other the clients' (client.c).
 */
#ifndef TESTS_SIM_WEB_H
#define TESTS_SIM_WEB_H

#include "tests/sim/world.h"

/* ---- the edge's side; ids are small, > 0 ------------------------------ */

typedef struct {
    uint64_t since, user;
    bool player, json;
} web_hello_t;

#define WEB_NONE 0
#define WEB_GONE SIZE_MAX

/* A handshake to answer; 0 for none. web_refuse or web_agree follows. */
unsigned web_accept(web_hello_t *hello);
void web_refuse(unsigned id);
void web_agree(unsigned id);
/* One whole message; WEB_NONE, or WEB_GONE: the client has left. */
size_t web_read(unsigned id, uint8_t *bytes, size_t room);
bool web_blocked(unsigned id);
/* False: the last part waits for the client. */
bool web_write(unsigned id, const uint8_t *bytes, size_t size);
uint32_t web_acknowledged(unsigned id);
void web_close(unsigned id);
/* A client that asks for the board; 0 for none. */
unsigned web_board_wanted(void);
/* seq 0 and no bytes: not ready. */
void web_give_board(unsigned id, uint32_t epoch, uint64_t seq,
                    const uint8_t *bytes, size_t size);
/* Sleeps that long, or until something comes. */
void web_sleep_ms(uint64_t ms);
bool web_terminated(void);

/* ---- the clients' side ------------------------------------------------ */

typedef struct {
    void (*on_open)(void *client);
    void (*on_closed)(void *client);
    void (*on_bytes)(void *client, const uint8_t *bytes, size_t size);
    void (*on_board)(void *client, uint32_t epoch, uint64_t seq,
                     const uint8_t *bytes, size_t size);
} web_events_t;

void web_reset(const web_events_t *events);
unsigned web_connect(void *client, const process_t *edge,
                     const web_hello_t *hello);
/* The edge that it goes to, in its life of then. */
const process_t *web_edge(unsigned id, uint64_t *life);
void web_send(unsigned id, const void *bytes, size_t size);
void web_ask_board(unsigned id);
/* Stops reading, or reads on. */
void web_read_on(unsigned id, bool on);
void web_leave(unsigned id);
void web_process_down(const process_t *process);

#endif
