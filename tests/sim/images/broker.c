/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker's image: its real sources, main() and all, but for the thread that
 * resolves names: in the simulated world a host's name is its address.
 */
#include "broker/resolver.h"
#include "common/mem.h"

volatile int zsys_interrupted;

int main(int argc, char **argv);
int sim_main(int argc, char **argv);

int sim_main(int argc, char **argv)
{
    return main(argc, argv);
}

struct resolver {
    zloop_t *loop;
    resolver_fn on_answer;
    void *context;
    int timer; /* -1: nothing is asked */
    resolver_answer_t answer;
};

static int s_on_timer(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    resolver_t *self = arg;
    self->timer = -1;
    self->on_answer(self->context, &self->answer);
    return 0;
}

resolver_t *resolver_new(zloop_t *loop, resolver_fn on_answer, void *context)
{
    resolver_t *self = mem_zalloc(1, sizeof *self);
    self->loop = loop;
    self->on_answer = on_answer;
    self->context = context;
    self->timer = -1;
    return self;
}

void resolver_destroy(resolver_t **self_p)
{
    resolver_t *self = *self_p;
    if (!self)
        return;
    if (self->timer >= 0)
        zloop_timer_end(self->loop, self->timer);
    free(self);
    *self_p = NULL;
}

int resolver_ask(resolver_t *self, const char *host)
{
    self->answer.count = 1;
    snprintf(self->answer.text[0], sizeof self->answer.text[0], "%s", host);
    self->timer = zloop_timer(self->loop, 1, 1, s_on_timer, self);
    return 0;
}
