/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of store.h: snapshots.
 */
#include "persister/snapshots.h"

#include "tests/unit/persister/contract.h"

/* Pixels that no compression makes smaller. */
static store_snapshot_t s_snapshot(uint64_t seq, size_t size)
{
    store_snapshot_t snapshot = {
        .seq = seq,
        .taken_at_ms = START_MS + seq,
        .digest = fmix32((uint32_t)seq + 5),
        .canvas = mem_strdup("{\"any\":\"text \xc3\xa9\"}"),
        .pixels = mem_alloc(size),
        .pixels_size = size,
    };
    for (size_t i = 0; i < size; i++)
        snapshot.pixels[i] = (uint8_t)fmix32((uint32_t)(i * 31 + seq));
    return snapshot;
}

static void s_put(const store_snapshot_t *snapshot)
{
    store_result_t result = store->ops->put_snapshot(store, snapshot);
    ck_assert_msg(result == STORE_OK, "%s", store->ops->error(store));
}

static void s_assert_snapshot(uint64_t at_most, const store_snapshot_t *wanted)
{
    store_snapshot_t got;
    ck_assert_int_eq(store->ops->get_snapshot(store, at_most, &got), STORE_OK);
    ck_assert_uint_eq(got.seq, wanted->seq);
    ck_assert_uint_eq(got.taken_at_ms, wanted->taken_at_ms);
    ck_assert_uint_eq(got.digest, wanted->digest);
    ck_assert_str_eq(got.canvas, wanted->canvas);
    ck_assert_uint_eq(got.pixels_size, wanted->pixels_size);
    ck_assert(!memcmp(got.pixels, wanted->pixels, got.pixels_size));
    store_snapshot_free(&got);
}

START_TEST(newest_snapshot_below_a_seq_is_found)
{
    store_snapshot_t none;
    store_snapshot_t first = s_snapshot(10, 500);
    store_snapshot_t second = s_snapshot(25, 700);
    s_put(&first);
    s_put(&second);
    s_assert_snapshot(UINT64_MAX, &second);
    s_assert_snapshot(25, &second);
    s_assert_snapshot(24, &first);
    s_assert_snapshot(10, &first);
    ck_assert_int_eq(store->ops->get_snapshot(store, 9, &none), STORE_NONE);
    store_snapshot_free(&first);
    store_snapshot_free(&second);
}
END_TEST

typedef struct {
    uint64_t seqs[4];
    size_t count, enough;
} stamps_t;

static bool s_on_stamp(void *context, uint64_t seq, uint64_t taken_at_ms)
{
    stamps_t *stamps = context;
    ck_assert_uint_eq(taken_at_ms, START_MS + seq);
    stamps->seqs[stamps->count++] = seq;
    return stamps->count < stamps->enough;
}

START_TEST(snapshots_are_listed_newest_first)
{
    stamps_t none = {.enough = 4}, all = none, two = {.enough = 2};
    ck_assert_int_eq(store->ops->snapshots(store, s_on_stamp, &none), STORE_OK);
    ck_assert_uint_eq(none.count, 0);
    for (uint64_t seq = 10; seq <= 30; seq += 10) {
        store_snapshot_t snapshot = s_snapshot(seq, 100);
        s_put(&snapshot);
        store_snapshot_free(&snapshot);
    }
    ck_assert_int_eq(store->ops->snapshots(store, s_on_stamp, &all), STORE_OK);
    ck_assert_uint_eq(all.count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(all.seqs[i], 30 - 10 * i);
    ck_assert_int_eq(store->ops->snapshots(store, s_on_stamp, &two), STORE_OK);
    ck_assert_uint_eq(two.count, 2);
}
END_TEST

START_TEST(snapshot_at_seq_0_is_kept)
{
    store_snapshot_t blank = s_snapshot(0, 300);
    s_put(&blank);
    s_assert_snapshot(UINT64_MAX, &blank);
    s_assert_snapshot(0, &blank);
    store_snapshot_free(&blank);
}
END_TEST

/* Three megabytes: more than one item of any store holds. */
START_TEST(large_snapshot_comes_back_whole)
{
    store_snapshot_t large = s_snapshot(77, 3 << 20);
    s_put(&large);
    s_assert_snapshot(UINT64_MAX, &large);
    store_snapshot_free(&large);
}
END_TEST

START_TEST(snapshot_of_the_same_seq_takes_the_place)
{
    store_snapshot_t before = s_snapshot(5, 900000);
    store_snapshot_t after = s_snapshot(5, 400);
    after.taken_at_ms += 60000;
    free(after.canvas);
    after.canvas = mem_strdup("{\"paused\":true}");
    s_put(&before);
    s_put(&after);
    s_assert_snapshot(UINT64_MAX, &after);
    store_snapshot_free(&before);
    store_snapshot_free(&after);
}
END_TEST

#define STAMPS 60

START_TEST(snapshots_thin_as_snapshot_keep_says)
{
    uint64_t taken_at_ms[STAMPS];
    bool keep[STAMPS];
    uint64_t at_ms = START_MS, now_ms;
    for (size_t i = 0; i < STAMPS; i++) {
        store_snapshot_t snapshot = s_snapshot(100 + i, 64);
        at_ms += i < 10   ? UINT64_C(8) * 3600000
                 : i < 30 ? UINT64_C(20) * 60000
                          : UINT64_C(30000);
        snapshot.taken_at_ms = taken_at_ms[i] = at_ms;
        s_put(&snapshot);
        store_snapshot_free(&snapshot);
    }
    now_ms = at_ms + 1000;
    snapshot_keep(taken_at_ms, STAMPS, now_ms, keep);
    ck_assert_int_eq(store->ops->thin_snapshots(store, now_ms), STORE_OK);
    uint64_t at_most = UINT64_MAX;
    size_t i = STAMPS;
    store_snapshot_t got;
    while (store->ops->get_snapshot(store, at_most, &got) == STORE_OK) {
        while (i-- && !keep[i])
            ;
        ck_assert_uint_eq(got.seq, 100 + i);
        at_most = got.seq - 1;
        store_snapshot_free(&got);
    }
    while (i-- > 0)
        ck_assert(!keep[i]);
}
END_TEST

START_TEST(snapshot_is_there_after_a_reopen)
{
    store_snapshot_t snapshot = s_snapshot(2000, 1000);
    s_put(&snapshot);
    store_destroy(&store);
    store = s_open(NULL);
    s_assert_snapshot(UINT64_MAX, &snapshot);
    store_snapshot_free(&snapshot);
}
END_TEST

Suite *suite_persister_contract_snapshots(void);
Suite *suite_persister_contract_snapshots(void)
{
    const TTest *const facts[] = {
        newest_snapshot_below_a_seq_is_found,
        snapshots_are_listed_newest_first,
        snapshot_at_seq_0_is_kept,
        large_snapshot_comes_back_whole,
        snapshot_of_the_same_seq_takes_the_place,
        snapshots_thin_as_snapshot_keep_says,
        snapshot_is_there_after_a_reopen,
    };
    return contract_suite("persister/contract_snapshots", facts,
                          sizeof facts / sizeof *facts);
}
