/* SPDX-License-Identifier: Apache-2.0
 *
 * One pixel's or one user's placements out of the SQLite store, newest first:
 * those that are not merged yet by looking through them, the rest from link to
 * link, and what has no links (store_sqlite.h) by looking through the rows
 * again, so many at once.
 */
#include "persister/sqlite/store_sqlite.h"

#include <sqlite3.h>

/* Rows looked through for one page: some ten milliseconds. */
#define LOOK_MAX 200000u
/* Links passed on the way to where a page begins. */
#define PASS_MAX 100000u

/* What leads from one placement of a pixel, or of a user, to the one before. */
typedef struct {
    sql_t span, newest, earlier;
    const char *from, *to; /* in meta: where links count */
} trail_t;

static const trail_t s_pixels = {SQL_PIXEL_SPAN, SQL_PIXEL_SEQ, SQL_EARLIER_GET,
                                 "linked_from", "linked"};
static const trail_t s_users = {SQL_USER_SPAN, SQL_USER_SEQ,
                                SQL_USER_EARLIER_GET, "user_linked_from",
                                "user_linked"};

typedef struct {
    store_sqlite_t *store;
    const trail_t *trail;
    uint64_t user;  /* of s_users */
    uint16_t x, y;  /* of s_pixels */
    uint64_t below; /* placements below this seq */
    uint64_t merged, linked_from;
    store_page_t *page;
} walk_t;

/* One number of the first row; 0: there is no row. */
static store_result_t s_number(store_sqlite_t *self, sql_t sql, uint64_t key,
                               uint64_t *number)
{
    sqlite3_stmt *statement = self->statements[sql];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)key);
    int code = sqlite3_step(statement);
    *number =
        code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    store_result_t result = STORE_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        result = sqlite_failure(self, "history");
    sqlite3_reset(statement);
    return result;
}

/* NONE where no such placement is. */
static store_result_t s_placement(store_sqlite_t *self, uint64_t seq,
                                  record_t *record)
{
    sqlite3_stmt *statement = self->statements[SQL_PLACEMENT];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    int code = sqlite3_step(statement);
    store_result_t result = STORE_NONE;
    if (code == SQLITE_ROW) {
        *record = sqlite_record(statement);
        result = STORE_OK;
    } else if (code != SQLITE_DONE) {
        result = sqlite_failure(self, "history");
    }
    sqlite3_reset(statement);
    return result;
}

static bool s_is_on(const walk_t *self, const record_t *record)
{
    return self->trail == &s_users
               ? record->user == self->user
               : record->x == self->x && record->y == self->y;
}

static uint64_t s_key(const walk_t *self)
{
    return self->trail == &s_users ? self->user
                                   : (uint64_t)self->y << 16 | self->x;
}

/* Looks through low + 1 … below - 1. *full: the page ended in there. */
static store_result_t s_look(walk_t *self, uint64_t low, uint64_t below,
                             bool *full)
{
    store_sqlite_t *store = self->store;
    sqlite3_stmt *statement = store->statements[self->trail->span];
    int code = SQLITE_DONE;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)low);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)below);
    if (self->trail == &s_users) {
        sqlite3_bind_int64(statement, 3, (sqlite3_int64)self->user);
    } else {
        sqlite3_bind_int(statement, 3, self->x);
        sqlite3_bind_int(statement, 4, self->y);
    }
    *full = false;
    while (!*full && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        record_t record = sqlite_record(statement);
        *full = !store_page_add(self->page, &record);
    }
    store_result_t result = STORE_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(store, "history");
    sqlite3_reset(statement);
    return result;
}

/* As much of what lies below as one page may look through. */
static store_result_t s_look_down(walk_t *self, uint64_t below)
{
    bool full;
    uint64_t low = below > LOOK_MAX ? below - LOOK_MAX : 0;
    store_result_t result = s_look(self, low, below, &full);
    if (!full && low)
        self->page->before = low + 1;
    return result;
}

/* The newest linked placement to begin from: behind the one that the last page
 * ended with, else the newest of all. */
static store_result_t s_start(walk_t *self, uint64_t *seq)
{
    record_t last;
    store_result_t result = STORE_NONE;
    if (self->below <= self->merged)
        result = s_placement(self->store, self->below, &last);
    if (result == STORE_OK && s_is_on(self, &last))
        return s_number(self->store, self->trail->earlier, self->below, seq);
    if (result != STORE_OK && result != STORE_NONE)
        return result;
    return s_number(self->store, self->trail->newest, s_key(self), seq);
}

/* From `seq`, one of those placements, from link to link. */
static store_result_t s_follow(walk_t *self, uint64_t seq)
{
    store_result_t result = STORE_OK;
    size_t passed = 0;
    while (result == STORE_OK && seq >= self->linked_from && seq) {
        record_t record;
        if (seq < self->below) {
            result = s_placement(self->store, seq, &record);
            if (result == STORE_OK && !store_page_add(self->page, &record))
                return STORE_OK;
        } else if (++passed > PASS_MAX) {
            return s_look_down(self, self->below);
        }
        if (result == STORE_OK)
            result = s_number(self->store, self->trail->earlier, seq, &seq);
    }
    if (result != STORE_OK || !seq)
        return result == STORE_NONE
                   ? sqlite_refuse(self->store, "a link leads nowhere")
                   : result;
    return s_look_down(self, seq + 1 < self->below ? seq + 1 : self->below);
}

/* Where links count; nowhere if another version merged since. */
static store_result_t s_read_meta(walk_t *self)
{
    store_sqlite_t *store = self->store;
    uint64_t linked = 0;
    store_result_t result = sqlite_meta_get(store, "merged", &self->merged);
    if (result == STORE_OK)
        result = sqlite_meta_get(store, self->trail->from, &self->linked_from);
    if (result == STORE_OK)
        result = sqlite_meta_get(store, self->trail->to, &linked);
    if (linked != self->merged || !store->links)
        self->linked_from = self->merged + 1;
    return result;
}

/* Inside a transaction: between two statements tables may be merged. */
static store_result_t s_walk(walk_t *self)
{
    uint64_t seq = 0;
    bool full;
    store_result_t result = s_read_meta(self);
    if (result == STORE_OK)
        result = s_look(self, self->merged, self->below, &full);
    if (result != STORE_OK || full)
        return result;
    if (self->below > self->merged)
        self->below = self->merged + 1;
    if (self->below <= self->linked_from)
        return s_look_down(self, self->below);
    result = s_start(self, &seq);
    return result == STORE_OK ? s_follow(self, seq) : result;
}

static store_result_t s_history(walk_t *walk)
{
    store_page_t *page = walk->page;
    walk->below = page->before < INT64_MAX ? page->before : INT64_MAX;
    store_page_begin(page);
    store_result_t result = sqlite_run(walk->store, SQL_BEGIN_READ);
    if (result == STORE_OK)
        result = s_walk(walk);
    sqlite_abandon(walk->store);
    return result;
}

store_result_t sqlite_history(store_t *base, uint16_t x, uint16_t y,
                              store_page_t *page)
{
    walk_t walk = {.store = (store_sqlite_t *)base,
                   .trail = &s_pixels,
                   .x = x,
                   .y = y,
                   .page = page};
    return s_history(&walk);
}

store_result_t sqlite_user_history(store_t *base, uint64_t user,
                                   store_page_t *page)
{
    walk_t walk = {.store = (store_sqlite_t *)base,
                   .trail = &s_users,
                   .user = user,
                   .page = page};
    return s_history(&walk);
}
