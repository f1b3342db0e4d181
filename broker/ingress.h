/* SPDX-License-Identifier: Apache-2.0
 *
 * The ingress: what edges ask, and what they are answered. Messages wait here,
 * unread, while a commit is on its way: placements in one queue, syncs in
 * another (they go first: each is answered from the committed board). Where a
 * queue is full, or more than INGRESS_PLACES_MAX placements wait, the socket is
 * not read until there is room. What moderators ask is taken out at once; a
 * flood of it is dropped (the edge asks again) and holds nothing up.
 */
#ifndef BROKER_INGRESS_H
#define BROKER_INGRESS_H

#include "broker/edges.h"
#include "broker/mailbox.h"
#include "broker/tally.h"

#define INGRESS_MAILS 4096
#define INGRESS_PLACES_MAX (1u << 17)
#define INGRESS_ERRANDS 64

typedef struct {
    zsock_t *socket; /* borrowed */
    edges_t *edges;
    tally_t *taken; /* since the last beat */
    mailbox_t places, syncs, errands;
    size_t places_waiting; /* placements in `places` */
} ingress_t;

void ingress_init(ingress_t *self, zsock_t *socket);
void ingress_fini(ingress_t *self);

/* Reads what is there, up to a budget; `leading` false drops all that
 * waits for a leader at once. False where it is full. */
bool ingress_read(ingress_t *self, bool leading, uint64_t now_ms);
bool ingress_has_room(const ingress_t *self);

/* Takes the oldest PLACES, SYNC or ERRAND out; false where there is none. The
 * caller owns the mail. */
bool ingress_next_places(ingress_t *self, mail_t *mail);
bool ingress_next_sync(ingress_t *self, mail_t *mail);
bool ingress_next_errand(ingress_t *self, mail_t *mail);

/* Drops all that waits: the lead is lost, and edges ask the next leader. */
void ingress_clear(ingress_t *self);

/* Ends the mail. */
void ingress_send(ingress_t *self, mail_t *mail);

#endif
