/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts on a fake ledger, for tests of one phase.
 */
#ifndef TESTS_BROKER_PHASES_H
#define TESTS_BROKER_PHASES_H

#include "broker/parts.h"
#include "tests/unit/broker/fake_ledger.h"

#include <check.h>

static broker_config_t config;
static fake_ledger_t fake;
static parts_t parts;
static canvas_t blank;
static char json[CANVAS_JSON_MAX];

static inline void s_set_up_parts(void)
{
    static zsock_t *sockets[4];
    config = (broker_config_t){.lease_ms = 3000,
                               .batch_max = 100,
                               .log_limit = 100000,
                               .restore = "auto"};
    canvas_init(&blank, 20, 10, 4);
    blank.cooldown_ms = 0;
    fake = fake_ledger();
    parts_init(&parts, &config, &blank, sockets);
    parts.ledger = &fake.ledger;
    parts.now = (now_t){100000, 1700000000000};
    parts.world.epoch = 3;
}

static inline void s_tear_down_parts(void)
{
    parts_fini(&parts);
}

/* Records first … first + count − 1 of one user each, on pixel (1, 1). */
static inline void s_records(uint8_t *bytes, uint64_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        record_t record = {.seq = first + i,
                           .placed_at_ms = parts.now.wall_ms,
                           .user = first + i,
                           .x = 1,
                           .y = 1,
                           .color = (uint8_t)((first + i) % 16)};
        record_encode(bytes + i * RECORD_BYTES, &record);
    }
}

/* A blank canvas with that many records behind it. */
static inline void s_open_world(size_t count)
{
    uint8_t bytes[100 * RECORD_BYTES];
    assert(count <= 100);
    world_open(&parts.world, &blank);
    history_reset(parts.world.history, (position_t){0, {{1}}});
    s_records(bytes, 1, count);
    ck_assert_int_eq(
        world_follow(&parts.world, bytes, count, parts.now.wall_ms), 0);
}

static inline ledger_meta_t s_meta_of_world(void)
{
    return (ledger_meta_t){.epoch = 3,
                           .sure = true,
                           .at = world_head(&parts.world),
                           .digest = board_digest(parts.world.board),
                           .born = 1,
                           .canvas = json,
                           .canvas_size =
                               canvas_to_json(&blank, json, sizeof json)};
}

static inline void s_hear_store(position_t at)
{
    bus_persister_t word = {
        .instance = 7, .checkpoint = at.seq, .chain = at.chain};
    persisters_hear(&parts.persisters, &word, "p", 1, parts.now.mono_ms);
}

#endif
