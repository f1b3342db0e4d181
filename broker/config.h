/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker's settings.
 */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include "common/canvas.h"
#include "common/settings.h"

typedef struct {
    settings_common_t common;
    char *bind;
    char *advertise; /* comma list; "": bind */
    char *redis;
    char *key_prefix;
    int64_t redis_timeout_ms;
    int64_t lease_ms;
    int64_t redis_replicas;
    int64_t publish_ms;
    int64_t batch_max;
    int64_t log_limit;
    int64_t two_person_pixels;
    char *jwt_key_file, *jwks_file; /* who may sign roles; or "" */
    char *restore;
    char *size;
    int64_t bits;
    int64_t cooldown_ms;
    char *palette;
} broker_config_t;

extern const settings_t broker_settings;

/* The blank canvas that the settings describe. -1 with a static text in *why
 * where they do not fit together. */
int broker_config_canvas(const broker_config_t *self, canvas_t *canvas,
                         const char **why);

#endif
