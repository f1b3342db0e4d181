/* SPDX-License-Identifier: Apache-2.0
 *
 * czmq's frames, messages and actors over the simulated bus.
 */
#include "tests/sim/heap.h"
#include "tests/sim/shim.h"

#include <czmq.h>

/* ---- zframe ----------------------------------------------------------- */

struct _zframe_t {
    size_t size;
    byte *bytes;
};

zframe_t *zframe_new(const void *bytes, size_t size)
{
    zframe_t *self = heap_alloc(sizeof *self);
    self->size = size;
    self->bytes = heap_alloc(size + 1);
    if (bytes)
        memcpy(self->bytes, bytes, size);
    return self;
}

void zframe_destroy(zframe_t **self_p)
{
    if (*self_p) {
        heap_free((*self_p)->bytes);
        heap_free(*self_p);
    }
    *self_p = NULL;
}

byte *zframe_data(zframe_t *self)
{
    return self->bytes;
}

size_t zframe_size(zframe_t *self)
{
    return self->size;
}

zframe_t *zframe_dup(zframe_t *self)
{
    return zframe_new(self->bytes, self->size);
}

void zframe_reset(zframe_t *self, const void *bytes, size_t size)
{
    heap_free(self->bytes);
    self->size = size;
    self->bytes = heap_alloc(size + 1);
    memcpy(self->bytes, bytes, size);
}

zframe_t *zframe_recv(void *source)
{
    message_t *message = sock_receive(sock_of(source));
    if (!message)
        return NULL;
    zframe_t *self =
        zframe_new(message->frames[0].bytes, message->frames[0].size);
    message_free(message);
    return self;
}

/* As czmq: the frame is gone only if it was sent. */
int zframe_send(zframe_t **self_p, void *to, int flags)
{
    message_t *message = message_new();
    (void)flags;
    message_add(message, (*self_p)->bytes, (*self_p)->size);
    if (sock_send(sock_of(to), message) < 0)
        return -1;
    zframe_destroy(self_p);
    return 0;
}

/* ---- zmsg ------------------------------------------------------------- */

struct _zmsg_t {
    zframe_t *frames[FRAMES_MAX];
    size_t count, at;
};

zmsg_t *zmsg_new(void)
{
    zmsg_t *self = heap_alloc(sizeof *self);
    memset(self, 0, sizeof *self);
    return self;
}

void zmsg_destroy(zmsg_t **self_p)
{
    zmsg_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        zframe_destroy(&self->frames[i]);
    heap_free(self);
}

size_t zmsg_size(zmsg_t *self)
{
    return self->count;
}

int zmsg_append(zmsg_t *self, zframe_t **frame_p)
{
    assert(self->count < FRAMES_MAX);
    self->frames[self->count++] = *frame_p;
    *frame_p = NULL;
    return 0;
}

int zmsg_addmem(zmsg_t *self, const void *bytes, size_t size)
{
    zframe_t *frame = zframe_new(bytes, size);
    return zmsg_append(self, &frame);
}

int zmsg_addstr(zmsg_t *self, const char *text)
{
    return zmsg_addmem(self, text, strlen(text));
}

zframe_t *zmsg_first(zmsg_t *self)
{
    self->at = 0;
    return self->count ? self->frames[0] : NULL;
}

zframe_t *zmsg_next(zmsg_t *self)
{
    return ++self->at < self->count ? self->frames[self->at] : NULL;
}

zframe_t *zmsg_last(zmsg_t *self)
{
    return self->count ? self->frames[self->count - 1] : NULL;
}

void zmsg_remove(zmsg_t *self, zframe_t *frame)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->frames[i] == frame) {
            memmove(&self->frames[i], &self->frames[i + 1],
                    (--self->count - i) * sizeof(zframe_t *));
            return;
        }
}

zframe_t *zmsg_pop(zmsg_t *self)
{
    zframe_t *frame = zmsg_first(self);
    if (frame)
        zmsg_remove(self, frame);
    return frame;
}

char *zmsg_popstr(zmsg_t *self)
{
    zframe_t *frame = zmsg_pop(self);
    if (!frame)
        return NULL;
    char *text = heap_alloc(frame->size + 1);
    memcpy(text, frame->bytes, frame->size);
    text[frame->size] = '\0';
    zframe_destroy(&frame);
    return text;
}

/* An actor's pipe is read as a thread reads it: until something is there, or
 * the other end is gone. */
static void s_await_message(sock_t *pipe)
{
    while (pipe->peer && !sock_readable(pipe)) {
        pipe->waiter = fiber_now();
        fiber_wait(world_now() + 10 * MS);
    }
}

zmsg_t *zmsg_recv(void *source)
{
    sock_t *sock = sock_of(source);
    s_await_message(sock);
    message_t *message = sock_receive(sock);
    if (!message)
        return NULL;
    zmsg_t *self = zmsg_new();
    for (int i = 0; i < message->count; i++)
        zmsg_addmem(self, message->frames[i].bytes, message->frames[i].size);
    message_free(message);
    return self;
}

int zmsg_send(zmsg_t **self_p, void *to)
{
    zmsg_t *self = *self_p;
    message_t *message = message_new();
    for (size_t i = 0; i < self->count; i++)
        message_add(message, self->frames[i]->bytes, self->frames[i]->size);
    if (sock_send(sock_of(to), message) < 0)
        return -1;
    zmsg_destroy(self_p);
    return 0;
}

int zstr_send(void *to, const char *text)
{
    message_t *message = message_new();
    message_add(message, text, strlen(text));
    return sock_send(sock_of(to), message);
}

char *zstr_recv(void *source)
{
    zmsg_t *message = zmsg_recv(source);
    char *text = message ? zmsg_popstr(message) : NULL;
    zmsg_destroy(&message);
    return text;
}

/* ---- zactor ----------------------------------------------------------- */

typedef struct {
    zactor_fn *run;
    void *arg;
    sock_t *pipe;
} task_t;

static void s_run(void *arg)
{
    task_t task = *(task_t *)arg;
    heap_free(arg);
    task.run(task.pipe, task.arg);
    sock_free(task.pipe);
}

/* Until the other end of the pipe says something, or is gone. */
static void s_await(sock_t *pipe)
{
    s_await_message(pipe);
    if (sock_readable(pipe))
        message_free(sock_receive(pipe));
}

zactor_t *zactor_new(zactor_fn run, void *arg)
{
    actor_t *self = heap_alloc(sizeof *self);
    task_t *task = heap_alloc(sizeof *task);
    sock_t *inner = sock_new(ZMQ_PAIR);
    self->tag = ACTOR_TAG;
    self->pipe = sock_new(ZMQ_PAIR);
    self->pipe->peer = inner;
    inner->peer = self->pipe;
    *task = (task_t){run, arg, inner};
    self->fiber = fiber_start(process_now(), s_run, task);
    s_await(self->pipe);
    return (zactor_t *)self;
}

void zactor_destroy(zactor_t **self_p)
{
    actor_t *self = (actor_t *)*self_p;
    if (!self)
        return;
    zstr_send(self, "$TERM");
    while (self->pipe->peer)
        s_await(self->pipe);
    sock_free(self->pipe);
    heap_free(self);
    *self_p = NULL;
}

zsock_t *zactor_sock(zactor_t *self)
{
    return ((actor_t *)self)->pipe;
}

/* ---- zsys ------------------------------------------------------------- */

void zsys_handler_set(zsys_handler_fn *handler)
{
    (void)handler;
}

__attribute__((format(printf, 1, 2))) char *zsys_sprintf(const char *format,
                                                         ...)
{
    char text[512];
    va_list words;
    va_start(words, format);
    int length = vsnprintf(text, sizeof text, format, words);
    va_end(words);
    char *copy = heap_alloc((size_t)length + 1);
    return memcpy(copy, text, (size_t)length + 1);
}

/* Pipes of actors are unbounded here. */
void zsys_set_pipehwm(size_t mark)
{
    (void)mark;
}

void zsys_shutdown(void)
{
}
