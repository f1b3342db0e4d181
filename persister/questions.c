/* SPDX-License-Identifier: Apache-2.0
 *
 * See questions.h. An asker's place is free again when its last question is
 * taken.
 */
#include "persister/questions.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    zmsg_t *message;
    uint64_t came_at_ms;
} waiting_t;

typedef struct {
    zframe_t *name; /* NULL: free */
    waiting_t ring[QUESTIONS_EACH];
    unsigned head, count;
} asker_t;

struct questions {
    asker_t askers[QUESTIONS_ASKERS];
    size_t turn; /* of the asker that is looked at next */
    size_t count;
    uint64_t stale;
};

questions_t *questions_new(void)
{
    return mem_zalloc(1, sizeof(questions_t));
}

static zmsg_t *s_pop(questions_t *self, asker_t *asker)
{
    zmsg_t *message = asker->ring[asker->head].message;
    asker->head = (asker->head + 1) % QUESTIONS_EACH;
    self->count--;
    if (!--asker->count)
        zframe_destroy(&asker->name);
    return message;
}

void questions_destroy(questions_t **self_p)
{
    questions_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < QUESTIONS_ASKERS; i++)
        while (self->askers[i].count) {
            zmsg_t *message = s_pop(self, &self->askers[i]);
            zmsg_destroy(&message);
        }
    free(self);
    *self_p = NULL;
}

static bool s_is(zframe_t *a, zframe_t *b)
{
    return zframe_size(a) == zframe_size(b) &&
           !memcmp(zframe_data(a), zframe_data(b), zframe_size(a));
}

/* The asker's place, or a free one; NULL if there is neither. */
static asker_t *s_place(questions_t *self, zframe_t *name)
{
    asker_t *free_one = NULL;
    for (size_t i = 0; i < QUESTIONS_ASKERS; i++) {
        asker_t *asker = &self->askers[i];
        if (asker->name && s_is(asker->name, name))
            return asker;
        if (!asker->name && !free_one)
            free_one = asker;
    }
    return free_one;
}

bool questions_put(questions_t *self, zmsg_t **message, uint64_t now_ms)
{
    zframe_t *name = zmsg_first(*message);
    asker_t *asker = s_place(self, name);
    if (!asker || asker->count == QUESTIONS_EACH)
        return false;
    if (!asker->name)
        asker->name = zframe_dup(name);
    asker->ring[(asker->head + asker->count) % QUESTIONS_EACH] =
        (waiting_t){*message, now_ms};
    asker->count++;
    self->count++;
    *message = NULL;
    return true;
}

zmsg_t *questions_take(questions_t *self, uint64_t now_ms)
{
    while (self->count) {
        asker_t *asker = &self->askers[self->turn++ % QUESTIONS_ASKERS];
        if (!asker->count)
            continue;
        uint64_t age_ms = now_ms - asker->ring[asker->head].came_at_ms;
        zmsg_t *message = s_pop(self, asker);
        if (age_ms <= QUESTIONS_MAX_AGE_MS)
            return message;
        zmsg_destroy(&message);
        self->stale++;
    }
    return NULL;
}

size_t questions_count(const questions_t *self)
{
    return self->count;
}

uint64_t questions_stale(const questions_t *self)
{
    return self->stale;
}
