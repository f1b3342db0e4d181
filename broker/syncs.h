/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings an edge from its seq to the committed one: by one net diff if the
 * edge's history is ours and the log reaches back, else by the whole board.
 * Used at quiescent points only.
 */
#ifndef BROKER_SYNCS_H
#define BROKER_SYNCS_H

#include "broker/epochs.h"
#include "broker/ingress.h"
#include "broker/world.h"
#include "common/touched.h"

typedef struct {
    touched_t *range; /* scratch */
    zmq_msg_t board;  /* as a message, for edges that sync at the same seq */
    bool board_held;
    uint64_t board_seq;
    history_relation_t board_relation;
    epochs_t epochs; /* that edges told of */
    bool loss_said;
} syncs_t;

void syncs_fini(syncs_t *self);

/* A board of so many pixels is served from now on. */
void syncs_begin(syncs_t *self, uint32_t pixels);
/* The board, its epoch or its settings changed otherwise than by a commit. */
void syncs_forget_board(syncs_t *self);

/* Answers the SYNC, or looks for what an edge says was accepted (ACKED), and
 * ends the mail. An edge that has followed a higher epoch
 * than ours gets no answer: it would not take it. */
void syncs_answer(syncs_t *self, ingress_t *ingress, const world_t *world,
                  mail_t *mail, uint64_t now_ms);

/* For who does not lead: notes the SYNC's epoch, and ends the mail. `known`:
 * see epochs_hear. */
void syncs_listen(syncs_t *self, mail_t *mail, uint32_t known, uint64_t now_ms);

#endif
