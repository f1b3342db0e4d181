/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/webhook.h"

#include <check.h>
#include <string.h>

Suite *suite_persister_webhook(void);

static const control_t s_lock = {.seq = 9,
                                 .at_ms = 1700000000000,
                                 .verb = CONTROL_LOCK,
                                 .rank = RANK_OPERATOR,
                                 .by = 77,
                                 .text = "the end"};
static const control_t s_ban = {
    .seq = 5,
    .at_ms = 6,
    .verb = CONTROL_BAN,
    .rank = RANK_MODERATOR,
    .by = 77,
    .of = {.has = HAS_USER, .user = 255, .until_ms = 8},
    .text = "<!channel> & \"@everyone\""};
static const control_t s_protect = {
    .seq = 3, .verb = CONTROL_PROTECT, .of = {.x0 = 1, .x1 = 3, .y1 = 4}};
static const control_t s_restore = {
    .seq = 3, .verb = CONTROL_RESTORE, .of = {.upto = 2}};

#define LOCK_JSON                                                              \
    "{\"type\":\"action\",\"seq\":9,\"at\":1700000000000,\"verb\":\"lock\","   \
    "\"role\":\"operator\",\"by\":\"000000000000004d\",\"text\":\"the end\"}"

START_TEST(each_shape_has_its_body)
{
    static const struct {
        webhook_shape_t shape;
        const control_t *action;
        const char *body;
    } rows[] = {
        {WEBHOOK_JSON, &s_lock, LOCK_JSON},
        {WEBHOOK_JSON, &s_ban,
         "{\"type\":\"action\",\"seq\":5,\"at\":6,\"verb\":\"ban\","
         "\"role\":\"moderator\",\"by\":\"000000000000004d\","
         "\"user\":\"00000000000000ff\",\"until\":8,"
         "\"text\":\"<!channel> & \\\"@everyone\\\"\"}"},
        {WEBHOOK_SLACK, &s_ban,
         "{\"text\":\"ban 00000000000000ff: &lt;!channel&gt; &amp; "
         "\\\"@everyone\\\" (moderator 000000000000004d, seq 5)\"}"},
        {WEBHOOK_DISCORD, &s_ban,
         "{\"allowed_mentions\":{\"parse\":[]},\"content\":\"ban "
         "00000000000000ff: <!channel> & \\\"@everyone\\\" (moderator "
         "000000000000004d, seq 5)\"}"},
        {WEBHOOK_SLACK, &s_protect,
         "{\"text\":\"protect 1,0,3,4 (player 0000000000000000, seq 3)\"}"},
        {WEBHOOK_SLACK, &s_restore,
         "{\"text\":\"restore of seq 2 (player 0000000000000000, seq 3)\"}"},
    };
    json_text_t text = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        webhook_body(&text, rows[i].shape, rows[i].action);
        ck_assert_uint_eq(text.size, strlen(rows[i].body));
        ck_assert_mem_eq(text.bytes, rows[i].body, text.size);
    }
    json_text_fini(&text);
    ck_assert_int_eq(webhook_shape_of("slack"), WEBHOOK_SLACK);
    ck_assert_int_eq(webhook_shape_of("discord"), WEBHOOK_DISCORD);
    ck_assert_int_eq(webhook_shape_of("json"), WEBHOOK_JSON);
}
END_TEST

/* The vector is Python's hmac. */
START_TEST(time_and_body_are_signed)
{
    char header[WEBHOOK_SIGNATURE_MAX];
    json_text_t text = {0};
    webhook_body(&text, WEBHOOK_JSON, &s_lock);
    webhook_sign(header, "0123456789abcdef0123456789abcdef", 32, 1700000001,
                 &text);
    ck_assert_str_eq(header, "Stipple-Signature: t=1700000001,v1="
                             "d65d62075124b74270f2bb2a18c454cf"
                             "6f5a2ed010a7c9b7098ecc888c0ee4a8");
    json_text_fini(&text);
}
END_TEST

START_TEST(what_may_pass_is_tried_again)
{
    static const int told[] = {200, 201, 204, 299};
    static const int again[] = {0, 408, 425, 429, 500, 502, 503, 599};
    static const int never[] = {100, 301, 307, 400, 401, 404, 410, 413};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        ck_assert_int_eq(webhook_judge(told[i]), WEBHOOK_TOLD);
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        ck_assert_int_eq(webhook_judge(again[i]), WEBHOOK_AGAIN);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        ck_assert_int_eq(webhook_judge(never[i]), WEBHOOK_NEVER);
}
END_TEST

START_TEST(urls_are_of_the_web)
{
    ck_assert(webhook_url_is_good("http://h"));
    ck_assert(webhook_url_is_good("https://hooks.example/a?b=c"));
    static const char *const bad[] = {
        "",          "h",       "file:///etc/x", "http://",
        "http:///x", "ftp://h", "https://h x",   "HTTP//h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert(!webhook_url_is_good(bad[i]));
}
END_TEST

Suite *suite_persister_webhook(void)
{
    Suite *suite = suite_create("persister/webhook");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, each_shape_has_its_body);
    tcase_add_test(tcase, time_and_body_are_signed);
    tcase_add_test(tcase, what_may_pass_is_tried_again);
    tcase_add_test(tcase, urls_are_of_the_web);
    suite_add_tcase(suite, tcase);
    return suite;
}
