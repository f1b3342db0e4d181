/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators look for, page by page, against all records by hand.
 */
#include "common/board.h"
#include "common/log.h"
#include "persister/search.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE 20
#define LAST 30000u
#define ACTION_EACH 1800u
#define TICK_MS 250u

Suite *suite_persister_search(void);

static char folder[] = "/tmp/stipple-search-XXXXXX";
static char path[256], url[300];
static source_t source;
static record_t all[LAST + 1]; /* by seq */

static control_t s_action(uint64_t seq)
{
    return (control_t){.verb = seq % 3 ? CONTROL_NOTICE : CONTROL_LOCK,
                       .by = seq % 5 + 1,
                       .at_ms = seq * TICK_MS,
                       .text = "words that need more than one record"};
}

/* Placements, and now and then an action. */
static void s_make(void)
{
    for (uint64_t seq = 1; seq <= LAST; seq++) {
        uint32_t mixed = fmix32((uint32_t)seq + 7);
        if (seq % ACTION_EACH == 0 && seq + CONTROL_RECORDS_MAX < LAST) {
            control_t action = s_action(seq);
            seq += control_records(&action, seq, &all[seq]) - 1;
            continue;
        }
        all[seq] = (record_t){.seq = seq,
                              .placed_at_ms = seq * TICK_MS,
                              .user = mixed % 20 + 1,
                              .x = (uint16_t)(mixed / 20 % SIDE),
                              .y = (uint16_t)(mixed / 400 % SIDE),
                              .color = (uint8_t)(seq % 16)};
    }
}

static void s_set_up(void)
{
    log_init("test", LEVEL_ERROR + 1);
    ck_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/history.db", folder);
    snprintf(url, sizeof url, "sqlite:%s", path);
    ck_assert_int_eq(source_init(&source, url), 0);
    ck_assert(source_ready(&source));
    s_make();
    for (uint64_t seq = 1; seq <= LAST; seq += 10000)
        ck_assert_int_eq(
            store_write(source.store, CHAIN_UNKNOWN, &all[seq],
                        seq + 10000 > LAST ? LAST + 1 - seq : 10000, 1),
            STORE_OK);
    ck_assert(source_ready_anew(&source));
}

static void s_tear_down(void)
{
    source_fini(&source);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(folder);
}

static bool s_fits(const bus_look_t *look, const record_t *record)
{
    return !record_is_control(record) && selection_has(&look->of, record) &&
           (look->color == BUS_ANY_COLOR || look->color == record->color);
}

/* Every page until there are no more: each placement that fits, once, newest
 * first. Returns how many. */
static size_t s_assert_found(bus_look_t look)
{
    uint64_t seq = look.of.upto < LAST ? look.of.upto : LAST;
    size_t found = 0;
    search_t page = {0};
    bus_look_t whole = look;
    do {
        ck_assert_int_eq(search_run(&page, &source, &look), STORE_OK);
        ck_assert_uint_le(page.count, look.limit);
        for (size_t i = 0; i < page.count; i++, seq--) {
            while (!s_fits(&whole, &all[seq]))
                seq--;
            ck_assert_uint_eq(page.records[i].seq, seq);
            ck_assert_uint_eq(page.records[i].user, all[seq].user);
            ck_assert_uint_eq(page.records[i].placed_at_ms,
                              all[seq].placed_at_ms);
        }
        found += page.count;
        look.of.upto = page.next;
        search_fini(&page);
    } while (look.of.upto);
    for (; seq; seq--)
        ck_assert(!s_fits(&whole, &all[seq]));
    return found;
}

static bus_look_t s_look(uint8_t has, uint16_t limit)
{
    uint64_t minute = 60000;
    return (bus_look_t){.limit = limit,
                        .color = BUS_ANY_COLOR,
                        .of = {.has = has,
                               .user = 17,
                               .x0 = 5,
                               .x1 = 9,
                               .y0 = 6,
                               .y1 = 6,
                               .from_ms = 10 * minute,
                               .until_ms = 60 * minute,
                               .upto = UINT64_MAX}};
}

START_TEST(each_question_finds_what_fits_and_nothing_else)
{
    for (uint8_t has = 0; has <= (HAS_USER | HAS_BOX | HAS_TIME); has++) {
        bus_look_t look = s_look(has, has ? 100 : 1000);
        ck_assert_uint_gt(s_assert_found(look), 0);
        look.color = 3;
        s_assert_found(look);
        look.of.upto = LAST / 2;
        s_assert_found(look);
    }
}
END_TEST

START_TEST(one_pixel_is_found_by_its_own_index)
{
    bus_look_t look = s_look(HAS_BOX, 7);
    look.of.x1 = look.of.x0;
    ck_assert_uint_gt(s_assert_found(look), 7);
    look.of.has |= HAS_TIME;
    ck_assert_uint_gt(s_assert_found(look), 1);
}
END_TEST

START_TEST(times_before_and_behind_everything_find_nothing)
{
    bus_look_t look = s_look(HAS_TIME, 10);
    look.of.from_ms = look.of.until_ms = 0;
    ck_assert_uint_eq(s_assert_found(look), 0);
    look.of.from_ms = look.of.until_ms = INT64_MAX;
    ck_assert_uint_eq(s_assert_found(look), 0);
    look.of.from_ms = 0;
    look.of.upto = 0;
    ck_assert_uint_eq(s_assert_found(look), 0);
}
END_TEST

START_TEST(a_user_that_is_none_has_placed_nothing)
{
    bus_look_t look = s_look(HAS_USER, 10);
    look.of.user = 5000;
    ck_assert_uint_eq(s_assert_found(look), 0);
}
END_TEST

/* The seqs at which an action is whole, newest first. */
static size_t s_assert_actions(bus_look_t look)
{
    search_t page = {0};
    uint64_t below = UINT64_MAX;
    size_t found = 0;
    look.kind = LOOK_ACTIONS;
    do {
        ck_assert_int_eq(search_run(&page, &source, &look), STORE_OK);
        for (size_t i = 0; i < page.count; i++, found++) {
            const control_t *action = &page.controls[i];
            uint64_t first = action->seq / ACTION_EACH * ACTION_EACH;
            ck_assert_uint_lt(action->seq, below);
            ck_assert_uint_eq(action->by, first % 5 + 1);
            ck_assert_uint_eq(action->at_ms, first * TICK_MS);
            ck_assert_str_eq(action->text, s_action(first).text);
            below = action->seq;
        }
        look.of.upto = page.next;
        search_fini(&page);
    } while (look.of.upto);
    return found;
}

START_TEST(actions_are_found_by_who_and_when)
{
    bus_look_t look = s_look(0, 3);
    ck_assert_uint_eq(s_assert_actions(look), LAST / ACTION_EACH);
    look.of.has = HAS_USER;
    look.of.user = 1; /* each seq is a multiple of 5 */
    ck_assert_uint_eq(s_assert_actions(look), LAST / ACTION_EACH);
    look.of.user = 2;
    ck_assert_uint_eq(s_assert_actions(look), 0);
    look.of.has = HAS_TIME;
    look.of.from_ms = 2 * ACTION_EACH * TICK_MS;
    look.of.until_ms = 4 * ACTION_EACH * TICK_MS;
    ck_assert_uint_eq(s_assert_actions(look), 3);
}
END_TEST

Suite *suite_persister_search(void)
{
    Suite *suite = suite_create("persister/search");
    TCase *facts = tcase_create("all");
    tcase_add_unchecked_fixture(facts, s_set_up, s_tear_down);
    tcase_add_test(facts, each_question_finds_what_fits_and_nothing_else);
    tcase_add_test(facts, one_pixel_is_found_by_its_own_index);
    tcase_add_test(facts, times_before_and_behind_everything_find_nothing);
    tcase_add_test(facts, a_user_that_is_none_has_placed_nothing);
    tcase_add_test(facts, actions_are_found_by_who_and_when);
    suite_add_tcase(suite, facts);
    return suite;
}
