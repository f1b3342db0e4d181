/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_socket.h.
 */
#include "common/bus_socket.h"

#include "common/log.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* A board of 64 MiB and its head is the largest message there is. */
#define MESSAGE_MAX_BYTES ((64 << 20) + 8192)
#define HEARTBEAT_MS 1000
#define HEARTBEAT_TIMEOUT_MS 3000
#define RECONNECT_MS 50
/* A link that is lost for 2 s must be there again before its leader is missed.
 */
#define RECONNECT_MAX_MS 250
/* A SYN or a handshake that hangs goes to whoever had the address once. */
#define CONNECT_TIMEOUT_MS 2000
#define HANDSHAKE_TIMEOUT_MS 5000
#define PORT_MAX 65535
#define BUS_RESPELT_MAX (BUS_ENDPOINT_MAX + 2 * GENERATIONS_MAX)

/* Each channel's two ends, its place behind the base, its high-water mark in
 * messages: the feed's holds minutes of diffs; the others', what is in flight.
 */
static const struct {
    int bound, connected;
    unsigned port_offset;
    const char *suffix; /* of an ipc path; its word with a dot before it */
    int high_water;
    role_t server;
} s_channels[] = {
    [BUS_INGRESS] = {ZMQ_ROUTER, ZMQ_DEALER, 0, ".ingress", 20000, ROLE_BROKER},
    [BUS_FEED] = {ZMQ_PUB, ZMQ_SUB, 1, ".feed", 20000, ROLE_BROKER},
    [BUS_JOURNAL] = {ZMQ_PUSH, ZMQ_PULL, 2, ".journal", 2000, ROLE_BROKER},
    [BUS_CONTROL] = {ZMQ_ROUTER, ZMQ_DEALER, 3, ".control", 2000, ROLE_BROKER},
    [BUS_QUERY] = {ZMQ_ROUTER, ZMQ_DEALER, 0, "", 20000, ROLE_PERSISTER},
};

int bus_security_load(bus_security_t *self, role_keys_t *keys, role_t role,
                      const char *path)
{
    *keys = (role_keys_t){.role = role};
    self->keys = NULL;
    if (!path || !*path)
        return 0;
    if (role_keys_load(keys, role, path) < 0)
        return -1;
    self->keys = keys;
    return 0;
}

const char *bus_channel_word(bus_channel_t channel)
{
    return channel == BUS_QUERY ? "query" : s_channels[channel].suffix + 1;
}

static int s_tcp_endpoint(char *endpoint, const char *base,
                          bus_channel_t channel)
{
    const char *colon = strrchr(base, ':');
    char *end;
    long first = strtol(colon + 1, &end, 10);
    long behind =
        channel == BUS_QUERY ? 0 : s_channels[BUS_CONTROL].port_offset;
    if (!isdigit((unsigned char)colon[1]) || *end || first < 1 ||
        first > PORT_MAX - behind || colon == base + 6)
        return -1;
    long port = first + s_channels[channel].port_offset;
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

static bool s_wants_curve(const char *endpoint, const char *curve)
{
    return !strcmp(curve, "on") ||
           (!strcmp(curve, "auto") && !strncmp(endpoint, "tcp://", 6));
}

static bool s_is_every_address(const char *bind)
{
    static const char *const hosts[] = {
        "tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:", "tcp://:::"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (!strncmp(bind, hosts[i], strlen(hosts[i])))
            return true;
    return false;
}

const char *bus_names(const char *bind, const char *advertise,
                      const char *curve)
{
    if (advertise && *advertise)
        return advertise;
    if (!s_is_every_address(bind) || !s_wants_curve(bind, curve))
        return bind;
    log_error("setting_wrong",
              "why=\"advertise must be set if bind is every address: the base "
              "endpoint by which edges, persisters and stipplectl know this "
              "broker\"");
    return NULL;
}

static int s_secure_server(zsock_t *socket, bus_channel_t channel,
                           const role_keys_t *keys)
{
    char public[CURVE_TEXT_BYTES], secret[CURVE_TEXT_BYTES];
    if (!keys->serves || keys->role != s_channels[channel].server)
        return -1;
    curve_pair(keys->server_secret, public, secret);
    zsock_set_curve_server(socket, 1);
    zsock_set_curve_secretkey(socket, secret);
    zsock_set_zap_domain(socket, bus_channel_word(channel));
    zsock_set_zap_enforce_domain(socket, 1); /* no guard: nobody comes in */
    OPENSSL_cleanse(secret, sizeof secret);
    return 0;
}

/* For the connections made from now on: to servers that have the n-th key. */
static int s_secure_client(zsock_t *socket, const char *base,
                           bus_channel_t channel, const role_keys_t *keys,
                           size_t n)
{
    const key_peer_t *peer = &keys->connect[s_channels[channel].server];
    char public[CURVE_TEXT_BYTES], secret[CURVE_TEXT_BYTES];
    char server[CURVE_TEXT_BYTES];
    uint8_t key[KEY_BYTES];
    if (n >= peer->servers.count)
        return -1;
    client_key(key, peer->client_secret, channel == BUS_QUERY ? "" : base);
    curve_pair(key, public, secret);
    zmq_z85_encode(server, peer->servers.bytes[n], KEY_BYTES);
    zsock_set_curve_serverkey(socket, server);
    zsock_set_curve_publickey(socket, public);
    zsock_set_curve_secretkey(socket, secret);
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(key, sizeof key);
    return 0;
}

/* Puts the socket under CURVE if it is to be; -1, logged, if it cannot. */
static int s_secure(zsock_t *socket, const char *base, bus_channel_t channel,
                    bool server, const bus_security_t *security, size_t n)
{
    if (!s_wants_curve(base, security->curve))
        return 0;
    const role_keys_t *keys = security->keys;
    if (keys && (server ? s_secure_server(socket, channel, keys)
                        : s_secure_client(socket, base, channel, keys, n)) == 0)
        return 0;
    log_error("bus_no_keys", "channel=%s hint=\"%s\"",
              bus_channel_word(channel),
              keys ? "the key file is of a role that has no part in it"
                   : "set key_file");
    return -1;
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
    zsock_set_connect_timeout(socket, CONNECT_TIMEOUT_MS);
    zsock_set_handshake_ivl(socket, HANDSHAKE_TIMEOUT_MS);
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

/* -1, logged, if `base` is none. */
static int s_endpoint(char endpoint[BUS_ENDPOINT_MAX], const char *base,
                      bus_channel_t channel)
{
    char quoted[BUS_ENDPOINT_MAX];
    if (bus_endpoint(endpoint, base, channel) == 0)
        return 0;
    log_error("bus_bad_endpoint", "endpoint=%s",
              log_quote(quoted, sizeof quoted, base));
    return -1;
}

static int s_failed(const char *event, const char *base)
{
    char quoted[BUS_ENDPOINT_MAX];
    log_error(event, "endpoint=%s error=\"%s\"",
              log_quote(quoted, sizeof quoted, base),
              zmq_strerror(zmq_errno()));
    return -1;
}

static int s_bind(zsock_t *socket, const char *base, bus_channel_t channel,
                  const bus_security_t *security)
{
    char endpoint[BUS_ENDPOINT_MAX];
    if (s_endpoint(endpoint, base, channel) < 0 ||
        s_secure(socket, base, channel, true, security, 0) < 0)
        return -1;
    return zsock_bind(socket, "%s", endpoint) < 0
               ? s_failed("bus_bind_failed", base)
               : 0;
}

/* The endpoint in another spelling, for the n-th connection to it: ZeroMQ makes
 * only one for each text. */
static void s_respell(char respelt[BUS_RESPELT_MAX], const char *endpoint,
                      size_t n)
{
    static const char zeros[] = "0000", dots[] = "./././", slashes[] = "////";
    const char *colon = strrchr(endpoint, ':');
    bool tcp = !strncmp(endpoint, "tcp://", 6);
    size_t head = tcp ? (size_t)(colon + 1 - endpoint) : 6;
    bool rooted = endpoint[head] == '/';
    assert(n < GENERATIONS_MAX);
    snprintf(respelt, BUS_RESPELT_MAX, "%.*s%.*s%s", (int)head, endpoint,
             (int)(tcp || rooted ? n : 2 * n),
             tcp      ? zeros
             : rooted ? slashes
                      : dots,
             endpoint + head);
}

/* One connection for each key that the server may have: all but one fail, and
 * are tried again until it has another. */
static int s_connect(zsock_t *socket, const char *base, bus_channel_t channel,
                     const bus_security_t *security)
{
    char endpoint[BUS_ENDPOINT_MAX], respelt[BUS_RESPELT_MAX];
    if (s_endpoint(endpoint, base, channel) < 0)
        return -1;
    size_t count = 1;
    if (security->keys && s_wants_curve(base, security->curve))
        count =
            security->keys->connect[s_channels[channel].server].servers.count;
    for (size_t n = 0; n < count || !n; n++) {
        if (s_secure(socket, base, channel, false, security, n) < 0)
            return -1;
        s_respell(respelt, endpoint, n);
        if (zsock_connect(socket, "%s", respelt) < 0)
            return s_failed("bus_connect_failed", base);
    }
    return 0;
}

zsock_t *bus_bind(const char *base, bus_channel_t channel,
                  const bus_security_t *security)
{
    zsock_t *socket = s_socket(channel, s_channels[channel].bound);
    if (s_bind(socket, base, channel, security) < 0)
        zsock_destroy(&socket);
    return socket;
}

zsock_t *bus_connect(const char *base, bus_channel_t channel,
                     const bus_security_t *security)
{
    zsock_t *socket = s_socket(channel, s_channels[channel].connected);
    if (s_connect(socket, base, channel, security) < 0)
        zsock_destroy(&socket);
    return socket;
}

int bus_connect_also(zsock_t *socket, const char *base,
                     const bus_security_t *security)
{
    return s_connect(socket, base, BUS_QUERY, security);
}
