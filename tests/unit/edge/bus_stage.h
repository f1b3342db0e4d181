/* SPDX-License-Identifier: Apache-2.0
 *
 * An edge between two brokers and a persister that are a test's own sockets in
 * a folder, and a clock that is turned by hand.
 */
#ifndef TESTS_EDGE_BUS_STAGE_H
#define TESTS_EDGE_BUS_STAGE_H

#include "common/bus_query.h"
#include "common/clock.h"
#include "edge/edge.h"
#include "edge/errands.h"
#include "edge/lookup.h"
#include "edge/mirror.h"
#include "edge/uplink.h"

#include <check.h>
#include <czmq.h>
#include <poll.h>

#define PATIENCE_MS 5000
#define LEASE_MS 3000

typedef struct {
    zsock_t *ingress, *feed;
    zmq_msg_t edge; /* its name */
} peer_t;

static edge_config_t config;
static edge_t edge;
static uplink_t *uplink;
static peer_t brokers[2];
static zsock_t *persister;
static zmq_msg_t asker; /* of the persister */
static char folder[64], list[256], queries[128];
static uint64_t now_ms;
static uint8_t got[65536]; /* taken last */
static size_t got_size;

static uint64_t s_now_ms(void)
{
    return now_ms;
}

static const clock_source_t s_clock = {s_now_ms, s_now_ms};

static zsock_t *s_bind(int type, const char *name)
{
    zsock_t *socket = zsock_new(type);
    zsock_set_linger(socket, 0);
    zsock_set_rcvtimeo(socket, PATIENCE_MS);
    ck_assert_int_eq(zsock_bind(socket, "ipc://%s/%s", folder, name), 0);
    return socket;
}

/* The next message at a ROUTER; its sender's name is kept. */
static bool s_receive(zsock_t *router, zmq_msg_t *name)
{
    void *raw = zsock_resolve(router);
    if (zmq_msg_recv(name, raw, 0) < 0)
        return false;
    int size = zmq_recv(raw, got, sizeof got, 0);
    ck_assert_int_ge(size, 0);
    got_size = (size_t)size;
    return true;
}

static void s_say_to(zsock_t *router, zmq_msg_t *name, const void *bytes,
                     size_t size)
{
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, name);
    void *raw = zsock_resolve(router);
    ck_assert_int_ge(zmq_msg_send(&copy, raw, ZMQ_SNDMORE), 0);
    ck_assert_int_eq(zmq_send(raw, bytes, size, 0), (int)size);
}

/* Time passes, in the edge's steps of 50 ms. */
static inline void s_pass(uint64_t ms)
{
    for (uint64_t end = now_ms + ms; now_ms < end;) {
        now_ms += end - now_ms < 50 ? end - now_ms : 50;
        uplink_tick(uplink, 3);
    }
}

/* Turns until `done` holds. */
static inline void s_turn_until(bool (*done)(void))
{
    int64_t end = zclock_mono() + PATIENCE_MS;
    while (uplink_turn(uplink), !done() && zclock_mono() < end)
        poll(NULL, 0, 1);
    ck_assert(done());
}

/* The feeds are subscribed to, and the edge has said its name to both. */
static inline void s_meet(void)
{
    uint8_t topic[8];
    for (peer_t *at = brokers; at < brokers + 2; at++) {
        ck_assert_int_ge(
            zmq_recv(zsock_resolve(at->feed), topic, sizeof topic, 0), 1);
        zsock_set_rcvtimeo(at->ingress, 10);
        do
            s_pass(1000);
        while (!s_receive(at->ingress, &at->edge));
        while (s_receive(at->ingress, &at->edge))
            ck_assert_uint_eq(got[0], BUS_REPORT);
        zsock_set_rcvtimeo(at->ingress, PATIENCE_MS);
    }
}

static inline int s_tell(void *context, const void *bytes, size_t size)
{
    return uplink_tell(*(uplink_t **)context, bytes, size);
}

static inline void s_setup_bus(void)
{
    zsys_handler_set(NULL);
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/edge-XXXXXX",
             temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(list, sizeof list, "ipc://%s/0, ipc://%s/1", folder, folder);
    snprintf(queries, sizeof queries, "ipc://%s/query", folder);
    brokers[0] = (peer_t){.ingress = s_bind(ZMQ_ROUTER, "0.ingress"),
                          .feed = s_bind(ZMQ_XPUB, "0.feed")};
    brokers[1] = (peer_t){.ingress = s_bind(ZMQ_ROUTER, "1.ingress"),
                          .feed = s_bind(ZMQ_XPUB, "1.feed")};
    persister = s_bind(ZMQ_ROUTER, "query");
    zmq_msg_init(&brokers[0].edge);
    zmq_msg_init(&brokers[1].edge);
    zmq_msg_init(&asker);
    now_ms = 1000000;
    clock_use(&s_clock);
    config = (edge_config_t){.brokers = list, .persisters = queries};
    config.common.curve = (char *)"off";
    edge = (edge_t){.config = &config};
    edge.mirror = mirror_new(1000);
    edge.errands = errands_new(s_tell, &uplink);
    uplink = uplink_new(&edge);
    ck_assert_ptr_nonnull(uplink);
    s_meet();
}

static inline void s_teardown_bus(void)
{
    uplink_destroy(&uplink);
    ck_assert_ptr_null(uplink);
    errands_destroy(&edge.errands);
    mirror_destroy(&edge.mirror);
    clock_use(&clock_system);
    for (peer_t *at = brokers; at < brokers + 2; at++) {
        zmq_msg_close(&at->edge);
        zsock_destroy(&at->ingress);
        zsock_destroy(&at->feed);
    }
    zmq_msg_close(&asker);
    zsock_destroy(&persister);
    rmdir(folder);
}

/* What the edge says next to that broker, but for its reports. */
static inline uint8_t s_next(int broker)
{
    do
        ck_assert(s_receive(brokers[broker].ingress, &brokers[broker].edge));
    while (got[0] == BUS_REPORT);
    return got[0];
}

static inline void s_say(int broker, const void *bytes, size_t size)
{
    s_say_to(brokers[broker].ingress, &brokers[broker].edge, bytes, size);
}

static inline void s_publish(int broker, const void *bytes, size_t size)
{
    void *raw = zsock_resolve(brokers[broker].feed);
    ck_assert_int_eq(zmq_send(raw, bytes, size, 0), (int)size);
}

static edge_metric_t awaited;
static int64_t awaited_count;

static bool s_is_counted(void)
{
    return edge.metrics[awaited] >= awaited_count;
}

/* Turns until a counter has that value. */
static inline void s_await(edge_metric_t id, int64_t count)
{
    awaited = id;
    awaited_count = count;
    s_turn_until(s_is_counted);
    ck_assert_int_eq(edge.metrics[id], count);
}

#endif
