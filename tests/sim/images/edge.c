/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge's image: real uplink, mirror, pending, sessions and fan-out, with
 * the turns that server.c makes of them. The sockets of clients are simulated;
 * what speaks HTTP is left out.
 */
#include "edge/edge.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "edge/address_limits.h"
#include "edge/connection.h"
#include "edge/errands.h"
#include "edge/mirror.h"
#include "edge/shared_budget.h"
#include "edge/uplink.h"
#include "edge/ws/fanout.h"
#include "edge/ws/frames.h"
#include "edge/ws/session.h"
#include "edge/ws/sessions.h"
#include "tests/sim/web.h"

#include <stdlib.h>

#define HOUSEKEEPING_MS 50
#define VISITORS_MAX 128
#define MESSAGE_MAX 2048
#define PONG 0xff

volatile int zsys_interrupted;

int sim_main(int argc, char **argv);

typedef struct {
    session_t session;
    socket_t socket;
    unsigned id; /* 0: free */
    bool killed, was_blocked;
} visitor_t;

static edge_t s_edge;
static edge_config_t s_config;
static visitor_t *s_visitors[VISITORS_MAX];

/* ---- sockets ---------------------------------------------------------- */

static visitor_t *s_of(const socket_t *socket)
{
    return (visitor_t *)((uintptr_t)socket - offsetof(visitor_t, socket));
}

static bool s_blocked(const socket_t *socket)
{
    return web_blocked(s_of(socket)->id);
}

static socket_result_t s_write(socket_t *socket, const uint8_t *bytes,
                               size_t size, frame_t *frame)
{
    (void)frame;
    return web_write(s_of(socket)->id, bytes, size) ? SOCKET_SENT
                                                    : SOCKET_PARTIAL;
}

static socket_result_t s_post(socket_t *socket, frame_t *frame)
{
    return s_write(socket, frame->bytes, frame->size, frame);
}

static void s_kill(socket_t *socket)
{
    s_of(socket)->killed = true;
}

static uint32_t s_acknowledged(const socket_t *socket)
{
    return web_acknowledged(s_of(socket)->id);
}

static const socket_ops_t s_ops = {
    .blocked = s_blocked,
    .write = s_write,
    .post = s_post,
    .kill = s_kill,
    .acknowledged = s_acknowledged,
};

/* ---- visitors --------------------------------------------------------- */

static void s_admit(unsigned id, const web_hello_t *hello)
{
    size_t i = 0;
    while (i < VISITORS_MAX && s_visitors[i])
        i++;
    if (i == VISITORS_MAX || !edge_ready(&s_edge)) {
        web_refuse(id);
        return;
    }
    visitor_t *visitor = mem_zalloc(1, sizeof *visitor);
    s_visitors[i] = visitor;
    visitor->id = id;
    visitor->socket.ops = &s_ops;
    upgrade_t upgrade = {
        .since = hello->since, .json = hello->json, .player = hello->player};
    upgrade.identity.user = hello->user;
    upgrade.identity.expires_at_ms = UINT64_MAX / 2;
    web_agree(id);
    session_open(&visitor->session, &s_edge, &visitor->socket, &upgrade);
    session_start(&visitor->session, false);
}

static void s_drop(size_t i)
{
    visitor_t *visitor = s_visitors[i];
    session_fini(&visitor->session);
    web_close(visitor->id);
    free(visitor);
    s_visitors[i] = NULL;
}

static void s_read(size_t i)
{
    visitor_t *visitor = s_visitors[i];
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
    while ((size = web_read(visitor->id, bytes, sizeof bytes)) != WEB_NONE) {
        if (size == WEB_GONE) {
            s_drop(i);
            return;
        }
        if (size == 1 && *bytes == PONG)
            session_heard(&visitor->session);
        else
            session_receive(&visitor->session, bytes, size, true, true, true);
    }
    bool blocked = web_blocked(visitor->id);
    if (visitor->was_blocked && !blocked)
        session_writable(&visitor->session);
    visitor->was_blocked = blocked;
}

static void s_read_all(void)
{
    web_hello_t hello;
    for (unsigned id; (id = web_accept(&hello));)
        s_admit(id, &hello);
    for (unsigned id; (id = web_board_wanted());) {
        const board_t *board = mirror_board(s_edge.mirror);
        if (board && edge_ready(&s_edge))
            web_give_board(id, mirror_epoch(s_edge.mirror),
                           mirror_seq(s_edge.mirror), board_bytes(board),
                           board_size_bytes(board));
        else
            web_give_board(id, 0, 0, NULL, 0);
    }
    for (size_t i = 0; i < VISITORS_MAX; i++)
        if (s_visitors[i])
            s_read(i);
}

static void s_reap(void)
{
    for (size_t i = 0; i < VISITORS_MAX; i++)
        if (s_visitors[i] && s_visitors[i]->killed)
            s_drop(i);
}

/* ---- turns, as in server.c -------------------------------------------- */

static uint64_t s_turn(void)
{
    s_read_all();
    bool more = uplink_turn(s_edge.uplink);
    fanout_flush(s_edge.fanout);
    s_reap();
    uint64_t next_ms = fanout_poll(s_edge.fanout);
    if (more || !next_ms) {
        fanout_slice(s_edge.fanout);
        return 0;
    }
    return next_ms;
}

static void s_run(void)
{
    uint64_t housekeeping_ms = clock_mono_ms();
    while (!web_terminated() || sessions_count(s_edge.sessions)) {
        uint64_t now_ms = clock_mono_ms();
        if (web_terminated()) {
            s_edge.draining = true;
            fanout_drain(s_edge.fanout, 50);
        }
        if (now_ms >= housekeeping_ms) {
            uplink_tick(s_edge.uplink,
                        (uint32_t)sessions_count(s_edge.sessions));
            errands_tick(s_edge.errands, now_ms);
            shared_budget_tick(s_edge.shared, now_ms);
            housekeeping_ms = now_ms + HOUSEKEEPING_MS;
        }
        uint64_t next_ms = s_turn();
        web_sleep_ms(next_ms < HOUSEKEEPING_MS ? next_ms : HOUSEKEEPING_MS);
    }
}

static int s_tell_leader(void *context, const void *bytes, size_t size)
{
    return uplink_tell(((edge_t *)context)->uplink, bytes, size);
}

int sim_main(int argc, char **argv)
{
    settings_load(&edge_settings, &s_config, argc, argv);
    const char *name = s_config.common.name ? s_config.common.name : "edge";
    log_init(name, LEVEL_INFO);
    s_edge.config = &s_config;
    s_edge.mirror = mirror_new((size_t)s_config.ring_pixels);
    s_edge.sessions = sessions_new();
    s_edge.frames = frames_new(&s_edge);
    s_edge.fanout = fanout_new(&s_edge);
    s_edge.shared = shared_budget_new(&s_edge, s_tell_leader, &s_edge);
    s_edge.limits = address_limits_new(&s_edge);
    s_edge.errands = errands_new(s_tell_leader, &s_edge);
    s_edge.uplink = uplink_new(&s_edge);
    if (!s_edge.uplink)
        return 1;
    s_run();
    uplink_destroy(&s_edge.uplink);
    errands_destroy(&s_edge.errands);
    shared_budget_destroy(&s_edge.shared);
    return 0;
}
