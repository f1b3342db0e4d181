/* SPDX-License-Identifier: Apache-2.0
 *
 * --verify on stores that are whole, and on some that are damaged in one way
 * each: what it counts, and that its exit code tells.
 */
#include "persister/verify.h"

#include "tests/unit/persister/chronicle.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>

Suite *suite_persister_verify(void);

static json_t *found;

/* Runs it, as the program does; its exit code. `found` is what it printed. */
static int s_verify(void)
{
    char text[4096];
    FILE *file = tmpfile();
    bus_security_t none = {NULL, "auto", NULL};
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        dup2(fileno(file), STDOUT_FILENO);
        dup2(fileno(tmpfile()), STDERR_FILENO);
        int code = verify(url, "tcp://127.0.0.1:9", &none);
        fflush(stdout);
        _exit(code);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    json_decref(found);
    found = json_loads(text, 0, NULL);
    ck_assert_msg(found != NULL, "%s", text);
    ck_assert_int_eq(json_is_true(json_object_get(found, "ok")),
                     WEXITSTATUS(status) == EXIT_SUCCESS);
    return WEXITSTATUS(status);
}

static uint64_t s_number(const char *name)
{
    const json_t *value = json_object_get(found, name);
    ck_assert_msg(json_is_integer(value), "%s", name);
    return (uint64_t)json_integer_value(value);
}

/* All that --verify may find wrong, but for those in `but`, is 0. */
static void s_nothing_wrong_but(const char *but)
{
    static const char *const names[] = {"gaps",
                                        "disagreements",
                                        "rows_missing",
                                        "rows_extra",
                                        "rows_doubled",
                                        "rows_wrong",
                                        "policies_wrong",
                                        "chains_wrong",
                                        "snapshots_wrong",
                                        "snapshots_unsound",
                                        "look_ups_wrong"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strstr(but, names[i]))
            ck_assert_msg(s_number(names[i]) == 0, "%s", names[i]);
}

static void s_set_up(void)
{
    s_set_up_store();
    s_write(1, 400);
    s_put_snapshot(150);
    s_put_snapshot(300);
}

static void s_tear_down(void)
{
    json_decref(found);
    found = NULL;
    s_tear_down_store();
}

START_TEST(a_whole_store_is_well)
{
    ck_assert_int_eq(s_verify(), EXIT_SUCCESS);
    s_nothing_wrong_but("");
    ck_assert_uint_eq(s_number("checkpoint"), 400);
    ck_assert_uint_eq(s_number("epoch"), 3);
    ck_assert_uint_eq(s_number("records"), 400);
    ck_assert_uint_eq(s_number("rows"), 400);
    ck_assert_uint_eq(s_number("snapshots"), 2);
    ck_assert_uint_eq(s_number("replaced"), 0);
    /* Both snapshots' and the journal's own. */
    ck_assert_uint_eq(s_number("chains"), 3);
    /* Each pixel of 256, and each user of 19. */
    ck_assert_uint_eq(s_number("look_ups"), 256 + 19);
    ck_assert_str_eq(json_string_value(json_object_get(found, "live")),
                     "unreachable");
    ck_assert(json_is_false(json_object_get(found, "empty")));
}
END_TEST

START_TEST(an_empty_store_is_well_and_empty)
{
    s_tear_down();
    s_set_up_store();
    ck_assert_int_eq(s_verify(), EXIT_SUCCESS);
    ck_assert(json_is_true(json_object_get(found, "empty")));
    ck_assert_uint_eq(s_number("records"), 0);
}
END_TEST

START_TEST(a_board_whose_size_nobody_tells_cannot_be_verified)
{
    s_sql("DELETE FROM snapshots");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
}
END_TEST

START_TEST(a_row_that_is_gone_is_missed)
{
    s_sql("DELETE FROM placements WHERE seq = 250");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("rows_missing"), 1);
    ck_assert_uint_eq(s_number("rows"), 399);
    s_nothing_wrong_but("rows_missing look_ups_wrong");
}
END_TEST

START_TEST(a_row_that_says_another_thing_is_wrong)
{
    s_sql("UPDATE placements SET color = (color + 1) % 16 WHERE seq = 250");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("rows_wrong"), 1);
    s_nothing_wrong_but("rows_wrong");
}
END_TEST

START_TEST(a_look_up_that_finds_an_older_placement_is_wrong)
{
    s_sql("UPDATE pixels SET seq = 1 WHERE seq = 400");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("look_ups_wrong"), 1);
    s_nothing_wrong_but("look_ups_wrong");
}
END_TEST

START_TEST(a_users_last_placement_is_looked_up_too)
{
    s_sql("UPDATE users SET seq = 1 WHERE seq = 400");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("look_ups_wrong"), 1);
    s_nothing_wrong_but("look_ups_wrong");
}
END_TEST

/* It goes on from each snapshot, and finds nothing there either. */
START_TEST(a_journal_that_is_gone_is_a_gap_behind_each_snapshot)
{
    s_sql("DELETE FROM journal");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("gaps"), 3);
    ck_assert_uint_eq(s_number("first_gap"), 1);
    ck_assert_uint_eq(s_number("records"), 0);
}
END_TEST

START_TEST(a_snapshot_that_is_not_its_digest_is_unsound)
{
    s_sql("UPDATE snapshots SET digest = digest + 1 WHERE seq = 150");
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("snapshots_unsound"), 1);
    ck_assert_uint_eq(s_number("snapshots"), 2);
    s_nothing_wrong_but("snapshots_unsound");
}
END_TEST

START_TEST(a_snapshot_of_another_board_is_wrong)
{
    store_snapshot_t snapshot = s_snapshot_of(299);
    snapshot.seq = 300;
    snapshot.chain = chains[300];
    s_put(&snapshot);
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("snapshots_wrong"), 1);
    s_nothing_wrong_but("snapshots_wrong");
}
END_TEST

START_TEST(a_snapshot_of_another_history_is_a_fork)
{
    store_snapshot_t snapshot = s_snapshot_of(300);
    snapshot.chain = (chain_t){{7}};
    s_put(&snapshot);
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("chains_wrong"), 1);
    ck_assert_uint_eq(s_number("first_fork"), 300);
    s_nothing_wrong_but("chains_wrong");
}
END_TEST

START_TEST(a_record_that_disagrees_with_the_board_is_told)
{
    record_t record = told[400];
    record.previous_color ^= 1;
    ck_assert_int_eq(store_write(store, chains[400], &record, 1, 3), STORE_OK);
    ck_assert_int_eq(s_verify(), EXIT_FAILURE);
    ck_assert_uint_eq(s_number("disagreements"), 1);
    s_nothing_wrong_but("disagreements");
}
END_TEST

START_TEST(a_snapshot_has_the_policy_of_its_seq)
{
    control_t lock = {.verb = CONTROL_LOCK, .at_ms = WRITTEN_MS + 5000};
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&lock, 401, records);
    ck_assert_int_eq(store_write(store, chains[400], records, count, 3),
                     STORE_OK);
    policy_t *policy = policy_new();
    for (size_t i = 0; i < count; i++)
        policy_feed(policy, &records[i], NULL);
    for (int with = 1; with >= 0; with--) {
        board_t *board = s_board_at(400);
        position_t at = {400 + count,
                         records_chain(chains[400], records, count)};
        store_snapshot_t snapshot = snapshot_of(board, with ? policy : NULL,
                                                &canvas, at, WRITTEN_MS + 6000);
        board_destroy(&board);
        s_put(&snapshot);
        ck_assert_int_eq(s_verify(), with ? EXIT_SUCCESS : EXIT_FAILURE);
        ck_assert_uint_eq(s_number("actions"), 1);
        ck_assert_uint_eq(s_number("policies_wrong"), !with);
    }
    policy_destroy(&policy);
}
END_TEST

START_TEST(what_was_cut_off_is_counted)
{
    uint64_t cut;
    ck_assert_int_eq(store_cut(store, 350, 9, &cut), STORE_OK);
    ck_assert_uint_eq(cut, 50);
    ck_assert_int_eq(s_verify(), EXIT_SUCCESS);
    ck_assert_uint_eq(s_number("replaced"), 50);
    ck_assert_uint_eq(s_number("checkpoint"), 350);
    ck_assert_uint_eq(s_number("epoch"), 9);
}
END_TEST

Suite *suite_persister_verify(void)
{
    Suite *suite = suite_create("persister/verify");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, a_whole_store_is_well);
    tcase_add_test(all, an_empty_store_is_well_and_empty);
    tcase_add_test(all, a_board_whose_size_nobody_tells_cannot_be_verified);
    tcase_add_test(all, a_row_that_is_gone_is_missed);
    tcase_add_test(all, a_row_that_says_another_thing_is_wrong);
    tcase_add_test(all, a_look_up_that_finds_an_older_placement_is_wrong);
    tcase_add_test(all, a_users_last_placement_is_looked_up_too);
    tcase_add_test(all, a_journal_that_is_gone_is_a_gap_behind_each_snapshot);
    tcase_add_test(all, a_snapshot_that_is_not_its_digest_is_unsound);
    tcase_add_test(all, a_snapshot_of_another_board_is_wrong);
    tcase_add_test(all, a_snapshot_of_another_history_is_a_fork);
    tcase_add_test(all, a_record_that_disagrees_with_the_board_is_told);
    tcase_add_test(all, a_snapshot_has_the_policy_of_its_seq);
    tcase_add_test(all, what_was_cut_off_is_counted);
    suite_add_tcase(suite, all);
    return suite;
}
