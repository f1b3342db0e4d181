/* SPDX-License-Identifier: Apache-2.0
 *
 * What the actions of operators amount to. The state as bytes:
 * test_policy_bytes.c.
 */
#include "tests/unit/common/actions.h"

START_TEST(an_action_survives_its_records)
{
    control_t in = {.verb = CONTROL_ROLLBACK,
                    .rank = RANK_MODERATOR,
                    .by = 0x1122334455667788,
                    .at_ms = 1700000000000,
                    .request = 77,
                    .of = {.user = UINT64_MAX,
                           .from_ms = 5,
                           .until_ms = 6,
                           .x0 = 1,
                           .y0 = 2,
                           .x1 = 65534,
                           .y1 = 4,
                           .upto = 1ull << 40,
                           .has = HAS_USER | HAS_BOX}};
    for (size_t length = 0; length <= CONTROL_TEXT_MAX; length += 125) {
        record_t records[CONTROL_RECORDS_MAX];
        control_reader_t reader = {0};
        control_t out;
        memset(in.text, 'a' + (int)(length % 26), length);
        size_t count = control_records(&in, 100, records);
        ck_assert_uint_le(count, CONTROL_RECORDS_MAX);
        for (size_t i = 0; i < count; i++) {
            uint8_t packed[RECORD_BYTES];
            record_encode(packed, &records[i]);
            record_t record = record_decode(packed);
            ck_assert_uint_eq(record.seq, 100 + i);
            ck_assert_uint_eq(record.x, CONTROL_NOWHERE);
            bool whole = control_read(&reader, &record, &out);
            ck_assert_int_eq(whole, i + 1 == count);
        }
        ck_assert_uint_eq(out.seq, 100 + count - 1);
        ck_assert_uint_eq(out.at_ms, in.at_ms);
        ck_assert_uint_eq(out.verb, in.verb);
        ck_assert_uint_eq(out.rank, in.rank);
        ck_assert_uint_eq(out.by, in.by);
        ck_assert_uint_eq(out.request, in.request);
        ck_assert_uint_eq(out.of.user, in.of.user);
        ck_assert_uint_eq(out.of.from_ms, in.of.from_ms);
        ck_assert_uint_eq(out.of.until_ms, in.of.until_ms);
        ck_assert_uint_eq(out.of.x1, in.of.x1);
        ck_assert_uint_eq(out.of.upto, in.of.upto);
        ck_assert_uint_eq(out.of.has, in.of.has);
        ck_assert_str_eq(out.text, in.text);
    }
}
END_TEST

START_TEST(a_run_with_a_hole_is_no_action)
{
    control_t ban = s_ban(7, 0);
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&ban, 1, records);
    ck_assert_uint_gt(count, 2);
    for (size_t hole = 0; hole < count; hole++) {
        policy_clear(policy);
        for (size_t i = 0; i < count; i++)
            if (i != hole)
                ck_assert(!policy_feed(policy, &records[i], NULL));
        ck_assert(!policy_bans_user(policy, 7, 0));
    }
}
END_TEST

START_TEST(a_ban_ends_by_time_or_by_hand)
{
    control_t ban = s_ban(7, 1000);
    s_do(policy, &ban);
    ck_assert(policy_bans_user(policy, 7, 999));
    ck_assert(!policy_bans_user(policy, 7, 1000));
    ck_assert(!policy_bans_user(policy, 8, 999));
    ban = s_ban(7, 0);
    s_do(policy, &ban);
    ck_assert(policy_bans_user(policy, 7, UINT64_MAX));
    ban.verb = CONTROL_UNBAN;
    s_do(policy, &ban);
    ck_assert(!policy_bans_user(policy, 7, 0));
    ck_assert_uint_eq(policy_bans(policy), 0);
}
END_TEST

START_TEST(many_bans_come_and_go)
{
    bool banned[2000] = {0};
    srand(5);
    for (int i = 0; i < 20000; i++) {
        unsigned user = (unsigned)rand() % 2000;
        control_t ban = s_ban(user, 0);
        banned[user] = rand() % 2;
        ban.verb = banned[user] ? CONTROL_BAN : CONTROL_UNBAN;
        s_do(policy, &ban);
    }
    size_t count = 0;
    for (unsigned user = 0; user < 2000; user++) {
        count += banned[user];
        ck_assert_int_eq(policy_bans_user(policy, user, 1), banned[user]);
    }
    ck_assert_uint_eq(policy_bans(policy), count);
}
END_TEST

START_TEST(boxes_are_protected_and_let_go)
{
    control_t action = s_box(CONTROL_PROTECT, 2, 3, 4, 5);
    s_do(policy, &action);
    action = s_box(CONTROL_PROTECT, 4, 5, 9, 9);
    s_do(policy, &action);
    ck_assert(policy_protects(policy, 2, 3) && policy_protects(policy, 9, 9));
    ck_assert(!policy_protects(policy, 1, 3) && !policy_protects(policy, 5, 4));
    action = s_box(CONTROL_UNPROTECT, 2, 3, 8, 9);
    s_do(policy, &action);
    ck_assert(!policy_protects(policy, 2, 3) && policy_protects(policy, 4, 5));
    action.verb = CONTROL_LOCK;
    uint64_t locked = s_do(policy, &action);
    ck_assert_uint_eq(policy_locked(policy), locked);
    action.verb = CONTROL_UNLOCK;
    s_do(policy, &action);
    ck_assert_uint_eq(policy_locked(policy), 0);
}
END_TEST

START_TEST(an_operators_number_is_known_again)
{
    control_t ban = s_ban(7, 0);
    ban.by = 3;
    ban.request = 9;
    uint64_t first = s_do(policy, &ban);
    ck_assert_uint_eq(policy_request(policy, 3, 9), first);
    ck_assert_uint_eq(policy_request(policy, 4, 9), 0);
    ck_assert_uint_eq(policy_request(policy, 3, 0), 0);
    ban.by = 4;
    for (unsigned i = 1; i <= POLICY_REQUESTS_MAX; i++) {
        ban.request = i;
        s_do(policy, &ban);
    }
    ck_assert_uint_eq(policy_request(policy, 3, 9), 0); /* long ago */
    ck_assert_uint_ne(policy_request(policy, 4, 1), 0);
}
END_TEST

START_TEST(a_box_is_let_go_only_if_all_of_it_lies_within)
{
    static const struct {
        uint16_t x0, y0, x1, y1;
        bool within;
    } cases[] = {{10, 10, 20, 20, true},  {9, 9, 21, 21, true},
                 {11, 10, 20, 20, false}, {10, 11, 20, 20, false},
                 {10, 10, 19, 20, false}, {10, 10, 20, 19, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count;
        control_t action = s_box(CONTROL_PROTECT, 10, 10, 20, 20);
        policy_clear(policy);
        seq = 0;
        uint64_t at = s_do(policy, &action);
        ck_assert_uint_eq(policy_regions(policy, &count)->seq, at);
        ck_assert_uint_eq(count, 1);
        action = s_box(CONTROL_UNPROTECT, cases[i].x0, cases[i].y0, cases[i].x1,
                       cases[i].y1);
        s_do(policy, &action);
        policy_regions(policy, &count);
        ck_assert_uint_eq(count, !cases[i].within);
    }
}
END_TEST

START_TEST(a_box_protects_its_corners_and_nothing_outside)
{
    control_t action = s_box(CONTROL_PROTECT, 10, 20, 30, 40);
    s_do(policy, &action);
    ck_assert(policy_protects(policy, 10, 20));
    ck_assert(policy_protects(policy, 30, 20));
    ck_assert(policy_protects(policy, 10, 40));
    ck_assert(policy_protects(policy, 30, 40));
    ck_assert(!policy_protects(policy, 9, 30));
    ck_assert(!policy_protects(policy, 31, 30));
    ck_assert(!policy_protects(policy, 20, 19));
    ck_assert(!policy_protects(policy, 20, 41));
}
END_TEST

START_TEST(the_257th_box_is_not_kept)
{
    size_t count;
    for (unsigned i = 0; i <= POLICY_REGIONS_MAX; i++) {
        control_t action =
            s_box(CONTROL_PROTECT, (uint16_t)i, 0, (uint16_t)i, 0);
        s_do(policy, &action);
    }
    policy_regions(policy, &count);
    ck_assert_uint_eq(count, POLICY_REGIONS_MAX);
    ck_assert(policy_protects(policy, POLICY_REGIONS_MAX - 1, 0));
    ck_assert(!policy_protects(policy, POLICY_REGIONS_MAX, 0));
}
END_TEST

START_TEST(a_ban_is_had_until_it_is_lifted_even_if_it_has_ended)
{
    ck_assert(!policy_has_ban(policy, 7));
    control_t ban = s_ban(7, 1000);
    s_do(policy, &ban);
    ck_assert(policy_has_ban(policy, 7) && !policy_has_ban(policy, 8));
    ck_assert(!policy_bans_user(policy, 7, 2000));
    ban = s_ban(8, 0);
    ban.verb = CONTROL_UNBAN; /* of one who is not banned */
    s_do(policy, &ban);
    ck_assert_uint_eq(policy_bans(policy), 1);
    ban = s_ban(7, 0);
    ban.verb = CONTROL_UNBAN;
    s_do(policy, &ban);
    ck_assert(!policy_has_ban(policy, 7));
}
END_TEST

START_TEST(the_list_of_bans_has_each_once)
{
    unsigned seen[200] = {0};
    for (unsigned user = 0; user < 200; user++) {
        control_t ban = s_ban(user, user);
        s_do(policy, &ban);
        s_do(policy, &ban); /* again: still one */
    }
    policy_ban_t ban;
    for (size_t at = 0; policy_next_ban(policy, &at, &ban);) {
        ck_assert_uint_lt(ban.user, 200);
        ck_assert_uint_eq(ban.until_ms, ban.user);
        seen[ban.user]++;
    }
    for (unsigned user = 0; user < 200; user++)
        ck_assert_uint_eq(seen[user], 1);
    ck_assert_uint_eq(policy_bans(policy), 200);
}
END_TEST

START_TEST(a_rollback_holds_until_it_is_taken_back)
{
    size_t count;
    control_t action = {.verb = CONTROL_ROLLBACK,
                        .of = {.user = 5, .has = HAS_USER, .upto = 77}};
    uint64_t first = s_do(policy, &action), second = s_do(policy, &action);
    const policy_rollback_t *list = policy_rollbacks(policy, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(list[0].seq, first);
    ck_assert_uint_eq(list[1].seq, second);
    ck_assert_uint_eq(list[0].of.upto, 77);
    action = (control_t){.verb = CONTROL_RESTORE, .of = {.upto = first}};
    s_do(policy, &action);
    list = policy_rollbacks(policy, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(list[0].seq, second);
}
END_TEST

static void s_close(uint64_t rollback)
{
    control_t done = {.verb = CONTROL_DONE, .of = {.upto = rollback}};
    s_do(policy, &done);
}

static control_t s_rollback(control_verb_t verb, uint64_t upto, uint8_t has)
{
    return (control_t){.verb = verb,
                       .by = 0xfedcba9876543210,
                       .of = {.user = 7, .upto = upto, .has = has}};
}

START_TEST(a_rollback_is_open_until_it_is_done)
{
    size_t count;
    control_t whole = s_rollback(CONTROL_ROLLBACK, 5, HAS_USER);
    control_t begun = s_rollback(CONTROL_ROLLBACK, 6, HAS_USER | HAS_OPEN);
    uint64_t first = s_do(policy, &whole);
    ck_assert_ptr_null(policy_open(policy));
    uint64_t second = s_do(policy, &begun);
    ck_assert_uint_eq(policy_turned(policy), second);
    ck_assert_ptr_eq(policy_open(policy), policy_rollback(policy, second));
    ck_assert_uint_eq(policy_open(policy)->by, begun.by);
    s_close(second);
    ck_assert_ptr_null(policy_open(policy));
    ck_assert_uint_eq(policy_turned(policy), seq);
    policy_rollbacks(policy, &count);
    ck_assert_uint_eq(count, 2);
    /* Taken back at once, and piece by piece. */
    control_t back = s_rollback(CONTROL_RESTORE, first, 0);
    s_do(policy, &back);
    ck_assert_ptr_null(policy_rollback(policy, first));
    back = s_rollback(CONTROL_RESTORE, second, HAS_OPEN);
    s_do(policy, &back);
    ck_assert_uint_eq(policy_open(policy)->seq, second);
    ck_assert(policy_open(policy)->of.has & HAS_RESTORING);
    size_t size;
    uint8_t *bytes = policy_bytes(policy, &size);
    policy_t *copy = policy_new();
    ck_assert_int_eq(policy_decode(copy, bytes, size), 0);
    ck_assert_uint_eq(policy_open(copy)->by, begun.by);
    ck_assert_uint_eq(policy_digest(copy), policy_digest(policy));
    policy_destroy(&copy);
    free(bytes);
    s_close(second);
    policy_rollbacks(policy, &count);
    ck_assert_uint_eq(count, 0);
    s_close(second); /* again changes nothing */
    ck_assert_ptr_null(policy_open(policy));
}
END_TEST

Suite *suite_common_policy(void);

Suite *suite_common_policy(void)
{
    Suite *suite = suite_create("common/policy");
    TCase *tcase = tcase_create("policy");
    tcase_add_checked_fixture(tcase, s_set_up, s_tear_down);
    tcase_add_test(tcase, an_action_survives_its_records);
    tcase_add_test(tcase, a_run_with_a_hole_is_no_action);
    tcase_add_test(tcase, a_ban_ends_by_time_or_by_hand);
    tcase_add_test(tcase, many_bans_come_and_go);
    tcase_add_test(tcase, boxes_are_protected_and_let_go);
    tcase_add_test(tcase, a_rollback_is_open_until_it_is_done);
    tcase_add_test(tcase, an_operators_number_is_known_again);
    tcase_add_test(tcase, a_box_is_let_go_only_if_all_of_it_lies_within);
    tcase_add_test(tcase, a_box_protects_its_corners_and_nothing_outside);
    tcase_add_test(tcase, the_257th_box_is_not_kept);
    tcase_add_test(tcase, a_ban_is_had_until_it_is_lifted_even_if_it_has_ended);
    tcase_add_test(tcase, the_list_of_bans_has_each_once);
    tcase_add_test(tcase, a_rollback_holds_until_it_is_taken_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
