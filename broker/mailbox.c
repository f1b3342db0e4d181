/* SPDX-License-Identifier: Apache-2.0
 *
 * See mailbox.h.
 */
#include "broker/mailbox.h"

#include "common/mem.h"

void mailbox_init(mailbox_t *self, size_t capacity)
{
    assert(capacity && !(capacity & (capacity - 1)));
    *self = (mailbox_t){.ring = mem_zalloc(capacity, sizeof *self->ring),
                        .capacity = capacity};
}

void mailbox_put(mailbox_t *self, mail_t *mail)
{
    assert(!mailbox_is_full(self));
    mail_move(&self->ring[self->tail++ & (self->capacity - 1)], mail);
}

bool mailbox_take(mailbox_t *self, mail_t *mail)
{
    if (!mailbox_count(self))
        return false;
    mail_move(mail, &self->ring[self->head++ & (self->capacity - 1)]);
    return true;
}

void mailbox_clear(mailbox_t *self)
{
    for (mail_t mail; mailbox_take(self, &mail);)
        mail_close(&mail);
}

void mailbox_fini(mailbox_t *self)
{
    mailbox_clear(self);
    free(self->ring);
    *self = (mailbox_t){0};
}
