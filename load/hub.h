/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clients of one worker have in common, and what all workers have:
 * plain data, made by worker.c.
 */
#ifndef LOAD_HUB_H
#define LOAD_HUB_H

#include "load/config.h"
#include "load/ledger.h"
#include "load/replay.h"
#include "load/report.h"
#include "load/state.h"
#include "load/ws_client.h"

#include <stdatomic.h>

/* When the placement of a seq was due, for the viewers of every worker. */
#define SHARE_SAMPLES (1u << 21)

typedef struct {
    _Atomic uint64_t seq;
    _Atomic uint64_t sent_us;
} share_sample_t;

/* In memory shared by all workers. */
typedef struct {
    _Atomic uint64_t last_ack;
    _Atomic uint32_t placing; /* workers whose placers are not done */
    _Atomic uint32_t stop;    /* a signal came */
    share_sample_t samples[SHARE_SAMPLES];
} share_t;

typedef struct client client_t;

typedef struct {
    const config_t *config;
    const replay_t *replay; /* NULL: random placements */
    share_t *share;
    report_t *report;
    history_t *history;
    ledger_t *ledger;
    client_t *witness;
    ws_nonce_t nonce;
    int epoll;
    unsigned worker;  /* of config->processes */
    uint8_t *scratch; /* what is read now, of any client */
    size_t scratch_size;
    uint8_t *busy; /* per pixel: a placement of ours is unanswered */
    uint32_t busy_size;
    unsigned colors;        /* of the palette */
    uint32_t waiting_board; /* clients that need one */
    uint64_t unanswered;    /* placements in flight */
    bool draining;          /* no new placements */
} hub_t;

#endif
