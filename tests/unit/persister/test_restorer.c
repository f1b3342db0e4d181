/* SPDX-License-Identifier: Apache-2.0
 *
 * What brokers get to hear of a store: its newest sound snapshot, its records,
 * its chains.
 */
#include "persister/restorer.h"

#include "common/bus.h"
#include "tests/unit/persister/chronicle.h"

static zactor_t *restorer;
static zframe_t *answer; /* taken last */
static restorer_news_t news;

static void s_set_up(void)
{
    s_set_up_store();
    s_write(1, 300);
    restorer = restorer_new(url);
    ck_assert_ptr_nonnull(restorer);
    zsock_set_rcvtimeo(restorer, 10000);
}

static void s_tear_down(void)
{
    zactor_destroy(&restorer);
    zframe_destroy(&answer);
    s_tear_down_store();
}

/* Asks for broker `number`; whether there was an answer. */
static bool s_ask(size_t number, const void *bytes, size_t size)
{
    zframe_t *question = zframe_new(bytes, size);
    restorer_ask(restorer, number, &question);
    zframe_destroy(&answer);
    for (;;) {
        zmsg_t *message = zmsg_recv(restorer);
        ck_assert_ptr_nonnull(message);
        char *word = zmsg_popstr(message);
        bool ended = !strcmp(word, "NEWS");
        free(word);
        if (ended) {
            ck_assert_uint_eq(zframe_size(zmsg_first(message)), sizeof news);
            memcpy(&news, zframe_data(zmsg_first(message)), sizeof news);
        } else {
            size_t of;
            memcpy(&of, zframe_data(zmsg_first(message)), sizeof of);
            ck_assert_uint_eq(of, number);
            zframe_destroy(&answer);
            answer = zframe_dup(zmsg_next(message));
        }
        zmsg_destroy(&message);
        if (ended)
            return answer;
    }
}

static bus_board_t s_snapshot(void)
{
    static const uint8_t ask[] = {BUS_SNAPSHOT_ASK};
    bus_board_t board;
    ck_assert(s_ask(3, ask, 1));
    ck_assert_uint_eq(zframe_data(answer)[0], BUS_SNAPSHOT);
    ck_assert_int_eq(
        bus_decode_board(&board, zframe_data(answer), zframe_size(answer)), 0);
    return board;
}

START_TEST(the_newest_snapshot_is_told_with_its_chain)
{
    s_put_snapshot(100);
    s_put_snapshot(200);
    bus_board_t got = s_snapshot();
    board_t *board = s_board_at(200);
    canvas_t read;
    ck_assert_uint_eq(got.seq, 200);
    ck_assert_uint_eq(got.epoch, 3);
    ck_assert(chain_equal(got.chain, chains[200]));
    ck_assert_uint_eq(got.pixels_size, board_size_bytes(board));
    ck_assert_mem_eq(got.pixels, board_bytes(board), got.pixels_size);
    ck_assert_int_eq(canvas_from_json(&read, got.json, got.json_size), 0);
    ck_assert(canvas_equal(&read, &canvas));
    ck_assert_uint_eq(news.restores, 1);
    board_destroy(&board);
}
END_TEST

START_TEST(an_unsound_snapshot_is_passed_over)
{
    s_put_snapshot(100);
    store_snapshot_t unsound = s_snapshot_of(200);
    unsound.digest++;
    s_put(&unsound);
    ck_assert_uint_eq(s_snapshot().seq, 100);
}
END_TEST

START_TEST(a_snapshot_without_a_chain_gets_the_one_of_the_journal)
{
    store_snapshot_t old = s_snapshot_of(200);
    old.chain = CHAIN_UNKNOWN;
    s_put(&old);
    ck_assert(chain_equal(s_snapshot().chain, chains[200]));
}
END_TEST

START_TEST(without_any_it_is_none)
{
    bus_board_t got = s_snapshot();
    ck_assert_uint_eq(got.seq, 0);
    ck_assert_uint_eq(got.pixels_size, 0);
    store_snapshot_t unsound = s_snapshot_of(0);
    unsound.digest++;
    s_put(&unsound);
    got = s_snapshot();
    ck_assert_uint_eq(got.pixels_size, 0);
    ck_assert_uint_eq(news.restores, 2);
}
END_TEST

/* The records of the answer. */
static size_t s_replay(uint64_t from, uint32_t max, bus_body_t *body)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_replay_t ask = {.from = from, .max = max};
    ck_assert(s_ask(1, bytes, bus_put_replay(bytes, &ask)));
    ck_assert_uint_eq(zframe_data(answer)[0], BUS_RECORDS);
    ck_assert_int_eq(
        bus_decode_body(body, zframe_data(answer), zframe_size(answer)), 0);
    ck_assert_uint_eq(body->epoch, 3);
    ck_assert_uint_eq(body->size % RECORD_BYTES, 0);
    return body->size / RECORD_BYTES;
}

START_TEST(records_are_told_from_a_seq_on_behind_their_chain)
{
    static const struct {
        uint64_t from;
        uint32_t max, count;
    } cases[] = {{1, 100, 100},
                 {51, 1, 1},
                 {201, 1000, 100},
                 {300, 5, 1},
                 {1, 70000, 300}};
    bus_body_t body;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t from = cases[i].from;
        ck_assert_uint_eq(s_replay(from, cases[i].max, &body), cases[i].count);
        ck_assert(chain_equal(body.chain, chains[from - 1]));
        ck_assert_mem_eq(body.body, packed + (from - 1) * RECORD_BYTES,
                         body.size);
    }
}
END_TEST

START_TEST(behind_the_last_record_there_is_nothing)
{
    bus_body_t body;
    ck_assert_uint_eq(s_replay(301, 10, &body), 0);
    ck_assert(chain_equal(body.chain, chains[300]));
    ck_assert_uint_eq(s_replay(302, 10, &body), 0);
    ck_assert(!chain_known(body.chain));
}
END_TEST

/* An empty answer would end the restore. */
START_TEST(a_hole_is_answered_by_silence)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_replay_t none = {.from = 5, .max = 0};
    ck_assert(!s_ask(1, bytes, bus_put_replay(bytes, &none)));
    none.from = 300;
    ck_assert(!s_ask(1, bytes, bus_put_replay(bytes, &none)));
    ck_assert_uint_eq(news.bad, 0);
}
END_TEST

START_TEST(a_chain_is_told_up_to_the_checkpoint)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_chain_t chain;
    for (uint64_t seq = 100; seq <= 301; seq += seq == 300 ? 1 : 100) {
        ck_assert(s_ask(2, bytes, bus_put_chain_ask(bytes, seq)));
        ck_assert_int_eq(
            bus_decode_chain(&chain, zframe_data(answer), zframe_size(answer)),
            0);
        ck_assert_uint_eq(chain.seq, seq);
        ck_assert_uint_eq(chain.first, 0);
        ck_assert(seq <= 300 ? chain_equal(chain.chain, chains[seq])
                             : !chain_known(chain.chain));
    }
    s_write(301, 350); /* by another's hand */
    ck_assert(s_ask(2, bytes, bus_put_chain_ask(bytes, 350)));
    bus_decode_chain(&chain, zframe_data(answer), zframe_size(answer));
    ck_assert(chain_equal(chain.chain, chains[350]));
}
END_TEST

START_TEST(what_is_no_question_is_counted)
{
    static const uint8_t chain[] = {BUS_CHAIN_ASK, 1}, other[] = {99};
    ck_assert(!s_ask(0, chain, sizeof chain));
    ck_assert_uint_eq(news.bad, 1);
    ck_assert(!s_ask(0, other, sizeof other));
    ck_assert_uint_eq(news.bad, 2);
    ck_assert_ptr_null(restorer_new("nonsense"));
}
END_TEST

Suite *suite_persister_restorer(void);
Suite *suite_persister_restorer(void)
{
    Suite *suite = suite_create("persister/restorer");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, the_newest_snapshot_is_told_with_its_chain);
    tcase_add_test(all, an_unsound_snapshot_is_passed_over);
    tcase_add_test(all, a_snapshot_without_a_chain_gets_the_one_of_the_journal);
    tcase_add_test(all, without_any_it_is_none);
    tcase_add_test(all, records_are_told_from_a_seq_on_behind_their_chain);
    tcase_add_test(all, behind_the_last_record_there_is_nothing);
    tcase_add_test(all, a_hole_is_answered_by_silence);
    tcase_add_test(all, a_chain_is_told_up_to_the_checkpoint);
    tcase_add_test(all, what_is_no_question_is_counted);
    suite_add_tcase(suite, all);
    return suite;
}
