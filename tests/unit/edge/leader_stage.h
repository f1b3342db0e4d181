/* SPDX-License-Identifier: Apache-2.0
 *
 * What a leading broker says to an edge: its beats, its board, its diffs.
 */
#ifndef TESTS_EDGE_LEADER_STAGE_H
#define TESTS_EDGE_LEADER_STAGE_H

#include "common/diff.h"
#include "tests/unit/edge/bus_stage.h"

#define SIDE 16

static bus_sync_t sync_got;
static board_t *board; /* the leader's */
static uint64_t seq;
static uint32_t online;

static inline void s_setup(void)
{
    seq = 7;
    online = 55;
    board = board_new(SIDE, SIDE, 4);
    s_setup_bus();
}

static inline void s_teardown(void)
{
    s_teardown_bus();
    board_destroy(&board);
}

static inline void s_beat(int broker, uint32_t epoch)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_beat_t beat = {.epoch = epoch,
                       .seq = seq,
                       .digest = board_digest(board),
                       .online = online,
                       .lease_ms = LEASE_MS};
    s_publish(broker, bytes, bus_put_beat(bytes, &beat));
}

static bool s_is_heard(void)
{
    return uplink_online(uplink) == online;
}

/* The leader goes on. */
static inline void s_beat_on(void)
{
    online++;
    s_beat(0, 1);
    s_turn_until(s_is_heard);
}

static inline void s_lead(int broker, uint32_t epoch, int64_t leaders)
{
    s_beat(broker, epoch);
    s_await(EDGE_LEADERS, leaders);
}

static inline void s_expect_sync(int broker)
{
    ck_assert_uint_eq(s_next(broker), BUS_SYNC);
    ck_assert_int_eq(bus_decode_sync(&sync_got, got, got_size), 0);
}

static bool s_is_synced(void)
{
    return mirror_synced(edge.mirror) && mirror_seq(edge.mirror) == seq;
}

static inline void s_send_board(int broker, uint32_t epoch)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    bus_board_t message = {.epoch = epoch,
                           .seq = seq,
                           .json = json,
                           .json_size =
                               canvas_to_json(&canvas, json, sizeof json),
                           .pixels = board_bytes(board),
                           .pixels_size = board_size_bytes(board)};
    uint8_t *bytes = malloc(bus_board_bound(&message));
    s_say(broker, bytes, bus_put_board(bytes, BUS_BOARD, &message));
    free(bytes);
    s_turn_until(s_is_synced);
}

/* A message with the net diff from `from` to seq, of one pixel. */
static inline size_t s_body(uint8_t *bytes, bus_type_t type, uint32_t epoch,
                            uint64_t from)
{
    touched_t *set = touched_new(SIDE * SIDE);
    touched_add(set, 3);
    size_t size = bus_put_body_head(bytes, type, epoch, (chain_t){{0}});
    size += diff_encode(bytes + size, 200, from, seq, set, board);
    touched_destroy(&set);
    return size;
}

static inline void s_diff(int broker, uint32_t epoch, uint64_t from)
{
    uint8_t bytes[256];
    board_set(board, 3, (uint8_t)(seq % 16));
    s_publish(broker, bytes, s_body(bytes, BUS_DIFF, epoch, from));
}

/* Broker 0 leads in epoch 1, its board is here, nothing is asked and nothing
 * counted. */
static inline void s_level(void)
{
    s_lead(0, 1, 1);
    s_pass(50);
    s_expect_sync(0);
    s_send_board(0, 1);
    s_expect_sync(0); /* what was touched before */
    memset(edge.metrics, 0, sizeof edge.metrics);
}

#endif
