/* SPDX-License-Identifier: Apache-2.0
 *
 * The link against a Redis of a few lines, on loopback addresses that only this
 * process has.
 */
#include "broker/redis_link.h"
#include "broker/resolver.h"
#include "common/mem.h"
#include "tests/unit/folder.h"

#include <arpa/inet.h>
#include <check.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <sys/un.h>

#define BAD "127.31.7.1" /* nobody listens there */
#define GOOD "127.31.7.2"
#define PATIENCE_MS 5000
#define LONG_BYTES (2u << 20) /* ten times the timeout's worth, read slowly */

static const char *version; /* that the Redis tells */
static size_t slice;        /* bytes it sends at once; 0: all */
static _Atomic bool broken; /* it refuses SET */
static int listener;
static pthread_t server;

static zloop_t *loop;
static redis_link_t *redis;
static redis_url_t url;
static unsigned ups, ticks, look_ups;
static _Atomic unsigned asked;
static size_t got; /* bytes of the last answer */

/* ---- a Redis --------------------------------------------------------- */

static void s_send_slowly(int fd, const char *bytes, size_t size)
{
    for (size_t sent = 0; sent < size; sent += slice) {
        size_t more = size - sent < slice ? size - sent : slice;
        if (send(fd, bytes + sent, more, MSG_NOSIGNAL) < 0)
            return;
        usleep(20000);
    }
}

static void s_answer(int fd, const char *question)
{
    char info[64], text[128];
    if (strstr(question, "GET")) {
        s_send_slowly(fd, "$40\r\n0123456789012345678901234567890123456789\r\n",
                      47);
        return;
    }
    if (broken && strstr(question, "SET")) {
        ck_assert_int_gt(send(fd, "-NOPERM no\r\n", 12, MSG_NOSIGNAL), 0);
        return;
    }
    snprintf(info, sizeof info, "# Server\r\nredis_version:%s\r\n", version);
    snprintf(text, sizeof text, "$%zu\r\n%s\r\n", strlen(info), info);
    ck_assert_int_gt(send(fd, text, strlen(text), MSG_NOSIGNAL), 0);
}

/* Reads 64 KB each 20 ms, and answers when it has all of a long command. */
static void *s_serve_slowly(void *arg)
{
    static char part[1 << 16];
    size_t all = 0;
    (void)arg;
    int fd = accept(listener, NULL, NULL);
    for (ssize_t size; (size = read(fd, part, sizeof part)) > 0;) {
        if (!all)
            s_answer(fd, "INFO");
        all += (size_t)size;
        if (all > LONG_BYTES)
            ck_assert_int_gt(send(fd, "+OK\r\n", 5, MSG_NOSIGNAL), 0);
        usleep(20000);
    }
    close(fd);
    return NULL;
}

static void *s_serve(void *arg)
{
    (void)arg;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        char question[256];
        for (ssize_t size; (size = read(fd, question, 255)) > 0;) {
            question[size] = '\0';
            s_answer(fd, question);
        }
    }
    return NULL;
}

static void s_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    inet_pton(AF_INET, GOOD, &address.sin_addr);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (void *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    getsockname(listener, (void *)&address, &size);
    url = (redis_url_t){.host = (char *)"canvas", ntohs(address.sin_port)};
    pthread_create(&server, NULL, s_serve, NULL);
}

/* ---- the link on a loop ---------------------------------------------- */

static void s_on_up(void *context)
{
    (void)context;
    ups++;
}

static void s_on_down(void *context)
{
    (void)context;
}

static const redis_link_events_t s_events = {s_on_up, s_on_down};

static void s_both(const char *host, resolver_answer_t *answer)
{
    ck_assert_str_eq(host, "canvas");
    *answer = (resolver_answer_t){.count = 2, .text = {BAD, GOOD}};
    look_ups++;
}

static void s_late(const char *host, resolver_answer_t *answer)
{
    asked++;
    usleep(300000);
    s_both(host, answer);
}

static void s_none(const char *host, resolver_answer_t *answer)
{
    (void)host;
    answer->error = "no such name";
}

static int s_on_tick(zloop_t *zloop, int timer, void *arg)
{
    bool (*done)(void) = *(bool (**)(void))arg;
    (void)zloop, (void)timer;
    return ++ticks && done() ? -1 : 0;
}

/* Turns the loop until `done`, counting its ticks of 10 ms. */
static void s_until(bool (*done)(void))
{
    ticks = 0;
    int timer = zloop_timer(loop, 10, PATIENCE_MS / 10, s_on_tick, &done);
    zloop_start(loop);
    zloop_timer_end(loop, timer);
    ck_assert(done());
}

static bool s_is_up(void)
{
    return ups;
}

static bool s_was_asked(void)
{
    return asked;
}

static bool s_is_old(void)
{
    const char *why = redis_link_trouble(redis);
    return why && strstr(why, "Redis 6 is too old");
}

static bool s_is_nameless(void)
{
    const char *why = redis_link_trouble(redis);
    return why && !strcmp(why, "canvas: no such name");
}

static bool s_has_answer(void)
{
    return got;
}

static void s_start(resolver_look_up_fn look_up)
{
    resolver_use(look_up);
    redis = redis_link_new(loop, &url, 200, &s_events, NULL);
}

static void s_set_up(void)
{
    version = "7.0.15";
    slice = 0;
    broken = false;
    ups = look_ups = 0;
    asked = 0;
    got = 0;
    s_listen();
    loop = zloop_new();
    zloop_set_nonstop(loop, true);
}

static void s_end_server(void)
{
    shutdown(listener, SHUT_RDWR);
    close(listener);
    pthread_join(server, NULL);
}

static void s_tear_down(void)
{
    redis_link_destroy(&redis);
    zloop_destroy(&loop);
    s_end_server();
    resolver_use(NULL);
}

/* ---- facts ----------------------------------------------------------- */

START_TEST(the_second_address_is_tried_when_nobody_is_at_the_first)
{
    s_start(s_both);
    s_until(s_is_up);
    ck_assert_uint_eq(look_ups, 1); /* in one round, without a pause */
    ck_assert_ptr_null(redis_link_trouble(redis));
}
END_TEST

START_TEST(the_loop_goes_on_while_a_name_server_is_silent)
{
    s_start(s_late);
    s_until(s_is_up);
    ck_assert_uint_ge(ticks, 10);
}
END_TEST

START_TEST(a_link_that_ends_does_not_wait_for_the_name)
{
    s_start(s_late);
    s_until(s_was_asked);
    int64_t began_ms = zclock_mono();
    redis_link_destroy(&redis);
    ck_assert_int_lt(zclock_mono() - began_ms, 200);
}
END_TEST

START_TEST(a_name_that_nobody_has_is_said)
{
    s_start(s_none);
    s_until(s_is_nameless);
}
END_TEST

START_TEST(a_redis_before_7_is_refused_by_name)
{
    version = "6.0.16";
    s_start(s_both);
    s_until(s_is_old);
    ck_assert_uint_eq(ups, 0);
}
END_TEST

static void s_on_board(void *context, uint64_t argument,
                       const struct redisReply *reply)
{
    (void)context, (void)argument;
    got = reply->len;
}

START_TEST(an_answer_longer_than_the_timeout_is_waited_for_while_it_comes)
{
    slice = 1; /* 47 bytes, 20 ms each: five times the timeout */
    s_start(s_both);
    s_until(s_is_up);
    const char *get[2] = {"GET", "board"};
    redis_link_call(redis, s_on_board, 0, 2, get, NULL);
    s_until(s_has_answer);
    ck_assert_uint_eq(got, 40);
}
END_TEST

/* A socket in a folder, since it holds less than the network does. */
static void s_listen_slowly(const char *folder)
{
    static struct sockaddr_un address;
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/redis", folder);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (void *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    url = (redis_url_t){.path = address.sun_path};
    pthread_create(&server, NULL, s_serve_slowly, NULL);
}

static void s_on_stored(void *context, uint64_t argument,
                        const struct redisReply *reply)
{
    (void)context, (void)argument, (void)reply;
    got++;
}

START_TEST(a_command_longer_than_the_timeout_is_waited_for_while_it_goes)
{
    char folder[90];
    s_end_server();
    s_new_folder(folder, sizeof folder, "link");
    s_listen_slowly(folder);
    s_start(s_both);
    s_until(s_is_up);
    const char *set[3] = {"SET", "board", mem_zalloc(1, LONG_BYTES)};
    const size_t sizes[3] = {3, 5, LONG_BYTES};
    redis_link_call(redis, s_on_stored, 0, 3, set, sizes);
    s_until(s_has_answer);
    ck_assert_uint_eq(ups, 1);
    free((char *)set[2]);
    unlink(url.path);
    rmdir(folder);
}
END_TEST

static bool s_has_rested(void)
{
    return ticks >= 60; /* three times the timeout */
}

START_TEST(a_link_over_which_nothing_is_asked_stays)
{
    s_start(s_both);
    s_until(s_is_up);
    s_until(s_has_rested);
    ck_assert_uint_eq(ups, 1);
    ck_assert(redis_link_is_up(redis));
}
END_TEST

static void s_on_word(void *context, uint64_t argument,
                      const struct redisReply *reply)
{
    (void)context;
    got = argument;
    if (reply->type == REDIS_REPLY_ERROR)
        redis_link_drop(redis, reply->str);
    else
        redis_link_settled(redis);
}

/* Another kind of answer than s_on_word. */
static void s_on_other(void *context, uint64_t argument,
                       const struct redisReply *reply)
{
    s_on_word(context, argument, reply);
}

static void s_say(redis_reply_fn on_reply, const char *word)
{
    const char *words[1] = {word};
    got = ups = 0;
    redis_link_call(redis, on_reply, 1, 1, words, NULL);
    s_until(s_has_answer);
}

/* Not at the speed of the loop, and not with a line for each time. */
START_TEST(what_always_fails_is_one_trouble_though_all_else_works)
{
    s_start(s_both);
    s_until(s_is_up);
    broken = true;
    for (int i = 0; i < 5; i++) {
        s_say(s_on_other, "SET");
        s_until(s_is_up); /* again */
        s_say(s_on_word, "LEAD");
        ck_assert_str_eq(redis_link_trouble(redis), "NOPERM no");
        ck_assert(redis_link_is_up(redis));
    }
    broken = false;
    s_say(s_on_other, "SET");
    ck_assert_ptr_null(redis_link_trouble(redis));
}
END_TEST

Suite *suite_broker_redis_link(void);
Suite *suite_broker_redis_link(void)
{
    Suite *suite = suite_create("broker/redis_link");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_set_up, s_tear_down);
    tcase_set_timeout(facts, 20);
    tcase_add_test(facts,
                   the_second_address_is_tried_when_nobody_is_at_the_first);
    tcase_add_test(facts, the_loop_goes_on_while_a_name_server_is_silent);
    tcase_add_test(facts, a_link_that_ends_does_not_wait_for_the_name);
    tcase_add_test(facts, a_name_that_nobody_has_is_said);
    tcase_add_test(facts, a_redis_before_7_is_refused_by_name);
    tcase_add_test(
        facts, an_answer_longer_than_the_timeout_is_waited_for_while_it_comes);
    tcase_add_test(
        facts, a_command_longer_than_the_timeout_is_waited_for_while_it_goes);
    tcase_add_test(facts, a_link_over_which_nothing_is_asked_stays);
    tcase_add_test(facts,
                   what_always_fails_is_one_trouble_though_all_else_works);
    suite_add_tcase(suite, facts);
    return suite;
}
