/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asked something as JSON, on the control channel or by way of an edge, and
 * the one answer.
 */
#ifndef BROKER_ANSWER_H
#define BROKER_ANSWER_H

#include "broker/parts.h"

#include "common/rank.h"

#include <jansson.h>

typedef struct {
    mail_t mail; /* to whom; no body */
    bool held;   /* an answer is owed */
    rank_t rank;
    bool known;      /* by their token: `user` is who they are, … */
    uint64_t user;   /* … and they are on an edge, … */
    uint64_t ticket; /* … which knows the question by this */
} asker_t;

/* Each: the mail keeps its body; its sender moves over. Who speaks on control
 * has an operator's key. */
void asker_of_control(asker_t *self, mail_t *mail);
void asker_of_errand(asker_t *self, mail_t *mail, uint64_t ticket);
/* To a place that owes nobody; `from` owes nobody then. */
void asker_move(asker_t *to, asker_t *from);

/* Answers with `reply`, which is released. Ends the asker. */
void answer_send(const parts_t *parts, asker_t *to, json_t *reply);
/* The same with `size` bytes of JSON. */
void answer_send_text(const parts_t *parts, asker_t *to, const char *text,
                      size_t size);
/* {"ok":false,"code":…,"error":…}; `code` is one of docs/protocol.md's. New. */
json_t *answer_refusal(const char *code, const char *error);
void answer_refuse(const parts_t *parts, asker_t *to, const char *code,
                   const char *error);

#endif
