/* SPDX-License-Identifier: Apache-2.0
 *
 * A memory that is written back into a Redis that lost it.
 */
#include "tests/unit/broker/redis_peer.h"

#define CHAIN "00112233445566778899aabbccddeeff"

static position_t s_at(uint64_t seq)
{
    position_t at = {.seq = seq};
    chain_from_hex(&at.chain, CHAIN, 32);
    return at;
}

/* 40,000 records, of which a call carries sixteen entries of 2,000. */
START_TEST(a_log_is_written_back_in_entries_behind_their_chains)
{
    history_t *history = history_new();
    history_reset(history, s_at(0));
    for (uint64_t seq = 1; seq <= 40000; seq++) {
        uint8_t bytes[RECORD_BYTES];
        record_encode(bytes, &(record_t){.seq = seq});
        history_append(history, bytes, 1);
    }
    uint64_t next = ledger_put_log(ledger, 5, true, history, 1);
    uint64_t end = ledger_put_log(ledger, 5, false, history, next);
    s_await("put:1 put:1 ");
    ck_assert_str_eq(asked[0]->element[1]->str, "sha06");
    ck_assert(!strcmp(s_word_of(0, 0)->str, "5") &&
              !strcmp(s_word_of(0, 1)->str, "1"));
    ck_assert_str_eq(s_word_of(1, 1)->str, "0");
    ck_assert_uint_eq(end, 40001);
    uint64_t upto = 0;
    for (unsigned call = 0; call < 2; call++)
        for (size_t w = 2; 11 + w < asked[call]->elements; w += 3) {
            char chain[CHAIN_HEX_BYTES];
            chain_to_hex(history_chain(history, upto), chain);
            size_t count = s_word_of(call, w + 2)->len / RECORD_BYTES;
            ck_assert(count && count <= 2000);
            ck_assert_str_eq(s_word_of(call, w + 1)->str, chain);
            ck_assert_uint_eq(
                record_decode((const void *)s_word_of(call, w + 2)->str).seq,
                upto + 1);
            upto += count;
            ck_assert_uint_eq(strtoull(s_word_of(call, w)->str, NULL, 10),
                              upto);
            ck_assert(call || upto < next);
        }
    ck_assert_uint_eq(upto, 40000);
    ck_assert_uint_eq(asked[0]->elements, 11 + 2 + 16 * 3);
    history_destroy(&history);
}
END_TEST

static board_t *board;
static canvas_t canvas;
static policy_t *policy;

/* A board of two parts and a bit. */
static void s_put_board(void)
{
    canvas_init(&canvas, 2048, 2050, 4);
    board = board_new(2048, 2050, 4);
    board_set(board, 2048 * 2050 - 1, 7);
    policy = policy_new();
    ledger_put_board(ledger, &(ledger_put_t){.epoch = 5,
                                             .born = 3,
                                             .at = s_at(90),
                                             .canvas = &canvas,
                                             .board = board,
                                             .policy = policy,
                                             .whole_log = true});
}

static void s_end_board(void)
{
    board_destroy(&board);
    policy_destroy(&policy);
}

START_TEST(a_board_is_written_in_parts_and_takes_its_place_at_the_end)
{
    char said[64], json[CANVAS_JSON_MAX];
    s_put_board();
    s_await("put:1 ");
    ck_assert_uint_eq(asks, 4);
    size_t from = 0;
    for (unsigned i = 0; i < 3; i++) {
        const redisReply *bytes = s_word_of(i, 2);
        ck_assert_str_eq(asked[i]->element[1]->str, "sha07");
        ck_assert_str_eq(s_word_of(i, 0)->str, "5");
        ck_assert_uint_eq(strtoull(s_word_of(i, 1)->str, NULL, 10), from);
        ck_assert_uint_eq(bytes->len, i < 2 ? 1u << 20 : 2048u);
        ck_assert_mem_eq(bytes->str, board_bytes(board) + from, bytes->len);
        from += bytes->len;
    }
    size_t size;
    uint8_t *bytes = policy_bytes(policy, &size);
    size_t json_size = canvas_to_json(&canvas, json, sizeof json);
    snprintf(said, sizeof said, "%u", board_digest(board));
    ck_assert_str_eq(asked[3]->element[1]->str, "sha08");
    ck_assert_str_eq(s_word_of(3, 0)->str, "5");
    ck_assert_str_eq(s_word_of(3, 1)->str, "90");
    ck_assert_str_eq(s_word_of(3, 2)->str, said);
    ck_assert_uint_eq(s_word_of(3, 3)->len, json_size);
    ck_assert_mem_eq(s_word_of(3, 3)->str, json, json_size);
    ck_assert_str_eq(s_word_of(3, 4)->str, "3");
    ck_assert_str_eq(s_word_of(3, 5)->str, CHAIN);
    ck_assert_str_eq(s_word_of(3, 6)->str, "2");
    ck_assert_str_eq(s_word_of(3, 7)->str, "2099200");
    ck_assert_str_eq(s_word_of(3, 8)->str, "1");
    ck_assert_uint_eq(s_word_of(3, 9)->len, size);
    ck_assert_mem_eq(s_word_of(3, 9)->str, bytes, size);
    free(bytes);
    s_end_board();
}
END_TEST

START_TEST(a_part_that_is_refused_ends_it)
{
    s_answers(DONE, REFUSED);
    s_put_board();
    s_await("put:0 ");
    ck_assert_uint_eq(asks, 2);
    s_end_board();
}
END_TEST

START_TEST(a_board_that_is_forgotten_goes_no_further)
{
    s_put_board();
    ledger_forget(ledger);
    ledger_release(ledger);
    s_await("released ");
    ck_assert_uint_eq(asks, 2); /* its first part, and the release */
    s_end_board();
}
END_TEST

Suite *suite_broker_redis_write(void);
Suite *suite_broker_redis_write(void)
{
    Suite *suite = suite_create("broker/redis_write");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up_ready, s_tear_down);
    tcase_add_test(all, a_log_is_written_back_in_entries_behind_their_chains);
    tcase_add_test(all,
                   a_board_is_written_in_parts_and_takes_its_place_at_the_end);
    tcase_add_test(all, a_part_that_is_refused_ends_it);
    tcase_add_test(all, a_board_that_is_forgotten_goes_no_further);
    suite_add_tcase(suite, all);
    return suite;
}
