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

#define ROW(...) SETTING_ROW(edge_config_t, __VA_ARGS__)

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
    ROW(board_held_bytes, INT, "268435456", 1048576, 17179869184, "bytes",
        "Boards that were replaced while slow readers still fetch them; "
        "beyond, "
        "those who began first are cut off"),
    ROW(png_pixels_max, INT, "16000000", 1, 4294967296, "pixels",
        "Largest picture that /api/v1/board.png makes; beyond: too_large"),
    ROW(web_dir, TEXT, "", 0, 0, NULL, "Folder with the web page; empty: none"),
    ROW(origins, TEXT, "", 0, 0, NULL,
        "Further origins whose pages may place, comma list, or * for all"),
    ROW(anonymous, BOOL, "on", 0, 0, NULL,
        "Give anonymous identities to whoever asks"),
    ROW(session_ttl_s, INT, "2592000", 60, 315360000, "s",
        "Life of an anonymous identity"),
    ROW(session_work_bits, INT, "0", 0, 30, "bits",
        "Work that an anonymous identity costs: 2^N hashes on average; 0: "
        "none. "
        "18 is a second or two of a phone"),
    ROW(jwt_key_file, TEXT, "", 0, 0, NULL,
        "Public keys or certificates of an identity provider, PEM"),
    ROW(jwks_file, TEXT, "", 0, 0, NULL,
        "Public keys of an identity provider, a JWKS document"),
    ROW(jwt_secret_file, TEXT, "", 0, 0, NULL,
        "HS256 secret shared with an identity provider, at least 32 bytes"),
    ROW(endpoints, TEXT, "", 0, 0, NULL,
        "WebSocket URLs to name in /api/v1/config, comma list"),
    ROW(login_url, TEXT, "", 0, 0, NULL,
        "Where people sign in, named in /api/v1/config"),
    ROW(report_url, TEXT, "", 0, 0, NULL,
        "Where people report a placement; the page adds x, y and seq"),
    ROW(template_origins, TEXT, "", 0, 0, NULL,
        "Origins that the page may load templates from, comma list"),
    ROW(event_name, TEXT, "", 0, 0, NULL,
        "Name of the event, for /api/v1/config"),
    ROW(event_opens_at, INT, "0", 0, 253402300799999, "ms since 1970",
        "When it opens, for clients' clocks; 0: not said"),
    ROW(event_closes_at, INT, "0", 0, 253402300799999, "ms since 1970",
        "When it closes; 0: not said. Pausing is stipplectl's"),
    ROW(announcement, TEXT, "", 0, 0, NULL,
        "A sentence for everyone, for /api/v1/config"),
    ROW(place_rate, TEXT, "auto", 0, 0, NULL,
        "Placements a second and connection; 0: any; auto: 5, or any without a "
        "cooldown"),
    ROW(connections_per_address, INT, "32768", 0, 16777216, NULL,
        "Open connections of one address; 0: any"),
    ROW(sessions_per_address, INT, "3000", 0, 16777216, "per minute",
        "Anonymous identities for one address; 0: any. Lower is safer against "
        "farms of them, unless many visitors share an address"),
    ROW(sessions_per_address_cluster, INT, "0", 0, 16777216, "per minute",
        "The same of all edges' workers together; 0: any"),
    ROW(handshakes_per_address, INT, "6000", 0, 16777216, "per minute",
        "WebSocket handshakes of one address; 0: any"),
    ROW(catch_up_per_address, INT, "1073741824", 0, 1099511627776,
        "bytes per minute",
        "Diffs for clients of one address that lag or return; 0: any. Beyond, "
        "they fetch the board"),
    ROW(catch_up_per_connection, INT, "67108864", 0, 1099511627776,
        "bytes per minute",
        "The same for one connection, of any address; 0: any"),
    ROW(lookups_per_address, INT, "3000", 0, 16777216, "per minute",
        "Look-ups of one address that the store is asked for; 0: any. What the "
        "edge knows already is free"),
    ROW(limit_loopback, BOOL, "off", 0, 0, NULL,
        "Apply the limits by address to loopback too"),
    ROW(max_connections, INT, "0", 0, 16777216, NULL,
        "WebSocket sessions of one worker; 0: what descriptors allow"),
    ROW(handshake_rate, INT, "20000", 1, 1000000, "per second",
        "WebSocket handshakes of one worker"),
    ROW(io_uring, BOOL, "on", 0, 0, NULL,
        "Send a round by io_uring where the kernel allows it (6.1 or later)"),
    ROW(send_buffer_bytes, INT, "16384", 0, 67108864, "bytes",
        "Kernel buffer of a WebSocket, which a stopped reader fills; 0: the "
        "system's"),
    ROW(catch_up_bytes, INT, "33554432", 65536, 17179869184, "bytes",
        "Diffs for clients that lag or return, until they are read; beyond, "
        "such a client fetches the board"),
    ROW(unread_bytes, INT, "67108864", 65536, 17179869184, "bytes",
        "Answers that clients have not read, in one worker; beyond, a client "
        "with "
        "more than 4 KiB of them is closed with 1008"),
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
    else if (!self->common.key_file || !*self->common.key_file)
        why = "key_file: must be set";
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

bus_security_t edge_config_security(const edge_config_t *self)
{
    return (bus_security_t){.keys = &self->keys, .curve = self->common.curve};
}

bool edge_config_has_tls(const edge_config_t *self)
{
    return self->tls_cert_file && *self->tls_cert_file;
}
