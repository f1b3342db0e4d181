/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole broker on a thread, before the Redis of redis_peer.h: from its first
 * look to SIGTERM.
 */
#include "broker/serve.h"

#include "broker/metrics.h"
#include "common/bus_socket.h"

#include "tests/unit/broker/redis_peer.h"

#include <signal.h>

/* {1, epoch, seq, digest, canvas, born, chain, sure}, of a Redis without a
 * canvas; a look has the lease, entries and trimmed behind it.
 */
#define NIL "$-1\r\n"
#define EMPTY(epoch) ":1\r\n$1\r\n" epoch "\r\n" NIL NIL NIL NIL NIL ":0\r\n"
#define LOOK(lease) "*11\r\n" EMPTY("5") lease "\r\n*0\r\n$1\r\n0\r\n"
#define LED "*8\r\n" EMPTY("6")

static broker_config_t config;
static char where[128], bind_to[140];
static _Atomic bool stopped;

static void s_set_up_broker(void)
{
    sigset_t set;
    s_set_up();
    zsys_handler_set(NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM); /* as main() has it */
    sigprocmask(SIG_BLOCK, &set, NULL);
    snprintf(where, sizeof where, "unix:%s", path);
    snprintf(bind_to, sizeof bind_to, "ipc://%s.bus", path);
    stopped = false;
    config = (broker_config_t){.common = {.curve = (char *)"off"},
                               .bind = bind_to,
                               .redis = where,
                               .key_prefix = (char *)"p",
                               .redis_timeout_ms = 3000,
                               .lease_ms = 1000,
                               .publish_ms = 20,
                               .batch_max = 100,
                               .log_limit = 1000,
                               .jwt_key_file = (char *)"",
                               .jwks_file = (char *)"",
                               .restore = (char *)"never",
                               .size = (char *)"20x10",
                               .bits = 4};
}

/* ZeroMQ leaves them. */
static void s_tear_down_broker(void)
{
    static const bus_channel_t channels[] = {BUS_INGRESS, BUS_FEED, BUS_JOURNAL,
                                             BUS_CONTROL};
    for (size_t i = 0; i < 4; i++) {
        char endpoint[BUS_ENDPOINT_MAX];
        bus_endpoint(endpoint, bind_to, channels[i]);
        unlink(endpoint + strlen("ipc://"));
    }
    s_tear_down();
}

static void *s_run(void *arg)
{
    serve_t *serve = serve_new(&config);
    (void)arg;
    ck_assert_ptr_nonnull(serve);
    serve_run(serve);
    serve_destroy(&serve);
    stopped = true;
    return NULL;
}

/* How often that script was called. */
static unsigned s_calls(const char *sha)
{
    unsigned calls = 0;
    for (unsigned i = 0; i < asks; i++)
        calls +=
            asked[i]->elements > 1 && !strcmp(asked[i]->element[1]->str, sha);
    return calls;
}

/* It has written the board, renewed the lease again, and told the edges so:
 * when it began to lead, and each second. */
static bool s_is_led(void)
{
    return s_calls("sha08") && s_calls("sha01") > 1 &&
           metrics[METRIC_BEATS] > 2;
}

static bool s_is_stopped(void)
{
    return stopped;
}

START_TEST(a_broker_leads_until_sigterm_and_gives_its_lease_back)
{
    pthread_t thread;
    s_answers(LOOK(":100"), LOOK(":100"));
    answers[2] = LOOK(":100"); /* another's, then nobody's */
    answers[3] = LOOK(":-2");
    answers[4] = LED;
    pthread_create(&thread, NULL, s_run, NULL);
    s_until(s_is_led);
    ck_assert_uint_eq(s_calls("sha02"), 0);
    kill(getpid(), SIGTERM);
    s_until(s_is_stopped);
    ck_assert_uint_eq(s_calls("sha02"), 1);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_broker_that_cannot_begin_is_none)
{
    config.size = (char *)"20";
    ck_assert_ptr_null(serve_new(&config));
    config.size = (char *)"20x10";
    config.redis = (char *)"http://redis";
    ck_assert_ptr_null(serve_new(&config));
    config.redis = where;
    config.bind = (char *)"ipc:///nowhere/broker";
    ck_assert_ptr_null(serve_new(&config));
}
END_TEST

Suite *suite_broker_serve(void);
Suite *suite_broker_serve(void)
{
    Suite *suite = suite_create("broker/serve");
    TCase *tc = tcase_create("serve");
    tcase_add_checked_fixture(tc, s_set_up_broker, s_tear_down_broker);
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, a_broker_leads_until_sigterm_and_gives_its_lease_back);
    tcase_add_test(tc, a_broker_that_cannot_begin_is_none);
    suite_add_tcase(suite, tc);
    return suite;
}
