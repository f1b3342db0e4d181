/* SPDX-License-Identifier: Apache-2.0
 *
 * hiredis' asynchronous API as far as redis_link.c uses it, and with its
 * habits: callbacks of what is pending run with NULL before the context goes,
 * redisAsyncFree inside a callback only marks it.
 */
#include "tests/sim/heap.h"
#include "tests/sim/redis_parts.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static rconn_t *s_conn(const redisAsyncContext *self)
{
    return rconn_of(process_now(), self->c.fd);
}

short fd_ready(process_t *process, int fd)
{
    if (fd == FD_SIGNALS)
        return process->stopping ? ZMQ_POLLIN : 0;
    const rconn_t *conn = rconn_of(process, fd);
    if (!conn)
        return 0;
    short mask = 0;
    if (conn->established || conn->client_down)
        mask |= ZMQ_POLLOUT;
    if (conn->arrived || conn->client_down)
        mask |= ZMQ_POLLIN;
    return mask;
}

/* ---- replies ---------------------------------------------------------- */

static redisReply *s_reply(const reply_t *from)
{
    static const int types[] = {
        [REPLY_NIL] = REDIS_REPLY_NIL,
        [REPLY_INTEGER] = REDIS_REPLY_INTEGER,
        [REPLY_STRING] = REDIS_REPLY_STRING,
        [REPLY_STATUS] = REDIS_REPLY_STATUS,
        [REPLY_ERROR] = REDIS_REPLY_ERROR,
        [REPLY_ARRAY] = REDIS_REPLY_ARRAY,
    };
    redisReply *to = heap_alloc(sizeof *to);
    memset(to, 0, sizeof *to);
    to->type = types[from->type];
    to->integer = from->integer;
    if (from->bytes) {
        to->str = heap_alloc(from->size + 1);
        memcpy(to->str, from->bytes, from->size + 1);
        to->len = from->size;
    }
    if (from->type != REPLY_ARRAY)
        return to;
    to->elements = from->size;
    to->element = heap_alloc((from->size + 1) * sizeof *to->element);
    for (size_t i = 0; i < from->size; i++)
        to->element[i] = s_reply(from->elements[i]);
    return to;
}

void freeReplyObject(void *object)
{
    redisReply *reply = object;
    for (size_t i = 0; i < reply->elements; i++)
        freeReplyObject(reply->element[i]);
    heap_free(reply->element);
    heap_free(reply->str);
    heap_free(reply);
}

/* ---- the context ------------------------------------------------------ */

/* An empty sds: what is always left to be written. */
static char s_nothing[2];

redisAsyncContext *redisAsyncConnectUnix(const char *path)
{
    (void)path;
    redisAsyncContext *self = heap_alloc(sizeof *self);
    memset(self, 0, sizeof *self);
    self->errstr = self->c.errstr;
    self->c.obuf = s_nothing + 1;
    self->c.fd = rconn_new(process_now())->fd;
    return self;
}

redisAsyncContext *redisAsyncConnect(const char *host, int port)
{
    (void)host, (void)port;
    return redisAsyncConnectUnix("");
}

int redisAsyncSetConnectCallback(redisAsyncContext *self,
                                 redisConnectCallback *fn)
{
    self->onConnect = fn;
    if (self->ev.addWrite)
        self->ev.addWrite(self->ev.data);
    return REDIS_OK;
}

int redisAsyncSetDisconnectCallback(redisAsyncContext *self,
                                    redisDisconnectCallback *fn)
{
    self->onDisconnect = fn;
    return REDIS_OK;
}

static bool s_next_callback(redisAsyncContext *self, redisCallback *callback)
{
    redisCallback *first = self->replies.head;
    if (!first)
        return false;
    *callback = *first;
    self->replies.head = first->next;
    if (!first->next)
        self->replies.tail = NULL;
    heap_free(first);
    return true;
}

static void s_run(redisAsyncContext *self, redisCallback *callback,
                  redisReply *reply)
{
    if (!callback->fn)
        return;
    self->c.flags |= REDIS_IN_CALLBACK;
    callback->fn(self, reply, callback->privdata);
    self->c.flags &= ~REDIS_IN_CALLBACK;
}

static void s_free(redisAsyncContext *self)
{
    redisCallback callback;
    while (s_next_callback(self, &callback))
        s_run(self, &callback, NULL);
    if (self->ev.cleanup)
        self->ev.cleanup(self->ev.data);
    if (self->onDisconnect && (self->c.flags & REDIS_CONNECTED))
        self->onDisconnect(self, self->err ? REDIS_ERR : REDIS_OK);
    rconn_t *conn = s_conn(self);
    if (conn)
        rconn_close(conn);
    heap_free(self);
}

void redisAsyncFree(redisAsyncContext *self)
{
    self->c.flags |= REDIS_FREEING;
    if (!(self->c.flags & REDIS_IN_CALLBACK))
        s_free(self);
}

static void s_disconnect(redisAsyncContext *self, const char *why)
{
    self->err = self->c.err = REDIS_ERR_EOF;
    snprintf(self->c.errstr, sizeof self->c.errstr, "%s", why);
    self->c.flags |= REDIS_DISCONNECTING;
    s_free(self);
}

/* False: it is not connected, or gone. */
static bool s_connected(redisAsyncContext *self)
{
    rconn_t *conn = s_conn(self);
    if (self->c.flags & REDIS_CONNECTED)
        return true;
    if (conn->client_down) {
        if (self->onConnect)
            self->onConnect(self, REDIS_ERR);
        s_disconnect(self, "Connection refused");
        return false;
    }
    if (!conn->established)
        return false;
    self->c.flags |= REDIS_CONNECTED;
    if (self->onConnect)
        self->onConnect(self, REDIS_OK);
    return true;
}

void redisAsyncHandleRead(redisAsyncContext *self)
{
    if (!s_connected(self))
        return;
    rconn_t *conn = s_conn(self);
    self->ev.addRead(self->ev.data);
    for (answer_t *answer; (answer = conn->arrived);) {
        redisCallback callback;
        conn->arrived = answer->next;
        redisReply *reply = s_reply(answer->reply);
        reply_free(answer->reply);
        free(answer);
        if (s_next_callback(self, &callback))
            s_run(self, &callback, reply);
        freeReplyObject(reply);
        if (self->c.flags & REDIS_FREEING) {
            s_free(self);
            return;
        }
    }
    if (conn->client_down)
        s_disconnect(self, "Server closed the connection");
}

void redisAsyncHandleWrite(redisAsyncContext *self)
{
    if (!s_connected(self))
        return;
    /* Nothing is kept back: requests went out as they were made. */
    self->ev.delWrite(self->ev.data);
    self->ev.addRead(self->ev.data);
}

int redisAsyncCommandArgv(redisAsyncContext *self, redisCallbackFn *fn,
                          void *privdata, int count, const char **words,
                          const size_t *sizes)
{
    if (self->c.flags & (REDIS_DISCONNECTING | REDIS_FREEING))
        return REDIS_ERR;
    redisCallback *callback = heap_alloc(sizeof *callback);
    *callback = (redisCallback){.fn = fn, .privdata = privdata};
    if (self->replies.tail)
        self->replies.tail->next = callback;
    else
        self->replies.head = callback;
    self->replies.tail = callback;
    request_t *request = calloc(1, sizeof *request);
    request->count = (size_t)count;
    request->words = calloc((size_t)count, sizeof *request->words);
    for (int i = 0; i < count; i++) {
        size_t size = sizes ? sizes[i] : strlen(words[i]);
        char *copy = malloc(size + 1);
        memcpy(copy, words[i], size);
        copy[size] = '\0';
        request->words[i] = (word_t){copy, size};
    }
    rconn_ask(s_conn(self), request);
    self->ev.addWrite(self->ev.data);
    return REDIS_OK;
}
