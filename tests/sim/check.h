/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks (docs/reliability.md), made at every step that can break them.
 * The truth is what was committed: each entry that reaches a log of Redis.
 *
 * Where a fault takes away all copies of something acknowledged, the run must
 * say so (history_lost in a log, or RESYNC 3 to a client) as long as an edge
 * that passed the acknowledgement on lives and can be reached; where a copy was
 * within reach, it may not be lost at all.
 */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "common/record.h"
#include "tests/sim/world.h"

#define BOARD_SIDE 64
#define BOARD_PIXELS (BOARD_SIDE * BOARD_SIDE)
#define USERS_MAX 64

typedef struct {
    uint32_t cooldown_ms, lease_ms;
    uint64_t clock_error_ms; /* between any two processes */
} check_options_t;

/* A request that comes a second time after the same user's next one is let
 * pass: what does not hold yet. */
extern bool check_allows_late;

void check_reset(const check_options_t *options);

/* Whose command Redis executes, and in which of its lives it was sent. */
void check_writer(const process_t *process, uint64_t life);
/* A command was done. */
void check_redis(unsigned redis);
/* Its data are others now. */
void check_redis_replaced(unsigned redis);
void check_store_replaced(void);
void check_stored(const record_t *record);
void check_snapshot(uint64_t seq, const uint8_t *pixels, size_t size);
/* A clock jumped: cooldowns are not judged for a while. */
void check_clock_jumped(void);
/* A process cannot be reached now; called again while that lasts. */
void check_log(const process_t *process, const char *event, const char *line);

/* What a client was told. */
void check_ack(unsigned user, uint32_t request, unsigned x, unsigned y,
               unsigned color, uint64_t seq, bool duplicate);
/* The edge, in that life, that passes on what comes next. */
void check_ack_by(const process_t *edge, uint64_t life);
void check_refused(unsigned user, uint32_t request, bool cooldown,
                   uint32_t remaining_ms);
/* False: it is wrong, as a client may be for a moment after a loss; `doubt` is
 * since when, 0 if it knows that and waits for the board. */
bool check_view(const char *who, uint64_t seq, uint64_t hash, uint64_t doubt);
void check_resync_lost(void);
/* … that they are banned, or that the pixel is protected. */
void check_barred(unsigned user, unsigned x, unsigned y, bool banned);
/* Whether the board was locked at any time from `since` (ns) on. */
bool check_was_locked(uint64_t since);

/* What an operator was told of the order with that key (operator.h). */
void check_order_done(uint32_t key, uint64_t seq);
void check_order_refused(uint32_t key, const char *words);
/* The leader's answer to `policy`, when nothing moves. */
void check_policy_said(const char *text);

uint64_t view_hash_pixel(unsigned index, unsigned color);

/* Faults have stopped, placing has stopped, all had their time. What Redis does
 * not hold by now is lost: it may be only if nobody in reach knew it, and has
 * to be said. */
void check_settle(void);
/* Then everybody holds what Redis holds. */
void check_quiet(void);
uint64_t check_seq(void);
uint64_t check_acks(void);
/* A client heard that it is accepted. */
bool check_was_told(uint64_t seq);
uint64_t check_lost(void);
/* Losses that nobody spoke of, of all runs: every process that knew it was
 * dead, or out of reach. */
uint64_t check_unsaid(void);
/* The user number behind an identity, and back. */
uint64_t user_identity(unsigned user);

#endif
