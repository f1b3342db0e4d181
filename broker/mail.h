/* SPDX-License-Identifier: Apache-2.0
 *
 * One message of a ROUTER: who it is from or for, and its one frame. Moved, not
 * copied; libzmq keeps an identity of its own making inside the struct.
 */
#ifndef BROKER_MAIL_H
#define BROKER_MAIL_H

#include <czmq.h>

typedef struct {
    zmq_msg_t peer, body;
} mail_t;

typedef enum {
    MAIL_OK,
    MAIL_NONE, /* nothing there */
    MAIL_BAD   /* not of two frames; passed over */
} mail_result_t;

/* Without waiting. On OK the caller owns both messages. */
mail_result_t mail_receive(zsock_t *socket, mail_t *mail);

/* A mail to `peer`'s sender, whose identity moves over, with a body of `size`
 * bytes to be filled. */
void mail_reply_to(mail_t *mail, mail_t *peer, size_t size);

/* Sends without waiting and ends the mail in any case. -1 where the peer is
 * gone, its queue is full, or `socket` is NULL: the message is dropped. */
int mail_send(zsock_t *socket, mail_t *mail);

void mail_close(mail_t *mail);

/* Moves a mail to a place that holds none; `from` is closed. */
void mail_move(mail_t *to, mail_t *from);

static inline uint8_t *mail_bytes(mail_t *mail)
{
    return zmq_msg_data(&mail->body);
}

static inline size_t mail_size(mail_t *mail)
{
    return zmq_msg_size(&mail->body);
}

/* A frame of its own to a PUB or PUSH; as mail_send. */
int mail_push(zsock_t *socket, zmq_msg_t *frame);

/* Initialises `frame` with room for `size` bytes. */
uint8_t *mail_frame(zmq_msg_t *frame, size_t size);

#endif
