/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache on a mirror that is fed by hand, with jobs that run when told.
 */
#include "edge/http/board_renderings.h"

#include "common/clock.h"
#include "common/cursor.h"
#include "common/diff.h"
#include "common/mem.h"

#include <check.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_board_renderings(void);

#define LIFE_MS 3000
/* Some renderings of 20 × 10 pixels. */
#define HELD_MAX 1000

static uint64_t now_ms;
static mirror_t *mirror;
static board_t *board; /* what the mirror should show */
static uint64_t seq;
static board_renderings_t *cache;
static work_t *job; /* submitted and not yet run */

static uint64_t s_now_ms(void)
{
    return now_ms;
}

static const clock_source_t by_hand = {s_now_ms, s_now_ms};

static void s_submit(void *context, work_t *work)
{
    ck_assert_ptr_null(context);
    ck_assert_ptr_null(job);
    job = work;
}

static void s_finish(void)
{
    work_t *work = job;
    ck_assert_ptr_nonnull(work);
    job = NULL;
    work->run(work);
    work->done(work);
}

static void s_feed(uint32_t epoch)
{
    static char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, board_width(board), board_height(board),
                board_bits(board));
    canvas.epoch = epoch;
    bus_board_t message = {
        .epoch = epoch,
        .seq = seq,
        .json = json,
        .json_size = canvas_to_json(&canvas, json, sizeof json),
        .pixels = board_bytes(board),
        .pixels_size = board_size_bytes(board),
    };
    mirror_on_board(mirror, &message);
    ck_assert_uint_eq(mirror_seq(mirror), seq);
    ck_assert_uint_eq(mirror_epoch(mirror), epoch);
}

static void s_set_palette(const char *palette)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas = *mirror_canvas(mirror);
    ck_assert_int_eq(canvas_set_palette(&canvas, palette), 0);
    size_t size = canvas_to_json(&canvas, json, sizeof json);
    bus_body_t message = {
        .epoch = canvas.epoch, .body = (const uint8_t *)json, .size = size};
    ck_assert_int_eq(mirror_on_canvas(mirror, &message), MIRROR_OK);
}

/* One placement, by a board of the next seq. */
static void s_place(uint32_t index, uint8_t color)
{
    board_set(board, index, color);
    seq++;
    s_feed(1);
}

static void s_setup(void)
{
    now_ms = 1000000;
    clock_use(&by_hand);
    mirror = mirror_new(1000);
    board = board_new(20, 10, 4);
    seq = 5;
    job = NULL;
    s_feed(1);
    cache = board_renderings_new(mirror, LIFE_MS, HELD_MAX, s_submit, NULL);
}

static void s_teardown(void)
{
    board_renderings_destroy(&cache);
    if (job)
        s_finish();
    mirror_destroy(&mirror);
    board_destroy(&board);
    clock_use(&clock_system);
}

typedef struct {
    board_waiter_t waiter; /* first */
    unsigned calls;
    uint64_t seq;
} asker_t;

static void s_on_rendering(board_waiter_t *waiter, const rendering_t *made)
{
    asker_t *asker = (asker_t *)waiter;
    asker->calls++;
    asker->seq = made->seq;
}

static const rendering_t *s_get(asker_t *asker, rendering_kind_t kind)
{
    asker->waiter.on_rendering = s_on_rendering;
    return board_renderings_get(cache, kind, &asker->waiter);
}

/* A rendering of the board that is now in force. */
static const rendering_t *s_made(void)
{
    asker_t asker = {0};
    if (!s_get(&asker, 0))
        s_finish();
    return s_get(&asker, 0);
}

START_TEST(header_and_pixels_are_the_board)
{
    s_place(3, 9);
    const rendering_t *made = s_made();
    const blob_t *body = made->body[ENCODING_IDENTITY];
    ck_assert_uint_eq(body->size, 40 + 100);
    reader_t r = reader_of(body->bytes, body->size);
    ck_assert_mem_eq(read_bytes(&r, 4), "STPL", 4);
    ck_assert_uint_eq(read_u8(&r), 1);
    ck_assert_uint_eq(read_u8(&r), 4);
    ck_assert_uint_eq(read_u16(&r), 40);
    ck_assert_uint_eq(read_u32(&r), 20);
    ck_assert_uint_eq(read_u32(&r), 10);
    ck_assert_uint_eq(read_u64(&r), 6);
    ck_assert_uint_eq(read_u32(&r), 1);
    ck_assert_uint_eq(read_u32(&r), board_digest(board));
    ck_assert_uint_eq(read_u64(&r), now_ms);
    ck_assert_mem_eq(r.at, board_bytes(board), 100);
    ck_assert_str_eq(made->etag, "\"1-6\"");
}
END_TEST

START_TEST(gzip_unpacks_to_the_same)
{
    const rendering_t *made = s_made();
    const blob_t *plain = made->body[ENCODING_IDENTITY];
    const blob_t *packed = made->body[ENCODING_GZIP];
    uint8_t bytes[200];
    size_t size;
    struct libdeflate_decompressor *gzip = libdeflate_alloc_decompressor();
    ck_assert_ptr_nonnull(packed);
    ck_assert_int_eq(libdeflate_gzip_decompress(gzip, packed->bytes,
                                                packed->size, bytes,
                                                sizeof bytes, &size),
                     0);
    ck_assert_uint_eq(size, plain->size);
    ck_assert_mem_eq(bytes, plain->bytes, size);
    libdeflate_free_decompressor(gzip);
}
END_TEST

START_TEST(many_askers_cost_one_rendering)
{
    asker_t askers[100] = {0};
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_null(s_get(&askers[i], 0));
    s_finish();
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(askers[i].calls, 1);
    ck_assert_uint_eq(board_renderings_made(cache), 1);
    ck_assert_ptr_nonnull(s_get(&askers[0], 0));
}
END_TEST

START_TEST(a_rendering_lasts_its_life)
{
    asker_t asker = {0};
    s_made();
    s_place(1, 1);
    now_ms += LIFE_MS - 1;
    ck_assert_uint_eq(s_get(&asker, 0)->seq, 5);
    ck_assert_uint_eq(board_renderings_age_s(cache, s_get(&asker, 0)), 2);
    now_ms += 1;
    ck_assert_ptr_null(s_get(&asker, 0));
    s_finish();
    ck_assert_uint_eq(asker.seq, 6);
}
END_TEST

START_TEST(an_unchanged_board_is_not_made_again)
{
    asker_t asker = {0};
    s_made();
    now_ms += 100 * LIFE_MS;
    const rendering_t *made = s_get(&asker, 0);
    ck_assert_ptr_nonnull(made);
    ck_assert_uint_eq(board_renderings_age_s(cache, made), 0);
    ck_assert_uint_eq(board_renderings_made(cache), 1);
}
END_TEST

START_TEST(another_epoch_is_made_at_once)
{
    asker_t asker = {0};
    s_made();
    s_feed(2);
    ck_assert_ptr_null(s_get(&asker, 0));
    s_finish();
    ck_assert_uint_eq(asker.calls, 1);
    ck_assert_str_eq(s_get(&asker, 0)->etag, "\"2-5\"");
}
END_TEST

START_TEST(askers_before_a_job_get_it_however_late)
{
    asker_t before = {0}, after = {0};
    ck_assert_ptr_null(s_get(&before, 0));
    s_place(1, 1);
    now_ms += LIFE_MS; /* the job takes long */
    ck_assert_ptr_null(s_get(&after, 0));
    s_finish();
    ck_assert_uint_eq(before.calls, 1);
    ck_assert_uint_eq(before.seq, 5);
    ck_assert_uint_eq(after.calls, 0);
    s_finish(); /* the next one began by itself */
    ck_assert_uint_eq(after.calls, 1);
    ck_assert_uint_eq(after.seq, 6);
}
END_TEST

START_TEST(a_history_lost_meanwhile_puts_askers_off)
{
    asker_t asker = {0};
    ck_assert_ptr_null(s_get(&asker, 0));
    seq = 2;
    s_feed(3);
    s_finish();
    ck_assert_uint_eq(asker.calls, 0);
    s_finish();
    ck_assert_uint_eq(asker.calls, 1);
    ck_assert_uint_eq(asker.seq, 2);
}
END_TEST

START_TEST(who_left_is_not_called)
{
    asker_t stays = {0}, leaves = {0}, last = {0};
    s_get(&stays, 0);
    s_get(&leaves, 0);
    s_get(&last, 0);
    board_renderings_cancel(&leaves.waiter);
    board_renderings_cancel(&leaves.waiter);
    s_finish();
    ck_assert_uint_eq(leaves.calls, 0);
    ck_assert_uint_eq(stays.calls + last.calls, 2);
}
END_TEST

START_TEST(a_cache_may_go_while_a_job_runs)
{
    asker_t asker = {0};
    s_get(&asker, 0);
    board_renderings_destroy(&cache);
    s_finish();
    ck_assert_uint_eq(asker.calls, 0);
}
END_TEST

START_TEST(a_stopped_job_calls_nobody)
{
    asker_t asker = {0};
    s_get(&asker, 3);
    board_renderings_stop(cache);
    s_finish();
    ck_assert_uint_eq(asker.calls, 0);
    board_renderings_cancel(&asker.waiter); /* as its connection's end does */
}
END_TEST

START_TEST(pngs_are_kinds_of_their_own)
{
    asker_t board_asker = {0}, png = {0};
    s_get(&board_asker, 0);
    s_finish();
    ck_assert_ptr_null(s_get(&png, 2));
    s_finish();
    const rendering_t *made = s_get(&png, 2);
    ck_assert_mem_eq(made->body[ENCODING_IDENTITY]->bytes, "\x89PNG", 4);
    ck_assert_ptr_null(made->body[ENCODING_GZIP]);
    ck_assert_str_eq(made->etag, "\"1-5\"");
}
END_TEST

START_TEST(pngs_are_made_one_at_a_time)
{
    asker_t askers[PNG_SCALE_MAX + 1] = {0};
    for (rendering_kind_t i = PNG_SCALE_MAX; i > 0; i--)
        ck_assert_ptr_null(s_get(&askers[i], i));
    for (int i = 1; i <= PNG_SCALE_MAX; i++) {
        unsigned calls = 0;
        s_finish(); /* s_submit fails on a second job at a time */
        for (int j = 1; j <= PNG_SCALE_MAX; j++)
            calls += askers[j].calls;
        ck_assert_uint_eq(calls, i);
    }
    ck_assert_ptr_null(job);
}
END_TEST

START_TEST(what_nobody_asks_for_is_dropped)
{
    asker_t asker = {0};
    s_get(&asker, 8);
    s_finish();
    now_ms += 60001;
    s_place(1, 1);
    s_made(); /* a rendering of another kind sweeps */
    ck_assert_ptr_null(s_get(&asker, 8));
    s_finish();
    ck_assert_uint_eq(asker.calls, 2);
}
END_TEST

START_TEST(another_palette_is_another_png)
{
    asker_t asker = {0};
    s_get(&asker, 1);
    s_finish();
    s_set_palette("#000000,#FFFFFF");
    ck_assert_ptr_null(s_get(&asker, 1));
    s_finish();
    ck_assert_str_ne(s_get(&asker, 1)->etag, "\"1-5\"");
}
END_TEST

typedef struct {
    blob_reader_t reader; /* first */
    blob_t *body;
    bool revoked;
} slow_t;

static void s_on_revoked(blob_reader_t *reader)
{
    slow_t *slow = (slow_t *)reader;
    slow->revoked = true;
    blob_unref(&slow->body);
}

/* Each reads a version that is replaced: those who began last may go on. */
START_TEST(replaced_renderings_are_held_up_to_a_limit)
{
    slow_t slow[30] = {0};
    for (int i = 0; i < 30; i++) {
        s_place((uint32_t)i, 3);
        now_ms += LIFE_MS;
        slow[i].body = blob_ref(s_made()->body[ENCODING_IDENTITY]);
        slow[i].reader.on_revoked = s_on_revoked;
        blob_read(slow[i].body, &slow[i].reader);
        ck_assert_uint_le(board_renderings_held_bytes(cache), HELD_MAX);
    }
    ck_assert(slow[0].revoked);
    ck_assert(!slow[24].revoked);
    ck_assert(!slow[29].revoked);
    for (int i = 0; i < 30; i++) {
        blob_leave(&slow[i].reader);
        blob_unref(&slow[i].body);
    }
    ck_assert_uint_eq(board_renderings_held_bytes(cache), 0);
}
END_TEST

START_TEST(who_reads_the_board_in_force_is_never_cut_off)
{
    slow_t slow[100] = {0};
    const rendering_t *made = s_made();
    for (int i = 0; i < 100; i++) {
        slow[i].body = blob_ref(made->body[ENCODING_IDENTITY]);
        slow[i].reader.on_revoked = s_on_revoked;
        blob_read(slow[i].body, &slow[i].reader);
    }
    s_place(3, 3);
    now_ms += LIFE_MS;
    s_made(); /* one version is within the limit, whoever reads it */
    for (int i = 0; i < 100; i++) {
        ck_assert(!slow[i].revoked);
        blob_leave(&slow[i].reader);
        blob_unref(&slow[i].body);
    }
}
END_TEST

Suite *suite_edge_board_renderings(void)
{
    Suite *suite = suite_create("edge/board_renderings");
    TCase *tcase = tcase_create("board_renderings");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, header_and_pixels_are_the_board);
    tcase_add_test(tcase, gzip_unpacks_to_the_same);
    tcase_add_test(tcase, many_askers_cost_one_rendering);
    tcase_add_test(tcase, a_rendering_lasts_its_life);
    tcase_add_test(tcase, an_unchanged_board_is_not_made_again);
    tcase_add_test(tcase, another_epoch_is_made_at_once);
    tcase_add_test(tcase, askers_before_a_job_get_it_however_late);
    tcase_add_test(tcase, a_history_lost_meanwhile_puts_askers_off);
    tcase_add_test(tcase, who_left_is_not_called);
    tcase_add_test(tcase, a_cache_may_go_while_a_job_runs);
    tcase_add_test(tcase, a_stopped_job_calls_nobody);
    tcase_add_test(tcase, pngs_are_kinds_of_their_own);
    tcase_add_test(tcase, pngs_are_made_one_at_a_time);
    tcase_add_test(tcase, what_nobody_asks_for_is_dropped);
    tcase_add_test(tcase, another_palette_is_another_png);
    tcase_add_test(tcase, replaced_renderings_are_held_up_to_a_limit);
    tcase_add_test(tcase, who_reads_the_board_in_force_is_never_cut_off);
    suite_add_tcase(suite, tcase);
    return suite;
}
