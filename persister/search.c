/* SPDX-License-Identifier: Apache-2.0
 *
 * See search.h.
 */
#include "persister/search.h"

#include "common/clock.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

/* Rows of an index read at once; records of the journal at first, doubled each
 * time up to the most. */
#define PAGE 256
#define WINDOW_LEAST 4096u
#define WINDOW_MOST 131072u
#define CLOCK_STEP_MS 60000u

typedef struct {
    search_t *found;
    store_t *store;
    const bus_look_t *look;
    uint64_t least, most; /* the seqs that the times leave */
    uint64_t until_ms;    /* mono: when the page ends */
    record_t *window;     /* what fits in one, ascending */
    size_t window_count, window_room;
    uint64_t window_first; /* actions end behind this */
    control_t *actions;
    size_t actions_count, actions_room;
    control_reader_t reader;
} look_t;

static bool s_fits(const look_t *self, const record_t *record)
{
    const bus_look_t *look = self->look;
    return !record_is_control(record) && record->x != CONTROL_NOWHERE &&
           selection_has(&look->of, record) &&
           (look->color == BUS_ANY_COLOR || look->color == record->color);
}

/* ---- times as seqs ------------------------------------------------------ */

static bool s_keep_one(void *context, const record_t *records, size_t count)
{
    (void)count;
    *(record_t *)context = records[0];
    return false;
}

store_result_t search_record(store_t *store, uint64_t seq, record_t *record)
{
    return store->ops->scan(store, seq, seq, s_keep_one, record);
}

/* The least seq up to `most` + 1 that was placed at `ms` or later; what the
 * journal has no more is older. */
static store_result_t s_seq_at(look_t *self, uint64_t ms, uint64_t most,
                               uint64_t *seq)
{
    uint64_t low = 1, high = most + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        record_t record;
        store_result_t result = search_record(self->store, middle, &record);
        if (result != STORE_OK && result != STORE_NONE)
            return result;
        if (result == STORE_NONE || record.placed_at_ms < ms)
            low = middle + 1;
        else
            high = middle;
    }
    *seq = low;
    return STORE_OK;
}

static store_result_t s_bound(look_t *self, uint64_t checkpoint)
{
    const selection_t *of = &self->look->of;
    uint64_t until_ms = of->until_ms + CLOCK_STEP_MS, beyond;
    self->least = 1;
    self->most = of->upto < checkpoint ? of->upto : checkpoint;
    if (!(of->has & HAS_TIME))
        return STORE_OK;
    store_result_t result = s_seq_at(
        self, of->from_ms > CLOCK_STEP_MS ? of->from_ms - CLOCK_STEP_MS : 0,
        self->most, &self->least);
    if (result != STORE_OK || until_ms < of->until_ms)
        return result;
    result = s_seq_at(self, until_ms + 1, self->most, &beyond);
    if (result == STORE_OK)
        self->most = beyond - 1;
    return result;
}

/* ---- by an index --------------------------------------------------------- */

/* False: the page is full, or the time over. */
static bool s_take_page(look_t *self, const store_page_t *page)
{
    search_t *found = self->found;
    for (size_t i = 0; i < page->count; i++) {
        const record_t *record = &page->records[i];
        if (record->seq < self->least) {
            found->next = 0;
            return false;
        }
        if (!s_fits(self, record))
            continue;
        if (found->count == self->look->limit) {
            found->next = found->records[found->count - 1].seq - 1;
            return false;
        }
        found->records[found->count++] = *record;
    }
    found->next = page->before ? page->before - 1 : 0;
    return found->next && clock_mono_ms() < self->until_ms;
}

static store_result_t s_by_index(look_t *self)
{
    record_t records[PAGE];
    const store_ops_t *ops = self->store->ops;
    const selection_t *of = &self->look->of;
    store_page_t page = {
        .before = self->most + 1, .records = records, .max = PAGE};
    store_result_t result;
    do
        result = of->has & HAS_USER
                     ? ops->user_history(self->store, of->user, &page)
                     : ops->history(self->store, of->x0, of->y0, &page);
    while (result == STORE_OK && s_take_page(self, &page));
    return result;
}

/* ---- by the journal -------------------------------------------------------
 */

static bool s_is_action(const look_t *self, const control_t *action)
{
    const selection_t *of = &self->look->of;
    return action->seq >= self->window_first && action->seq <= self->most &&
           (!(of->has & HAS_USER) || action->by == of->user) &&
           (!(of->has & HAS_TIME) ||
            (action->at_ms >= of->from_ms && action->at_ms <= of->until_ms));
}

static void s_keep_action(look_t *self, const control_t *action)
{
    if (self->actions_count == self->actions_room) {
        self->actions_room = self->actions_room * 2 + 16;
        self->actions = mem_realloc(self->actions, self->actions_room,
                                    sizeof *self->actions);
    }
    self->actions[self->actions_count++] = *action;
}

static void s_keep(look_t *self, const record_t *record)
{
    if (self->window_count == self->window_room) {
        self->window_room = self->window_room * 2 + 256;
        self->window =
            mem_realloc(self->window, self->window_room, sizeof *self->window);
    }
    self->window[self->window_count++] = *record;
}

static bool s_on_records(void *context, const record_t *records, size_t count)
{
    look_t *self = context;
    bool actions = self->look->kind == LOOK_ACTIONS;
    for (size_t i = 0; i < count; i++) {
        control_t action;
        if (!actions && s_fits(self, &records[i]))
            s_keep(self, &records[i]);
        else if (actions && record_is_control(&records[i]) &&
                 control_read(&self->reader, &records[i], &action) &&
                 s_is_action(self, &action))
            s_keep_action(self, &action);
    }
    return true;
}

/* The window's, newest first. False: the page is full. */
static bool s_take_window(look_t *self)
{
    search_t *found = self->found;
    size_t limit = self->look->limit;
    bool actions = self->look->kind == LOOK_ACTIONS;
    size_t count = actions ? self->actions_count : self->window_count;
    for (size_t i = count; i--; found->count++) {
        if (found->count == limit) {
            found->next = (actions ? found->controls[limit - 1].seq
                                   : found->records[limit - 1].seq) -
                          1;
            return false;
        }
        if (actions)
            found->controls[found->count] = self->actions[i];
        else
            found->records[found->count] = self->window[i];
    }
    return true;
}

/* An action that ends in a window may begin before it. */
static store_result_t s_by_journal(look_t *self)
{
    uint64_t high = self->most, window = WINDOW_LEAST;
    store_result_t result = STORE_OK;
    while (high >= self->least && high) {
        uint64_t low = high > window ? high - window + 1 : 1;
        if (low < self->least)
            low = self->least;
        window = window < WINDOW_MOST ? window * 2 : window;
        uint64_t from =
            self->look->kind == LOOK_ACTIONS
                ? low > CONTROL_RECORDS_MAX ? low - CONTROL_RECORDS_MAX : 1
                : low;
        self->window_first = low;
        self->window_count = self->actions_count = 0;
        self->reader = (control_reader_t){0};
        result =
            self->store->ops->scan(self->store, from, high, s_on_records, self);
        self->found->next = 0;
        if (result != STORE_OK || !s_take_window(self))
            break;
        high = low - 1;
        self->most = high;
        if (high >= self->least && (self->found->count == self->look->limit ||
                                    clock_mono_ms() >= self->until_ms)) {
            self->found->next = high;
            break;
        }
    }
    /* Where the journal begins above `least` there is no more. */
    return result == STORE_NONE ? STORE_OK : result;
}

store_result_t search_run(search_t *self, source_t *source,
                          const bus_look_t *look)
{
    const selection_t *of = &look->of;
    look_t run = {.found = self,
                  .store = source->store,
                  .look = look,
                  .until_ms = clock_mono_ms() + SEARCH_MS};
    *self = (search_t){
        .records = mem_zalloc(look->limit, sizeof *self->records),
        .controls = look->kind == LOOK_ACTIONS
                        ? mem_zalloc(look->limit, sizeof *self->controls)
                        : NULL};
    bool pixel = (of->has & HAS_BOX) && of->x0 == of->x1 && of->y0 == of->y1;
    bool index =
        look->kind == LOOK_PLACEMENTS && ((of->has & HAS_USER) || pixel);
    store_result_t result = s_bound(&run, source->state.checkpoint);
    if (result == STORE_OK && run.most >= run.least)
        result = index ? s_by_index(&run) : s_by_journal(&run);
    free(run.window);
    free(run.actions);
    return result;
}

void search_fini(search_t *self)
{
    free(self->records);
    free(self->controls);
    *self = (search_t){0};
}
