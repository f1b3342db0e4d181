/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer.h.
 */
#include "broker/answer.h"

#include "broker/metrics.h"
#include "common/bus_errand.h"

void asker_of_control(asker_t *self, mail_t *mail)
{
    *self = (asker_t){.held = true, .rank = RANK_OPERATOR};
    mail_reply_to(&self->mail, mail, 0);
}

void asker_of_errand(asker_t *self, mail_t *mail, uint64_t ticket)
{
    *self = (asker_t){.held = true, .known = true, .ticket = ticket};
    mail_reply_to(&self->mail, mail, 0);
}

void asker_move(asker_t *to, asker_t *from)
{
    assert(from->held && !to->held);
    *to = *from;
    mail_move(&to->mail, &from->mail);
    from->held = false;
}

static void s_send_control(const parts_t *parts, asker_t *to, const char *text,
                           size_t size)
{
    uint8_t *bytes = mail_frame(&to->mail.body, 1 + size);
    bytes[0] = BUS_CTL_REPLY;
    memcpy(bytes + 1, text, size);
    if (mail_send(parts->control, &to->mail) < 0)
        COUNT(CONTROL_UNSENT);
}

static void s_send_edge(const parts_t *parts, asker_t *to, const char *text,
                        size_t size)
{
    bus_errand_t done = {.ticket = to->ticket, .json = text, .json_size = size};
    bus_put_errand(mail_frame(&to->mail.body, 1 + sizeof done.ticket + size),
                   BUS_ERRAND_DONE, &done);
    if (mail_send(parts->ingress.socket, &to->mail) < 0)
        COUNT(INGRESS_UNSENT);
}

void answer_send_text(const parts_t *parts, asker_t *to, const char *text,
                      size_t size)
{
    assert(to->held);
    zmq_msg_close(&to->mail.body);
    if (to->known)
        s_send_edge(parts, to, text, size);
    else
        s_send_control(parts, to, text, size);
    to->held = false;
}

void answer_send(const parts_t *parts, asker_t *to, json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);
    assert(text);
    answer_send_text(parts, to, text, strlen(text));
    free(text);
    json_decref(reply);
}

json_t *answer_refusal(const char *code, const char *error)
{
    return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", error);
}

void answer_refuse(const parts_t *parts, asker_t *to, const char *code,
                   const char *error)
{
    answer_send(parts, to, answer_refusal(code, error));
}
