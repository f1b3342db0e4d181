/* SPDX-License-Identifier: Apache-2.0
 *
 * How much a leader takes into one batch, keeps of the log, and remembers of
 * what was sent again.
 */
#include "broker/leading.h"

#include "common/mem.h"
#include "tests/unit/broker/phases.h"

static leading_t leading;

static void s_set_up(void)
{
    s_set_up_parts();
    s_open_world(0);
    leading_init(&leading, &config);
}

static void s_tear_down(void)
{
    leading_fini(&leading);
    s_tear_down_parts();
}

/* The placement that makes it full may be the first of a whole message; then an
 * action is due, and a slice of a rollback with its beginning or end. */
START_TEST(a_batch_has_room_for_what_may_follow_its_last_placement)
{
    batch_t *batch = leading.commit.batch;
    size_t most = (size_t)config.batch_max - 1 + BUS_PLACES_MAX +
                  2 * CONTROL_RECORDS_MAX + TAKEBACK_SLICE;
    batch_begin(batch, (position_t){0}, 8);
    for (size_t i = 0; i < most; i++) {
        ck_assert(!batch_full(batch));
        batch_add(batch, &(record_t){.seq = i + 1, .color = 255}, 99999999);
    }
    batch_seal(batch);
    size_t chunks = batch_chunks(batch), words = 0;
    for (size_t i = 0; i < chunks; i++)
        words += batch_chunk(batch, i).words;
    ck_assert_uint_eq(words, most * 4 + chunks * 2);
}
END_TEST

/* `count` records that a store has. */
static void s_persisted(size_t count)
{
    uint8_t *bytes = mem_zalloc(1000, RECORD_BYTES);
    history_t *history = parts.world.history;
    while (history_next(history) <= count) {
        for (size_t i = 0; i < 1000; i++) {
            record_t record = {.seq = history_next(history) + i, .user = 1};
            record_encode(bytes + i * RECORD_BYTES, &record);
        }
        history_append(history, bytes, 1000);
    }
    free(bytes);
    parts.world.seq = world_head(&parts.world).seq;
    s_hear_store(world_head(&parts.world));
    persisters_grant(&parts.persisters, &parts.persisters.table[0],
                     parts.world.seq, parts.now.mono_ms);
}

/* Redis does nothing else while it drops them. */
START_TEST(half_a_million_records_are_trimmed_at_once_and_no_more)
{
    config.log_limit = 100;
    s_persisted(502000);
    leading_second(&leading, &parts, true);
    ck_assert_uint_eq(fake.trimmed, 500001);
    ck_assert_uint_eq(history_first(parts.world.history), 500002);
    leading_second(&leading, &parts, true);
    ck_assert_uint_eq(fake.trimmed, 501900);
}
END_TEST

START_TEST(what_was_sent_again_is_remembered_for_a_minute_and_more)
{
    bus_place_t first = {.ticket = 5, .user = 1}, again = first;
    again.flags = BUS_PLACE_RESENT;
    repeats_add(&leading.repeats, &again);
    for (int second = 0; second < 119; second++) {
        leading_second(&leading, &parts, false);
        ck_assert(repeats_has(&leading.repeats, &first));
    }
    leading_second(&leading, &parts, false);
    ck_assert(!repeats_has(&leading.repeats, &first));
}
END_TEST

Suite *suite_broker_leading(void);
Suite *suite_broker_leading(void)
{
    Suite *suite = suite_create("broker/leading");
    TCase *tc = tcase_create("leading");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, a_batch_has_room_for_what_may_follow_its_last_placement);
    tcase_add_test(tc, half_a_million_records_are_trimmed_at_once_and_no_more);
    tcase_add_test(tc, what_was_sent_again_is_remembered_for_a_minute_and_more);
    suite_add_tcase(suite, tc);
    return suite;
}
