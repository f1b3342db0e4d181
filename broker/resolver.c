/* SPDX-License-Identifier: Apache-2.0
 *
 * See resolver.h. A question belongs to its thread, which frees it; all that
 * the thread has of the resolver is the writing end of the pipe. An answer is
 * smaller than PIPE_BUF, so it is written and read whole.
 */
#include "broker/resolver.h"

#include "common/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>

_Static_assert(sizeof(resolver_answer_t) <= PIPE_BUF, "is written whole");

struct resolver {
    zloop_t *loop;
    resolver_fn on_answer;
    void *context;
    int pipe; /* the reading end; -1: nothing is asked */
};

typedef struct {
    resolver_look_up_fn look_up;
    char *host;
    int pipe; /* the writing end */
} question_t;

static void s_look_up(const char *host, resolver_answer_t *answer)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code) {
        answer->error = gai_strerror(code);
        return;
    }
    for (const struct addrinfo *at = list;
         at && answer->count < RESOLVER_ADDRESSES_MAX; at = at->ai_next)
        if (!getnameinfo(at->ai_addr, at->ai_addrlen,
                         answer->text[answer->count], INET6_ADDRSTRLEN, NULL, 0,
                         NI_NUMERICHOST))
            answer->count++;
    freeaddrinfo(list);
}

static resolver_look_up_fn s_in_use = s_look_up;

static void *s_run(void *arg)
{
    question_t *question = arg;
    resolver_answer_t answer = {.error = "it has no address"};
    question->look_up(question->host, &answer);
    /* Nobody may be left to read it. */
    if (write(question->pipe, &answer, sizeof answer) < 0)
        answer.count = 0;
    close(question->pipe);
    free(question->host);
    free(question);
    return NULL;
}

static void s_end(resolver_t *self)
{
    if (self->pipe < 0)
        return;
    zmq_pollitem_t item = {.fd = self->pipe};
    zloop_poller_end(self->loop, &item);
    close(self->pipe);
    self->pipe = -1;
}

static int s_on_readable(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop, (void)item;
    resolver_t *self = arg;
    resolver_answer_t answer;
    if (read(self->pipe, &answer, sizeof answer) != sizeof answer)
        answer = (resolver_answer_t){.error = "no answer"};
    s_end(self);
    self->on_answer(self->context, &answer);
    return 0;
}

/* A thread that blocks every signal: they are the loop's to take. */
static int s_start(question_t *question)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int code = pthread_create(&thread, &attributes, s_run, question);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int resolver_ask(resolver_t *self, const char *host)
{
    int ends[2];
    assert(self->pipe < 0);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    question_t *question = mem_alloc(sizeof *question);
    *question = (question_t){s_in_use, mem_strdup(host), ends[1]};
    self->pipe = ends[0];
    zmq_pollitem_t item = {.fd = self->pipe, .events = ZMQ_POLLIN};
    zloop_poller(self->loop, &item, s_on_readable, self);
    /* A thread that ends without an answer closes the pipe: an error, seen. */
    zloop_poller_set_tolerant(self->loop, &item);
    if (s_start(question)) {
        close(question->pipe);
        free(question->host);
        free(question);
    }
    return 0;
}

resolver_t *resolver_new(zloop_t *loop, resolver_fn on_answer, void *context)
{
    assert(loop && on_answer);
    resolver_t *self = mem_zalloc(1, sizeof *self);
    *self = (resolver_t){loop, on_answer, context, -1};
    return self;
}

void resolver_destroy(resolver_t **self_p)
{
    resolver_t *self = *self_p;
    if (!self)
        return;
    s_end(self);
    free(self);
    *self_p = NULL;
}

void resolver_use(resolver_look_up_fn look_up)
{
    s_in_use = look_up ? look_up : s_look_up;
}
