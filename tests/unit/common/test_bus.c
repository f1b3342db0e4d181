/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_query.h"

#include <check.h>
#include <string.h>

Suite *suite_common_bus(void);

START_TEST(places_round_trip_and_every_truncation_is_refused)
{
    bool told = _i;
    static bus_place_t in[3], out[BUS_PLACES_MAX];
    for (unsigned i = 0; i < 3; i++)
        in[i] = (bus_place_t){.ticket = 1ull << 60 | i,
                              .user = 0xfedcba9876543210u,
                              .request = 4000000000u,
                              .x = 65535,
                              .y = (uint16_t)i,
                              .color = 255,
                              .flags = BUS_PLACE_RESENT};
    for (unsigned i = 0; i < 3; i++)
        in[i].unseen = told ? UINT64_C(0x123456789abcdef) : 0;
    uint8_t bytes[8 + 3 + 3 * BUS_PLACE_BYTES + 1] = {0};
    size_t size = bus_put_places(bytes, in, 3);
    ck_assert_uint_eq(size, bus_places_bound(3) - (told ? 0 : 8));
    ck_assert_int_eq(bus_decode_places(out, bytes, size), 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(out[i].unseen, in[i].unseen);
        ck_assert_uint_eq(out[i].ticket, in[i].ticket);
        ck_assert_uint_eq(out[i].user, in[i].user);
        ck_assert_uint_eq(out[i].request, in[i].request);
        ck_assert_uint_eq(out[i].x, in[i].x);
        ck_assert_uint_eq(out[i].y, in[i].y);
        ck_assert_uint_eq(out[i].color, in[i].color);
        ck_assert_uint_eq(out[i].flags, in[i].flags);
    }
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_places(out, bytes, cut), -1);
    ck_assert_int_eq(bus_decode_places(out, bytes, size + 1), -1);
}
END_TEST

START_TEST(a_count_above_the_limit_is_refused)
{
    static uint8_t bytes[3 + (BUS_PLACES_MAX + 1) * BUS_PLACE_BYTES];
    static bus_place_t out[BUS_PLACES_MAX];
    bytes[0] = BUS_PLACES;
    bytes[1] = (BUS_PLACES_MAX + 1) & 0xff;
    bytes[2] = (BUS_PLACES_MAX + 1) >> 8;
    ck_assert_int_eq(bus_decode_places(out, bytes, sizeof bytes), -1);
}
END_TEST

START_TEST(verdicts_round_trip_and_unknown_status_is_refused)
{
    static bus_verdict_t out[BUS_PLACES_MAX];
    bus_verdict_t in[2] = {
        {.ticket = 9, .status = VERDICT_OK, .seq = 77, .remaining_ms = 300000},
        {.ticket = 10, .status = VERDICT_COOLDOWN, .remaining_ms = 1}};
    uint8_t bytes[3 + 2 * BUS_VERDICT_BYTES];
    size_t size = bus_put_verdicts(bytes, in, 2);
    ck_assert_int_eq(bus_decode_verdicts(out, bytes, size), 2);
    ck_assert_uint_eq(out[0].seq, 77);
    ck_assert_uint_eq(out[0].remaining_ms, 300000);
    ck_assert_uint_eq(out[1].status, VERDICT_COOLDOWN);
    bytes[3 + 8] = VERDICT_COUNT;
    ck_assert_int_eq(bus_decode_verdicts(out, bytes, size), -1);
}
END_TEST

static const chain_t s_chain = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}};

/* One round trip of a fixed-size message; `size` and type are checked too. */
#define ROUND_TRIP(kind, ...)                                                  \
    do {                                                                       \
        bus_##kind##_t in = __VA_ARGS__, out;                                  \
        memset(&out, 0, sizeof out);                                           \
        uint8_t bytes[BUS_SMALL_MAX + 1] = {0};                                \
        size_t size = bus_put_##kind(bytes, &in);                              \
        ck_assert_int_eq(bus_decode_##kind(&out, bytes, size), 0);             \
        uint8_t again[BUS_SMALL_MAX];                                          \
        ck_assert_uint_eq(bus_put_##kind(again, &out), size);                  \
        ck_assert_mem_eq(again, bytes, size);                                  \
        for (size_t cut = 0; cut < size; cut++)                                \
            ck_assert_int_eq(bus_decode_##kind(&out, bytes, cut), -1);         \
        ck_assert_int_eq(bus_decode_##kind(&out, bytes, size + 1), -1);        \
        bytes[0] = 0xff;                                                       \
        ck_assert_int_eq(bus_decode_##kind(&out, bytes, size), -1);            \
    } while (0)

START_TEST(small_messages_round_trip_and_truncations_are_refused)
{
    ROUND_TRIP(sync, {.epoch = 3, .seq = 1ull << 40, .chain = s_chain});
    ROUND_TRIP(beat, {.epoch = 1,
                      .seq = 2,
                      .digest = 3,
                      .online = 4,
                      .lease_ms = 3000,
                      .chain = s_chain});
    ROUND_TRIP(report, {.viewers = 15000});
    ROUND_TRIP(persister, {.instance = 1,
                           .epoch = 2,
                           .checkpoint = 3,
                           .snapshot_seq = 4,
                           .active = 1,
                           .chain = s_chain});
    ROUND_TRIP(grant, {.epoch = 9, .active = 1, .seq = 5, .chain = s_chain});
    ROUND_TRIP(replay, {.from = 10, .max = 16384});
    ROUND_TRIP(chain, {.seq = 8, .chain = s_chain, .first = 3});
    ROUND_TRIP(answer, {.ticket = 5, .status = BUS_FOUND, .record.seq = 12});
}
END_TEST

START_TEST(queries_carry_a_pixel_or_a_user)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_query_t in = {.ticket = 5, .x = 7, .y = 8, .user = 9}, out;
    size_t size = bus_put_query(bytes, BUS_PIXEL, &in);
    ck_assert_int_eq(bus_decode_query(&out, bytes, size), 0);
    ck_assert(out.x == 7 && out.y == 8 && out.user == 0 && out.ticket == 5);
    size = bus_put_query(bytes, BUS_USER, &in);
    ck_assert_int_eq(bus_decode_query(&out, bytes, size), 0);
    ck_assert(out.x == 0 && out.user == 9);
    ck_assert_int_eq(bus_decode_query(&out, bytes, size - 1), -1);
}
END_TEST

START_TEST(questions_about_the_past_round_trip)
{
    uint8_t bytes[BUS_SMALL_MAX + 1] = {0};
    static const bus_query_t questions[] = {
        {.ticket = 5, .x = 7, .y = 8, .from = 99, .max = 20},
        {.ticket = 6, .from = 9, .to = 10, .width = 3, .height = 4, .bits = 8},
        {.ticket = 7},
    };
    for (int i = 0; i < 3; i++) {
        bus_query_t out;
        size_t size =
            bus_put_query(bytes, (bus_type_t)(BUS_HISTORY + i), &questions[i]);
        ck_assert_int_eq(bus_decode_query(&out, bytes, size), 0);
        ck_assert(!memcmp(&out, &questions[i], sizeof out));
        ck_assert_int_eq(bus_decode_query(&out, bytes, size - 1), -1);
        bytes[size] = 0;
        ck_assert_int_eq(bus_decode_query(&out, bytes, size + 1), -1);
    }
}
END_TEST

START_TEST(questions_that_make_no_sense_are_malformed)
{
    uint8_t bytes[BUS_SMALL_MAX + 1] = {0};
    static const bus_query_t diffs[] = {
        {.from = 9, .to = 8, .width = 3, .height = 4, .bits = 8},
        {.from = 8, .to = 8, .width = 0, .height = 4, .bits = 8},
        {.from = 8, .to = 8, .width = 3, .height = 4, .bits = 5},
        {.to = 8, .width = 65535, .height = 65535, .bits = 4},
    };
    bus_query_t out;
    for (size_t i = 0; i < sizeof diffs / sizeof *diffs; i++) {
        size_t size = bus_put_query(bytes, BUS_PAST_DIFF, &diffs[i]);
        ck_assert_int_eq(bus_decode_query(&out, bytes, size), -1);
    }
    static const uint16_t many[] = {0, BUS_HISTORY_MAX + 1};
    for (int i = 0; i < 2; i++) {
        bus_query_t history = {.max = many[i]};
        size_t size = bus_put_query(bytes, BUS_HISTORY, &history);
        ck_assert_int_eq(bus_decode_query(&out, bytes, size), -1);
    }
}
END_TEST

START_TEST(a_page_carries_its_bytes)
{
    uint8_t bytes[BUS_SMALL_MAX + 1] = {0};
    bus_page_t in = {.ticket = 5, .status = BUS_TOO_MUCH, .next = 77}, out;
    size_t size = bus_put_page_head(bytes, &in);
    ck_assert_uint_eq(size, BUS_PAGE_HEAD_BYTES);
    memcpy(bytes + size, "abc", 3);
    ck_assert_int_eq(bus_decode_page(&out, bytes, size + 3), 0);
    ck_assert_uint_eq(out.ticket, 5);
    ck_assert_uint_eq(out.status, BUS_TOO_MUCH);
    ck_assert_uint_eq(out.next, 77);
    ck_assert_uint_eq(out.size, 3);
    ck_assert(!memcmp(out.bytes, "abc", 3));
    ck_assert_int_eq(bus_decode_page(&out, bytes, size - 1), -1);
    bytes[9] = BUS_TOO_MUCH + 1;
    ck_assert_int_eq(bus_decode_page(&out, bytes, size), -1);
}
END_TEST

START_TEST(a_board_carries_its_settings_and_pixels)
{
    uint8_t pixels[50] = {1, 2, 3};
    bus_board_t in = {.epoch = 2,
                      .seq = 99,
                      .chain = s_chain,
                      .relation = HISTORY_FORKED,
                      .json = "{}",
                      .json_size = 2,
                      .pixels = pixels,
                      .pixels_size = sizeof pixels};
    uint8_t bytes[128];
    bus_board_t out;
    ck_assert_uint_le(bus_board_bound(&in), sizeof bytes);
    size_t size = bus_put_board(bytes, BUS_SNAPSHOT, &in);
    ck_assert_int_eq(bus_decode_board(&out, bytes, size), 0);
    ck_assert_uint_eq(out.seq, 99);
    ck_assert(chain_equal(out.chain, s_chain));
    ck_assert_uint_eq(out.relation, HISTORY_FORKED);
    ck_assert_uint_eq(out.pixels_size, sizeof pixels);
    ck_assert_mem_eq(out.pixels, pixels, sizeof pixels);
    ck_assert_mem_eq(out.json, "{}", 2);
    for (size_t cut = 0; cut < size - sizeof pixels; cut++)
        ck_assert_int_eq(bus_decode_board(&out, bytes, cut), -1);
    bytes[1 + 4 + 8 + CHAIN_BYTES] = HISTORY_FORKED + 1;
    ck_assert_int_eq(bus_decode_board(&out, bytes, size), -1);
}
END_TEST

START_TEST(a_body_carries_the_chain_at_its_place)
{
    uint8_t bytes[BUS_BODY_HEAD_BYTES + 3] = {0};
    bus_body_t out;
    size_t size = bus_put_body_head(bytes, BUS_RECORDS, 7, s_chain);
    ck_assert_uint_eq(size, BUS_BODY_HEAD_BYTES);
    ck_assert_int_eq(bus_decode_body(&out, bytes, sizeof bytes), 0);
    ck_assert_uint_eq(out.epoch, 7);
    ck_assert(chain_equal(out.chain, s_chain));
    ck_assert_uint_eq(out.size, 3);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_body(&out, bytes, cut), -1);
}
END_TEST

START_TEST(a_question_for_a_chain_is_a_seq)
{
    uint8_t bytes[BUS_SMALL_MAX];
    uint64_t seq = 0;
    size_t size = bus_put_chain_ask(bytes, 1ull << 50);
    ck_assert_int_eq(bus_decode_chain_ask(&seq, bytes, size), 0);
    ck_assert_uint_eq(seq, 1ull << 50);
    ck_assert_int_eq(bus_decode_chain_ask(&seq, bytes, size - 1), -1);
    ck_assert_int_eq(bus_decode_chain_ask(&seq, bytes, size + 1), -1);
}
END_TEST

START_TEST(acked_round_trips_and_every_truncation_is_refused)
{
    uint8_t bytes[BUS_SMALL_MAX] = {0};
    bus_acked_t acked = {3, UINT64_C(1) << 40, UINT64_MAX, 9}, out;
    size_t size = bus_put_acked(bytes, &acked);
    ck_assert_int_eq(bus_decode_acked(&out, bytes, size), 0);
    ck_assert(out.epoch == 3 && out.seq == acked.seq &&
              out.user == acked.user && out.request == 9);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_acked(&out, bytes, cut), -1);
    ck_assert_int_eq(bus_decode_acked(&out, bytes, size + 1), -1);
    acked.seq = 0;
    bus_put_acked(bytes, &acked);
    ck_assert_int_eq(bus_decode_acked(&out, bytes, size), -1);
}
END_TEST

START_TEST(a_peer_of_another_format_is_recognised_and_not_read)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_sync_t sync = {.epoch = 1, .seq = 2}, read;
    size_t size = bus_put_sync(bytes, &sync);
    ck_assert_uint_eq(bus_peer_format(bytes, size), BUS_FORMAT);
    bytes[1] = BUS_FORMAT + 1;
    ck_assert_uint_eq(bus_peer_format(bytes, size), BUS_FORMAT + 1);
    ck_assert_int_eq(bus_decode_sync(&read, bytes, size), -1);
    /* As 0.1.0 sent them: SYNC 1, 2; PERSISTER; BEAT. */
    const uint8_t old_sync[13] = {0x12, 1, 0, 0, 0, 2};
    const uint8_t old_persister[30] = {0x40}, old_beat[25] = {0x21};
    ck_assert_uint_eq(bus_peer_format(old_sync, sizeof old_sync), 1);
    ck_assert_uint_eq(bus_peer_format(old_persister, 30), 1);
    ck_assert_uint_eq(bus_peer_format(old_beat, 25), 1);
    ck_assert_uint_eq(bus_peer_format("\x10", 1), BUS_FORMAT);
    ck_assert_uint_eq(bus_peer_format("", 0), BUS_FORMAT);
}
END_TEST

START_TEST(records_must_run_on_without_a_gap)
{
    uint8_t bytes[3 * RECORD_BYTES];
    record_t out[3];
    for (unsigned i = 0; i < 3; i++) {
        record_t record = {.seq = 5 + i,
                           .placed_at_ms = 1700000000000u,
                           .user = UINT64_MAX,
                           .request = i,
                           .x = 1,
                           .y = 2,
                           .color = 3,
                           .previous_color = 4,
                           .flags = RECORD_KEYLESS};
        record_encode(bytes + i * RECORD_BYTES, &record);
    }
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 5, out, 3), 3);
    ck_assert_uint_eq(out[2].seq, 7);
    ck_assert_uint_eq(out[2].previous_color, 4);
    ck_assert_uint_eq(out[2].flags, RECORD_KEYLESS);
    ck_assert_uint_eq(out[2].placed_at_ms, 1700000000000u);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 0, out, 3), 3);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 4, out, 3), -1);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 5, out, 2), -1);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes - 1, 5, out, 3), -1);
    bytes[RECORD_BYTES] = 9;
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 5, out, 3), -1);
}
END_TEST

Suite *suite_common_bus(void)
{
    Suite *suite = suite_create("common/bus");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, places_round_trip_and_every_truncation_is_refused,
                        0, 2);
    tcase_add_test(all, a_count_above_the_limit_is_refused);
    tcase_add_test(all, verdicts_round_trip_and_unknown_status_is_refused);
    tcase_add_test(all, small_messages_round_trip_and_truncations_are_refused);
    tcase_add_test(all, queries_carry_a_pixel_or_a_user);
    tcase_add_test(all, questions_about_the_past_round_trip);
    tcase_add_test(all, questions_that_make_no_sense_are_malformed);
    tcase_add_test(all, a_page_carries_its_bytes);
    tcase_add_test(all, a_board_carries_its_settings_and_pixels);
    tcase_add_test(all, a_body_carries_the_chain_at_its_place);
    tcase_add_test(all, a_question_for_a_chain_is_a_seq);
    tcase_add_test(all, acked_round_trips_and_every_truncation_is_refused);
    tcase_add_test(all, a_peer_of_another_format_is_recognised_and_not_read);
    tcase_add_test(all, records_must_run_on_without_a_gap);
    suite_add_tcase(suite, all);
    return suite;
}
