/* SPDX-License-Identifier: Apache-2.0
 *
 * See export.h. Each format is a row of a table: its head, and how one record
 * is printed.
 */
#include "persister/export.h"

#include "common/board.h"
#include "common/token.h"
#include "persister/snapshots.h"
#include "persister/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef size_t (*row_fn)(char *row, const record_t *record,
                         const canvas_t *canvas);

typedef struct {
    const char *name, *head;
    row_fn row;   /* of a placement; NULL: rows are actions */
    bool palette; /* needs one */
} format_t;

static const format_t formats[] = {
    {"csv", "seq,placed_at,user,x,y,color", export_csv_row, false},
    {"reddit", "timestamp,user_id,pixel_color,coordinate", export_reddit_row,
     true},
    {"controls", "seq,at,by,role,verb,user,from,until,x0,y0,x1,y1,upto,text",
     NULL, false},
};

/* Text in quotes, each of its own doubled; a control character as a blank. */
static size_t s_quote(char *row, const char *text)
{
    char *at = row;
    *at++ = '"';
    for (; *text; text++) {
        if (*text == '"')
            *at++ = '"';
        *at++ = (unsigned char)*text < ' ' ? ' ' : *text;
    }
    *at++ = '"';
    *at = '\0';
    return (size_t)(at - row);
}

size_t export_control_row(char *row, const control_t *control)
{
    char by[USER_HEX_BYTES], user[USER_HEX_BYTES];
    const selection_t *of = &control->of;
    user_to_hex(control->by, by);
    user_to_hex(of->user, user);
    size_t at = (size_t)snprintf(
        row, EXPORT_ROW_MAX,
        "%" PRIu64 ",%" PRIu64 ",%s,%s,%s,%s,%" PRIu64 ",%" PRIu64
        ",%u,%u,%u,%u,%" PRIu64 ",",
        control->seq, control->at_ms, by, rank_word(control->rank),
        control_word(control->verb), of->has & HAS_USER ? user : "",
        of->from_ms, of->until_ms, of->x0, of->y0, of->x1, of->y1, of->upto);
    at += s_quote(row + at, control->text);
    row[at++] = '\n';
    row[at] = '\0';
    return at;
}

size_t export_csv_row(char *row, const record_t *record, const canvas_t *canvas)
{
    char user[USER_HEX_BYTES];
    (void)canvas;
    user_to_hex(record->user, user);
    return (size_t)snprintf(row, EXPORT_ROW_MAX,
                            "%" PRIu64 ",%" PRIu64 ",%s,%u,%u,%u\n",
                            record->seq, record->placed_at_ms, user, record->x,
                            record->y, record->color);
}

size_t export_reddit_row(char *row, const record_t *record,
                         const canvas_t *canvas)
{
    time_t seconds = (time_t)(record->placed_at_ms / 1000);
    struct tm utc;
    char day[32], user[USER_HEX_BYTES];
    gmtime_r(&seconds, &utc);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &utc);
    user_to_hex(record->user, user);
    return (size_t)snprintf(
        row, EXPORT_ROW_MAX, "%s.%03u UTC,%s,#%06" PRIX32 ",\"%u,%u\"\n", day,
        (unsigned)(record->placed_at_ms % 1000), user,
        canvas->palette[record->color], record->x, record->y);
}

typedef struct {
    const format_t *format;
    canvas_t canvas;
    control_reader_t reader;
    uint64_t next;
} export_t;

/* The row that ends with this record; 0 if none does. */
static size_t s_row(export_t *self, char *row, const record_t *record)
{
    control_t control;
    if (!record_is_control(record))
        return self->format->row ? self->format->row(row, record, &self->canvas)
                                 : 0;
    return !self->format->row && control_read(&self->reader, record, &control)
               ? export_control_row(row, &control)
               : 0;
}

static bool s_visit(void *context, const record_t *records, size_t count)
{
    export_t *self = context;
    char row[EXPORT_ROW_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t length = s_row(self, row, &records[i]);
        if (fwrite(row, 1, length, stdout) != length)
            return false;
    }
    self->next = records[count - 1].seq + 1;
    return true;
}

static int s_fail(store_t *store, const char *what)
{
    fprintf(stderr, "stipple-persister: %s: %s\n", what,
            store->ops->error(store));
    return -1;
}

static int s_palette(store_t *store, canvas_t *canvas)
{
    store_snapshot_t snapshot;
    store_result_t result =
        store->ops->get_snapshot(store, UINT64_MAX, &snapshot);
    if (result == STORE_NONE) {
        fprintf(stderr, "stipple-persister: no snapshot tells the palette\n");
        return -1;
    }
    if (result != STORE_OK)
        return s_fail(store, "snapshot");
    int bad =
        canvas_from_json(canvas, snapshot.canvas, strlen(snapshot.canvas));
    store_snapshot_free(&snapshot);
    if (bad)
        fprintf(stderr, "stipple-persister: the newest snapshot is damaged\n");
    return bad;
}

static int s_export(export_t *self, store_t *store)
{
    store_state_t state;
    store->only_reads = true;
    if (store_open(store, &state, NULL) != STORE_OK)
        return s_fail(store, "open");
    if (self->format->palette && state.checkpoint &&
        s_palette(store, &self->canvas))
        return -1;
    if (!state.checkpoint)
        fprintf(stderr, "stipple-persister: the store is empty\n");
    self->next = 1;
    puts(self->format->head);
    store_result_t result = STORE_OK;
    if (state.checkpoint)
        result = store->ops->scan(store, 1, state.checkpoint, s_visit, self);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "stipple-persister: cannot write\n");
        return -1;
    }
    if (self->next == state.checkpoint + 1)
        return 0;
    fprintf(stderr,
            "stipple-persister: the journal ends before seq %" PRIu64
            " of %" PRIu64 "\n",
            self->next, state.checkpoint);
    return result == STORE_OK || result == STORE_NONE ? -1
                                                      : s_fail(store, "scan");
}

int export_all(const char *store_url, const char *name)
{
    export_t self = {.format = &formats[0]};
    while (strcmp(self.format->name, name))
        self.format++;
    store_t *store = store_new(store_url);
    if (!store)
        return EXIT_FAILURE;
    int bad = s_export(&self, store);
    store_destroy(&store);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
