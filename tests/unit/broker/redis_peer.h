/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger in Redis on a loop of its own, before a Redis that is a queue of
 * answers at the other end of a socket in a folder: what it was asked is kept,
 * word by word, and what the ledger makes of its answers stands in `heard`.
 */
#ifndef TESTS_BROKER_REDIS_PEER_H
#define TESTS_BROKER_REDIS_PEER_H

#include "broker/redis_ledger.h"
#include "broker/redis_scripts.h"

#include <check.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PATIENCE_MS 5000
#define ASKED_MAX 64
#define DONE "*1\r\n:1\r\n"
#define REFUSED "*1\r\n:0\r\n"
#define NOTHING "" /* it is silent */

static zloop_t *loop;
static ledger_t *ledger;
static redis_url_t url;
static redis_ledger_options_t options;
static char path[108];
static int listener, peer;
static redisReader *words;

static const char *answers[ASKED_MAX]; /* to what comes behind the scripts */
static unsigned answered;
static const char *of_scripts; /* its answer to SCRIPT LOAD; NULL: a name */
static redisReply *asked[ASKED_MAX]; /* behind the scripts */
static unsigned asks, scripts;
static bool in_order; /* the scripts came as they are numbered */

static char heard[4096]; /* a word for each event */
static ledger_lead_t lead;
static ledger_look_t look;
static char lead_canvas[64];

/* ---- what the ledger says -------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void s_hear(const char *format,
                                                         ...)
{
    size_t at = strlen(heard);
    va_list list;
    va_start(list, format);
    vsnprintf(heard + at, sizeof heard - at, format, list);
    va_end(list);
    strncat(heard, " ", sizeof heard - strlen(heard) - 1);
}

#define HEAR_PLAIN(name)                                                       \
    static void s_on_##name(void *context)                                     \
    {                                                                          \
        ck_assert_ptr_eq(context, heard);                                      \
        s_hear(#name);                                                         \
    }
HEAR_PLAIN(ready)
HEAR_PLAIN(lost)
HEAR_PLAIN(released)
HEAR_PLAIN(loaded)

#define HEAR_DONE(name)                                                        \
    static void s_on_##name(void *context, bool done)                          \
    {                                                                          \
        ck_assert_ptr_eq(context, heard);                                      \
        s_hear(#name ":%d", done);                                             \
    }
HEAR_DONE(renew)
HEAR_DONE(commit)
HEAR_DONE(put)
HEAR_DONE(canvas)

#define HEAR_BYTES(name)                                                       \
    static void s_on_##name(void *context, const void *bytes, size_t size)     \
    {                                                                          \
        ck_assert_ptr_eq(context, heard);                                      \
        s_hear(#name ":%.*s", (int)size, bytes ? (const char *)bytes : "");    \
    }
HEAR_BYTES(board)
HEAR_BYTES(policy)

static void s_on_lead(void *context, const ledger_lead_t *now)
{
    ck_assert_ptr_eq(context, heard);
    lead = *now;
    snprintf(lead_canvas, sizeof lead_canvas, "%.*s",
             (int)now->meta.canvas_size,
             now->meta.canvas ? now->meta.canvas : "");
    s_hear("lead:%d", now->result);
}

static void s_on_bans(void *context, const uint64_t *users, size_t count)
{
    ck_assert_ptr_eq(context, heard);
    s_hear("bans:%zu:%" PRIu64, count, count ? users[0] : 0);
}

static void s_on_log(void *context, const ledger_entry_t *entry)
{
    ck_assert_ptr_eq(context, heard);
    s_hear("log:%zu", entry->count);
}

static void s_on_looked(void *context, const ledger_look_t *now)
{
    ck_assert_ptr_eq(context, heard);
    look = *now;
    s_hear("looked");
}

static const ledger_events_t s_events = {.on_ready = s_on_ready,
                                         .on_lost = s_on_lost,
                                         .on_lead = s_on_lead,
                                         .on_renew = s_on_renew,
                                         .on_commit = s_on_commit,
                                         .on_put = s_on_put,
                                         .on_canvas = s_on_canvas,
                                         .on_released = s_on_released,
                                         .on_board = s_on_board,
                                         .on_bans = s_on_bans,
                                         .on_policy = s_on_policy,
                                         .on_log = s_on_log,
                                         .on_loaded = s_on_loaded,
                                         .on_looked = s_on_looked};

/* ---- the Redis ------------------------------------------------------- */

static void *s_send_rest(void *text)
{
    for (const char *at = text; *at;) {
        ssize_t size = send(peer, at, strlen(at), MSG_NOSIGNAL);
        if (size < 0)
            break;
        at += size;
    }
    return NULL;
}

/* What is longer than the socket holds is sent by a thread, since the loop is
 * the one that reads it. */
static void s_send(const char *text)
{
    pthread_t thread;
    size_t size = strlen(text);
    ssize_t sent = send(peer, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    ck_assert_int_gt(sent, 0);
    if ((size_t)sent == size)
        return;
    pthread_create(&thread, NULL, s_send_rest, (void *)(text + sent));
    pthread_detach(thread);
}

static void s_load_script(const char *source)
{
    char name[32];
    snprintf(name, sizeof name, "$5\r\nsha%02u\r\n", scripts);
    in_order = in_order && !strcmp(source, redis_scripts[scripts]);
    s_send(of_scripts ? of_scripts : name);
    scripts++;
}

/* Keeps it, unless it only belongs to a connection that begins. */
static void s_answer(redisReply *command)
{
    if (!strcmp(command->element[0]->str, "INFO")) {
        s_send("$28\r\nredis_version:7.0\nmaxmemory:\r\n");
        freeReplyObject(command);
    } else if (!strcmp(command->element[0]->str, "SCRIPT")) {
        s_load_script(command->element[2]->str);
        freeReplyObject(command);
    } else {
        const char *answer = answers[answered];
        ck_assert_uint_lt(asks, ASKED_MAX);
        asked[asks++] = command;
        answered += answer != NULL;
        s_send(answer ? answer : DONE);
    }
}

static int s_on_words(zloop_t *zloop, zmq_pollitem_t *item, void *arg)
{
    static char bytes[1 << 16];
    (void)arg;
    ssize_t size = recv(peer, bytes, sizeof bytes, 0);
    if (size <= 0) {
        zloop_poller_end(zloop, item);
        close(peer);
        peer = -1;
        return 0;
    }
    redisReaderFeed(words, bytes, (size_t)size);
    for (void *command;
         redisReaderGetReply(words, &command) == REDIS_OK && command;)
        s_answer(command);
    return 0;
}

static int s_on_accept(zloop_t *zloop, zmq_pollitem_t *item, void *arg)
{
    (void)item, (void)arg;
    peer = accept(listener, NULL, NULL);
    scripts = 0;
    zmq_pollitem_t came = {.fd = peer, .events = ZMQ_POLLIN};
    zloop_poller(zloop, &came, s_on_words, NULL);
    return 0;
}

static void s_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/redis-XXXXXX", folder ? folder : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/redis", path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (void *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    snprintf(path, sizeof path, "%s", address.sun_path);
    url = (redis_url_t){.path = path};
    zmq_pollitem_t item = {.fd = listener, .events = ZMQ_POLLIN};
    zloop_poller(loop, &item, s_on_accept, NULL);
}

/* ---- a test's words -------------------------------------------------- */

static int64_t patience_until;

static int s_on_tick(zloop_t *zloop, int timer, void *arg)
{
    bool (*done)(void) = *(bool (**)(void))arg;
    (void)zloop, (void)timer;
    return done() || zclock_mono() > patience_until ? -1 : 0;
}

/* Turns the loop until `done`. */
static void s_until(bool (*done)(void))
{
    int timer = zloop_timer(loop, 1, 0, s_on_tick, &done);
    patience_until = zclock_mono() + PATIENCE_MS;
    zloop_start(loop);
    zloop_timer_end(loop, timer);
    ck_assert_msg(done(), "heard: %s", heard);
}

static const char *awaited;

static bool s_is_heard(void)
{
    return strstr(heard, awaited);
}

/* Waits for an event, and that nothing else was heard before it. */
static inline void s_await(const char *events)
{
    awaited = events;
    s_until(s_is_heard);
    ck_assert_str_eq(heard, events);
    heard[0] = '\0';
}

static unsigned awaited_asks;

static bool s_is_asked(void)
{
    return asks >= awaited_asks;
}

/* Waits until Redis was asked that often. */
static inline void s_await_asks(unsigned count)
{
    awaited_asks = count;
    s_until(s_is_asked);
    ck_assert_uint_eq(asks, count);
}

/* The next answers. */
static inline void s_answers(const char *first, const char *second)
{
    answered = 0;
    memset(answers, 0, sizeof answers);
    answers[0] = first;
    answers[1] = first ? second : NULL;
}

/* The words of a question, but for those of a script's keys, parted by blanks.
 */
static inline const char *s_asked(unsigned i)
{
    static char text[4096];
    ck_assert_uint_lt(i, asks);
    size_t size = 0;
    bool script = !strcmp(asked[i]->element[0]->str, "EVALSHA");
    for (size_t w = script ? 1 : 0; w < asked[i]->elements; w++)
        if (!script || w == 1 || w > 10)
            size +=
                (size_t)snprintf(text + size, sizeof text - size, "%s%s",
                                 size ? " " : "", asked[i]->element[w]->str);
    return text;
}

/* The bytes of a script's word behind its keys. */
static inline const redisReply *s_word_of(unsigned i, size_t word)
{
    ck_assert_uint_lt(11 + word, asked[i]->elements);
    return asked[i]->element[11 + word];
}

static inline void s_open(void)
{
    ledger = redis_ledger_new(&options, &s_events, heard);
}

static inline void s_set_up(void)
{
    loop = zloop_new();
    zloop_set_nonstop(loop, true);
    words = redisReaderCreate();
    asks = scripts = 0;
    peer = -1;
    of_scripts = NULL;
    in_order = true;
    heard[0] = '\0';
    s_answers(NULL, NULL);
    s_listen();
    options = (redis_ledger_options_t){.loop = loop,
                                       .url = &url,
                                       .key_prefix = "p",
                                       .timeout_ms = 3000,
                                       .lease_ms = 4000,
                                       .token = 0xabc};
}

/* … and a ledger that is ready. */
static inline void s_set_up_ready(void)
{
    s_set_up();
    s_open();
    s_await("ready ");
}

static inline void s_tear_down(void)
{
    ledger_destroy(&ledger);
    ck_assert_ptr_null(ledger);
    zloop_destroy(&loop);
    close(listener);
    if (peer >= 0)
        close(peer);
    redisReaderFree(words);
    for (unsigned i = 0; i < asks; i++)
        freeReplyObject(asked[i]);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

#endif
