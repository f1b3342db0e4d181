/* SPDX-License-Identifier: Apache-2.0
 *
 * The boards that clients ask for over HTTP: the first one, and those after a
 * RESYNC or a wrong digest. One fetch an edge at a time serves all that wait,
 * as a cache in front of it would.
 */
#ifndef LOAD_BOARDS_H
#define LOAD_BOARDS_H

#include "load/client.h"

typedef struct boards boards_t;

boards_t *boards_new(hub_t *hub);
void boards_destroy(boards_t **self_p);

/* Waits for the config and a board from any edge, as long as the run may last;
 * counted for the caller. Sets the hub's number of colours. NULL where none
 * came. */
state_t *boards_first(boards_t *self);

/* Starts what clients wait for, gives up on what hangs. */
void boards_tick(boards_t *self, client_t *clients, uint32_t count,
                 uint64_t now_ms);

/* Whether what epoll names is a fetch of ours, and then its turn. */
bool boards_owns(const boards_t *self, const void *item);
void boards_event(boards_t *self, void *item);

#endif
