/* SPDX-License-Identifier: Apache-2.0
 *
 * stipplectl's status and set, as the JSON that goes both ways.
 */
#include "tests/unit/broker/peers.h"

#define SET(name, value)                                                       \
    "{\"verb\":\"set\",\"name\":\"" name "\",\"value\":\"" value "\"}"

static void s_lead(void)
{
    s_set_up_peers();
    s_to_leading();
}

static const char *s_text_of(const json_t *reply, const char *name)
{
    return json_string_value(json_object_get(reply, name));
}

START_TEST(status_says_what_a_leader_holds)
{
    const world_t *world = &broker_parts(broker)->world;
    uint8_t bytes[BUS_SMALL_MAX];
    s_play(3);
    s_ingress(bytes, bus_put_report(bytes, &(bus_report_t){.viewers = 9}));
    bus_persister_t word = {.instance = 0x5,
                            .checkpoint = 2,
                            .snapshot_seq = 1,
                            .chain = history_chain(world->history, 2)};
    s_control(bytes, bus_put_persister(bytes, &word));
    s_drain(control);
    s_pass(300);
    s_ask_text("{\"verb\":\"status\"}");
    json_t *reply = s_reply();
    ck_assert(json_is_true(json_object_get(reply, "ok")));
    ck_assert_str_eq(s_text_of(reply, "name"), "broker");
    ck_assert_str_eq(s_text_of(reply, "role"), "leader");
    ck_assert_str_eq(s_text_of(reply, "redis"), "up");
    ck_assert_uint_eq(s_reply_number(reply, "epoch"), world->epoch);
    ck_assert_uint_eq(s_reply_number(reply, "seq"), 3);
    ck_assert_uint_eq(s_reply_number(reply, "digest"),
                      board_digest(world->board));
    ck_assert_uint_eq(s_reply_number(reply, "viewers"), 9);
    ck_assert_uint_eq(s_reply_number(reply, "edges"), 1);
    ck_assert_uint_eq(s_reply_number(reply, "persisters"), 1);
    ck_assert_uint_eq(s_reply_number(reply, "persisted"), 2);
    ck_assert_uint_eq(s_reply_number(reply, "log_records"), 3);
    ck_assert_uint_eq(s_reply_number(reply, "unconfirmed"), 1);
    ck_assert_uint_eq(s_reply_number(reply, "users"), 3);
    const json_t *persister = json_object_get(reply, "persister");
    ck_assert_str_eq(s_text_of(persister, "instance"), "0000000000000005");
    ck_assert_uint_eq(s_reply_number(persister, "checkpoint"), 2);
    ck_assert_uint_eq(s_reply_number(persister, "snapshot_seq"), 1);
    ck_assert_uint_eq(s_reply_number(persister, "heard_ms_ago"), 300);
    const json_t *canvas = json_object_get(reply, "canvas");
    ck_assert_uint_eq(s_reply_number(json_object_get(canvas, "board"), "width"),
                      WIDTH);
    json_decref(reply);
}
END_TEST

START_TEST(a_setting_holds_once_it_is_in_redis)
{
    const canvas_t *canvas = &broker_parts(broker)->world.canvas;
    s_ask_text(SET("cooldown_ms", "4294967295"));
    ck_assert_int_eq(fake.last, ASKED_CANVAS);
    ck_assert_uint_eq(fake.canvas.cooldown_ms, UINT32_MAX);
    ck_assert_uint_eq(canvas->cooldown_ms, 0);
    ck_assert(!s_has_mail(control));
    s_refused_for(SET("paused", "on"), "another set is on its way: try again");
    s_drain(feed);
    broker_on_canvas(broker, true);
    broker_settle(broker);
    ck_assert_uint_eq(canvas->cooldown_ms, UINT32_MAX);
    ck_assert(!s_has_mail(control)); /* it is still to be written down */
    s_committed(true);
    json_t *reply = s_reply();
    ck_assert(json_is_true(json_object_get(reply, "ok")));
    ck_assert_str_eq(s_text_of(reply, "verb"), "set");
    ck_assert_uint_eq(s_reply_number(reply, "seq"),
                      broker_parts(broker)->world.seq);
    ck_assert_uint_eq(
        s_reply_number(json_object_get(reply, "canvas"), "cooldown_ms"),
        UINT32_MAX);
    json_decref(reply);
    size_t size;
    ck_assert_uint_eq(s_take(feed, &size)[0], BUS_CANVAS);
}
END_TEST

static void s_set_to(const char *text)
{
    s_ask_text(text);
    broker_on_canvas(broker, true);
    broker_settle(broker);
    s_committed(true);
    json_decref(s_reply());
}

/* The last action, as the history has it. */
static control_t s_last_action(void)
{
    const history_t *history = broker_parts(broker)->world.history;
    control_reader_t reader = {0};
    control_t action = {0};
    for (uint64_t seq = history_first(history); seq < history_next(history);
         seq++) {
        record_t record = history_get(history, seq);
        if (record_is_control(&record))
            control_read(&reader, &record, &action);
    }
    return action;
}

START_TEST(what_was_set_stands_in_the_audit_with_old_and_new)
{
    s_set_to(SET("cooldown_ms", "17"));
    control_t action = s_last_action();
    ck_assert_int_eq(action.verb, CONTROL_SET);
    ck_assert_str_eq(action.text, "cooldown_ms: 0 -> 17");
    s_set_to(SET("paused", "on"));
    action = s_last_action();
    ck_assert_str_eq(action.text, "paused: off -> on");
    s_set_to(SET("tick_ms", "40"));
    s_set_to(SET("palette", "#000000,#fedcba"));
    s_set_to(SET("palette", "#010203"));
    action = s_last_action();
    ck_assert_str_eq(action.text, "palette: #000000,#FEDCBA -> #010203");
}
END_TEST

#define KEYED                                                                  \
    "{\"verb\":\"set\",\"name\":\"cooldown_ms\",\"value\":\"%s\","             \
    "\"key\":7,\"by\":\"alice\"}"

START_TEST(a_set_with_a_key_is_done_once)
{
    char text[256];
    const world_t *world = &broker_parts(broker)->world;
    snprintf(text, sizeof text, KEYED, "17");
    s_set_to(text);
    uint64_t seq = world->seq;
    ck_assert_uint_eq(s_last_action().request, 7);
    ck_assert_uint_eq(fake.asked[ASKED_CANVAS], 1);
    snprintf(text, sizeof text, KEYED, "99");
    s_ask_text(text);
    json_t *reply = s_reply();
    ck_assert_uint_eq(s_reply_number(reply, "seq"), seq);
    ck_assert_uint_eq(
        s_reply_number(json_object_get(reply, "canvas"), "cooldown_ms"), 17);
    json_decref(reply);
    ck_assert_uint_eq(fake.asked[ASKED_CANVAS], 1);
    ck_assert_uint_eq(world->canvas.cooldown_ms, 17);
    s_refused_for("{\"verb\":\"set\",\"name\":\"paused\",\"value\":\"on\","
                  "\"key\":-1}",
                  "key is a number from 1 to 4294967295");
}
END_TEST

START_TEST(each_setting_takes_its_values)
{
    const canvas_t *canvas = &broker_parts(broker)->world.canvas;
    s_set_to(SET("cooldown_ms", "17"));
    ck_assert_uint_eq(canvas->cooldown_ms, 17);
    static const char *const on[] = {SET("paused", "on"), SET("paused", "true"),
                                     SET("paused", "yes"), SET("paused", "1")};
    static const char *const off[] = {SET("paused", "off"),
                                      SET("paused", "false"),
                                      SET("paused", "no"), SET("paused", "0")};
    for (int i = 0; i < 4; i++) {
        s_set_to(on[i]);
        ck_assert(canvas->paused);
        s_set_to(off[i]);
        ck_assert(!canvas->paused);
    }
    s_set_to(SET("palette", "#000000,#FFFFFF"));
    ck_assert_uint_eq(canvas->palette_size, 2);
}
END_TEST

START_TEST(what_is_no_setting_or_no_value_is_refused_with_words)
{
    const char *cooldown = "cooldown_ms is 0 to 4294967295";
    s_refused_for(SET("cooldown_ms", "-1"), cooldown);
    s_refused_for(SET("cooldown_ms", "4294967296"), cooldown);
    s_refused_for(SET("cooldown_ms", ""), cooldown);
    s_refused_for(SET("cooldown_ms", "5s"), cooldown);
    s_refused_for(SET("cooldown_ms", ":"), cooldown);
    s_refused_for(SET("paused", "maybe"), "paused is on or off");
    s_refused_for(SET("palette", "red"),
                  "palette is #RRGGBB,… of 1 to 2^bits colours");
    s_ask_text(SET("width", "5"));
    json_t *reply = s_reply();
    const char *why = s_text_of(reply, "error");
    ck_assert(why && !strncmp(why, "no such setting: cooldown_ms, ", 30));
    json_decref(reply);
    s_refused_for("{\"verb\":\"set\",\"name\":\"paused\"}",
                  "set needs name and value, both strings");
    s_refused_for("{\"verb\":\"set\",\"name\":\"paused\",\"value\":true}",
                  "set needs name and value, both strings");
    ck_assert_uint_eq(fake.asked[ASKED_CANVAS], 0);
}
END_TEST

START_TEST(a_set_that_redis_refused_did_not_happen)
{
    s_ask_text(SET("paused", "on"));
    s_lost();
    json_t *reply = s_reply();
    ck_assert(json_is_false(json_object_get(reply, "ok")));
    json_decref(reply);
    ck_assert(!broker_parts(broker)->world.canvas.paused);
    s_refused_for(SET("paused", "on"), "redis is away");
}
END_TEST

START_TEST(what_is_no_request_is_refused)
{
    uint64_t malformed = metrics[METRIC_MALFORMED_CONTROL];
    s_refused_for("", "no such verb");
    s_refused_for("{", "no such verb");
    ck_assert_uint_eq(metrics[METRIC_MALFORMED_CONTROL], malformed + 2);
    s_refused_for("{}", "no such verb");
    s_refused_for("{\"verb\":7}", "no such verb");
    s_refused_for("{\"verb\":\"dance\"}", "no such verb");
    ck_assert_uint_eq(metrics[METRIC_MALFORMED_CONTROL], malformed + 2);
}
END_TEST

START_TEST(a_standby_answers_status_and_sets_nothing)
{
    s_to_standby();
    s_ask_text("{\"verb\":\"status\"}");
    json_t *reply = s_reply();
    ck_assert_str_eq(s_text_of(reply, "role"), "standby");
    ck_assert(json_is_null(json_object_get(reply, "persister")));
    json_decref(reply);
    s_refused_for(SET("paused", "on"), "standby");
}
END_TEST

Suite *suite_broker_ctl(void);
Suite *suite_broker_ctl(void)
{
    Suite *suite = suite_create("broker/ctl");
    TCase *leads = tcase_create("leads"), *standby = tcase_create("standby");
    tcase_add_checked_fixture(leads, s_lead, s_tear_down_peers);
    tcase_add_test(leads, status_says_what_a_leader_holds);
    tcase_add_test(leads, a_setting_holds_once_it_is_in_redis);
    tcase_add_test(leads, each_setting_takes_its_values);
    tcase_add_test(leads, what_was_set_stands_in_the_audit_with_old_and_new);
    tcase_add_test(leads, a_set_with_a_key_is_done_once);
    tcase_add_test(leads, what_is_no_setting_or_no_value_is_refused_with_words);
    tcase_add_test(leads, a_set_that_redis_refused_did_not_happen);
    tcase_add_test(leads, what_is_no_request_is_refused);
    suite_add_tcase(suite, leads);
    tcase_add_checked_fixture(standby, s_set_up_peers, s_tear_down_peers);
    tcase_add_test(standby, a_standby_answers_status_and_sets_nothing);
    suite_add_tcase(suite, standby);
    return suite;
}
