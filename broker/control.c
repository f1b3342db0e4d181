/* SPDX-License-Identifier: Apache-2.0
 *
 * See control.h.
 */
#include "broker/control.h"

#include "broker/metrics.h"
#include "common/log.h"

#include <inttypes.h>

void control_send(const parts_t *parts, mail_t *mail)
{
    if (mail_send(parts->control, mail) < 0)
        COUNT(CONTROL_UNSENT);
}

void control_tell(const parts_t *parts, const persister_t *to,
                  const void *bytes, size_t size)
{
    assert(to && size);
    mail_t mail;
    memcpy(mail_frame(&mail.peer, to->identity_size), to->identity,
           to->identity_size);
    memcpy(mail_frame(&mail.body, size), bytes, size);
    control_send(parts, &mail);
}

const persister_t *control_hear(parts_t *parts, mail_t *mail)
{
    bus_persister_t word;
    if (bus_decode_persister(&word, mail_bytes(mail), mail_size(mail)) < 0) {
        COUNT(MALFORMED_CONTROL);
        return NULL;
    }
    persister_t *persister =
        persisters_hear(&parts->persisters, &word, zmq_msg_data(&mail->peer),
                        zmq_msg_size(&mail->peer), parts->now.mono_ms);
    history_view_t mine = history_view(parts->world.history);
    if (persister)
        persister_relate(persister, &mine);
    else
        COUNT(PERSISTERS_FULL);
    return persister;
}

void control_watch_ahead(parts_t *parts, const persister_t *persister)
{
    const bus_persister_t *word = &persister->word;
    bool ahead = word->checkpoint > parts->world.seq;
    if (ahead)
        COUNT(PERSISTER_AHEAD);
    if (ahead && !parts->persisters.ahead)
        log_error("store_is_ahead",
                  "checkpoint=%" PRIu64 " seq=%" PRIu64
                  " hint=\"is it another cluster's store?\"",
                  word->checkpoint, parts->world.seq);
    parts->persisters.ahead = ahead;
}

void control_grant(parts_t *parts, const persister_t *persister)
{
    const world_t *world = &parts->world;
    uint8_t bytes[BUS_SMALL_MAX];
    assert(world->board);
    bus_grant_t grant = {.epoch = world->epoch,
                         .active =
                             persisters_grant(&parts->persisters, persister,
                                              world->seq, parts->now.mono_ms),
                         .seq = world->seq,
                         .chain = world_head(world).chain};
    control_tell(parts, persister, bytes, bus_put_grant(bytes, &grant));
}

void control_chain(const parts_t *parts, mail_t *mail)
{
    const history_t *history = parts->world.history;
    bus_chain_t chain = {.first = history_first(history) - 1};
    uint8_t bytes[BUS_SMALL_MAX];
    if (bus_decode_chain_ask(&chain.seq, mail_bytes(mail), mail_size(mail)) <
        0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    chain.chain = history_chain(history, chain.seq);
    size_t size = bus_put_chain(bytes, &chain);
    mail_t answer;
    mail_reply_to(&answer, mail, size);
    memcpy(mail_bytes(&answer), bytes, size);
    control_send(parts, &answer);
}

void control_replay(const parts_t *parts, mail_t *mail)
{
    bus_replay_t replay;
    const history_t *history = parts->world.history;
    if (bus_decode_replay(&replay, mail_bytes(mail), mail_size(mail)) < 0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    uint64_t from = replay.from, next = history_next(history), count = 0;
    if (from < history_first(history))
        from = history_first(history);
    if (from < next)
        count = next - from < replay.max ? next - from : replay.max;
    if (count > BUS_RECORDS_MAX)
        count = BUS_RECORDS_MAX;
    mail_t answer;
    mail_reply_to(&answer, mail, BUS_BODY_HEAD_BYTES + count * RECORD_BYTES);
    uint8_t *bytes = mail_bytes(&answer);
    bus_put_body_head(bytes, BUS_RECORDS, parts->world.epoch,
                      history_chain(history, from - 1));
    history_copy(history, from, count, bytes + BUS_BODY_HEAD_BYTES);
    control_send(parts, &answer);
    COUNT(REPLAYS);
}
