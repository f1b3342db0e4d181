/* SPDX-License-Identifier: Apache-2.0
 *
 * A broker on a fake ledger whose sockets have somebody at the other end: an
 * edge, a persister and stipplectl, inside this process. What they get is what
 * the broker says.
 */
#ifndef TESTS_BROKER_PEERS_H
#define TESTS_BROKER_PEERS_H

#include "common/bus_socket.h"
#include "tests/unit/broker/stage.h"

#include <jansson.h>

static zsock_t *edge, *feed, *journal, *control; /* the peers' ends */
static zmq_msg_t got;                            /* what was taken last */

static inline zsock_t *s_pair(bus_channel_t channel, int bound, int connected)
{
    sockets[channel] = zsock_new(bound);
    zsock_t *peer = zsock_new(connected);
    ck_assert_int_eq(zsock_bind(sockets[channel], "inproc://%d", channel), 0);
    ck_assert_int_eq(zsock_connect(peer, "inproc://%d", channel), 0);
    if (connected == ZMQ_SUB)
        zsock_set_subscribe(peer, "");
    zsock_set_rcvtimeo(peer, 5000);
    zsock_set_linger(peer, 0);
    return peer;
}

static inline void s_set_up_peers(void)
{
    zsys_handler_set(NULL);
    edge = s_pair(BUS_INGRESS, ZMQ_ROUTER, ZMQ_DEALER);
    feed = s_pair(BUS_FEED, ZMQ_PUB, ZMQ_SUB);
    journal = s_pair(BUS_JOURNAL, ZMQ_PUSH, ZMQ_PULL);
    control = s_pair(BUS_CONTROL, ZMQ_ROUTER, ZMQ_DEALER);
    zmq_msg_init(&got);
    s_set_up();
    parts_t *parts = broker_parts(broker);
    zmq_msg_t nothing; /* PUB learns of its subscriber when it sends */
    mail_frame(&nothing, 1);
    mail_push(sockets[BUS_FEED], &nothing);
    ck_assert(parts->ingress.socket == sockets[BUS_INGRESS]);
}

static inline void s_tear_down_peers(void)
{
    s_tear_down();
    zmq_msg_close(&got);
    zsock_t **each[] = {&edge, &feed, &journal, &control};
    for (int i = 0; i < 4; i++) {
        zsock_destroy(each[i]);
        zsock_destroy(&sockets[i]);
    }
}

/* Takes the next message from a peer's end; there must be one. */
static inline const uint8_t *s_take(zsock_t *peer, size_t *size)
{
    ck_assert_int_ge(zmq_msg_recv(&got, zsock_resolve(peer), 0), 0);
    *size = zmq_msg_size(&got);
    return zmq_msg_data(&got);
}

static inline bool s_has_mail(zsock_t *peer)
{
    return zsock_events(peer) & ZMQ_POLLIN;
}

/* Drops what came so far. */
static inline void s_drain(zsock_t *peer)
{
    size_t size;
    while (s_has_mail(peer))
        s_take(peer, &size);
}

static inline void s_say(zsock_t *peer, const void *bytes, size_t size)
{
    ck_assert_int_eq(zmq_send(zsock_resolve(peer), bytes, size, 0), (int)size);
}

/* The edge says something; the broker reads its ingress. */
static inline void s_ingress(const void *bytes, size_t size)
{
    s_say(edge, bytes, size);
    ingress_read(&broker_parts(broker)->ingress, broker_serves(broker),
                 now.mono_ms);
    broker_settle(broker);
}

/* A persister or stipplectl says something. */
static inline void s_control(const void *bytes, size_t size)
{
    mail_t mail;
    s_say(control, bytes, size);
    ck_assert_int_eq(mail_receive(sockets[BUS_CONTROL], &mail), MAIL_OK);
    broker_on_mail(broker, &mail);
    mail_close(&mail);
    broker_settle(broker);
}

static inline void s_edge_places(const bus_place_t *places, size_t count)
{
    uint8_t bytes[4096];
    assert(bus_places_bound(count) <= sizeof bytes);
    s_ingress(bytes, bus_put_places(bytes, places, count));
}

/* The one verdict that the edge got. */
static inline bus_verdict_t s_verdict(void)
{
    static bus_verdict_t verdicts[BUS_PLACES_MAX];
    size_t size;
    const uint8_t *bytes = s_take(edge, &size);
    ck_assert_int_eq(bus_decode_verdicts(verdicts, bytes, size), 1);
    return verdicts[0];
}

/* Users 1 … count have placed, and it is committed. */
static inline void s_play(size_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        s_edge_places(&(bus_place_t){.ticket = i,
                                     .user = i,
                                     .x = (uint16_t)(i % WIDTH),
                                     .y = 1,
                                     .color = (uint8_t)(i % 16)},
                      1);
        s_committed(true);
    }
    s_drain(edge);
    s_drain(journal);
}

/* ---- stipplectl ------------------------------------------------------- */

static inline void s_ask_text(const char *text)
{
    char bytes[2048];
    bytes[0] = BUS_CTL;
    size_t size = strlen(text);
    assert(size < sizeof bytes);
    memcpy(bytes + 1, text, size);
    s_control(bytes, 1 + size);
}

/* The caller's (json_decref). */
static inline json_t *s_reply(void)
{
    size_t size;
    const uint8_t *bytes = s_take(control, &size);
    ck_assert_uint_eq(bytes[0], BUS_CTL_REPLY);
    json_t *reply = json_loadb((const char *)bytes + 1, size - 1, 0, NULL);
    ck_assert_ptr_nonnull(reply);
    return reply;
}

/* Asks, and is refused at once for that reason. */
static inline void s_refused_for(const char *text, const char *error)
{
    s_ask_text(text);
    json_t *reply = s_reply();
    ck_assert(json_is_false(json_object_get(reply, "ok")));
    const char *why = json_string_value(json_object_get(reply, "error"));
    ck_assert_msg(why && !strcmp(why, error), "%s: %s", text, why);
    json_decref(reply);
}

static inline uint64_t s_reply_number(const json_t *reply, const char *name)
{
    const json_t *value = json_object_get(reply, name);
    ck_assert_msg(json_is_integer(value), "%s", name);
    return (uint64_t)json_integer_value(value);
}

#endif
