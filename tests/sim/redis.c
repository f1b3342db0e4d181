/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis.h: the servers. Their clients' side is redis_client.c.
 */
#include "tests/sim/redis_parts.h"

#include "tests/sim/check.h"
#include "tests/sim/lua_scripts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERVICE_LEAST 20000
#define SERVICE_MOST 200000
#define FSYNC_LEAST (MS / 10)
#define FSYNC_MOST (3 * MS)

typedef struct {
    db_t *db, *synced, *kept;
    bool up, full, read_only;
    uint64_t run;
    uint64_t loading_until, paused_until, slow, busy_until;
} server_t;

static server_t s_servers[REDISES];
static fsync_t s_mode;
static unsigned s_routes[PROCESSES_MAX];
static rconn_t *s_conns;
static uint64_t s_numbers;

static uint64_t s_now_ms(void)
{
    return world_now() / MS;
}

const db_t *redis_db(unsigned redis)
{
    return s_servers[redis].db;
}

unsigned redis_primary(void)
{
    unsigned votes = 0;
    for (unsigned i = 0; i < process_count; i++)
        votes += processes[i].kind == KIND_BROKER && s_routes[i];
    return votes > 1;
}

void redis_route(const process_t *process, unsigned redis)
{
    s_routes[process->number] = redis;
}

/* ---- requests --------------------------------------------------------- */

static bool s_word_is(const word_t *word, const char *text)
{
    return word->size == strlen(text) &&
           !strncasecmp(word->bytes, text, word->size);
}

static reply_t *s_load_script(const request_t *request)
{
    char sha[41];
    if (request->count < 3)
        return reply_error("ERR wrong number of arguments");
    script_load(&request->words[2], sha);
    return reply_string(sha, 40);
}

static reply_t *s_execute(server_t *server, const request_t *request)
{
    bool script = s_word_is(&request->words[0], "EVALSHA");
    if (s_word_is(&request->words[0], "SCRIPT"))
        return s_load_script(request);
    if (world_now() < server->loading_until)
        return reply_error("LOADING Redis is loading the dataset in memory");
    if (server->read_only && (script || db_command_writes(&request->words[0])))
        return reply_error(
            "READONLY You can't write against a read only replica.");
    reply_t *reply = script ? script_run(server->db, s_now_ms(), server->full,
                                         request->count, request->words)
                            : db_call(server->db, s_now_ms(), server->full,
                                      request->count, request->words);
    check_redis((unsigned)(server - s_servers));
    return reply;
}

static void s_free_request(request_t *request)
{
    for (size_t i = 0; i < request->count; i++)
        free((void *)(uintptr_t)request->words[i].bytes);
    free(request->words);
    free(request);
}

static bool s_cut(const rconn_t *self, bool towards_server)
{
    unsigned host = HOST_REDIS + self->redis;
    return towards_server ? net_is_cut(self->process->number, host)
                          : net_is_cut(host, self->process->number);
}

static uint64_t s_latency(const rconn_t *self)
{
    return net_latency(self->process->number, HOST_REDIS + self->redis);
}

static rconn_t *s_find(uint64_t number)
{
    rconn_t *conn = s_conns;
    while (conn && conn->number != number)
        conn = conn->next;
    return conn;
}

/* ---- replies on their way --------------------------------------------- */

static void s_on_reply(void *object, uint64_t number, uint64_t unused)
{
    rconn_t *self = s_find(number);
    (void)object, (void)unused;
    if (!self || !self->client || self->client_down)
        return;
    if (s_cut(self, false))
        return; /* redis_look goes on */
    while (self->coming && self->coming->at <= world_now()) {
        answer_t *answer = self->coming;
        self->coming = answer->next;
        answer->next = NULL;
        answer_t **end = &self->arrived;
        while (*end)
            end = &(*end)->next;
        *end = answer;
    }
    fd_wake(self->process, world_now() + 1000);
}

static void s_answer(rconn_t *self, reply_t *reply)
{
    answer_t *answer = calloc(1, sizeof *answer);
    uint64_t at = world_now() + s_latency(self);
    answer->reply = reply;
    answer->at = self->last_answer =
        at > self->last_answer ? at : self->last_answer + 1;
    answer_t **end = &self->coming;
    while (*end)
        end = &(*end)->next;
    *end = answer;
    world_at(answer->at, s_on_reply, NULL, self->number, 0);
}

/* ---- requests on their way -------------------------------------------- */

static uint64_t s_service(const server_t *server)
{
    uint64_t time = rng_range(SERVICE_LEAST, SERVICE_MOST);
    if (s_mode == FSYNC_ALWAYS)
        time += rng_range(FSYNC_LEAST, FSYNC_MOST);
    if (server->slow)
        time += rng_range(server->slow / 2, server->slow);
    return time;
}

/* The first request has arrived: it is done now, or waits for the server. */
static void s_on_request(void *object, uint64_t number, uint64_t unused)
{
    rconn_t *self = s_find(number);
    (void)object, (void)unused;
    if (!self)
        return;
    self->serving = false;
    server_t *server = &s_servers[self->redis];
    if (!self->server || !self->asked || s_cut(self, true))
        return;
    uint64_t wait = server->paused_until > server->busy_until
                        ? server->paused_until
                        : server->busy_until;
    if (self->asked->at > world_now())
        wait = self->asked->at;
    if (wait > world_now()) {
        self->serving = true;
        world_at(wait, s_on_request, NULL, number, 0);
        return;
    }
    request_t *request = self->asked;
    self->asked = request->next;
    server->busy_until = world_now() + s_service(server);
    check_writer(self->process, self->life);
    s_answer(self, s_execute(server, request));
    s_free_request(request);
    if (self->asked) {
        self->serving = true;
        world_at(server->busy_until, s_on_request, NULL, number, 0);
    }
}

static void s_serve(rconn_t *self)
{
    if (self->serving || !self->asked)
        return;
    self->serving = true;
    world_at(self->asked->at, s_on_request, NULL, self->number, 0);
}

void rconn_ask(rconn_t *self, request_t *request)
{
    uint64_t at = world_now() + s_latency(self);
    request->at = self->last_asked =
        at > self->last_asked ? at : self->last_asked + 1;
    request_t **end = &self->asked;
    while (*end)
        end = &(*end)->next;
    *end = request;
    s_serve(self);
}

/* ---- connections ------------------------------------------------------ */

static void s_drop_answers(answer_t **list)
{
    while (*list) {
        answer_t *answer = *list;
        *list = answer->next;
        reply_free(answer->reply);
        free(answer);
    }
}

static void s_drop_requests(rconn_t *self)
{
    while (self->asked) {
        request_t *request = self->asked;
        self->asked = request->next;
        s_free_request(request);
    }
}

static void s_free(rconn_t *self)
{
    rconn_t **at = &s_conns;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    s_drop_requests(self);
    s_drop_answers(&self->coming);
    s_drop_answers(&self->arrived);
    free(self);
}

static void s_on_established(void *object, uint64_t number, uint64_t tries)
{
    rconn_t *self = s_find(number);
    (void)object;
    if (!self || !self->client)
        return;
    if (s_cut(self, true) || s_cut(self, false)) {
        world_at(world_now() + (SECOND << (tries < 6 ? tries : 6)),
                 s_on_established, NULL, number, tries + 1);
        return;
    }
    if (s_servers[self->redis].up)
        self->server = self->established = true;
    else
        self->client_down = true;
    fd_wake(self->process, world_now() + 1000);
}

rconn_t *rconn_new(process_t *process)
{
    rconn_t *self = calloc(1, sizeof *self);
    self->process = process;
    self->life = process->life;
    self->redis = s_routes[process->number];
    self->number = ++s_numbers;
    self->fd = FD_REDIS + (int)(self->number % 10000);
    self->client = true;
    self->next = s_conns;
    s_conns = self;
    world_at(world_now() + 2 * s_latency(self), s_on_established, NULL,
             self->number, 0);
    return self;
}

static void s_on_gone(void *object, uint64_t number, uint64_t unused)
{
    rconn_t *self = s_find(number);
    (void)object, (void)unused;
    if (self && !self->client)
        s_free(self);
}

/* What was written may still arrive, and be done, long after. */
void rconn_close(rconn_t *self)
{
    self->client = false;
    if (!self->server || rng_chance(50))
        s_drop_requests(self);
    world_at(world_now() + 60 * SECOND, s_on_gone, NULL, self->number, 0);
}

rconn_t *rconn_of(const process_t *process, int fd)
{
    for (rconn_t *conn = s_conns; conn; conn = conn->next)
        if (conn->client && conn->process == process && conn->fd == fd)
            return conn;
    return NULL;
}

/* The server's end is gone; the client is told, if the path is good. */
static void s_reset(rconn_t *self)
{
    self->server = false;
    s_drop_requests(self);
    s_drop_answers(&self->coming);
    if (!self->client || s_cut(self, false))
        return;
    self->client_down = true;
    fd_wake(self->process, world_now() + s_latency(self));
}

void redis_cut(unsigned redis, const process_t *process)
{
    for (rconn_t *conn = s_conns; conn; conn = conn->next)
        if (conn->redis == redis && conn->server &&
            (!process || conn->process == process))
            s_reset(conn);
}

void redis_process_down(process_t *process)
{
    for (rconn_t *conn = s_conns; conn; conn = conn->next)
        if (conn->client && conn->process == process)
            rconn_close(conn);
}

static void s_look(void)
{
    for (rconn_t *conn = s_conns; conn; conn = conn->next) {
        if (conn->client && conn->established && !conn->server &&
            !conn->client_down && !s_cut(conn, false)) {
            conn->client_down = true; /* an answer to a re-sent segment */
            fd_wake(conn->process, world_now() + s_latency(conn));
        }
        s_serve(conn);
        if (conn->coming)
            world_at(world_now() + rng_range(MS, 200 * MS), s_on_reply, NULL,
                     conn->number, 0);
    }
}

/* ---- weather ---------------------------------------------------------- */

static void s_replace(unsigned redis, db_t *db)
{
    server_t *server = &s_servers[redis];
    db_free(&server->db);
    server->db = db;
    if (server->synced)
        db_free(&server->synced);
    server->synced = db_copy(db);
    db_set_run(db, server->run);
    check_redis_replaced(redis);
}

void redis_crash(unsigned redis, bool machine)
{
    server_t *server = &s_servers[redis];
    if (!server->up)
        return;
    trace("crash redis%u machine=%d", redis, machine);
    server->up = false;
    redis_cut(redis, NULL);
    if (machine && s_mode == FSYNC_EVERYSEC)
        s_replace(redis, db_copy(server->synced));
}

void redis_start(unsigned redis, uint64_t loading)
{
    server_t *server = &s_servers[redis];
    if (server->up)
        return;
    trace("start redis%u", redis);
    scripts_forget();
    server->up = true;
    server->run = rng_u64();
    db_set_run(server->db, server->run);
    server->loading_until = world_now() + loading;
    server->paused_until = server->busy_until = 0;
}

void redis_pause(unsigned redis, uint64_t until)
{
    trace("pause redis%u until=%.3f", redis, (double)until / 1e9);
    s_servers[redis].paused_until = until;
}

void redis_set_full(unsigned redis, bool full)
{
    trace("redis%u full=%d", redis, full);
    s_servers[redis].full = full;
}

void redis_set_slow(unsigned redis, uint64_t delay)
{
    s_servers[redis].slow = delay;
}

void redis_set_read_only(unsigned redis, bool on)
{
    trace("redis%u read_only=%d", redis, on);
    s_servers[redis].read_only = on;
}

void redis_keep(unsigned redis)
{
    server_t *server = &s_servers[redis];
    db_free(&server->kept);
    server->kept = db_copy(server->db);
}

bool redis_has_kept(unsigned redis)
{
    return s_servers[redis].kept;
}

void redis_put_back(unsigned redis)
{
    trace("redis%u put back older", redis);
    s_replace(redis, db_copy(s_servers[redis].kept));
}

void redis_empty(unsigned redis)
{
    trace("redis%u emptied", redis);
    s_replace(redis, db_new());
}

void redis_fork(void)
{
    trace("redis forks");
    s_servers[1].up = true;
    s_servers[1].read_only = s_servers[1].full = false;
    s_servers[1].busy_until = s_servers[1].paused_until = 0;
    s_replace(1, db_copy(s_servers[0].db));
}

void redis_join(unsigned winner)
{
    trace("redis joins winner=%u", winner);
    redis_cut(0, NULL);
    redis_cut(1, NULL);
    if (winner)
        s_replace(0, db_copy(s_servers[1].db));
    s_servers[1].up = false;
    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        s_routes[i] = 0;
}

void redis_hand(unsigned redis, size_t count, const char *const *words)
{
    word_t list[8];
    for (size_t i = 0; i < count; i++)
        list[i] = (word_t){words[i], strlen(words[i])};
    reply_free(db_call(s_servers[redis].db, s_now_ms(), false, count, list));
}

static void s_on_fsync(void *object, uint64_t a, uint64_t b)
{
    (void)object, (void)a, (void)b;
    for (unsigned i = 0; i < REDISES; i++)
        if (s_servers[i].up && s_servers[i].db) {
            db_free(&s_servers[i].synced);
            s_servers[i].synced = db_copy(s_servers[i].db);
        }
    world_at(world_now() + SECOND, s_on_fsync, NULL, 0, 0);
}

void redis_reset(fsync_t mode)
{
    s_mode = mode;
    while (s_conns)
        s_free(s_conns);
    s_numbers = 0;
    scripts_forget();
    for (unsigned i = 0; i < REDISES; i++) {
        db_free(&s_servers[i].db);
        db_free(&s_servers[i].synced);
        db_free(&s_servers[i].kept);
        s_servers[i] = (server_t){.db = db_new(), .synced = db_new()};
    }
    memset(s_routes, 0, sizeof s_routes);
    s_servers[0].up = true;
    on_net_heal = s_look;
    if (mode == FSYNC_EVERYSEC)
        s_on_fsync(NULL, 0, 0);
}
