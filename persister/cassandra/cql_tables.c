/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema and the statements. What Keyspaces lacks is not used: indexes and
 * materialised views (so placements stand twice), TRUNCATE, aggregates, more
 * than 30 statements in a batch, rows of a megabyte. There tables are made in
 * the background: their state is asked until it is ACTIVE.
 */
#include "persister/cassandra/store_cql.h"

#include "common/clock.h"
#include "common/mem.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_MS 120000
#define POLL_MS 1000
#define TEXT_MAX 640

/* In all texts %s is the keyspace. */
static const struct {
    const char *name, *text;
} tables[] = {
    {"placements", "CREATE TABLE IF NOT EXISTS %s.placements ("
                   "x int, y int, seq bigint, placed_at timestamp, "
                   "user blob, color int, PRIMARY KEY ((x, y), seq)) "
                   "WITH CLUSTERING ORDER BY (seq DESC)"},
    {"placements_by_user",
     "CREATE TABLE IF NOT EXISTS %s.placements_by_user ("
     "user blob, seq bigint, placed_at timestamp, x int, y int, "
     "color int, PRIMARY KEY (user, seq)) "
     "WITH CLUSTERING ORDER BY (seq DESC)"},
    {"journal", "CREATE TABLE IF NOT EXISTS %s.journal ("
                "chunk bigint, first bigint, last bigint, data blob, "
                "PRIMARY KEY (chunk, first, last))"},
    {"snapshot_heads",
     "CREATE TABLE IF NOT EXISTS %s.snapshot_heads ("
     "shelf int, seq bigint, taken_at timestamp, digest bigint, "
     "size bigint, parts int, body text, canvas text, "
     "PRIMARY KEY (shelf, seq)) WITH CLUSTERING ORDER BY (seq DESC)"},
    {"snapshot_parts", "CREATE TABLE IF NOT EXISTS %s.snapshot_parts ("
                       "body text, part int, data blob, "
                       "PRIMARY KEY (body, part))"},
    {"meta", "CREATE TABLE IF NOT EXISTS %s.meta ("
             "name text PRIMARY KEY, checkpoint bigint, epoch bigint)"},
};

#define TABLES (sizeof tables / sizeof *tables)
#define ROW "seq, placed_at, user, x, y, color"

static const char *const statements[CQL_STATEMENTS] = {
    [CQL_PLACE] = "INSERT INTO %s.placements (" ROW ") "
                  "VALUES (?, ?, ?, ?, ?, ?)",
    [CQL_PLACE_BY_USER] = "INSERT INTO %s.placements_by_user (" ROW ") "
                          "VALUES (?, ?, ?, ?, ?, ?)",
    [CQL_BLOB_PUT] = "INSERT INTO %s.journal (chunk, first, last, data) "
                     "VALUES (?, ?, ?, ?)",
    [CQL_STATE_GET] = "SELECT checkpoint, epoch FROM %s.meta "
                      "WHERE name = 'state'",
    [CQL_STATE_FIRST] = "INSERT INTO %s.meta (name, checkpoint, epoch) "
                        "VALUES ('state', ?, ?) IF NOT EXISTS",
    [CQL_STATE_MOVE] = "UPDATE %s.meta SET checkpoint = ?, epoch = ? "
                       "WHERE name = 'state' "
                       "IF checkpoint = ? AND epoch = ?",
    [CQL_MARK_GET] = "SELECT checkpoint, epoch FROM %s.meta WHERE name = ?",
    [CQL_MARK_PUT] = "INSERT INTO %s.meta (name, checkpoint, epoch) "
                     "VALUES (?, ?, ?)",
    [CQL_MARK_DROP] = "DELETE FROM %s.meta WHERE name = ?",
    [CQL_BLOB_DROP] = "DELETE FROM %s.journal "
                      "WHERE chunk = ? AND first = ? AND last = ?",
    [CQL_ROW_DROP] = "DELETE FROM %s.placements "
                     "WHERE x = ? AND y = ? AND seq = ?",
    [CQL_ROW_DROP_BY_USER] = "DELETE FROM %s.placements_by_user "
                             "WHERE user = ? AND seq = ?",
    [CQL_PIXEL] = "SELECT " ROW " FROM %s.placements "
                  "WHERE x = ? AND y = ? LIMIT 1",
    [CQL_USER] = "SELECT " ROW " FROM %s.placements_by_user "
                 "WHERE user = ? LIMIT 1",
    [CQL_HISTORY] = "SELECT " ROW " FROM %s.placements "
                    "WHERE x = ? AND y = ? AND seq < ?",
    [CQL_USER_HISTORY] = "SELECT " ROW " FROM %s.placements_by_user "
                         "WHERE user = ? AND seq < ?",
    [CQL_SCAN] = "SELECT data FROM %s.journal "
                 "WHERE chunk = ? AND first >= ? AND first <= ?",
    [CQL_PLACEMENTS] = "SELECT " ROW " FROM %s.placements",
    [CQL_HEAD_PUT] = "INSERT INTO %s.snapshot_heads (shelf, seq, taken_at, "
                     "digest, size, parts, body, canvas) "
                     "VALUES (0, ?, ?, ?, ?, ?, ?, ?)",
    [CQL_HEADS] = "SELECT seq, taken_at, digest, size, parts, body, canvas "
                  "FROM %s.snapshot_heads WHERE shelf = 0 AND seq <= ?",
    [CQL_HEAD_DROP] = "DELETE FROM %s.snapshot_heads "
                      "WHERE shelf = 0 AND seq = ?",
    [CQL_PART_PUT] = "INSERT INTO %s.snapshot_parts (body, part, data) "
                     "VALUES (?, ?, ?)",
    [CQL_PARTS] = "SELECT part, data FROM %s.snapshot_parts WHERE body = ?",
    [CQL_PARTS_DROP] = "DELETE FROM %s.snapshot_parts WHERE body = ?",
};

/* `text` with the keyspace in it; the caller owns it. */
static char *s_text(const store_cql_t *self, const char *text)
{
    const char *place = strstr(text, "%s");
    char *made = mem_alloc(TEXT_MAX);
    snprintf(made, TEXT_MAX, "%.*s%s%s", (int)(place - text), text,
             self->keyspace, place + 2);
    return made;
}

void cql_statements_fill(store_cql_t *self)
{
    _Static_assert(CQL_STATEMENTS <= CQL_STATEMENTS_MAX, "room for all");
    self->statements.count = CQL_STATEMENTS;
    for (size_t i = 0; i < CQL_STATEMENTS; i++)
        self->statements.texts[i] = s_text(self, statements[i]);
}

/* ---- Creation ------------------------------------------------------------ */

/* The first value of the first row, as text. */
typedef struct {
    bool found;
    char text[64];
} cell_t;

static bool s_on_cell(cql_call_t *call, cql_reply_t *reply)
{
    cell_t *cell = call->context;
    cql_bytes_t values[CQL_COLUMNS_MAX];
    cell->found = reply->result == CQL_RESULT_ROWS && reply->column_count > 0 &&
                  cql_row_next(reply, values) == CQL_OK && values[0].bytes;
    if (cell->found)
        snprintf(cell->text, sizeof cell->text, "%.*s", (int)values[0].size,
                 (const char *)values[0].bytes);
    return true;
}

/* Runs a statement as text; *error is the server's, or 0. */
static store_result_t s_run(cql_client_t *client, const char *text,
                            cell_t *cell, int32_t *error)
{
    cell_t ignored;
    cql_call_t call = {.timeout_ms = CQL_LONG_MS,
                       .context = cell ? cell : &ignored,
                       .on_result = s_on_cell};
    cql_query(&call.frame, text, CQL_LOCAL_QUORUM);
    store_result_t result = cql_client_ask(client, &call);
    cql_writer_fini(&call.frame);
    if (error)
        *error = call.error;
    return result;
}

/* Until the query's cell is `wanted`, or there at all where that is NULL. */
static store_result_t s_wait(cql_client_t *client, const char *query,
                             const char *wanted)
{
    uint64_t deadline_ms = clock_mono_ms() + READY_MS;
    for (;;) {
        cell_t cell = {0};
        store_result_t result = s_run(client, query, &cell, NULL);
        if (result != STORE_OK ||
            (cell.found && (!wanted || strcmp(cell.text, wanted) == 0)))
            return result;
        if (clock_mono_ms() >= deadline_ms) {
            cql_client_fail(client, "the tables are not ready yet");
            return STORE_RETRY;
        }
        poll(NULL, 0, POLL_MS);
    }
}

static store_result_t s_create_keyspace(store_cql_t *self, cql_client_t *client,
                                        bool managed)
{
    char find[256], make[320];
    cell_t there = {0}, centre = {0};
    snprintf(find, sizeof find,
             "SELECT keyspace_name FROM system_schema.keyspaces "
             "WHERE keyspace_name = '%s'",
             self->keyspace);
    store_result_t result = s_run(client, find, &there, NULL);
    if (result != STORE_OK || there.found)
        return result;
    result =
        s_run(client, "SELECT data_center FROM system.local", &centre, NULL);
    if (result != STORE_OK)
        return result;
    if (managed)
        snprintf(make, sizeof make,
                 "CREATE KEYSPACE IF NOT EXISTS %s WITH replication = "
                 "{'class': 'SingleRegionStrategy'}",
                 self->keyspace);
    else
        snprintf(make, sizeof make,
                 "CREATE KEYSPACE IF NOT EXISTS %s WITH replication = "
                 "{'class': 'NetworkTopologyStrategy', '%s': %u}",
                 self->keyspace, centre.text, self->replicas);
    result = s_run(client, make, NULL, NULL);
    return result == STORE_OK ? s_wait(client, find, NULL) : result;
}

static store_result_t s_create_all(store_cql_t *self, cql_client_t *client)
{
    int32_t error = 0;
    store_result_t result =
        s_run(client, "SELECT status FROM system_schema_mcs.tables LIMIT 1",
              NULL, &error);
    bool managed = result == STORE_OK; /* it is Keyspaces */
    if (!managed && error != CQL_ERROR_INVALID &&
        error != CQL_ERROR_UNAUTHORIZED)
        return result;
    result = s_create_keyspace(self, client, managed);
    for (size_t i = 0; i < TABLES && result == STORE_OK; i++) {
        char *text = s_text(self, tables[i].text);
        result = s_run(client, text, NULL, NULL);
        free(text);
    }
    for (size_t i = 0; managed && i < TABLES && result == STORE_OK; i++) {
        char query[256];
        snprintf(query, sizeof query,
                 "SELECT status FROM system_schema_mcs.tables "
                 "WHERE keyspace_name = '%s' AND table_name = '%s'",
                 self->keyspace, tables[i].name);
        result = s_wait(client, query, "ACTIVE");
    }
    return result;
}

store_result_t cql_create_tables(store_t *base)
{
    store_cql_t *self = (store_cql_t *)base;
    /* The store's own client would prepare statements on tables that are not
     * there yet. */
    cql_statements_t none = {0};
    cql_client_t *client = cql_client_new(&self->options, &none, 1);
    store_result_t result = cql_client_open(client, CQL_OPEN_MS);
    if (result == STORE_OK)
        result = s_create_all(self, client);
    if (result != STORE_OK)
        cql_client_fail(self->client, "%s", cql_client_error(client));
    cql_client_destroy(&client);
    return result;
}
