/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge's settings: one field a row of the table in config.c.
 */
#ifndef EDGE_CONFIG_H
#define EDGE_CONFIG_H

#include "common/bus_socket.h"
#include "common/settings.h"

#include <stdbool.h>

typedef struct {
    settings_common_t common;
    char *host; /* "": every address */
    int64_t port;
    int64_t workers;
    char *brokers;    /* base endpoints, comma list */
    char *persisters; /* query endpoints, comma list; may be empty */
    int64_t tick_min_ms, tick_max_ms;
    int64_t ring_pixels; /* touched pixels remembered for net diffs */
    int64_t board_max_age_s, board_stale_s;
    int64_t board_held_bytes; /* replaced renderings that are still sent */
    int64_t png_pixels_max;
    char *web_dir; /* "": no page */
    char *origins; /* comma list, or "*" */
    bool anonymous;
    int64_t session_ttl_s;
    int64_t session_work_bits; /* that an anonymous identity costs; 0: none */
    char *jwt_key_file;    /* public keys to verify tokens with, PEM; or "" */
    char *jwks_file;       /* the same as a JWKS document; or "" */
    char *jwt_secret_file; /* a shared HS256 secret; or "" */
    char *endpoints;       /* WebSocket URLs for /api/v1/config, comma list */
    char *login_url;       /* where people sign in, for /api/v1/config; or "" */
    char *report_url;      /* where they report a placement; or "" */
    char *template_origins; /* that templates come from, comma list */
    char *event_name, *announcement;
    int64_t event_opens_at, event_closes_at; /* ms since 1970; 0: not said */
    char *place_rate; /* "auto" or placements a second and connection */
    int64_t connections_per_address;
    int64_t sessions_per_address; /* POST /api/v1/session per minute */
    int64_t sessions_per_address_cluster;
    int64_t handshakes_per_address; /* per minute */
    int64_t catch_up_per_address;   /* bytes per minute */
    int64_t catch_up_per_connection;
    int64_t lookups_per_address; /* that ask the store, per minute */
    bool limit_loopback;
    int64_t max_connections; /* of one worker */
    int64_t handshake_rate;  /* WebSocket handshakes a second and worker */
    bool io_uring;           /* where the kernel allows it */
    int64_t send_buffer_bytes;
    int64_t catch_up_bytes;
    int64_t unread_bytes;
    int64_t drain_ms;
    char *trusted_proxies; /* CIDRs whose X-Forwarded-For counts */
    char *tls_cert_file, *tls_key_file;

    /* Not settings: filled by main. */
    role_keys_t keys;
    unsigned worker; /* 0 … workers − 1 */
} edge_config_t;

extern const settings_t edge_settings;

/* What the table cannot say: 0, or -1 with one clear line on standard error. */
int edge_config_check(const edge_config_t *self);

/* What the edge has for the bus; borrows the keys. */
bus_security_t edge_config_security(const edge_config_t *self);

/* The public port speaks TLS. */
bool edge_config_has_tls(const edge_config_t *self);

/* The placing rate a connection: > 0 a second, 0 for none, where `place_rate`
 * is "auto" by the canvas's cooldown. */
unsigned edge_config_place_rate(const edge_config_t *self,
                                uint32_t cooldown_ms);

#endif
