/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of an edge from their first byte, on a socket pair and the real
 * poller, with or without TLS. No broker is there, and the clock is turned by
 * hand.
 */
#ifndef TESTS_EDGE_CONNECTION_STAGE_H
#define TESTS_EDGE_CONNECTION_STAGE_H

#include "common/clock.h"
#include "edge/admission.h"
#include "edge/auth.h"
#include "edge/http/content.h"
#include "edge/http/http1.h"
#include "edge/mirror.h"
#include "edge/tls.h"
#include "edge/uplink.h"
#include "edge/ws/fanout.h"
#include "edge/ws/frames.h"
#include "edge/ws/sessions.h"

#include <check.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define SIDE 32
#define FILE_BYTES 3000000

static edge_config_t config;
static edge_t edge;
static uv_loop_t loop;
static poller_t *poller;
static tls_t *tls; /* NULL: without */
static uint64_t now_ms;
static char folder[64];

/* The peer. */
static int fd;
static SSL_CTX *client;
static SSL *ssl; /* NULL: without TLS */
static char got[4 << 20];
static size_t got_size;
static bool ended; /* nothing more will come */

static uint64_t s_now_ms(void)
{
    return now_ms;
}

static const clock_source_t s_clock = {s_now_ms, s_now_ms};

static inline void s_feed(void)
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

/* A page, and a picture that no compression makes smaller. */
static inline void s_write_files(void)
{
    char path[128];
    uint32_t noise = 1;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/web-XXXXXX",
             temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/index.html", folder);
    FILE *file = fopen(path, "w");
    fputs("<p>page</p>", file);
    fclose(file);
    snprintf(path, sizeof path, "%s/big.png", folder);
    file = fopen(path, "w");
    for (int i = 0; i < FILE_BYTES; i++)
        fputc((int)((noise = noise * 1664525 + 1013904223) >> 24), file);
    fclose(file);
}

static inline void s_remove_files(void)
{
    static const char *const names[] = {"index.html", "big.png", "cert.pem",
                                        "key.pem"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static inline void s_setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    now_ms = 1000000;
    fd = -1;
    clock_use(&s_clock);
    uv_loop_init(&loop);
    s_write_files();
    config = (edge_config_t){.tick_min_ms = 20,
                             .tick_max_ms = 500,
                             .brokers = (char *)"ipc:///nonexistent/broker",
                             .common.curve = (char *)"off",
                             .place_rate = (char *)"auto",
                             .catch_up_bytes = 1 << 20,
                             .unread_bytes = 1 << 20,
                             .origins = (char *)"https://good.example",
                             .endpoints = (char *)"",
                             .max_connections = 100,
                             .handshake_rate = 1000,
                             .board_max_age_s = 3600,
                             .web_dir = folder};
    edge = (edge_t){.config = &config};
    edge.mirror = mirror_new(65536);
    edge.sessions = sessions_new();
    edge.frames = frames_new(&edge);
    edge.fanout = fanout_new(&edge);
    edge.limits = address_limits_new(&edge);
    edge.admission = admission_new(&edge, 10000);
    edge.auth = auth_new(&config);
    edge.uplink = uplink_new(&edge);
    edge.content = content_new(&edge);
    poller = poller_new(&loop);
    s_feed();
}

static inline void s_teardown(void)
{
    SSL_free(ssl);
    SSL_CTX_free(client);
    ssl = NULL;
    client = NULL;
    if (fd >= 0)
        close(fd);
    poller_close(poller);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(edge.metrics[EDGE_CONNECTIONS], 0); /* none is left */
    ck_assert_uint_eq(sessions_count(edge.sessions), 0);
    poller_destroy(&poller);
    tls_destroy(&tls);
    content_destroy(&edge.content);
    uplink_destroy(&edge.uplink);
    auth_destroy(&edge.auth);
    admission_destroy(&edge.admission);
    address_limits_destroy(&edge.limits);
    fanout_destroy(&edge.fanout);
    frames_destroy(&edge.frames);
    sessions_destroy(&edge.sessions);
    mirror_destroy(&edge.mirror);
    uv_loop_close(&loop);
    s_remove_files();
    clock_use(&clock_system);
}

/* ---- the peer -------------------------------------------------------- */

static inline void s_open_pair(void)
{
    static const address_t nobody;
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    if (fd >= 0)
        close(fd);
    fd = pair[0];
    got_size = 0;
    ended = false;
    http1_open(&edge, poller, tls, pair[1], connection_new(&edge, &nobody));
}

static inline ssize_t s_take(char *bytes, size_t size)
{
    if (!ssl)
        return recv(fd, bytes, size, MSG_DONTWAIT);
    int read = SSL_read(ssl, bytes, (int)size);
    if (read > 0)
        return read;
    int why = SSL_get_error(ssl, read);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

/* What the edge does now. */
static inline void s_turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    fanout_flush(edge.fanout);
    poller_reap(poller);
}

/* The edge goes on, and what it sends is read, until nothing happens. */
static inline void s_settle(void)
{
    for (unsigned quiet = 0; quiet < 3; quiet++) {
        s_turn();
        ssize_t more;
        while (!ended && (more = s_take(got + got_size,
                                        sizeof got - 1 - got_size)) >= 0) {
            ended = !more;
            got_size += (size_t)more;
            quiet = 0;
        }
    }
    got[got_size] = '\0';
}

static inline void s_say_bytes(const void *bytes, size_t size)
{
    for (const char *at = bytes, *end = at + size; at < end;) {
        ssize_t sent = ssl ? SSL_write(ssl, at, (int)(end - at))
                           : send(fd, at, (size_t)(end - at), MSG_NOSIGNAL);
        at += sent > 0 ? sent : 0;
        s_settle();
        if (ended)
            return;
    }
}

static inline void s_say(const char *text)
{
    s_say_bytes(text, strlen(text));
}

/* What came since the last time is forgotten. */
static inline void s_forget(void)
{
    got_size = 0;
    got[0] = '\0';
}

static inline unsigned s_count(const char *text)
{
    unsigned count = 0;
    for (const char *at = got; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static inline void s_pass(uint32_t seconds)
{
    for (; seconds; seconds--) {
        now_ms += 1000;
        poller_expire(poller, (uint32_t)(now_ms / 1000));
        s_settle();
    }
}

/* Only the edge's side is looked at: the connection is gone. */
static inline bool s_is_gone(void)
{
    return !edge.metrics[EDGE_CONNECTIONS];
}

#endif
