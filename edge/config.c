/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h.
 */
#include "edge/config.h"

#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_RATE_AUTO 5
#define PLACE_RATE_MAX 100000

#define ROW(field, type, standard, min, max, unit, help)                       \
    {                                                                          \
#field, SETTING_##type, offsetof(edge_config_t, field), standard, min, \
            max, unit, help                                                    \
    }

static const setting_t s_rows[] = {
    SETTINGS_COMMON(edge_config_t),
    ROW(host, TEXT, "", 0, 0, NULL, "Address to listen on; empty: all"),
    ROW(port, INT, "8080", 1, 65535, "port", "Public port"),
    ROW(workers, INT, "1", 1, 256, NULL, "Processes on that port"),
    ROW(brokers, TEXT, "tcp://127.0.0.1:7700", 0, 0, NULL,
        "Base endpoints of all brokers, comma list"),
    ROW(persisters, TEXT, "tcp://127.0.0.1:7710", 0, 0, NULL,
        "Query endpoints of all persisters, comma list"),
    ROW(tick_min_ms, INT, "20", 5, 10000, "ms",
        "Shortest time between two diffs to a client"),
    ROW(tick_max_ms, INT, "500", 5, 10000, "ms",
        "Longest time between two diffs, under load"),
    ROW(ring_pixels, INT, "2097152", 4096, 268435456, "pixels",
        "Recent changes remembered for clients that lag or return"),
    ROW(board_max_age_s, INT, "3", 0, 3600, "s", "Cache life of /api/v1/board"),
    ROW(board_stale_s, INT, "0", 0, 3600, "s",
        "What caches may serve beyond that while they fetch anew; 0: nothing"),
    ROW(web_dir, TEXT, "", 0, 0, NULL, "Folder with the web page; empty: none"),
    ROW(origins, TEXT, "*", 0, 0, NULL,
        "Origins that may place, comma list, or *"),
    ROW(anonymous, BOOL, "on", 0, 0, NULL,
        "Give anonymous identities to whoever asks"),
    ROW(session_ttl_s, INT, "2592000", 60, 315360000, "s",
        "Life of an anonymous identity"),
    ROW(jwt_key_file, TEXT, "", 0, 0, NULL,
        "Key of an identity provider: PEM, or HS256 bytes"),
    ROW(jwks_file, TEXT, "", 0, 0, NULL,
        "Keys of an identity provider, a JWKS document"),
    ROW(endpoints, TEXT, "", 0, 0, NULL,
        "WebSocket URLs to name in /api/v1/config, comma list"),
    ROW(place_rate, TEXT, "auto", 0, 0, NULL,
        "Placements a second and connection; 0: any; auto: 5, or any without a "
        "cooldown"),
    ROW(connections_per_address, INT, "256", 0, 16777216, NULL,
        "Open connections of one address; 0: any"),
    ROW(sessions_per_address, INT, "20", 0, 16777216, "per minute",
        "Anonymous identities for one address; 0: any"),
    ROW(limit_loopback, BOOL, "off", 0, 0, NULL,
        "Apply the limits by address to loopback too"),
    ROW(max_connections, INT, "0", 0, 16777216, NULL,
        "WebSocket sessions of one worker; 0: what descriptors allow"),
    ROW(handshake_rate, INT, "20000", 1, 1000000, "per second",
        "WebSocket handshakes of one worker"),
    ROW(send_buffer_bytes, INT, "16384", 0, 67108864, "bytes",
        "Kernel buffer of a WebSocket, which a stopped reader fills; 0: the "
        "system's"),
    ROW(drain_ms, INT, "10000", 0, 600000, "ms",
        "Time to say goodbye after SIGTERM"),
    ROW(trusted_proxies, TEXT, "", 0, 0, NULL,
        "Networks (CIDR, comma list) whose X-Forwarded-For counts"),
    ROW(tls_cert_file, TEXT, "", 0, 0, NULL,
        "Certificate chain, PEM; empty: no TLS"),
    ROW(tls_key_file, TEXT, "", 0, 0, NULL, "Its private key, PEM"),
};

const settings_t edge_settings = {
    .program = "stipple-edge",
    .about = "holds the sockets of those who watch and place",
    .rows = s_rows,
    .count = sizeof s_rows / sizeof *s_rows,
};

/* -1 for "auto", -2 for anything else that is no rate. */
static long s_place_rate(const char *text)
{
    char *end;
    if (!strcmp(text, "auto"))
        return -1;
    long rate = strtol(text, &end, 10);
    return end == text || *end || rate < 0 || rate > PLACE_RATE_MAX ? -2 : rate;
}

int edge_config_check(const edge_config_t *self)
{
    const char *why = NULL;
    bool cert = edge_config_has_tls(self);
    bool key = self->tls_key_file && *self->tls_key_file;
    if (s_place_rate(self->place_rate) == -2)
        why = "place_rate: must be auto or an integer from 0 to 100000";
    else if (self->tick_min_ms > self->tick_max_ms)
        why = "tick_min_ms: must not exceed tick_max_ms";
    else if (cert != key)
        why = "tls_cert_file, tls_key_file: both or none";
    else if (!self->common.secret_file || !*self->common.secret_file)
        why = "secret_file: must be set";
    else if (self->common.metrics_port + self->workers > 65536)
        why = "metrics_port: leaves no room for the workers";
    if (!why)
        return 0;
    fprintf(stderr, "%s: %s\n", edge_settings.program, why);
    return -1;
}

unsigned edge_config_place_rate(const edge_config_t *self, uint32_t cooldown_ms)
{
    long rate = s_place_rate(self->place_rate);
    if (rate == -1)
        return cooldown_ms ? PLACE_RATE_AUTO : 0;
    return rate < 0 ? 0 : (unsigned)rate;
}

bool edge_config_has_tls(const edge_config_t *self)
{
    return self->tls_cert_file && *self->tls_cert_file;
}
