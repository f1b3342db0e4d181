/* SPDX-License-Identifier: Apache-2.0
 *
 * What SQLite alone has: a file that can be full, damaged or another's. The
 * contract itself: test_contract.c.
 */
#include "common/log.h"
#include "common/mem.h"
#include "persister/store.h"

#include "tests/unit/folder.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[128];
static char path[256], url[300];
static store_t *store;

static void s_open(void)
{
    store_state_t state;
    store = store_new(url);
    ck_assert(store);
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
}

static void setup(void)
{
    log_init("test", LEVEL_ERROR);
    s_new_folder(folder, sizeof folder, "sqlite");
    snprintf(path, sizeof path, "%s/history.db", folder);
    snprintf(url, sizeof url, "sqlite:%s", path);
}

static void teardown(void)
{
    store_destroy(&store);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(folder);
}

static store_result_t s_write(uint64_t first, uint64_t last)
{
    size_t count = last - first + 1;
    record_t *records = mem_zalloc(count, sizeof *records);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = first + i;
        records[i] = (record_t){.seq = seq,
                                .placed_at_ms = seq * 1000,
                                .user = seq * UINT64_C(0x9E3779B97F4A7C15),
                                .x = (uint16_t)(seq * 7919),
                                .y = (uint16_t)(seq * 104729 >> 4)};
    }
    store_result_t result =
        store_write(store, CHAIN_UNKNOWN, records, count, 1);
    free(records);
    return result;
}

static bool s_count(void *context, const record_t *records, size_t count)
{
    (void)records;
    *(uint64_t *)context += count;
    return true;
}

static uint64_t s_scanned(store_result_t *result)
{
    uint64_t count = 0;
    *result = store->ops->scan(store, 1, UINT64_MAX, s_count, &count);
    return count;
}

/* By hand, past the store. */
static int64_t s_sql(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
                     SQLITE_OK);
    int64_t number = -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static void s_limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit of the file's size stands for the disk's. */
START_TEST(full_disk_leaves_nothing_half_written)
{
    store_result_t result;
    signal(SIGXFSZ, SIG_IGN);
    s_open();
    ck_assert_int_eq(s_write(1, 1000), STORE_OK);
    s_limit_files(400000);
    ck_assert_int_eq(s_write(1001, 60000), STORE_RETRY);
    ck_assert_uint_gt(strlen(store->ops->error(store)), 0);
    ck_assert_uint_eq(s_scanned(&result), 1000);
    ck_assert_int_eq(s_sql("SELECT count(*) FROM placements"), 1000);
    ck_assert_int_eq(s_write(1001, 60000), STORE_RETRY);
    s_limit_files(RLIM_INFINITY);
    ck_assert_int_eq(s_write(1001, 60000), STORE_OK);
    ck_assert_uint_eq(s_scanned(&result), 60000);
    ck_assert_int_eq(s_sql("SELECT count(*) FROM placements"), 60000);
}
END_TEST

START_TEST(largest_write_is_taken)
{
    store_result_t result;
    s_open();
    ck_assert_int_eq(s_write(1, STORE_WRITE_MAX), STORE_OK);
    ck_assert_int_eq(s_write(STORE_WRITE_MAX, 2 * STORE_WRITE_MAX - 1),
                     STORE_OK);
    ck_assert_uint_eq(s_scanned(&result), 2 * STORE_WRITE_MAX - 1);
}
END_TEST

START_TEST(small_batches_grow_a_blob)
{
    store_result_t result;
    s_open();
    for (uint64_t seq = 1; seq <= 3000; seq++)
        ck_assert_int_eq(s_write(seq, seq), STORE_OK);
    ck_assert_uint_eq(s_scanned(&result), 3000);
    ck_assert_int_le(s_sql("SELECT count(*) FROM journal"), 3);
}
END_TEST

static void s_spoil(const char *text)
{
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs(text, file);
    fclose(file);
}

START_TEST(file_that_is_no_database_is_a_clear_error)
{
    store_state_t state;
    s_spoil("this is no database\n");
    store = store_new(url);
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert(strstr(store->ops->error(store), "not a database"));
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
}
END_TEST

START_TEST(damaged_page_is_a_clear_error)
{
    store_state_t state;
    s_open();
    ck_assert_int_eq(s_write(1, 50000), STORE_OK);
    store_destroy(&store); /* brings the WAL into the file */
    FILE *file = fopen(path, "r+");
    struct stat size;
    stat(path, &size);
    for (long at = 8192; at + 100 < size.st_size; at += 8192) {
        fseek(file, at, SEEK_SET);
        fputs("damage damage damage damage", file);
    }
    fclose(file);
    store = store_new(url);
    store_result_t result = store_open(store, &state, NULL);
    if (result == STORE_OK)
        result = s_write(50001, 50010);
    ck_assert_int_eq(result, STORE_FAILED);
    ck_assert(strstr(store->ops->error(store), "malformed"));
}
END_TEST

START_TEST(another_programs_database_is_refused)
{
    store_state_t state;
    s_sql("CREATE TABLE theirs (a)");
    store = store_new(url);
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert(strstr(store->ops->error(store), "another program"));
    ck_assert_int_eq(s_sql("SELECT count(*) FROM sqlite_schema"), 1);
}
END_TEST

START_TEST(a_newer_format_is_refused_and_left_alone)
{
    store_state_t state;
    s_open();
    ck_assert_int_eq(s_write(1, 10), STORE_OK);
    store_destroy(&store);
    s_sql("PRAGMA user_version = 9");
    store = store_new(url);
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(store->ops->error(store), "format 9"));
    store_destroy(&store);
    store = store_new(url);
    store->only_reads = true;
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert_int_eq(s_sql("PRAGMA user_version"), 9);
}
END_TEST

/* As 0.1.0 leaves it: no chains, no tables of format 2. */
START_TEST(an_older_format_is_brought_up)
{
    store_state_t state;
    chain_t chain, again;
    s_open();
    ck_assert_int_eq(s_write(1, 100), STORE_OK);
    store_destroy(&store);
    s_sql("DROP TABLE chains");
    s_sql("DROP TABLE replaced");
    s_sql("PRAGMA user_version = 1");
    store = store_new(url);
    store->only_reads = true; /* reads it as it is */
    ck_assert_int_eq(store_open(store, &state, &chain), STORE_OK);
    ck_assert_uint_eq(state.checkpoint, 100);
    ck_assert_int_eq(s_sql("PRAGMA user_version"), 1);
    store_destroy(&store);
    store = store_new(url);
    ck_assert_int_eq(store_open(store, &state, &again), STORE_OK);
    ck_assert(chain_known(chain) && chain_equal(chain, again));
    ck_assert_int_eq(s_sql("PRAGMA user_version"), STORE_FORMAT);
    ck_assert_int_eq(s_write(101, 110), STORE_OK);
}
END_TEST

START_TEST(a_new_file_is_nobody_elses_to_read)
{
    struct stat is;
    mode_t before = umask(0);
    s_open();
    ck_assert_int_eq(s_write(1, 10), STORE_OK);
    umask(before);
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_int_eq(is.st_mode & 0777, 0600);
}
END_TEST

START_TEST(missing_folder_is_a_clear_error)
{
    store_state_t state;
    store = store_new("sqlite:/nowhere/at/all/history.db");
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert_uint_gt(strlen(store->ops->error(store)), 0);
}
END_TEST

static void s_three_blobs(void)
{
    s_open();
    for (uint64_t first = 1; first < 6000; first += 2000)
        ck_assert_int_eq(s_write(first, first + 1999), STORE_OK);
    ck_assert_int_eq(s_sql("SELECT count(*) FROM journal"), 3);
}

START_TEST(scan_ends_at_a_damaged_blob)
{
    store_result_t result;
    s_three_blobs();
    s_sql("UPDATE journal SET blob = zeroblob(100) WHERE first = 2001");
    ck_assert_uint_eq(s_scanned(&result), 2000);
    ck_assert_int_eq(result, STORE_FAILED);
}
END_TEST

START_TEST(scan_ends_at_a_hole)
{
    store_result_t result;
    uint64_t count = 0;
    s_three_blobs();
    s_sql("DELETE FROM journal WHERE first = 2001");
    ck_assert_uint_eq(s_scanned(&result), 2000);
    ck_assert_int_eq(result, STORE_FAILED);
    result = store->ops->scan(store, 4001, 6000, s_count, &count);
    ck_assert_int_eq(result, STORE_OK);
    ck_assert_uint_eq(count, 2000);
}
END_TEST

START_TEST(reader_sees_a_write_at_once)
{
    record_t record;
    store_state_t state;
    s_open();
    store_t *reader = store_new(url);
    ck_assert_int_eq(store_open(reader, &state, NULL), STORE_OK);
    for (uint64_t seq = 1; seq <= 2500; seq++) {
        ck_assert_int_eq(s_write(seq, seq), STORE_OK);
        if (seq % 100)
            continue;
        ck_assert_int_eq(reader->ops->user(reader,
                                           seq * UINT64_C(0x9E3779B97F4A7C15),
                                           &record),
                         STORE_OK);
        ck_assert_uint_eq(record.seq, seq);
    }
    store_destroy(&reader);
}
END_TEST

/* Placements of one pixel every ten, which s_write_tens wrote. */
static void s_assert_tens(uint64_t last)
{
    record_t records[16];
    store_page_t page = {.before = UINT64_MAX, .records = records, .max = 16};
    uint64_t seq = last / 10 * 10;
    do {
        ck_assert_int_eq(store->ops->history(store, 1, 1, &page), STORE_OK);
        for (size_t i = 0; i < page.count; i++, seq -= 10)
            ck_assert_uint_eq(records[i].seq, seq);
    } while (page.before);
    ck_assert_uint_eq(seq, 0);
}

static void s_write_tens(uint64_t first, uint64_t last)
{
    size_t count = last - first + 1;
    record_t *records = mem_zalloc(count, sizeof *records);
    for (size_t i = 0; i < count; i++) {
        bool tenth = (first + i) % 10 == 0;
        records[i] = (record_t){.seq = first + i,
                                .user = first + i,
                                .x = tenth ? 1 : 2,
                                .y = tenth ? 1 : 2};
    }
    ck_assert_int_eq(store_write(store, CHAIN_UNKNOWN, records, count, 1),
                     STORE_OK);
    free(records);
}

/* As if another version had written, which knows no links: it merges without
 * them and leaves `linked` behind. */
static void s_forget_links(const char *sql)
{
    sqlite3 *db;
    store_destroy(&store);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    s_open();
}

START_TEST(history_is_whole_where_another_version_wrote)
{
    s_open();
    for (uint64_t seq = 1; seq < 220000; seq += 20000) /* more than a look */
        s_write_tens(seq, seq + 19999);
    s_assert_tens(220000);
    s_forget_links("DROP TABLE earlier; DELETE FROM meta"
                   " WHERE name LIKE 'linked%'");
    s_assert_tens(220000);
    s_write_tens(220001, 240000);
    s_assert_tens(240000);
    s_forget_links("DELETE FROM earlier WHERE seq > 230000; UPDATE meta"
                   " SET value = 230000 WHERE name = 'linked'");
    s_write_tens(240001, 260000);
    s_assert_tens(260000);
}
END_TEST

START_TEST(history_is_whole_after_a_cut)
{
    uint64_t cut;
    s_open();
    s_write_tens(1, 20000);
    ck_assert_int_eq(store_cut(store, 15005, 2, &cut), STORE_OK);
    store_destroy(&store);
    s_open();
    s_assert_tens(15005);
    s_write_tens(15006, 40000);
    s_assert_tens(40000);
}
END_TEST

START_TEST(file_that_is_deleted_in_use_is_not_written)
{
    store_state_t state;
    s_open();
    ck_assert_int_eq(s_write(1, 10), STORE_OK);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(s_write(11, 20), STORE_FAILED);
    ck_assert(strstr(store->ops->error(store), "deleted or replaced"));
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
    ck_assert_uint_eq(state.checkpoint, 0);
    ck_assert_int_eq(s_write(1, 20), STORE_OK);
}
END_TEST

START_TEST(who_only_reads_makes_nothing)
{
    store_state_t state;
    struct stat found;
    store = store_new(url);
    store->only_reads = true;
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert(strstr(store->ops->error(store), "No such file"));
    ck_assert_int_ne(stat(path, &found), 0);
    fclose(fopen(path, "w"));
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_FAILED);
    ck_assert(strstr(store->ops->error(store), "holds no history"));
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_int_eq(found.st_size, 0);
}
END_TEST

START_TEST(who_only_reads_sees_what_is_there)
{
    store_state_t state;
    s_open();
    ck_assert_int_eq(s_write(1, 10), STORE_OK);
    store_destroy(&store);
    store = store_new(url);
    store->only_reads = true;
    ck_assert_int_eq(store_open(store, &state, NULL), STORE_OK);
    ck_assert_uint_eq(state.checkpoint, 10);
}
END_TEST

START_TEST(url_without_path_is_refused)
{
    log_init("test", LEVEL_ERROR + 1);
    ck_assert(!store_new("sqlite:"));
    ck_assert(!store_new("history.db"));
    ck_assert(!store_new("oracle:history"));
}
END_TEST

Suite *suite_persister_store_sqlite(void);
Suite *suite_persister_store_sqlite(void)
{
    Suite *suite = suite_create("persister/sqlite/store_sqlite");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, setup, teardown);
    tcase_set_timeout(facts, 30);
    tcase_add_test(facts, full_disk_leaves_nothing_half_written);
    tcase_add_test(facts, largest_write_is_taken);
    tcase_add_test(facts, small_batches_grow_a_blob);
    tcase_add_test(facts, file_that_is_no_database_is_a_clear_error);
    tcase_add_test(facts, damaged_page_is_a_clear_error);
    tcase_add_test(facts, another_programs_database_is_refused);
    tcase_add_test(facts, a_newer_format_is_refused_and_left_alone);
    tcase_add_test(facts, an_older_format_is_brought_up);
    tcase_add_test(facts, a_new_file_is_nobody_elses_to_read);
    tcase_add_test(facts, missing_folder_is_a_clear_error);
    tcase_add_test(facts, scan_ends_at_a_damaged_blob);
    tcase_add_test(facts, scan_ends_at_a_hole);
    tcase_add_test(facts, reader_sees_a_write_at_once);
    tcase_add_test(facts, file_that_is_deleted_in_use_is_not_written);
    tcase_add_test(facts, history_is_whole_where_another_version_wrote);
    tcase_add_test(facts, history_is_whole_after_a_cut);
    tcase_add_test(facts, who_only_reads_makes_nothing);
    tcase_add_test(facts, who_only_reads_sees_what_is_there);
    tcase_add_test(facts, url_without_path_is_refused);
    suite_add_tcase(suite, facts);
    return suite;
}
