/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/loading.h"

#include "tests/unit/broker/phases.h"
#include "tests/unit/logged.h"

static loading_t loading;
static uint8_t bytes[40 * RECORD_BYTES];
static uint8_t pixels[100]; /* of the board that Redis holds */

/* Redis holds `count` records; memory is empty. */
static ledger_meta_t s_redis(size_t count)
{
    s_open_world(count);
    s_records(bytes, 1, count);
    memcpy(pixels, board_bytes(parts.world.board), sizeof pixels);
    ledger_meta_t meta = s_meta_of_world();
    world_clear(&parts.world);
    parts.world.epoch = 3;
    return meta;
}

static void s_bring_log(uint64_t first, size_t count, chain_t before)
{
    ledger_entry_t entry = {.before = before,
                            .records = bytes + (first - 1) * RECORD_BYTES,
                            .count = count};
    loading_on_log(&loading, &parts, &entry);
}

static chain_t s_chain(uint64_t seq)
{
    return chain_extend((chain_t){{1}}, bytes, seq);
}

START_TEST(what_redis_holds_is_brought_to_memory)
{
    ledger_meta_t meta = s_redis(30);
    ck_assert_int_eq(loading_begin(&loading, &parts, &meta), 0);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_WAITS);
    s_log_catch();
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    s_bring_log(11, 10, s_chain(10));
    s_bring_log(21, 10, s_chain(20));
    loading_on_loaded(&loading, &parts);
    ck_assert_ptr_null(strstr(s_logged(), "level=error"));
    s_log_release();
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_LEVEL);
    ck_assert_uint_eq(parts.world.seq, 30);
    ck_assert(chain_equal(world_head(&parts.world).chain, meta.at.chain));
    ck_assert_uint_eq(users_count(parts.world.users), 20);
}
END_TEST

START_TEST(an_operator_is_told_of_a_board_of_another_size)
{
    ledger_meta_t meta = s_redis(30);
    uint8_t longer[sizeof pixels + 1] = {0};
    loading_begin(&loading, &parts, &meta);
    s_log_catch();
    loading_on_board(&loading, &parts, longer, sizeof longer);
    ck_assert_ptr_nonnull(
        strstr(s_logged(), "event=board_size_wrong size=101 expected=100"));
    /* Redis holds a bitfield only as far as it was written. */
    loading_on_board(&loading, &parts, pixels, 20);
    loading_on_board(&loading, &parts, NULL, 0);
    ck_assert_str_eq(s_logged(), "");
    s_log_release();
}
END_TEST

START_TEST(damaged_board_is_mended_by_a_whole_log)
{
    ledger_meta_t meta = s_redis(30);
    loading_begin(&loading, &parts, &meta);
    pixels[10] ^= 1; /* (1, 1) */
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    s_bring_log(1, 30, s_chain(0));
    loading_on_loaded(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_TORN);
}
END_TEST

/* C9 */
START_TEST(damage_that_the_log_does_not_cover_is_unproven)
{
    ledger_meta_t meta = s_redis(30);
    loading_begin(&loading, &parts, &meta);
    pixels[50] ^= 1;
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    s_bring_log(11, 20, s_chain(10));
    loading_on_loaded(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_WAITS);
    s_hear_store((position_t){20, s_chain(20)});
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_UNPROVEN);
}
END_TEST

START_TEST(store_that_knows_more_is_heard)
{
    ledger_meta_t meta = s_redis(30);
    loading_begin(&loading, &parts, &meta);
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    loading_on_loaded(&loading, &parts);
    s_hear_store((position_t){31, {{9}}});
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_BEHIND);
}
END_TEST

START_TEST(memory_reads_on_to_where_redis_is)
{
    ledger_meta_t meta = s_redis(30);
    s_open_world(12);
    loading_read_on(&loading, &parts, &meta);
    ck_assert_uint_eq(fake.seq, 12);
    s_bring_log(11, 10, s_chain(10)); /* overlaps */
    loading_on_looked(&loading, &parts);
    ck_assert_uint_eq(fake.seq, 20);
    s_bring_log(21, 10, s_chain(20));
    loading_on_looked(&loading, &parts);
    ck_assert_int_eq(fake.last, ASKED_LOAD);
    ck_assert(!fake.whole);
    loading_on_loaded(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_LEVEL);
}
END_TEST

START_TEST(log_that_does_not_follow_memory_is_a_fork)
{
    ledger_meta_t meta = s_redis(30);
    s_open_world(12);
    loading_read_on(&loading, &parts, &meta);
    s_bring_log(13, 10, (chain_t){{66}});
    loading_on_looked(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_FORKED);
}
END_TEST

/* It was frozen while the leader went on and trimmed. */
START_TEST(log_that_was_trimmed_past_memory_is_no_fork)
{
    ledger_meta_t meta = s_redis(30);
    s_open_world(12);
    loading_read_on(&loading, &parts, &meta);
    s_bring_log(21, 10, s_chain(20));
    loading_on_looked(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_GAP);
}
END_TEST

START_TEST(log_that_is_all_trimmed_is_not_waited_for)
{
    ledger_meta_t meta = s_redis(30);
    s_open_world(12);
    loading_read_on(&loading, &parts, &meta);
    unsigned looks = fake.asked[ASKED_FOLLOW];
    loading_on_looked(&loading, &parts);
    ck_assert_uint_eq(fake.asked[ASKED_FOLLOW], looks);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_GAP);
}
END_TEST

/* R8: of 0.1.0. */
START_TEST(log_without_chains_gets_the_stores)
{
    ledger_meta_t meta = s_redis(30);
    meta.at.chain = CHAIN_UNKNOWN;
    meta.sure = false;
    loading_begin(&loading, &parts, &meta);
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    s_bring_log(11, 20, CHAIN_UNKNOWN);
    loading_on_loaded(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_WAITS);
    s_hear_store((position_t){20, s_chain(20)});
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_TORN);
    ck_assert(chain_equal(world_head(&parts.world).chain, s_chain(30)));
}
END_TEST

/* The log goes on from where Redis says it is; what was kept of it does not. */
static void s_log_is_dropped(uint64_t first, size_t count, chain_t at)
{
    ledger_meta_t meta = s_redis(30);
    meta.at.chain = at;
    loading_begin(&loading, &parts, &meta);
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    if (count)
        s_bring_log(first, count, s_chain(first - 1));
    loading_on_loaded(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_LEVEL);
    ck_assert_uint_eq(parts_log_records(&parts), 0);
    ck_assert_uint_eq(history_next(parts.world.history), 31);
    ck_assert(chain_equal(world_head(&parts.world).chain, at));
}

START_TEST(log_of_another_chain_than_the_boards_is_dropped)
{
    s_log_is_dropped(11, 20, (chain_t){{77}});
}
END_TEST

START_TEST(log_that_ends_before_the_board_is_dropped)
{
    s_log_is_dropped(1, 29, s_chain(30));
}
END_TEST

START_TEST(board_without_a_log_is_led_from_where_it_is)
{
    s_log_is_dropped(1, 0, s_chain(30));
}
END_TEST

/* R8: 0.1.0 wrote the log before the board. */
START_TEST(log_that_goes_further_than_the_board_is_applied_to_it)
{
    s_redis(40); /* so many have their bytes */
    ledger_meta_t meta = s_redis(30);
    loading_begin(&loading, &parts, &meta);
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    s_bring_log(31, 10, s_chain(30));
    loading_on_loaded(&loading, &parts);
    ck_assert_int_eq(loading_look(&loading, &parts), LOADING_TORN);
    ck_assert_uint_eq(parts.world.seq, 40);
    ck_assert_uint_eq(board_get(parts.world.board, 21), 40 % 16);
}
END_TEST

START_TEST(an_operator_is_told_every_ten_seconds_that_a_store_is_waited_for)
{
    ledger_meta_t meta = s_redis(30);
    meta.sure = false;
    loading_begin(&loading, &parts, &meta);
    loading_on_board(&loading, &parts, pixels, sizeof pixels);
    loading_on_loaded(&loading, &parts);
    s_log_catch();
    for (int i = 0; i < 3; i++) {
        parts.now.mono_ms += 9999;
        ck_assert_int_eq(loading_look(&loading, &parts), LOADING_WAITS);
        ck_assert_str_eq(s_logged(), "");
        parts.now.mono_ms++;
        ck_assert_int_eq(loading_look(&loading, &parts), LOADING_WAITS);
        ck_assert_ptr_nonnull(
            strstr(s_logged(), "event=waiting_for_store seq=30"));
    }
    s_log_release();
}
END_TEST

Suite *suite_broker_loading(void);
Suite *suite_broker_loading(void)
{
    Suite *suite = suite_create("broker/loading");
    TCase *tc = tcase_create("loading");
    tcase_add_checked_fixture(tc, s_set_up_parts, s_tear_down_parts);
    tcase_add_test(tc, what_redis_holds_is_brought_to_memory);
    tcase_add_test(tc, an_operator_is_told_of_a_board_of_another_size);
    tcase_add_test(tc, damaged_board_is_mended_by_a_whole_log);
    tcase_add_test(tc, damage_that_the_log_does_not_cover_is_unproven);
    tcase_add_test(tc, store_that_knows_more_is_heard);
    tcase_add_test(tc, memory_reads_on_to_where_redis_is);
    tcase_add_test(tc, log_that_does_not_follow_memory_is_a_fork);
    tcase_add_test(tc, log_that_was_trimmed_past_memory_is_no_fork);
    tcase_add_test(tc, log_that_is_all_trimmed_is_not_waited_for);
    tcase_add_test(tc, log_without_chains_gets_the_stores);
    tcase_add_test(tc, log_of_another_chain_than_the_boards_is_dropped);
    tcase_add_test(tc, log_that_ends_before_the_board_is_dropped);
    tcase_add_test(tc, board_without_a_log_is_led_from_where_it_is);
    tcase_add_test(tc, log_that_goes_further_than_the_board_is_applied_to_it);
    tcase_add_test(
        tc, an_operator_is_told_every_ten_seconds_that_a_store_is_waited_for);
    suite_add_tcase(suite, tc);
    return suite;
}
