/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_socket.h.
 */
#include "common/bus_socket.h"

#include "common/log.h"

#include <assert.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* A board of 64 MiB and its head is the largest message there is. */
#define MESSAGE_MAX_BYTES ((64 << 20) + 8192)
#define HEARTBEAT_MS 1000
#define HEARTBEAT_TIMEOUT_MS 3000
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 1000
#define KEY_Z85_BYTES 41

/* Each channel's two ends, its place behind the base, its high-water mark in
 * messages: the feed's holds minutes of diffs; the others', what is in flight.
 */
static const struct {
    int bound, connected;
    unsigned port_offset;
    const char *suffix;
    int high_water;
} s_channels[] = {
    [BUS_INGRESS] = {ZMQ_ROUTER, ZMQ_DEALER, 0, ".ingress", 20000},
    [BUS_FEED] = {ZMQ_PUB, ZMQ_SUB, 1, ".feed", 20000},
    [BUS_JOURNAL] = {ZMQ_PUSH, ZMQ_PULL, 2, ".journal", 2000},
    [BUS_CONTROL] = {ZMQ_ROUTER, ZMQ_DEALER, 3, ".control", 2000},
    [BUS_QUERY] = {ZMQ_ROUTER, ZMQ_DEALER, 0, "", 20000},
};

static int s_tcp_endpoint(char *endpoint, const char *base,
                          bus_channel_t channel)
{
    const char *colon = strrchr(base, ':');
    char *end;
    long first = strtol(colon + 1, &end, 10);
    long port = first + s_channels[channel].port_offset;
    if (end == colon + 1 || *end || first < 1 || port > 65535)
        return -1;
    int length = snprintf(endpoint, BUS_ENDPOINT_MAX, "%.*s:%ld",
                          (int)(colon - base), base, port);
    return length < BUS_ENDPOINT_MAX ? 0 : -1;
}

int bus_endpoint(char endpoint[BUS_ENDPOINT_MAX], const char *base,
                 bus_channel_t channel)
{
    if (!strncmp(base, "tcp://", 6))
        return s_tcp_endpoint(endpoint, base, channel);
    if (strncmp(base, "ipc://", 6) || !base[6])
        return -1;
    int length = snprintf(endpoint, BUS_ENDPOINT_MAX, "%s%s", base,
                          s_channels[channel].suffix);
    return length < BUS_ENDPOINT_MAX ? 0 : -1;
}

static void s_derive(const bus_security_t *security, char public[KEY_Z85_BYTES],
                     char secret[KEY_Z85_BYTES])
{
    static const unsigned char word[] = "stipple bus server key 1";
    unsigned char key[SHA256_DIGEST_LENGTH];
    HMAC(EVP_sha256(), security->secret, (int)security->secret_size, word,
         sizeof word - 1, key, NULL);
    zmq_z85_encode(secret, key, sizeof key);
    zmq_curve_public(public, secret);
}

/* Whether this endpoint speaks CURVE; -1 where it must and there is no secret.
 */
static int s_wants_curve(const char *endpoint, const bus_security_t *security)
{
    bool on =
        !strcmp(security->curve, "on") ||
        (!strcmp(security->curve, "auto") && !strncmp(endpoint, "tcp://", 6));
    if (on && !security->secret)
        return -1;
    return on;
}

static int s_secure(zsock_t *socket, const char *endpoint, bool server,
                    const bus_security_t *security)
{
    int wanted = s_wants_curve(endpoint, security);
    if (wanted < 0)
        log_error("bus_no_secret", "endpoint=%s hint=\"set secret_file\"",
                  endpoint);
    if (wanted <= 0)
        return wanted;
    char public[KEY_Z85_BYTES], secret[KEY_Z85_BYTES];
    s_derive(security, public, secret);
    if (server) {
        zsock_set_curve_server(socket, 1);
        zsock_set_curve_secretkey(socket, secret);
        return 0;
    }
    char own_public[KEY_Z85_BYTES], own_secret[KEY_Z85_BYTES];
    zmq_curve_keypair(own_public, own_secret);
    zsock_set_curve_serverkey(socket, public);
    zsock_set_curve_publickey(socket, own_public);
    zsock_set_curve_secretkey(socket, own_secret);
    return 0;
}

static zsock_t *s_socket(bus_channel_t channel, int type)
{
    zsock_t *socket = zsock_new(type);
    assert(socket);
    int mark = s_channels[channel].high_water;
    zsock_set_linger(socket, 0);
    zsock_set_sndhwm(socket, mark);
    zsock_set_rcvhwm(socket, mark);
    zsock_set_maxmsgsize(socket, MESSAGE_MAX_BYTES);
    zsock_set_heartbeat_ivl(socket, HEARTBEAT_MS);
    zsock_set_heartbeat_timeout(socket, HEARTBEAT_TIMEOUT_MS);
    zsock_set_reconnect_ivl(socket, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(socket, RECONNECT_MAX_MS);
    zsock_set_ipv6(socket, 1);
    if (type == ZMQ_SUB)
        zsock_set_subscribe(socket, "");
    if (type == ZMQ_ROUTER)
        zsock_set_router_mandatory(socket, 1);
    /* A request is kept for a live peer, not queued for one that is away. */
    if (type == ZMQ_DEALER)
        zsock_set_immediate(socket, 1);
    return socket;
}

/* Binds or connects a new socket; NULL, with a line in the log. */
static zsock_t *s_open(const char *base, bus_channel_t channel, bool server,
                       const bus_security_t *security)
{
    char endpoint[BUS_ENDPOINT_MAX], quoted[BUS_ENDPOINT_MAX];
    log_quote(quoted, sizeof quoted, base);
    if (bus_endpoint(endpoint, base, channel) < 0) {
        log_error("bus_bad_endpoint", "endpoint=%s", quoted);
        return NULL;
    }
    zsock_t *socket = s_socket(channel, server ? s_channels[channel].bound
                                               : s_channels[channel].connected);
    if (s_secure(socket, endpoint, server, security) == 0 &&
        (server ? zsock_bind(socket, "%s", endpoint)
                : zsock_connect(socket, "%s", endpoint)) >= 0)
        return socket;
    log_error(server ? "bus_bind_failed" : "bus_connect_failed",
              "endpoint=%s error=\"%s\"", quoted, zmq_strerror(zmq_errno()));
    zsock_destroy(&socket);
    return NULL;
}

zsock_t *bus_bind(const char *base, bus_channel_t channel,
                  const bus_security_t *security)
{
    return s_open(base, channel, true, security);
}

zsock_t *bus_connect(const char *base, bus_channel_t channel,
                     const bus_security_t *security)
{
    return s_open(base, channel, false, security);
}
