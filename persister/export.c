/* SPDX-License-Identifier: Apache-2.0 */
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
    row_fn row;
    bool palette; /* needs one */
} format_t;

static const format_t formats[] = {
    {"csv", "seq,placed_at,user,x,y,color", export_csv_row, false},
    {"reddit", "timestamp,user_id,pixel_color,coordinate", export_reddit_row,
     true},
};

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
    uint64_t next;
} export_t;

static bool s_visit(void *context, const record_t *records, size_t count)
{
    export_t *self = context;
    char row[EXPORT_ROW_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t length = self->format->row(row, &records[i], &self->canvas);
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
    if (store->ops->open(store, &state) != STORE_OK)
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
