/* SPDX-License-Identifier: Apache-2.0
 *
 * The board that snapshots are made of: when there is something to put down,
 * and that it is what the journal says.
 */
#include "persister/replica.h"

#include "tests/unit/persister/chronicle.h"

static replica_t *replica;

static void s_set_up(void)
{
    s_set_up_store();
    replica = replica_new();
}

static void s_tear_down(void)
{
    replica_destroy(&replica);
    ck_assert_ptr_null(replica);
    s_tear_down_store();
}

static void s_tell_canvas(const canvas_t *told_canvas)
{
    char json[CANVAS_JSON_MAX];
    size_t size = canvas_to_json(told_canvas, json, sizeof json);
    replica_set_canvas(replica, json, size);
}

/* Puts a snapshot at that seq, which is the board there. */
static void s_expect_put(uint64_t seq)
{
    store_snapshot_t put;
    canvas_t read;
    ck_assert_int_eq(replica_put(replica, store, seq, WRITTEN_MS + seq),
                     STORE_OK);
    ck_assert_int_eq(store->ops->get_snapshot(store, UINT64_MAX, &put),
                     STORE_OK);
    ck_assert_uint_eq(put.seq, seq);
    ck_assert_uint_eq(put.taken_at_ms, WRITTEN_MS + seq);
    ck_assert(chain_equal(put.chain, chains[seq]));
    board_t *board = snapshot_board(&put, &read, NULL), *want = s_board_at(seq);
    ck_assert_ptr_nonnull(board);
    ck_assert_uint_eq(board_digest(board), board_digest(want));
    board_destroy(&board);
    board_destroy(&want);
    store_snapshot_free(&put);
}

START_TEST(without_a_canvas_there_is_nothing_to_put)
{
    s_write(1, 100);
    ck_assert(!replica_changed(replica, 100));
    ck_assert_int_eq(replica_put(replica, store, 100, WRITTEN_MS), STORE_NONE);
    replica_set_canvas(replica, "{", 1); /* no canvas */
    ck_assert(!replica_changed(replica, 100));
}
END_TEST

START_TEST(it_is_built_from_the_journal_alone)
{
    s_write(1, 150);
    s_tell_canvas(&canvas);
    ck_assert(replica_changed(replica, 150));
    s_expect_put(150);
    ck_assert(!replica_changed(replica, 150));
    ck_assert(replica_changed(replica, 151));
}
END_TEST

START_TEST(it_is_built_from_the_newest_sound_snapshot)
{
    s_write(1, 300);
    s_put_snapshot(100);
    store_snapshot_t unsound = s_snapshot_of(200);
    unsound.digest++;
    s_put(&unsound);
    s_tell_canvas(&canvas);
    s_expect_put(300);
}
END_TEST

START_TEST(a_snapshot_of_another_size_is_no_base)
{
    canvas_t small;
    s_write(1, 100);
    canvas_init(&small, 8, 8, 4);
    board_t *board = board_new(8, 8, 4);
    store_snapshot_t other = snapshot_of(
        board, NULL, &small, (position_t){50, chains[50]}, WRITTEN_MS);
    s_put(&other);
    board_destroy(&board);
    s_tell_canvas(&canvas);
    s_expect_put(100);
}
END_TEST

START_TEST(it_goes_on_with_what_is_written)
{
    s_write(1, 100);
    s_tell_canvas(&canvas);
    ck_assert_uint_eq(replica_apply(replica, told, 100), 0); /* not built */
    s_expect_put(100);
    s_write(101, 200);
    ck_assert_uint_eq(replica_apply(replica, told + 100, 100), 0);
    s_expect_put(200);
}
END_TEST

START_TEST(records_that_disagree_with_the_board_are_counted)
{
    s_write(1, 100);
    s_tell_canvas(&canvas);
    s_expect_put(100);
    record_t wrong[2] = {told[100], told[101]};
    wrong[1].previous_color ^= 1;
    ck_assert_uint_eq(replica_apply(replica, wrong, 2), 1);
}
END_TEST

START_TEST(a_journal_that_is_short_of_the_checkpoint_fails)
{
    s_write(1, 100);
    s_tell_canvas(&canvas);
    ck_assert_int_eq(replica_put(replica, store, 101, WRITTEN_MS),
                     STORE_FAILED);
    ck_assert(replica_changed(replica, 100));
    s_expect_put(100); /* nothing of it is left */
}
END_TEST

START_TEST(settings_are_put_down_too_if_they_moved)
{
    s_write(1, 100);
    s_tell_canvas(&canvas);
    s_expect_put(100);
    s_tell_canvas(&canvas); /* the same again */
    ck_assert(!replica_changed(replica, 100));
    canvas.cooldown_ms += 1;
    s_tell_canvas(&canvas);
    ck_assert(replica_changed(replica, 100));
    s_expect_put(100);
    ck_assert(!replica_changed(replica, 100));
}
END_TEST

START_TEST(another_size_and_a_reset_empty_it)
{
    static const struct {
        uint32_t width, height;
        unsigned bits;
    } sizes[] = {{8, SIDE, 4}, {SIDE, 8, 4}, {SIDE, SIDE, 8}};
    s_write(1, 100);
    s_tell_canvas(&canvas);
    s_expect_put(100);
    replica_reset(replica);
    ck_assert(replica_changed(replica, 100));
    ck_assert_uint_eq(replica_apply(replica, told, 100), 0);
    s_expect_put(100);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        canvas_t other;
        canvas_init(&other, sizes[i].width, sizes[i].height, sizes[i].bits);
        s_tell_canvas(&other);
        ck_assert(replica_changed(replica, 100));
        /* The board is gone: nothing disagrees. */
        ck_assert_uint_eq(replica_apply(replica, told, 1), 0);
        s_tell_canvas(&canvas);
        s_expect_put(100);
    }
}
END_TEST

Suite *suite_persister_replica(void);
Suite *suite_persister_replica(void)
{
    Suite *suite = suite_create("persister/replica");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, without_a_canvas_there_is_nothing_to_put);
    tcase_add_test(all, it_is_built_from_the_journal_alone);
    tcase_add_test(all, it_is_built_from_the_newest_sound_snapshot);
    tcase_add_test(all, a_snapshot_of_another_size_is_no_base);
    tcase_add_test(all, it_goes_on_with_what_is_written);
    tcase_add_test(all, records_that_disagree_with_the_board_are_counted);
    tcase_add_test(all, a_journal_that_is_short_of_the_checkpoint_fails);
    tcase_add_test(all, settings_are_put_down_too_if_they_moved);
    tcase_add_test(all, another_size_and_a_reset_empty_it);
    suite_add_tcase(suite, all);
    return suite;
}
