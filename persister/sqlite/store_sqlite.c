/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection of the SQLite store, its tables and state. WAL, so that
 * readers and the writer never wait for each other; synchronous=FULL, so that
 * each commit is on the disk before it is confirmed (with NORMAL the last
 * commits could be lost in a power cut, after the broker trimmed its log).
 */
#include "persister/sqlite/store_sqlite.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/stores.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID 1398034512 /* "STPP" */
#define BUSY_MS 2000

static const char *const statement_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SQL_META_SET] = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)",
    [SQL_PLACE] = "INSERT INTO placements VALUES (?,?,?,?,?,?)",
    [SQL_PIXEL_SET] = "INSERT OR REPLACE INTO pixels VALUES (?,?)",
    [SQL_USER_SET] = "INSERT OR REPLACE INTO users VALUES (?,?)",
    [SQL_PLACE_BULK] = "INSERT INTO placements VALUES (?,?,?,?,?,?)",
    [SQL_PIXELS_SET] = "INSERT OR REPLACE INTO pixels VALUES (?,?)",
    [SQL_USERS_SET] = "INSERT OR REPLACE INTO users VALUES (?,?)",
    [SQL_BLOB_PUT] = "INSERT OR REPLACE INTO journal VALUES (?1, ?2, ?3)",
    [SQL_BLOB_SCAN] =
        "SELECT first, last, blob FROM journal WHERE first <= ?2 AND first >="
        " ifnull((SELECT max(first) FROM journal WHERE first <= ?1), ?1)"
        " ORDER BY first",
    [SQL_PLACEMENTS] = "SELECT * FROM placements",
    [SQL_FRESH] = "SELECT * FROM placements WHERE seq > ?1 ORDER BY seq",
    [SQL_PIXEL_SEQ] = "SELECT seq FROM pixels WHERE pixel = ?1",
    [SQL_PLACEMENT] = "SELECT * FROM placements WHERE seq = ?1",
    [SQL_PIXEL_SPAN] = "SELECT * FROM placements WHERE seq > ?1 AND seq < ?2"
                       " AND x = ?3 AND y = ?4 ORDER BY seq DESC",
    [SQL_USER_SEQ] = "SELECT seq FROM users WHERE user = ?1",
    [SQL_USER_SPAN] = "SELECT * FROM placements WHERE seq > ?1 AND seq < ?2"
                      " AND user = ?3 ORDER BY seq DESC",
    [SQL_PIXEL_FRESH] = "SELECT * FROM placements WHERE seq > ?1 AND x = ?2"
                        " AND y = ?3 ORDER BY seq DESC LIMIT 1",
    [SQL_PIXEL_GET] = "SELECT p.* FROM pixels l JOIN placements p"
                      " ON p.seq = l.seq WHERE l.pixel = ?1",
    [SQL_USER_FRESH] = "SELECT * FROM placements WHERE seq > ?1 AND user = ?2"
                       " ORDER BY seq DESC LIMIT 1",
    [SQL_USER_GET] = "SELECT p.* FROM users l JOIN placements p"
                     " ON p.seq = l.seq WHERE l.user = ?1",
    [SQL_SNAPSHOT_PUT] =
        "INSERT OR REPLACE INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_SNAPSHOT_GET] =
        "SELECT seq, taken_at, digest, canvas, pixels FROM snapshots"
        " WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1",
    [SQL_SNAPSHOT_LIST] =
        "SELECT seq, taken_at FROM snapshots ORDER BY taken_at, seq",
    [SQL_SNAPSHOTS] = "SELECT seq, taken_at FROM snapshots ORDER BY seq DESC",
    [SQL_SNAPSHOT_DROP] = "DELETE FROM snapshots WHERE seq = ?1",
    [SQL_SNAPSHOT_NEWEST] =
        "SELECT seq, taken_at FROM snapshots ORDER BY seq DESC LIMIT 1",
    [SQL_BLOB_BELOW] = "SELECT first, blob FROM journal WHERE first <= ?1"
                       " ORDER BY first DESC",
    [SQL_CHAIN_PUT] = "INSERT OR REPLACE INTO chains VALUES (?1, ?2)",
    [SQL_CHAIN_GET] = "SELECT chain FROM chains WHERE seq = ?1",
    [SQL_REPLACED_PUT] =
        "INSERT OR REPLACE INTO replaced VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_REPLACED] = "SELECT blob FROM replaced ORDER BY epoch, first",
    [SQL_CUT_PLACEMENTS] = "DELETE FROM placements WHERE seq > ?1",
    [SQL_CUT_JOURNAL] = "DELETE FROM journal WHERE last > ?1",
    [SQL_CUT_SNAPSHOTS] = "DELETE FROM snapshots WHERE seq > ?1",
    [SQL_CUT_CHAINS] = "DELETE FROM chains WHERE seq > ?1",
    [SQL_EARLIER_GET] = "SELECT earlier FROM earlier WHERE seq = ?1",
    [SQL_EARLIER_SET] = "INSERT OR REPLACE INTO earlier VALUES (?,?)",
    [SQL_EARLIER_BULK] = "INSERT OR REPLACE INTO earlier VALUES (?,?)",
    [SQL_CUT_EARLIER] = "DELETE FROM earlier WHERE seq > ?1",
    [SQL_USER_EARLIER_GET] = "SELECT earlier FROM user_earlier WHERE seq = ?1",
    [SQL_USER_EARLIER_SET] = "INSERT OR REPLACE INTO user_earlier VALUES (?,?)",
    [SQL_USER_EARLIER_BULK] =
        "INSERT OR REPLACE INTO user_earlier VALUES (?,?)",
    [SQL_CUT_USER_EARLIER] = "DELETE FROM user_earlier WHERE seq > ?1",
};

/* Also in a file of this format that was made before there were links. */
#define LINK_TABLES                                                            \
    "CREATE TABLE IF NOT EXISTS earlier (seq INTEGER PRIMARY KEY,"             \
    " earlier INTEGER NOT NULL);"                                              \
    "CREATE TABLE IF NOT EXISTS user_earlier (seq INTEGER PRIMARY KEY,"        \
    " earlier INTEGER NOT NULL);"
#define LINK_TABLES_COUNT 2

/* One transaction: a file either has all tables or none. It brings a file of
 * format 1 up too, whose chain is computed when it is asked for. */
static const char tables[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS placements (seq INTEGER PRIMARY KEY,"
    " placed_at INTEGER NOT NULL, user INTEGER NOT NULL, x INTEGER NOT NULL,"
    " y INTEGER NOT NULL, color INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS pixels (pixel INTEGER PRIMARY KEY,"
    " seq INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS users (user INTEGER PRIMARY KEY,"
    " seq INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS journal (first INTEGER PRIMARY KEY,"
    " last INTEGER NOT NULL, blob BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS snapshots (seq INTEGER PRIMARY KEY,"
    " taken_at INTEGER NOT NULL, digest INTEGER NOT NULL,"
    " canvas TEXT NOT NULL, pixels BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY,"
    " value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS chains (seq INTEGER PRIMARY KEY,"
    " chain BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS replaced (epoch INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " replaced_at INTEGER NOT NULL, blob BLOB NOT NULL,"
    " PRIMARY KEY (epoch, first));" LINK_TABLES
    "PRAGMA application_id = 1398034512;"
    "PRAGMA user_version = 2;"
    "COMMIT";

void record_list_reserve(record_list_t *list, size_t more)
{
    if (list->count + more <= list->room)
        return;
    list->room = (list->count + more) * 3 / 2;
    list->at = mem_realloc(list->at, list->room, sizeof *list->at);
}

store_result_t sqlite_refuse(store_sqlite_t *self, const char *text)
{
    snprintf(self->error, sizeof self->error, "%s: %s", self->path, text);
    return STORE_FAILED;
}

store_result_t sqlite_failure(store_sqlite_t *self, const char *doing)
{
    int code = sqlite3_errcode(self->db);
    snprintf(self->error, sizeof self->error, "%s: %s: %s", self->path, doing,
             sqlite3_errmsg(self->db));
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
        return STORE_RETRY;
    default:
        return STORE_FAILED;
    }
}

store_result_t sqlite_run(store_sqlite_t *self, sql_t sql)
{
    sqlite3_stmt *statement = self->statements[sql];
    int code = sqlite3_step(statement);
    store_result_t result = STORE_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(self, statement_texts[sql]);
    sqlite3_reset(statement);
    return result;
}

void sqlite_abandon(store_sqlite_t *self)
{
    if (self->db && !sqlite3_get_autocommit(self->db)) {
        sqlite3_step(self->statements[SQL_ROLLBACK]);
        sqlite3_reset(self->statements[SQL_ROLLBACK]);
    }
}

store_result_t sqlite_meta_get(store_sqlite_t *self, const char *name,
                               uint64_t *value)
{
    sqlite3_stmt *statement = self->statements[SQL_META_GET];
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    store_result_t result = STORE_OK;
    *value = 0;
    if (code == SQLITE_ROW)
        *value = (uint64_t)sqlite3_column_int64(statement, 0);
    else if (code != SQLITE_DONE)
        result = sqlite_failure(self, "meta");
    sqlite3_reset(statement);
    return result;
}

store_result_t sqlite_meta_set(store_sqlite_t *self, const char *name,
                               uint64_t value)
{
    sqlite3_stmt *statement = self->statements[SQL_META_SET];
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)value);
    return sqlite_run(self, SQL_META_SET);
}

record_t sqlite_record(sqlite3_stmt *statement)
{
    return (record_t){
        .seq = (uint64_t)sqlite3_column_int64(statement, 0),
        .placed_at_ms = (uint64_t)sqlite3_column_int64(statement, 1),
        .user = (uint64_t)sqlite3_column_int64(statement, 2),
        .x = (uint16_t)sqlite3_column_int(statement, 3),
        .y = (uint16_t)sqlite3_column_int(statement, 4),
        .color = (uint8_t)sqlite3_column_int(statement, 5),
    };
}

static void s_close(store_sqlite_t *self)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(self->statements[i]);
        self->statements[i] = NULL;
    }
    sqlite3_close(self->db);
    self->db = NULL;
}

static store_result_t s_execute(store_sqlite_t *self, const char *sql)
{
    if (sqlite3_exec(self->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return STORE_OK;
    return sqlite_failure(self, "open");
}

static store_result_t s_number(store_sqlite_t *self, const char *sql,
                               int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
    bool found = statement && sqlite3_step(statement) == SQLITE_ROW;
    store_result_t result = STORE_OK;
    if (found)
        *number = sqlite3_column_int64(statement, 0);
    else
        result = sqlite_failure(self, "open");
    sqlite3_finalize(statement);
    return result;
}

bool sqlite_has_moved(store_sqlite_t *self)
{
    int moved = 0;
    return self->db &&
           sqlite3_file_control(self->db, "main", SQLITE_FCNTL_HAS_MOVED,
                                &moved) == SQLITE_OK &&
           moved;
}

/* A history is nobody else's to read. A file that is there keeps its mode. */
static void s_make_private(const store_sqlite_t *self)
{
    int file = open(self->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
}

static store_result_t s_connect(store_sqlite_t *self)
{
    if (sqlite_has_moved(self)) {
        s_close(self);
        self->tail.count = self->fresh.count = 0;
    }
    if (self->db)
        return STORE_OK;
    bool only_reads = self->base.only_reads;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_EXRESCODE | (only_reads ? 0 : SQLITE_OPEN_CREATE);
    if (only_reads && access(self->path, F_OK))
        return sqlite_refuse(self, strerror(errno));
    if (!only_reads)
        s_make_private(self);
    if (sqlite3_open_v2(self->path, &self->db, flags, NULL) != SQLITE_OK)
        return sqlite_failure(self, "open");
    sqlite3_extended_result_codes(self->db, 0);
    sqlite3_busy_timeout(self->db, BUSY_MS);
    if (only_reads) /* the others would be written into an empty file */
        return s_execute(self, "PRAGMA cache_size = -32768");
    return s_execute(self, "PRAGMA page_size = 8192;"
                           "PRAGMA journal_mode = WAL;"
                           "PRAGMA synchronous = FULL;"
                           "PRAGMA cache_size = -32768;"
                           "PRAGMA wal_autocheckpoint = 4000;"
                           "PRAGMA journal_size_limit = 67108864");
}

static store_result_t s_check_format(store_sqlite_t *self)
{
    char text[96];
    if (self->format >= 1 && self->format <= STORE_FORMAT)
        return STORE_OK;
    snprintf(text, sizeof text,
             "is of format %" PRId64 ", and this program knows up to %d: "
             "upgrade it",
             self->format, STORE_FORMAT);
    return sqlite_refuse(self, text);
}

/* Ours, or nothing yet (NONE); another program's is refused. */
static store_result_t s_identify(store_sqlite_t *self)
{
    int64_t id = 0, objects = 0;
    store_result_t result = s_connect(self);
    if (result == STORE_OK)
        result = s_number(self, "PRAGMA application_id", &id);
    if (result == STORE_OK)
        result = s_number(self, "SELECT count(*) FROM sqlite_schema", &objects);
    if (result == STORE_OK)
        result = s_number(self, "PRAGMA user_version", &self->format);
    if (result != STORE_OK)
        return result;
    if (id == APPLICATION_ID)
        return s_check_format(self);
    return objects ? sqlite_refuse(self, "is another program's database")
                   : STORE_NONE;
}

static store_result_t s_create_tables(store_t *base)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    store_result_t result = s_identify(self);
    if (result == STORE_NONE && base->only_reads)
        result = sqlite_refuse(self, "holds no history");
    bool older = result == STORE_OK && self->format < STORE_FORMAT;
    if (result == STORE_NONE || (older && !base->only_reads)) {
        result = s_execute(self, tables);
        if (result != STORE_OK && !sqlite3_get_autocommit(self->db))
            sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
        if (result == STORE_OK)
            self->format = STORE_FORMAT;
        if (result == STORE_OK && older)
            log_info("store_upgraded", "format=%d", STORE_FORMAT);
    }
    if (result == STORE_OK && !base->only_reads)
        result = s_execute(self, LINK_TABLES);
    int64_t tables_of_links = 0;
    if (result == STORE_OK)
        result = s_number(self,
                          "SELECT count(*) FROM sqlite_schema"
                          " WHERE name IN ('earlier', 'user_earlier')",
                          &tables_of_links);
    self->links = tables_of_links == LINK_TABLES_COUNT;
    if (result != STORE_OK)
        s_close(self);
    return result;
}

/* The texts of bulk statements show one row; it is repeated. */
static void s_text(char *text, size_t size, sql_t sql)
{
    size_t length = (size_t)snprintf(text, size, "%s", statement_texts[sql]);
    bool bulk = (sql >= SQL_PLACE_BULK && sql <= SQL_USERS_SET) ||
                sql == SQL_EARLIER_BULK || sql == SQL_USER_EARLIER_BULK;
    const char *row = strchr(statement_texts[sql], '(');
    for (size_t i = 1; bulk && i < SQLITE_BULK; i++)
        length += (size_t)snprintf(text + length, size - length, ",%s", row);
    assert(length < size);
}

static store_result_t s_prepare(store_sqlite_t *self)
{
    for (sql_t i = 0; i < SQL_COUNT; i++) {
        char text[2048];
        if (self->statements[i] ||
            (i >= SQL_FORMAT_2 && self->format < STORE_FORMAT) ||
            (i >= SQL_EARLIER && !self->links))
            continue;
        s_text(text, sizeof text, i);
        if (sqlite3_prepare_v3(self->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                               &self->statements[i], NULL) != SQLITE_OK)
            return sqlite_failure(self, "open");
    }
    return STORE_OK;
}

/* A new file becomes a store at once, where we are to write: unlike a cloud's,
 * its tables cost nothing and nobody else has to grant them. */
static store_result_t s_open(store_t *base, store_state_t *state)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    store_result_t result = s_create_tables(base);
    if (result == STORE_OK)
        result = s_prepare(self);
    uint64_t epoch = 0;
    if (result == STORE_OK)
        result = sqlite_meta_get(self, "checkpoint", &state->checkpoint);
    if (result == STORE_OK)
        result = sqlite_meta_get(self, "epoch", &epoch);
    state->epoch = (uint32_t)epoch;
    if (result != STORE_OK)
        s_close(self);
    return result;
}

static const char *s_error(const store_t *base)
{
    return ((const store_sqlite_t *)base)->error;
}

static store_t *s_new(const char *url)
{
    if (!*url) {
        log_error("store_url", "why=\"sqlite: needs a path\"");
        return NULL;
    }
    store_sqlite_t *self = mem_zalloc(1, sizeof *self);
    self->base.ops = &store_sqlite;
    self->path = mem_strdup(url);
    self->codec = blob_codec_new();
    self->blob = mem_alloc(blob_bound(BLOB_RECORDS_MAX));
    self->records = mem_alloc(BLOB_RECORDS_MAX * sizeof *self->records);
    return &self->base;
}

static void s_destroy(store_t **base_p)
{
    store_sqlite_t *self = (store_sqlite_t *)*base_p;
    sqlite_abandon(self);
    s_close(self);
    blob_codec_destroy(&self->codec);
    free(self->path);
    free(self->blob);
    free(self->records);
    free(self->tail.at);
    free(self->fresh.at);
    free(self->keys);
    free(self);
    *base_p = NULL;
}

const store_ops_t store_sqlite = {
    .scheme = "sqlite",
    .help = "sqlite:PATH",
    .new = s_new,
    .destroy = s_destroy,
    .create_tables = s_create_tables,
    .open = s_open,
    .write = sqlite_write,
    .cut = sqlite_cut,
    .replaced = sqlite_replaced,
    .position = sqlite_position,
    .scan = sqlite_scan,
    .placements = sqlite_placements,
    .pixel = sqlite_pixel,
    .user = sqlite_user,
    .history = sqlite_history,
    .user_history = sqlite_user_history,
    .put_snapshot = sqlite_put_snapshot,
    .get_snapshot = sqlite_get_snapshot,
    .newest_snapshot = sqlite_newest_snapshot,
    .snapshots = sqlite_snapshots,
    .thin_snapshots = sqlite_thin_snapshots,
    .error = s_error,
};
