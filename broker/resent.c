/* SPDX-License-Identifier: Apache-2.0
 *
 * See resent.h.
 */
#include "broker/resent.h"

#include "common/clock.h"
#include "common/mem.h"

#include <stdlib.h>

typedef struct {
    uint64_t user;
    uint64_t seq; /* 0: empty */
    uint32_t request;
    bool keyless;
} entry_t;

struct resent {
    entry_t *slots; /* NULL: no index yet */
    size_t mask, count;
    uint64_t next;        /* every record before this seq is in */
    uint64_t asked_at_ms; /* mono */
};

resent_t *resent_new(void)
{
    return mem_zalloc(1, sizeof(resent_t));
}

void resent_destroy(resent_t **self_p)
{
    if (*self_p) {
        free((*self_p)->slots);
        free(*self_p);
        *self_p = NULL;
    }
}

void resent_clear(resent_t *self)
{
    free(self->slots);
    *self = (resent_t){0};
}

void resent_rest(resent_t *self)
{
    if (self->slots && clock_mono_ms() - self->asked_at_ms > RESENT_WINDOW_MS)
        resent_clear(self);
}

static entry_t *s_slot(const resent_t *self, uint64_t user, uint32_t request,
                       bool keyless)
{
    uint64_t h =
        (user ^ ((uint64_t)request << 1 | keyless)) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32) & self->mask;
    while (self->slots[i].seq &&
           (self->slots[i].user != user || self->slots[i].request != request ||
            self->slots[i].keyless != keyless))
        i = (i + 1) & self->mask;
    return &self->slots[i];
}

static void s_grow(resent_t *self)
{
    entry_t *old = self->slots;
    size_t slots = old ? self->mask + 1 : 0;
    self->mask = (slots ? slots * 2 : 4096) - 1;
    self->slots = mem_zalloc(self->mask + 1, sizeof *self->slots);
    for (size_t i = 0; i < slots; i++)
        if (old[i].seq)
            *s_slot(self, old[i].user, old[i].request, old[i].keyless) = old[i];
    free(old);
}

static void s_add(resent_t *self, const record_t *record)
{
    if (!self->slots || self->count * 2 > self->mask)
        s_grow(self);
    bool keyless = record->flags & RECORD_KEYLESS;
    entry_t *slot = s_slot(self, record->user, record->request, keyless);
    self->count += !slot->seq;
    *slot = (entry_t){record->user, record->seq, record->request, keyless};
}

/* Where the index begins: a minute back, but not too many records. */
static uint64_t s_begin(const history_t *history)
{
    uint64_t now_ms = clock_wall_ms();
    uint64_t from = history_since(
        history, now_ms > RESENT_WINDOW_MS ? now_ms - RESENT_WINDOW_MS : 0);
    uint64_t next = history_next(history);
    return next - from > RESENT_RECORDS_MAX ? next - RESENT_RECORDS_MAX : from;
}

static void s_follow(resent_t *self, const history_t *history)
{
    if (self->slots && self->count > RESENT_RECORDS_MAX * 2)
        resent_clear(self);
    if (!self->slots || self->next < history_first(history))
        self->next = s_begin(history);
    if (!self->slots)
        s_grow(self);
    while (self->next < history_next(history)) {
        size_t count;
        const uint8_t *bytes =
            history_slice(history, self->next, SIZE_MAX, &count);
        for (size_t i = 0; i < count; i++) {
            record_t record = record_decode(bytes + i * RECORD_BYTES);
            s_add(self, &record);
        }
        self->next += count;
    }
}

uint64_t resent_find(resent_t *self, const history_t *history, uint64_t user,
                     uint32_t request, bool keyless)
{
    self->asked_at_ms = clock_mono_ms();
    s_follow(self, history);
    return s_slot(self, user, request, keyless)->seq;
}
