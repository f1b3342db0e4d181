/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/restoring.h"

#include "tests/unit/broker/phases.h"

static restoring_t restoring;
static uint8_t bytes[60 * RECORD_BYTES];

static void s_set_up(void)
{
    s_set_up_parts();
    restoring = (restoring_t){0};
    s_records(bytes, 1, 60);
}

static void s_tear_down(void)
{
    restoring_end(&restoring);
    s_tear_down_parts();
}

static chain_t s_chain(uint64_t seq)
{
    return chain_extend((chain_t){{1}}, bytes, seq);
}

static restoring_result_t s_answer(uint64_t from, size_t count, chain_t before)
{
    mail_t mail;
    mail_frame(&mail.peer, 1);
    uint8_t *at =
        mail_frame(&mail.body, BUS_BODY_HEAD_BYTES + count * RECORD_BYTES);
    bus_put_body_head(at, BUS_RECORDS, 3, before);
    memcpy(at + BUS_BODY_HEAD_BYTES, bytes + (from - 1) * RECORD_BYTES,
           count * RECORD_BYTES);
    restoring_result_t result = restoring_on_mail(&restoring, &parts, &mail);
    mail_close(&mail);
    return result;
}

static void s_answer_empty_snapshot(void)
{
    bus_board_t board = {.json = "", .pixels = NULL};
    mail_t mail;
    mail_frame(&mail.peer, 1);
    uint8_t *at = mail_frame(&mail.body, bus_board_bound(&board));
    bus_put_board(at, BUS_SNAPSHOT, &board);
    restoring_on_mail(&restoring, &parts, &mail);
    mail_close(&mail);
}

static void s_begin(uint64_t checkpoint)
{
    restoring_begin(&restoring, &parts, true, false);
    ck_assert_int_eq(restoring_look(&restoring, &parts), RESTORING_WAITS);
    s_hear_store((position_t){checkpoint, s_chain(checkpoint)});
    parts.now.mono_ms += 1000;
    if (checkpoint) /* an old leader may live */
        ck_assert_int_eq(restoring_look(&restoring, &parts), RESTORING_WAITS);
    parts.now.mono_ms += 5000;
    s_hear_store((position_t){checkpoint, s_chain(checkpoint)});
    ck_assert_int_eq(restoring_look(&restoring, &parts), RESTORING_KNOWS);
}

START_TEST(empty_store_means_a_new_canvas)
{
    s_begin(0);
    ck_assert_int_eq(restoring_go_on(&restoring, &parts), RESTORING_WHOLE);
    ck_assert(chain_known(world_head(&parts.world).chain));
    ck_assert_uint_eq(parts.world.seq, 0);
}
END_TEST

START_TEST(journal_alone_brings_everything_back)
{
    s_begin(50);
    ck_assert_int_eq(restoring_go_on(&restoring, &parts), RESTORING_WAITS);
    s_answer_empty_snapshot();
    ck_assert_int_eq(s_answer(1, 30, s_chain(0)), RESTORING_WAITS);
    ck_assert_int_eq(s_answer(31, 20, s_chain(30)), RESTORING_WHOLE);
    ck_assert_uint_eq(parts.world.seq, 50);
    ck_assert(chain_equal(world_head(&parts.world).chain, s_chain(50)));
}
END_TEST

/* The store's board at seq 30, with a ban of user 255, but for so many bytes of
 * its end. */
static void s_answer_snapshot(size_t missing)
{
    mail_t mail;
    record_t records[CONTROL_RECORDS_MAX];
    control_t ban = {.verb = CONTROL_BAN, .of = {.has = HAS_USER, .user = 255}};
    size_t count = control_records(&ban, 1, records), size;
    s_open_world(30);
    for (size_t i = 0; i < count; i++)
        policy_feed(parts.world.policy, &records[i], NULL);
    const board_t *pixels = parts.world.board;
    uint8_t *policy = policy_bytes(parts.world.policy, &size), both[4096];
    memcpy(both, board_bytes(pixels), board_size_bytes(pixels));
    memcpy(both + board_size_bytes(pixels), policy, size);
    bus_board_t board = {.seq = 30,
                         .chain = s_chain(30),
                         .json = json,
                         .json_size = canvas_to_json(&blank, json, sizeof json),
                         .pixels = both,
                         .pixels_size =
                             board_size_bytes(pixels) + size - missing};
    mail_frame(&mail.peer, 1);
    uint8_t *at = mail_frame(&mail.body, bus_board_bound(&board));
    zmq_msg_t whole;
    size_t said = bus_put_board(at, BUS_SNAPSHOT, &board);
    memcpy(mail_frame(&whole, said), at, said);
    zmq_msg_move(&mail.body, &whole);
    zmq_msg_close(&whole);
    free(policy);
    world_clear(&parts.world);
    parts.world.epoch = 3;
    ck_assert_int_eq(restoring_on_mail(&restoring, &parts, &mail),
                     RESTORING_WAITS);
    mail_close(&mail);
}

START_TEST(a_snapshot_and_the_records_behind_it_bring_everything_back)
{
    s_begin(50);
    restoring_go_on(&restoring, &parts);
    s_answer_snapshot(0);
    ck_assert_int_eq(restoring.step, RESTORING_ASK_START);
    /* All of it is in the window: the log is kept from its first record. */
    ck_assert_int_eq(s_answer(1, 1, CHAIN_UNKNOWN), RESTORING_WAITS);
    ck_assert_int_eq(s_answer(1, 30, s_chain(0)), RESTORING_WAITS);
    ck_assert_int_eq(s_answer(31, 20, s_chain(30)), RESTORING_WHOLE);
    ck_assert_uint_eq(parts.world.seq, 50);
    ck_assert_uint_eq(history_first(parts.world.history), 1);
    ck_assert(chain_equal(world_head(&parts.world).chain, s_chain(50)));
    ck_assert_uint_eq(board_get(parts.world.board, 21), 50 % 16);
    ck_assert(policy_bans_user(parts.world.policy, 255, 0));
    ck_assert_uint_eq(users_count(parts.world.users), 50);
}
END_TEST

START_TEST(a_snapshot_that_is_cut_off_is_not_taken)
{
    s_begin(50);
    restoring_go_on(&restoring, &parts);
    s_answer_snapshot(1);
    ck_assert_int_eq(restoring.step, RESTORING_ASK_SNAPSHOT);
}
END_TEST

START_TEST(end_from_a_store_that_forked_is_not_taken)
{
    s_open_world(20);
    restoring_begin(&restoring, &parts, false, true);
    s_hear_store((position_t){50, s_chain(50)});
    ck_assert_int_eq(restoring_look(&restoring, &parts), RESTORING_KNOWS);
    restoring_go_on(&restoring, &parts);
    ck_assert_int_eq(s_answer(21, 20, (chain_t){{66}}), RESTORING_FORKED);
    ck_assert_uint_eq(parts.world.seq, 20);
}
END_TEST

/* C9: the store is not as far as the log that Redis holds. */
START_TEST(damaged_board_is_the_stores_with_redis_log_behind)
{
    s_open_world(60);
    history_trim(parts.world.history, 30);
    restoring_begin_under(&restoring, &parts);
    s_hear_store((position_t){40, s_chain(40)});
    parts.now.mono_ms += 6000;
    s_hear_store((position_t){40, s_chain(40)});
    ck_assert_int_eq(restoring_look(&restoring, &parts), RESTORING_KNOWS);
    restoring_go_on(&restoring, &parts);
    s_answer_empty_snapshot();
    ck_assert_int_eq(s_answer(1, 40, s_chain(0)), RESTORING_WHOLE);
    ck_assert_uint_eq(parts.world.seq, 60);
    ck_assert(chain_equal(world_head(&parts.world).chain, s_chain(60)));
}
END_TEST

START_TEST(silent_store_is_asked_again)
{
    s_begin(50);
    restoring_go_on(&restoring, &parts);
    ck_assert_int_eq(restoring.step, RESTORING_ASK_SNAPSHOT);
    parts.now.mono_ms += 6000;
    restoring_look(&restoring, &parts);
    ck_assert_int_eq(restoring.step, RESTORING_ASK_WORD);
}
END_TEST

Suite *suite_broker_restoring(void);
Suite *suite_broker_restoring(void)
{
    Suite *suite = suite_create("broker/restoring");
    TCase *tc = tcase_create("restoring");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, empty_store_means_a_new_canvas);
    tcase_add_test(tc, journal_alone_brings_everything_back);
    tcase_add_test(tc,
                   a_snapshot_and_the_records_behind_it_bring_everything_back);
    tcase_add_test(tc, a_snapshot_that_is_cut_off_is_not_taken);
    tcase_add_test(tc, end_from_a_store_that_forked_is_not_taken);
    tcase_add_test(tc, damaged_board_is_the_stores_with_redis_log_behind);
    tcase_add_test(tc, silent_store_is_asked_again);
    suite_add_tcase(suite, tc);
    return suite;
}
