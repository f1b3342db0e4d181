/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads and bodies of snapshots, in a list instead of a store.
 */
#include "persister/snapshot_head.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshot_pack.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_persister_snapshot_head(void);

/* ---- names and parts ---------------------------------------------------- */

START_TEST(a_bodys_name_says_its_seq_time_and_chain)
{
    char name[SNAPSHOT_BODY_SIZE];
    store_snapshot_t snapshot = {.seq = UINT64_MAX, .taken_at_ms = UINT64_MAX};
    snapshot_body_name(&snapshot, name);
    ck_assert_str_eq(name, "18446744073709551615-18446744073709551615");
    ck_assert(!chain_known(snapshot_body_chain(name)));
    for (int i = 0; i < CHAIN_BYTES; i++)
        snapshot.chain.bytes[i] = (uint8_t)(0xf0 + i);
    snapshot_body_name(&snapshot, name);
    ck_assert_str_eq(name, "18446744073709551615-18446744073709551615-"
                           "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    ck_assert(chain_equal(snapshot_body_chain(name), snapshot.chain));
    ck_assert(!chain_known(snapshot_body_chain("")));
}
END_TEST

START_TEST(parts_come_in_order_and_within_their_limits)
{
    snapshot_parts_t parts = {0};
    static uint8_t bytes[SNAPSHOT_PART_BYTES + 1];
    ck_assert(!snapshot_parts_add(&parts, 1, "b", 1));
    ck_assert(snapshot_parts_add(&parts, 0, "a", 1));
    ck_assert(!snapshot_parts_add(&parts, 0, "a", 1));
    ck_assert(!snapshot_parts_add(&parts, 1, "", 0));
    ck_assert(!snapshot_parts_add(&parts, 1, bytes, sizeof bytes));
    ck_assert(snapshot_parts_add(&parts, 1, bytes, sizeof bytes - 1));
    ck_assert(snapshot_parts_add(&parts, 2, "cd", 2));
    ck_assert_uint_eq(parts.count, 3);
    ck_assert_uint_eq(parts.size, 1 + SNAPSHOT_PART_BYTES + 2);
    ck_assert_int_eq(parts.bytes[0], 'a');
    ck_assert_int_eq(parts.bytes[parts.size - 1], 'd');
    parts.count = SNAPSHOT_PARTS_MAX - 1;
    ck_assert(snapshot_parts_add(&parts, SNAPSHOT_PARTS_MAX - 1, "e", 1));
    ck_assert(!snapshot_parts_add(&parts, SNAPSHOT_PARTS_MAX, "f", 1));
    snapshot_parts_fini(&parts);
    ck_assert_ptr_null(parts.bytes);
}
END_TEST

/* Bytes that do not compress, so that there are several parts. */
static uint8_t *s_pixels(size_t size)
{
    uint8_t *pixels = mem_alloc(size);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(state >> 24);
    }
    return pixels;
}

START_TEST(pixels_are_cut_into_parts_and_put_together)
{
    static const size_t sizes[] = {1, 1000, SNAPSHOT_PART_BYTES,
                                   3 * SNAPSHOT_PART_BYTES + 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *pixels = s_pixels(sizes[i]);
        snapshot_pack_t pack = snapshot_pack(pixels, sizes[i]);
        snapshot_parts_t parts = {0};
        size_t total = 0;
        for (uint32_t part = 0; part < pack.parts; part++) {
            size_t size;
            const uint8_t *at = snapshot_pack_part(&pack, part, &size);
            ck_assert(part + 1 == pack.parts || size == SNAPSHOT_PART_BYTES);
            ck_assert(snapshot_parts_add(&parts, part, at, size));
            total += size;
        }
        ck_assert_uint_eq(total, pack.size);
        ck_assert_uint_eq(pack.parts, (pack.size + SNAPSHOT_PART_BYTES - 1) /
                                          SNAPSHOT_PART_BYTES);
        snapshot_head_t head = {.seq = 5,
                                .taken_at_ms = 6,
                                .digest = 7,
                                .size = sizes[i],
                                .parts = pack.parts,
                                .body = (char *)"5-6",
                                .canvas = (char *)"{}"};
        store_snapshot_t snapshot;
        ck_assert_int_eq(snapshot_of_parts(&head, &parts, &snapshot), STORE_OK);
        ck_assert_uint_eq(snapshot.seq, 5);
        ck_assert_uint_eq(snapshot.taken_at_ms, 6);
        ck_assert_uint_eq(snapshot.digest, 7);
        ck_assert_str_eq(snapshot.canvas, "{}");
        ck_assert_uint_eq(snapshot.pixels_size, sizes[i]);
        ck_assert_mem_eq(snapshot.pixels, pixels, sizes[i]);
        store_snapshot_free(&snapshot);
        head.parts++; /* one is missing */
        ck_assert_int_eq(snapshot_of_parts(&head, &parts, &snapshot),
                         STORE_NONE);
        head.parts--;
        head.size++; /* they do not give so many */
        ck_assert_int_eq(snapshot_of_parts(&head, &parts, &snapshot),
                         STORE_NONE);
        snapshot_parts_fini(&parts);
        snapshot_pack_fini(&pack);
        free(pixels);
    }
    ck_assert_ptr_null(snapshot_unpack((const uint8_t *)"x", 1, 0));
    ck_assert_ptr_null(snapshot_unpack((const uint8_t *)"x", 1, 100));
    ck_assert_ptr_null(snapshot_unpack((const uint8_t *)"x", 1, 1u << 30));
}
END_TEST

/* ---- a list of heads ---------------------------------------------------- */

#define HEADS_MAX 10

static struct {
    uint64_t seq, taken_at_ms;
    store_result_t body;
} list[HEADS_MAX]; /* newest first */
static size_t list_count, bodies;
static store_result_t heads_result;

static store_result_t s_heads(void *self, uint64_t at_most,
                              snapshot_heads_t *heads)
{
    ck_assert_ptr_eq(self, list);
    for (size_t i = 0; i < list_count && heads->count < heads->capacity; i++) {
        if (list[i].seq > at_most)
            continue;
        heads->heads[heads->count++] =
            (snapshot_head_t){.seq = list[i].seq,
                              .taken_at_ms = list[i].taken_at_ms,
                              .body = mem_strdup("b"),
                              .canvas = mem_strdup("c")};
    }
    return heads_result;
}

static store_result_t s_body(void *self, const snapshot_head_t *head,
                             store_snapshot_t *snapshot)
{
    (void)self;
    bodies++;
    *snapshot = (store_snapshot_t){.seq = head->seq};
    for (size_t i = 0; i < list_count; i++)
        if (list[i].seq == head->seq)
            return list[i].body;
    return STORE_FAILED;
}

static const snapshot_reader_t s_reader = {s_heads, s_body};

static void s_add(uint64_t seq, uint64_t taken_at_ms, store_result_t body)
{
    list[list_count].seq = seq;
    list[list_count].taken_at_ms = taken_at_ms;
    list[list_count++].body = body;
}

static void s_set_up(void)
{
    log_init("test", LEVEL_ERROR + 1);
    list_count = bodies = 0;
    heads_result = STORE_OK;
}

START_TEST(the_newest_whole_one_is_read)
{
    store_snapshot_t snapshot;
    ck_assert_int_eq(snapshot_newest(&s_reader, list, UINT64_MAX, &snapshot),
                     STORE_NONE);
    s_add(30, 300, STORE_OK);
    s_add(20, 200, STORE_NONE); /* damaged */
    s_add(10, 100, STORE_OK);
    ck_assert_int_eq(snapshot_newest(&s_reader, list, UINT64_MAX, &snapshot),
                     STORE_OK);
    ck_assert_uint_eq(snapshot.seq, 30);
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 30, &snapshot), STORE_OK);
    ck_assert_uint_eq(snapshot.seq, 30);
    bodies = 0;
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 29, &snapshot), STORE_OK);
    ck_assert_uint_eq(snapshot.seq, 10);
    ck_assert_uint_eq(bodies, 2);
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 9, &snapshot),
                     STORE_NONE);
    list[2].body = STORE_NONE;
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 29, &snapshot),
                     STORE_NONE);
    list[1].body = STORE_RETRY; /* not damaged: cannot be read now */
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 29, &snapshot),
                     STORE_RETRY);
    heads_result = STORE_FAILED;
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 29, &snapshot),
                     STORE_FAILED);
}
END_TEST

START_TEST(one_of_seq_0_that_is_damaged_is_the_last)
{
    store_snapshot_t snapshot;
    s_add(0, 1, STORE_NONE);
    ck_assert_int_eq(snapshot_newest(&s_reader, list, 5, &snapshot),
                     STORE_NONE);
    ck_assert_uint_eq(bodies, 1);
}
END_TEST

START_TEST(the_newest_heads_numbers_are_told_without_its_body)
{
    uint64_t seq = 1, taken_at_ms = 2;
    ck_assert_int_eq(snapshot_newest_head(s_heads, list, &seq, &taken_at_ms),
                     STORE_NONE);
    ck_assert_uint_eq(seq, 1);
    s_add(30, 300, STORE_NONE);
    s_add(20, 200, STORE_OK);
    ck_assert_int_eq(snapshot_newest_head(s_heads, list, &seq, &taken_at_ms),
                     STORE_OK);
    ck_assert_uint_eq(seq, 30);
    ck_assert_uint_eq(taken_at_ms, 300);
    ck_assert_uint_eq(bodies, 0);
    heads_result = STORE_RETRY;
    ck_assert_int_eq(snapshot_newest_head(s_heads, list, &seq, &taken_at_ms),
                     STORE_RETRY);
}
END_TEST

static uint64_t visited[HEADS_MAX];
static size_t visits, visits_max;

static bool s_visit(void *context, uint64_t seq, uint64_t taken_at_ms)
{
    (void)context;
    ck_assert_uint_eq(taken_at_ms, seq * 10);
    visited[visits++] = seq;
    return visits < visits_max;
}

START_TEST(heads_are_visited_newest_first_until_it_is_enough)
{
    s_add(30, 300, STORE_OK);
    s_add(20, 200, STORE_OK);
    s_add(10, 100, STORE_OK);
    for (visits_max = 1; visits_max <= 4; visits_max++) {
        visits = 0;
        ck_assert_int_eq(snapshot_heads_visit(s_heads, list, s_visit, NULL),
                         STORE_OK);
        ck_assert_uint_eq(visits, visits_max < 3 ? visits_max : 3);
        ck_assert_uint_eq(visited[0], 30);
    }
    visits = 0;
    heads_result = STORE_FAILED;
    ck_assert_int_eq(snapshot_heads_visit(s_heads, list, s_visit, NULL),
                     STORE_FAILED);
    ck_assert_uint_eq(visits, 0);
}
END_TEST

static uint64_t dropped[HEADS_MAX];
static size_t drops, drops_max;

static store_result_t s_drop(void *context, const snapshot_head_t *head)
{
    (void)context;
    if (drops == drops_max)
        return STORE_RETRY;
    dropped[drops++] = head->seq;
    return STORE_OK;
}

START_TEST(heads_above_a_cut_are_dropped)
{
    s_add(30, 300, STORE_OK);
    s_add(20, 200, STORE_OK);
    s_add(10, 100, STORE_OK);
    snapshot_heads_t heads = snapshot_heads_of(HEADS_MAX);
    s_heads(list, UINT64_MAX, &heads);
    drops = 0;
    drops_max = HEADS_MAX;
    ck_assert_int_eq(snapshot_heads_cut(&heads, 20, s_drop, NULL), STORE_OK);
    ck_assert_uint_eq(drops, 1);
    ck_assert_uint_eq(dropped[0], 30);
    drops = 0;
    ck_assert_int_eq(snapshot_heads_cut(&heads, 0, s_drop, NULL), STORE_OK);
    ck_assert_uint_eq(drops, 3);
    drops = 0;
    drops_max = 1; /* what fails ends it */
    ck_assert_int_eq(snapshot_heads_cut(&heads, 0, s_drop, NULL), STORE_RETRY);
    ck_assert_uint_eq(drops, 1);
    snapshot_heads_fini(&heads);
    ck_assert_ptr_null(heads.heads);
}
END_TEST

#define MINUTE 60000u

START_TEST(of_each_minute_of_the_last_hour_the_first_stays)
{
    uint64_t now_ms = 1000 * MINUTE;
    s_add(50, now_ms - 1, STORE_OK);              /* the newest stays */
    s_add(40, now_ms - MINUTE + 30000, STORE_OK); /* not the minute's first */
    s_add(30, now_ms - MINUTE + 10, STORE_OK);
    s_add(20, now_ms - 2 * MINUTE + 20, STORE_OK);
    s_add(10, now_ms - 2 * MINUTE + 10, STORE_OK);
    snapshot_heads_t heads = snapshot_heads_of(HEADS_MAX);
    s_heads(list, UINT64_MAX, &heads);
    drops = 0;
    drops_max = HEADS_MAX;
    ck_assert_int_eq(snapshot_heads_thin(&heads, now_ms, s_drop, NULL),
                     STORE_OK);
    ck_assert_uint_eq(drops, 2);
    ck_assert_uint_eq(dropped[0], 20); /* oldest first */
    ck_assert_uint_eq(dropped[1], 40);
    drops = 0;
    drops_max = 1;
    ck_assert_int_eq(snapshot_heads_thin(&heads, now_ms, s_drop, NULL),
                     STORE_RETRY);
    snapshot_heads_fini(&heads);
}
END_TEST

Suite *suite_persister_snapshot_head(void)
{
    Suite *suite = suite_create("persister/snapshot_head");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 20);
    tcase_add_checked_fixture(all, s_set_up, NULL);
    tcase_add_test(all, a_bodys_name_says_its_seq_time_and_chain);
    tcase_add_test(all, parts_come_in_order_and_within_their_limits);
    tcase_add_test(all, pixels_are_cut_into_parts_and_put_together);
    tcase_add_test(all, the_newest_whole_one_is_read);
    tcase_add_test(all, one_of_seq_0_that_is_damaged_is_the_last);
    tcase_add_test(all, the_newest_heads_numbers_are_told_without_its_body);
    tcase_add_test(all, heads_are_visited_newest_first_until_it_is_enough);
    tcase_add_test(all, heads_above_a_cut_are_dropped);
    tcase_add_test(all, of_each_minute_of_the_last_hour_the_first_stays);
    suite_add_tcase(suite, all);
    return suite;
}
