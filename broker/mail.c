/* SPDX-License-Identifier: Apache-2.0
 *
 * See mail.h.
 */
#include "broker/mail.h"

#include <zmq.h>

/* Reads what is left of a message with too many frames. */
static void s_skip(void *socket)
{
    zmq_msg_t rest;
    zmq_msg_init(&rest);
    do
        if (zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT) < 0)
            break;
    while (zmq_msg_more(&rest));
    zmq_msg_close(&rest);
}

mail_result_t mail_receive(zsock_t *socket, mail_t *mail)
{
    void *handle = zsock_resolve(socket);
    zmq_msg_init(&mail->peer);
    zmq_msg_init(&mail->body);
    if (zmq_msg_recv(&mail->peer, handle, ZMQ_DONTWAIT) < 0) {
        mail_close(mail);
        return MAIL_NONE;
    }
    bool whole = zmq_msg_more(&mail->peer) &&
                 zmq_msg_recv(&mail->body, handle, ZMQ_DONTWAIT) >= 0;
    if (whole && !zmq_msg_more(&mail->body))
        return MAIL_OK;
    if (whole)
        s_skip(handle);
    mail_close(mail);
    return MAIL_BAD;
}

uint8_t *mail_frame(zmq_msg_t *frame, size_t size)
{
    int failed = zmq_msg_init_size(frame, size);
    if (failed)
        abort(); /* out of memory, as mem_alloc */
    return zmq_msg_data(frame);
}

void mail_reply_to(mail_t *mail, mail_t *peer, size_t size)
{
    zmq_msg_init(&mail->peer);
    zmq_msg_move(&mail->peer, &peer->peer);
    mail_frame(&mail->body, size);
}

int mail_push(zsock_t *socket, zmq_msg_t *frame)
{
    int sent =
        socket ? zmq_msg_send(frame, zsock_resolve(socket), ZMQ_DONTWAIT) : -1;
    zmq_msg_close(frame);
    return sent < 0 ? -1 : 0;
}

int mail_send(zsock_t *socket, mail_t *mail)
{
    void *handle = socket ? zsock_resolve(socket) : NULL;
    int sent =
        handle ? zmq_msg_send(&mail->peer, handle, ZMQ_SNDMORE | ZMQ_DONTWAIT)
               : -1;
    if (sent >= 0)
        sent = zmq_msg_send(&mail->body, handle, ZMQ_DONTWAIT);
    mail_close(mail);
    return sent < 0 ? -1 : 0;
}

void mail_close(mail_t *mail)
{
    zmq_msg_close(&mail->peer);
    zmq_msg_close(&mail->body);
}

void mail_move(mail_t *to, mail_t *from)
{
    zmq_msg_init(&to->peer);
    zmq_msg_init(&to->body);
    zmq_msg_move(&to->peer, &from->peer);
    zmq_msg_move(&to->body, &from->body);
    mail_close(from);
}
