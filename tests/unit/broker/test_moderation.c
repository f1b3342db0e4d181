/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators ask for: what is refused and why, and that an action is
 * answered once it is part of the committed history (docs/moderation.md).
 */
#include "broker/desk.h"
#include "common/token.h"
#include "tests/unit/broker/peers.h"

#define USER "00000000000000ff"
#define VERB(verb, more) "{\"verb\":\"" verb "\"" more "}"

static void s_lead(void)
{
    s_set_up_peers();
    s_to_leading();
}

static const policy_t *s_policy(void)
{
    return broker_parts(broker)->world.policy;
}

/* Asks, and it is done: the seq of the action. */
static uint64_t s_done(const char *text)
{
    s_ask_text(text);
    ck_assert_msg(fake.last == ASKED_COMMIT && !s_has_mail(control), "%s",
                  text);
    s_committed(true);
    json_t *reply = s_reply();
    ck_assert(json_is_true(json_object_get(reply, "ok")));
    uint64_t seq = s_reply_number(reply, "seq");
    json_decref(reply);
    ck_assert_uint_eq(seq, broker_parts(broker)->world.seq);
    ck_assert_uint_eq(seq, policy_seq(s_policy()));
    fake.last = ASKED_NOTHING;
    return seq;
}

START_TEST(a_ban_holds_from_its_seq_on_and_is_told_on_the_feed)
{
    s_drain(feed);
    s_done(VERB("ban", ",\"user\":\"" USER "\",\"reason\":\"griefing\""));
    ck_assert(policy_bans_user(s_policy(), 0xff, now.wall_ms));
    size_t size;
    bus_body_t body;
    const uint8_t *bytes = s_take(feed, &size);
    ck_assert_uint_eq(bytes[0], BUS_POLICY);
    ck_assert_int_eq(bus_decode_body(&body, bytes, size), 0);
    ck_assert_uint_eq(body.size % RECORD_BYTES, 0);
    record_t first = record_decode(body.body);
    ck_assert(record_is_control(&first));
    ck_assert_uint_eq(first.placed_at_ms, now.wall_ms);
    bus_place_t place = {.ticket = 1, .user = 0xff, .color = 1};
    broker_on_renew(broker, true);
    s_edge_places(&place, 1);
    ck_assert_int_eq(s_verdict().status, VERDICT_BANNED);
    s_done(VERB("unban", ",\"user\":\"" USER "\""));
    s_edge_places(&place, 1);
    s_committed(true);
    ck_assert_int_eq(s_verdict().status, VERDICT_OK);
}
END_TEST

START_TEST(a_ban_may_end_by_itself_in_the_future)
{
    char text[200];
    snprintf(text, sizeof text, VERB("ban", ",\"user\":\"%s\",\"until\":%llu"),
             USER, (unsigned long long)now.wall_ms + 1000);
    s_done(text);
    ck_assert(policy_bans_user(s_policy(), 0xff, now.wall_ms + 999));
    ck_assert(!policy_bans_user(s_policy(), 0xff, now.wall_ms + 1000));
    snprintf(text, sizeof text, VERB("ban", ",\"user\":\"%s\",\"until\":%llu"),
             USER, (unsigned long long)now.wall_ms);
    s_refused_for(text, "until is in the past");
    s_refused_for(VERB("ban", ",\"user\":\"" USER "\",\"until\":-1"),
                  "until is a time in milliseconds since 1970");
    s_refused_for(VERB("ban", ",\"user\":\"" USER "\",\"until\":\"2h\""),
                  "until is a time in milliseconds since 1970");
}
END_TEST

START_TEST(a_user_is_sixteen_digits)
{
    s_refused_for(VERB("ban", ""), "user is 16 hex digits");
    s_refused_for(VERB("ban", ",\"user\":\"ff\""), "user is 16 hex digits");
    s_refused_for(VERB("ban", ",\"user\":7"), "user is 16 hex digits");
    s_refused_for(VERB("unban", ",\"user\":\"" USER "\""),
                  "that user is not banned");
}
END_TEST

START_TEST(a_box_is_two_corners_on_the_board)
{
    const char *shape = "box is [x0, y0, x1, y1]";
    const char *off = "the box is not on the board";
    const char *order = "the box's first corner is the upper left one";
    s_refused_for(VERB("protect", ""), shape);
    s_refused_for(VERB("protect", ",\"box\":[1,2,3]"), shape);
    s_refused_for(VERB("protect", ",\"box\":[1,2,3,4,5]"), shape);
    s_refused_for(VERB("protect", ",\"box\":[0,0,20,9]"), off);
    s_refused_for(VERB("protect", ",\"box\":[0,0,19,10]"), off);
    s_refused_for(VERB("protect", ",\"box\":[-1,0,19,9]"), off);
    s_refused_for(VERB("protect", ",\"box\":[0,0,\"1\",9]"), off);
    s_refused_for(VERB("protect", ",\"box\":[5,0,4,9]"), order);
    s_refused_for(VERB("protect", ",\"box\":[0,5,9,4]"), order);
    s_done(VERB("protect", ",\"box\":[0,0,19,9]"));
    s_done(VERB("protect", ",\"box\":[5,5,5,5]"));
    size_t count;
    policy_regions(s_policy(), &count);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(unprotect_needs_a_protected_box_within)
{
    const char *none = "no protected box lies within that one";
    s_done(VERB("protect", ",\"box\":[5,3,8,6]"));
    s_refused_for(VERB("unprotect", ",\"box\":[6,3,8,6]"), none);
    s_refused_for(VERB("unprotect", ",\"box\":[5,4,8,6]"), none);
    s_refused_for(VERB("unprotect", ",\"box\":[5,3,7,6]"), none);
    s_refused_for(VERB("unprotect", ",\"box\":[5,3,8,5]"), none);
    s_done(VERB("unprotect", ",\"box\":[5,3,8,6]"));
    s_refused_for(VERB("unprotect", ",\"box\":[0,0,19,9]"), none);
    ck_assert(!policy_protects(s_policy(), 5, 3));
}
END_TEST

START_TEST(the_257th_box_is_refused)
{
    char text[100];
    for (int i = 0; i < POLICY_REGIONS_MAX; i++) {
        snprintf(text, sizeof text, VERB("protect", ",\"box\":[%d,%d,%d,%d]"),
                 i % WIDTH, 0, i % WIDTH, 0);
        s_done(text);
    }
    s_refused_for(VERB("protect", ",\"box\":[1,1,1,1]"),
                  "as many boxes as may be are protected already");
}
END_TEST

START_TEST(a_board_is_locked_once)
{
    s_refused_for(VERB("unlock", ""), "the board is not locked");
    uint64_t seq = s_done(VERB("lock", ",\"reason\":\"the end\""));
    ck_assert_uint_eq(policy_locked(s_policy()), seq);
    s_refused_for(VERB("lock", ""), "the board is locked");
    bus_place_t place = {.ticket = 1, .user = 5};
    broker_on_renew(broker, true);
    s_edge_places(&place, 1);
    ck_assert_int_eq(s_verdict().status, VERDICT_PROTECTED);
    s_done(VERB("unlock", ""));
    ck_assert_uint_eq(policy_locked(s_policy()), 0);
}
END_TEST

START_TEST(a_notice_has_words_and_at_most_500_bytes)
{
    char text[700];
    s_refused_for(VERB("notice", ""), "a notice needs words");
    s_refused_for(VERB("notice", ",\"text\":\"\""), "a notice needs words");
    s_refused_for(VERB("notice", ",\"text\":7"), "the words are a string");
    s_done(VERB("notice", ",\"text\":\"Ten minutes left.\""));
    snprintf(text, sizeof text, VERB("notice", ",\"text\":\"%0500d\""), 7);
    s_done(text);
    snprintf(text, sizeof text, VERB("notice", ",\"text\":\"%0501d\""), 7);
    s_refused_for(text, "the words have more than 500 bytes");
}
END_TEST

/* The same number again is done once, and told the seq of the first. */
START_TEST(an_operators_key_makes_an_action_happen_once)
{
    const char *ban =
        VERB("ban", ",\"user\":\"" USER "\",\"by\":\"alice\",\"key\":5");
    uint64_t seq = s_done(ban);
    uint64_t head = broker_parts(broker)->world.seq;
    s_ask_text(ban);
    json_t *reply = s_reply();
    ck_assert_uint_eq(s_reply_number(reply, "seq"), seq);
    json_decref(reply);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, head);
    /* Another's number is another. */
    ck_assert_uint_gt(
        s_done(VERB("ban", ",\"user\":\"" USER "\",\"by\":\"bob\",\"key\":5")),
        seq);
    ck_assert_uint_eq(policy_request(s_policy(), token_user("alice", 5), 5),
                      seq);
    s_refused_for(VERB("ban", ",\"user\":\"" USER "\",\"key\":-1"),
                  "key is a number from 1 to 4294967295");
    s_refused_for(VERB("ban", ",\"user\":\"" USER "\",\"key\":4294967296"),
                  "key is a number from 1 to 4294967295");
}
END_TEST

/* By its key; its end is soon in the past. */
static const char *s_ban_of_a_second(void)
{
    static char text[200];
    snprintf(text, sizeof text,
             VERB("ban", ",\"user\":\"%s\",\"until\":%llu,\"key\":5"), USER,
             (unsigned long long)now.wall_ms + 1000);
    return text;
}

/* Its first asking waits behind another, and what it was judged by has passed.
 */
START_TEST(what_is_asked_again_while_it_waits_is_not_judged_anew)
{
    const char *text = s_ban_of_a_second();
    s_ask_text(VERB("lock", ""));
    s_ask_text(text);
    s_pass(2000);
    s_ask_text(text);
    ck_assert(!s_has_mail(control));
    s_committed(true);
    json_decref(s_reply());
    s_committed(true);
    json_t *first = s_reply(), *again = s_reply();
    ck_assert(json_is_true(json_object_get(first, "ok")));
    ck_assert(json_equal(first, again));
    json_decref(first);
    json_decref(again);
}
END_TEST

/* Its batch is sent again, and nobody knows yet that it will be done. */
START_TEST(nothing_is_judged_while_an_action_is_in_doubt)
{
    const char *text = s_ban_of_a_second();
    s_ask_text(text);
    s_lost();
    json_decref(s_reply());
    s_ready();
    s_led();
    s_pass(2000);
    s_refused_for(text, "redis was away");
    s_committed(true);
    s_ask_text(text);
    json_t *reply = s_reply();
    ck_assert_uint_eq(s_reply_number(reply, "seq"), policy_seq(s_policy()));
    json_decref(reply);
}
END_TEST

START_TEST(actions_are_done_in_their_order_one_per_batch)
{
    s_ask_text(VERB("lock", ""));
    s_ask_text(VERB("notice", ",\"text\":\"a\""));
    position_t first = fake.commit_to;
    s_committed(true);
    ck_assert_uint_eq(policy_locked(s_policy()), first.seq);
    ck_assert_uint_gt(fake.commit_to.seq, first.seq);
    s_committed(true);
    json_t *lock = s_reply(), *notice = s_reply();
    ck_assert_str_eq(json_string_value(json_object_get(lock, "verb")), "lock");
    ck_assert_str_eq(json_string_value(json_object_get(notice, "verb")),
                     "notice");
    json_decref(lock);
    json_decref(notice);
}
END_TEST

START_TEST(who_waits_when_the_lead_is_lost_is_told_to_ask_again)
{
    s_ask_text(VERB("lock", ""));
    s_lost();
    json_t *reply = s_reply();
    ck_assert(json_is_false(json_object_get(reply, "ok")));
    ck_assert_str_eq(json_string_value(json_object_get(reply, "code")),
                     "unavailable");
    ck_assert_str_eq(json_string_value(json_object_get(reply, "error")),
                     DESK_LOST);
    json_decref(reply);
    s_refused_for(VERB("lock", ""), "redis is away");
}
END_TEST

START_TEST(what_does_not_wait_cannot_be_approved)
{
    const char *shape = "proposal is the number of a rollback that waits";
    s_refused_for(VERB("approve", ""), shape);
    s_refused_for(VERB("approve", ",\"proposal\":0"), shape);
    s_refused_for(VERB("approve", ",\"proposal\":\"7\""), shape);
    s_refused_for(VERB("approve", ",\"proposal\":7"),
                  "nothing waits under that number: it may have run out, or "
                  "another broker leads now");
}
END_TEST

START_TEST(the_policy_is_told_from_memory)
{
    uint64_t banned = s_done(VERB("ban", ",\"user\":\"" USER "\""));
    uint64_t region = s_done(VERB("protect", ",\"box\":[1,2,3,4]"));
    unsigned commits = fake.asked[ASKED_COMMIT];
    s_ask_text(VERB("policy", ""));
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits);
    json_t *reply = s_reply();
    ck_assert_uint_eq(s_reply_number(reply, "seq"), region);
    ck_assert_uint_eq(s_reply_number(reply, "bans_count"), 1);
    ck_assert(json_is_false(json_object_get(reply, "locked")));
    const json_t *ban = json_array_get(json_object_get(reply, "bans"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(ban, "user")), USER);
    ck_assert_uint_eq(s_reply_number(ban, "seq"), banned);
    ck_assert_uint_eq(s_reply_number(ban, "until"), 0);
    const json_t *box = json_object_get(
        json_array_get(json_object_get(reply, "regions"), 0), "box");
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(json_integer_value(json_array_get(box, i)),
                         (json_int_t)i + 1);
    json_decref(reply);
}
END_TEST

Suite *suite_broker_moderation(void);
Suite *suite_broker_moderation(void)
{
    Suite *suite = suite_create("broker/moderation");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 20);
    tcase_add_checked_fixture(all, s_lead, s_tear_down_peers);
    tcase_add_test(all, a_ban_holds_from_its_seq_on_and_is_told_on_the_feed);
    tcase_add_test(all, a_ban_may_end_by_itself_in_the_future);
    tcase_add_test(all, a_user_is_sixteen_digits);
    tcase_add_test(all, a_box_is_two_corners_on_the_board);
    tcase_add_test(all, unprotect_needs_a_protected_box_within);
    tcase_add_test(all, the_257th_box_is_refused);
    tcase_add_test(all, a_board_is_locked_once);
    tcase_add_test(all, a_notice_has_words_and_at_most_500_bytes);
    tcase_add_test(all, an_operators_key_makes_an_action_happen_once);
    tcase_add_test(all, actions_are_done_in_their_order_one_per_batch);
    tcase_add_test(all, nothing_is_judged_while_an_action_is_in_doubt);
    tcase_add_test(all, what_is_asked_again_while_it_waits_is_not_judged_anew);
    tcase_add_test(all, who_waits_when_the_lead_is_lost_is_told_to_ask_again);
    tcase_add_test(all, what_does_not_wait_cannot_be_approved);
    tcase_add_test(all, the_policy_is_told_from_memory);
    suite_add_tcase(suite, all);
    return suite;
}
