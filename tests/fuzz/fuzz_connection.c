/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole connection of the edge: requests one behind another, maybe a
 * WebSocket at the end, on a real socket and the real poller. The first four
 * bytes say where the others are cut; what the peer gets must be the same as
 * without a cut. No broker is there, and time passes only at the end.
 */
#include "common/clock.h"
#include "common/mem.h"
#include "edge/address_limits.h"
#include "edge/admission.h"
#include "edge/auth.h"
#include "edge/http/board_renderings.h"
#include "edge/http/content.h"
#include "edge/http/http1.h"
#include "edge/mirror.h"
#include "edge/server.h"
#include "edge/shared_budget.h"
#include "edge/uplink.h"
#include "edge/ws/fanout.h"
#include "edge/ws/frames.h"
#include "edge/ws/sessions.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define SIDE 32
#define OUTPUT_MAX (1 << 20)
/* Turns of the loop after which nothing more is to be expected. */
#define TURNS 3
#define END_S 9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static edge_config_t config;
static edge_t edge;
static uv_loop_t loop;
static poller_t *poller;
static uint64_t now_ms = 1000000;

/* --- What server.c and admission.c would be --- */

struct uv_loop_s *server_loop(server_t *self)
{
    (void)self;
    return &loop;
}

bool admission_is_full(const admission_t *self)
{
    (void)self;
    return false;
}

admit_t admission_handshake(admission_t *self, uint32_t *retry_ms)
{
    (void)self;
    *retry_ms = 0;
    return ADMIT_OK;
}

static uint64_t s_clock(void)
{
    return now_ms;
}

/* --- The edge --------------------------------------------------------------
 */

static void s_feed(void)
{
    static char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    board_t *board = board_new(SIDE, SIDE, 4);
    canvas_init(&canvas, SIDE, SIDE, 4);
    bus_board_t message = {
        .epoch = 1,
        .seq = 7,
        .json = json,
        .json_size = canvas_to_json(&canvas, json, sizeof json),
        .pixels = board_bytes(board),
        .pixels_size = board_size_bytes(board),
    };
    mirror_on_board(edge.mirror, &message);
    board_destroy(&board);
}

/* --- One connection --------------------------------------------------------
 */

typedef struct {
    int fd;
    uint8_t *bytes; /* what the peer got */
    size_t size;
} peer_t;

static void s_turn(peer_t *peer)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    fanout_flush(edge.fanout);
    poller_reap(poller);
    ssize_t got;
    while (peer->size < OUTPUT_MAX &&
           (got = recv(peer->fd, peer->bytes + peer->size,
                       OUTPUT_MAX - peer->size, MSG_DONTWAIT)) > 0)
        peer->size += (size_t)got;
}

/* Until nothing happens any more; a rendering on another thread is waited for
 * by its connection alone. */
static void s_settle(peer_t *peer)
{
    for (unsigned quiet = 0; quiet < TURNS; quiet++) {
        size_t before = peer->size;
        s_turn(peer);
        if (peer->size != before)
            quiet = 0;
    }
}

static void s_open(peer_t *peer)
{
    static const address_t nobody;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
        abort();
    *peer = (peer_t){.fd = pair[0], .bytes = mem_alloc(OUTPUT_MAX)};
    http1_open(&edge, poller, NULL, pair[1], connection_new(&edge, &nobody));
}

/* Takes out what the time decides, and not the bytes: a date; whether a client
 * still had to be invited. */
static void s_forget(peer_t *peer, const char *begin, size_t size)
{
    uint8_t *at = peer->bytes, *end = at + peer->size;
    while ((at = memmem(at, (size_t)(end - at), begin, strlen(begin))) &&
           (size_t)(end - at) >= size) {
        memmove(at, at + size, (size_t)(end - at) - size);
        end -= size;
    }
    peer->size = (size_t)(end - peer->bytes);
}

static void s_close(peer_t *peer)
{
    for (unsigned i = 0; i < END_S; i++) {
        now_ms += 1000;
        uplink_tick(edge.uplink, 0);
        s_turn(peer);
    }
    close(peer->fd);
    peer->fd = -1;
    while (edge.metrics[EDGE_CONNECTIONS])
        s_turn(peer);
    s_forget(peer, "\r\nDate: ", 37);
    s_forget(peer, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

static void s_send(peer_t *peer, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t sent = send(peer->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return; /* it was ended */
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
        s_settle(peer);
    }
}

static uint32_t s_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* In pieces of 1 to 64 bytes, or now and then of many. */
static void s_send_cut(peer_t *peer, const uint8_t *bytes, size_t size,
                       uint32_t seed)
{
    for (size_t at = 0; at < size;) {
        uint32_t draw = s_next(&seed);
        size_t piece = draw % 8 ? 1 + draw / 8 % 64 : 1 + draw / 8 % 4096;
        piece = piece < size - at ? piece : size - at;
        s_send(peer, bytes + at, piece);
        at += piece;
    }
}

/* All that is made on other threads, so that later it is there at once. */
static void s_render(void)
{
    uint64_t began_ms = now_ms;
    for (unsigned kind = 0; kind < RENDERING_KINDS; kind++) {
        char text[128];
        peer_t peer;
        int size = snprintf(text, sizeof text,
                            "GET /api/v1/board%s%.0u HTTP/1.1\r\n"
                            "Host: x\r\n\r\n",
                            kind ? ".png?scale=" : "", kind);
        s_open(&peer);
        s_send(&peer, (const uint8_t *)text, (size_t)size);
        while (!peer.size)
            s_turn(&peer);
        s_close(&peer);
        free(peer.bytes);
        now_ms = began_ms; /* none is to become idle meanwhile */
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const clock_source_t by_hand = {s_clock, s_clock};
    (void)argc, (void)argv;
    signal(SIGPIPE, SIG_IGN);
    clock_use(&by_hand);
    uv_loop_init(&loop);
    config = (edge_config_t){.tick_min_ms = 20,
                             .tick_max_ms = 500,
                             .brokers = (char *)"ipc:///nonexistent/broker",
                             .persisters = (char *)"ipc:///nonexistent/store",
                             .common.curve = (char *)"off",
                             .place_rate = (char *)"auto",
                             .catch_up_bytes = 1 << 20,
                             .origins = (char *)"",
                             .endpoints = (char *)"",
                             .trusted_proxies = (char *)"10.0.0.0/8",
                             .board_max_age_s = 3600,
                             .web_dir = (char *)"web"};
    edge = (edge_t){.config = &config};
    edge.mirror = mirror_new(65536);
    edge.sessions = sessions_new();
    edge.frames = frames_new(&edge);
    edge.fanout = fanout_new(&edge);
    edge.shared = shared_budget_new(&edge, NULL, NULL);
    edge.limits = address_limits_new(&edge);
    edge.auth = auth_new(&config);
    edge.uplink = uplink_new(&edge);
    edge.content = content_new(&edge);
    poller = poller_new(&loop);
    s_feed();
    s_render();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    peer_t whole, cut;
    uint32_t seed;
    if (size < sizeof seed)
        return 0;
    memcpy(&seed, data, sizeof seed);
    data += sizeof seed;
    size -= sizeof seed;
    s_open(&whole);
    s_send(&whole, data, size);
    s_close(&whole);
    s_open(&cut);
    s_send_cut(&cut, data, size, seed);
    s_close(&cut);
    if (whole.size != cut.size || memcmp(whole.bytes, cut.bytes, cut.size)) {
        fprintf(stderr, "whole (%zu):\n%.*s\ncut (%zu):\n%.*s\n", whole.size,
                (int)whole.size, (char *)whole.bytes, cut.size, (int)cut.size,
                (char *)cut.bytes);
        abort();
    }
    free(whole.bytes);
    free(cut.bytes);
    return 0;
}
