/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of one run of stipple-load.
 */
#ifndef LOAD_CONFIG_H
#define LOAD_CONFIG_H

#include "load/endpoint.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *url; /* comma list */
    int64_t viewers, placers;
    int64_t rate;     /* placements a second over all; 0: no pacing */
    int64_t duration; /* s */
    int64_t grace_ms; /* for what is still open at the end */
    int64_t ramp;     /* new connections a second */
    int64_t window;   /* in flight per placer; 0: 1, replay 512 */
    int64_t stalled;  /* viewers that stop reading for a while */
    int64_t stall_ms;
    int64_t processes;    /* 0: as many as the sockets need */
    int64_t sources;      /* 127.0.0.x addresses a process; 0: as needed */
    int64_t progress;     /* s between lines on standard error; 0: none */
    int64_t replay_limit; /* placements; 0: all */
    char *token_key_file, *secret_file;
    char *user_prefix;
    char *replay, *expect;
    bool board_check, shared, json, allow_remote;

    bool canary; /* a mode: canary.h */
    char *canary_at;
    int64_t canary_x, canary_y; /* of canary_at */
    int64_t canary_every_ms;
    char *metrics_host;
    int64_t metrics_port;

    endpoint_t endpoints[ENDPOINTS_MAX];
    unsigned endpoint_count;
} config_t;

/* From the command line, where --url may stand more than once. Exits 2 with one
 * line on standard error for what cannot be. */
void config_load(config_t *self, int argc, char **argv);
void config_free(config_t *self);

#endif
