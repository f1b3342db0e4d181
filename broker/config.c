/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h. batch_max: one message of 4,096 placements may follow it, and
 * the whole batch must fit BUS_RECORDS_MAX.
 */
#include "broker/config.h"

#include <stdio.h>

#define ROW(...) SETTING_ROW(broker_config_t, __VA_ARGS__)

static const setting_t s_rows[] = {
    SETTINGS_COMMON(broker_config_t),
    ROW(bind, TEXT, "tcp://127.0.0.1:7700", 0, 0, NULL,
        "Base endpoint of this broker's four sockets"),
    ROW(advertise, TEXT, "", 0, 0, NULL,
        "Base endpoints by which others know this broker, comma list; empty: "
        "bind"),
    ROW(redis, TEXT, "redis://127.0.0.1:6379", 0, 0, NULL,
        "redis://[USER:PASSWORD@]HOST[:PORT][/DB] or unix:PATH; for TLS, "
        "a local stunnel"),
    ROW(key_prefix, TEXT, "{stipple}", 0, 0, NULL,
        "Begins each key in Redis; braces keep them in one hash slot"),
    ROW(redis_timeout_ms, INT, "2000", 100, 60000, "ms",
        "Without an answer this long Redis counts as lost"),
    ROW(redis_replicas, INT, "0", 0, 5, "replicas",
        "A placement is acknowledged when so many replicas have it, and "
        "unavailable while fewer do"),
    ROW(lease_ms, INT, "3000", 500, 60000, "ms",
        "How long the leader's lease lasts without renewal"),
    ROW(publish_ms, INT, "20", 1, 1000, "ms",
        "Least time between two diffs on the feed"),
    ROW(batch_max, INT, "2000", 1, 12000, "placements",
        "A commit takes no further message past this many placements"),
    ROW(log_limit, INT, "5000000", 1000, 100000000, "records",
        "Placing is unavailable while more than these are not persisted"),
    ROW(jwt_key_file, TEXT, "", 0, 0, NULL,
        "Public keys or certificates of an identity provider, PEM, whose roles "
        "count"),
    ROW(jwks_file, TEXT, "", 0, 0, NULL, "The same as a JWKS document"),
    ROW(two_person_pixels, INT, "0", 0, 1048576, "pixels",
        "A rollback that changes more waits until a second person approves it; "
        "0: none does"),
    ROW(restore, CHOICE, "auto", 0, 0, "auto|never",
        "On an empty Redis wait for a persister's word, or create at once"),
    ROW(size, TEXT, "1000x1000", 0, 0, "pixels",
        "Width x height of a new canvas"),
    ROW(bits, INT, "4", 4, 8, "bits", "Bits a pixel of a new canvas"),
    ROW(cooldown_ms, INT, "300000", 0, UINT32_MAX, "ms",
        "Cooldown of a new canvas"),
    ROW(palette, TEXT, NULL, 0, 0, NULL,
        "Colours of a new canvas: #RRGGBB,#RRGGBB,…"),
};

const settings_t broker_settings = {
    .program = "stipple-broker",
    .about = "Orders, checks and commits the placements of one canvas.",
    .rows = s_rows,
    .count = sizeof s_rows / sizeof *s_rows,
};

int broker_config_canvas(const broker_config_t *self, canvas_t *canvas,
                         const char **why)
{
    unsigned width, height;
    char end;
    *why = "size must be WIDTHxHEIGHT";
    if (sscanf(self->size, "%6ux%6u%c", &width, &height, &end) != 2)
        return -1;
    *why = "bits must be 4 or 8";
    if (self->bits != 4 && self->bits != 8)
        return -1;
    canvas_init(canvas, width, height, (unsigned)self->bits);
    canvas->cooldown_ms = (uint32_t)self->cooldown_ms;
    *why = "palette must be #RRGGBB,… of 1 to 2^bits colours";
    if (self->palette && *self->palette &&
        canvas_set_palette(canvas, self->palette) < 0)
        return -1;
    return canvas_check(canvas, why);
}
