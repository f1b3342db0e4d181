/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded first-in, first-out queue of mails. Policy where it is full: the
 * owner stops reading the socket (INGRESS_FULL counts that), so that ZeroMQ
 * holds the senders back.
 */
#ifndef BROKER_MAILBOX_H
#define BROKER_MAILBOX_H

#include "broker/mail.h"

typedef struct {
    mail_t *ring;
    size_t capacity; /* a power of two */
    size_t head, tail;
} mailbox_t;

void mailbox_init(mailbox_t *self, size_t capacity);
/* Closes what is in it. */
void mailbox_fini(mailbox_t *self);
void mailbox_clear(mailbox_t *self);

static inline size_t mailbox_count(const mailbox_t *self)
{
    return self->tail - self->head;
}

static inline bool mailbox_is_full(const mailbox_t *self)
{
    return mailbox_count(self) == self->capacity;
}

/* Moves the mail in, which is closed for the caller then; not full. */
void mailbox_put(mailbox_t *self, mail_t *mail);

/* Moves the oldest mail out; false where there is none. */
bool mailbox_take(mailbox_t *self, mail_t *mail);

#endif
