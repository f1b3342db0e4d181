/* SPDX-License-Identifier: Apache-2.0 */
#include "common/chain.h"

#include "common/record.h"

#include <check.h>
#include <string.h>

Suite *suite_common_chain(void);

#define LENGTH 64

/* A history of LENGTH records and its chain at every seq. */
typedef struct {
    chain_t at[LENGTH + 1];
} line_t;

static void s_record(uint8_t *bytes, uint64_t seq, uint8_t color)
{
    record_t record = {.seq = seq,
                       .placed_at_ms = 1700000000000u + seq,
                       .user = 0x9e3779b97f4a7c15u * seq,
                       .request = (uint32_t)seq,
                       .x = (uint16_t)(seq * 7),
                       .y = (uint16_t)(seq * 3),
                       .color = color};
    record_encode(bytes, &record);
}

/* Of another colour from seq `other` on. */
static line_t s_line(uint64_t other)
{
    line_t line;
    line.at[0] = chain_legacy_origin();
    for (uint64_t seq = 1; seq <= LENGTH; seq++) {
        uint8_t bytes[RECORD_BYTES];
        s_record(bytes, seq, seq >= other ? 5 : 4);
        line.at[seq] = chain_extend(line.at[seq - 1], bytes, 1);
    }
    return line;
}

static chain_t s_at(void *context, uint64_t seq)
{
    return ((const line_t *)context)->at[seq];
}

/* Knows nothing below 20, as a log that was trimmed. */
static chain_t s_at_trimmed(void *context, uint64_t seq)
{
    return seq < 20 ? CHAIN_UNKNOWN : s_at(context, seq);
}

static history_view_t s_view(line_t *line, uint64_t head)
{
    return (history_view_t){{head, line->at[head]}, s_at, line};
}

static void s_expect(chain_t chain, const char *hex)
{
    char text[CHAIN_HEX_BYTES];
    chain_to_hex(chain, text);
    ck_assert_str_eq(text, hex);
}

/* Computed by Python's xxhash; they stand in stores and never change. */
START_TEST(chains_are_those_of_xxh3_for_ever)
{
    uint8_t records[2 * RECORD_BYTES];
    s_record(records, 1, 4);
    s_record(records + RECORD_BYTES, 2, 15);
    chain_t chain = chain_legacy_origin();
    s_expect(chain, "12e60f444542a5efe0e83a4a309b9a35");
    s_expect(chain_extend(chain, records, 1),
             "4af9fa3ade490e1595e4bae80babdd6b");
    s_expect(chain_extend(chain, records, 2),
             "c3ddc41cc951769390ba887a29e10393");
    s_expect(chain_of_board(77, 0xdeadbeef),
             "8f231a0c2a4a2d6562751f32b3e2965d");
}
END_TEST

START_TEST(records_at_once_and_one_by_one_give_the_same)
{
    uint8_t records[LENGTH * RECORD_BYTES];
    for (uint64_t seq = 1; seq <= LENGTH; seq++)
        s_record(records + (seq - 1) * RECORD_BYTES, seq, 4);
    line_t line = s_line(LENGTH + 1);
    for (size_t cut = 0; cut <= LENGTH; cut++) {
        chain_t chain = chain_extend(line.at[0], records, cut);
        ck_assert(chain_equal(chain, line.at[cut]));
        chain = chain_extend(chain, records + cut * RECORD_BYTES, LENGTH - cut);
        ck_assert(chain_equal(chain, line.at[LENGTH]));
    }
}
END_TEST

START_TEST(every_bit_of_a_record_counts)
{
    uint8_t record[RECORD_BYTES];
    s_record(record, 9, 4);
    chain_t chain = chain_extend(chain_legacy_origin(), record, 1);
    for (size_t bit = 0; bit < 8 * RECORD_BYTES; bit++) {
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
        chain_t other = chain_extend(chain_legacy_origin(), record, 1);
        ck_assert(chain_differs(chain, other));
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(an_unknown_chain_stays_unknown)
{
    uint8_t record[RECORD_BYTES];
    s_record(record, 1, 4);
    ck_assert(!chain_known(chain_extend(CHAIN_UNKNOWN, record, 1)));
    ck_assert(!chain_differs(CHAIN_UNKNOWN, chain_legacy_origin()));
}
END_TEST

START_TEST(hex_goes_both_ways_and_nothing_else_is_taken)
{
    char hex[CHAIN_HEX_BYTES];
    chain_t chain = chain_of_board(1, 2), read = {{0}};
    chain_to_hex(chain, hex);
    ck_assert_int_eq(chain_from_hex(&read, hex, 32), 0);
    ck_assert(chain_equal(read, chain));
    ck_assert_int_eq(chain_from_hex(&read, hex, 31), -1);
    hex[31] = 'g';
    ck_assert_int_eq(chain_from_hex(&read, hex, 32), -1);
    ck_assert(chain_equal(read, chain));
}
END_TEST

/* For every pair of heads and every fork: what a comparison of all records
 * would say. */
START_TEST(relations_are_those_of_the_records)
{
    line_t one = s_line(LENGTH + 1);
    for (uint64_t fork = 1; fork <= LENGTH + 1; fork += 7) {
        line_t other = s_line(fork);
        for (uint64_t a = 0; a <= LENGTH; a += 3) {
            for (uint64_t b = 0; b <= LENGTH; b += 3) {
                history_view_t mine = s_view(&one, a);
                history_view_t theirs = s_view(&other, b);
                uint64_t at = 0;
                history_relation_t relation =
                    history_relate(&mine, &theirs, &at);
                if (a >= fork && b >= fork) {
                    ck_assert_int_eq(relation, HISTORY_FORKED);
                    ck_assert_uint_eq(at, fork);
                } else {
                    ck_assert_int_eq(relation, a == b  ? HISTORY_EQUAL
                                               : a > b ? HISTORY_CONTINUES
                                                       : HISTORY_BEHIND);
                }
            }
        }
    }
}
END_TEST

START_TEST(one_partys_memory_is_enough)
{
    line_t one = s_line(LENGTH + 1), other = s_line(30);
    history_view_t mine = s_view(&one, 50);
    history_view_t head = {.head = {40, one.at[40]}};
    uint64_t at = 0;
    ck_assert_int_eq(history_relate(&mine, &head, NULL), HISTORY_CONTINUES);
    ck_assert_int_eq(history_relate(&head, &mine, NULL), HISTORY_BEHIND);
    head.head.chain = other.at[40];
    ck_assert_int_eq(history_relate(&mine, &head, &at), HISTORY_FORKED);
    ck_assert_uint_eq(at, 40);
    /* Of two that know their heads only, nothing can be told … */
    history_view_t blind = {.head = {50, one.at[50]}};
    ck_assert_int_eq(history_relate(&blind, &head, NULL), HISTORY_UNKNOWN);
    /* … unless they are as long as each other. */
    ck_assert_int_eq(history_relate(&blind, &blind, NULL), HISTORY_EQUAL);
}
END_TEST

START_TEST(a_fork_below_what_is_known_is_told_as_far_as_it_is)
{
    line_t one = s_line(LENGTH + 1), other = s_line(10);
    history_view_t mine = s_view(&one, 50), theirs = s_view(&other, 45);
    uint64_t at = 0;
    theirs.chain_at = s_at_trimmed;
    ck_assert_int_eq(history_relate(&mine, &theirs, &at), HISTORY_FORKED);
    ck_assert_uint_eq(at, 20);
    theirs.head.seq = 10;
    theirs.head.chain = CHAIN_UNKNOWN;
    ck_assert_int_eq(history_relate(&mine, &theirs, &at), HISTORY_UNKNOWN);
}
END_TEST

START_TEST(what_has_not_begun_is_part_of_everything)
{
    line_t one = s_line(LENGTH + 1);
    history_view_t none = {0}, mine = s_view(&one, 50);
    ck_assert_int_eq(history_relate(&mine, &none, NULL), HISTORY_CONTINUES);
    ck_assert_int_eq(history_relate(&none, &mine, NULL), HISTORY_BEHIND);
    ck_assert_int_eq(history_relate(&none, &none, NULL), HISTORY_EQUAL);
    /* Two canvases with their own beginnings are not. */
    history_view_t fresh = {.head = {0, chain_of_board(0, 1)}};
    uint64_t at = 9;
    ck_assert_int_eq(history_relate(&mine, &fresh, &at), HISTORY_FORKED);
    ck_assert_uint_eq(at, 0);
}
END_TEST

Suite *suite_common_chain(void)
{
    Suite *suite = suite_create("common/chain");
    TCase *all = tcase_create("all");
    tcase_add_test(all, chains_are_those_of_xxh3_for_ever);
    tcase_add_test(all, records_at_once_and_one_by_one_give_the_same);
    tcase_add_test(all, every_bit_of_a_record_counts);
    tcase_add_test(all, an_unknown_chain_stays_unknown);
    tcase_add_test(all, hex_goes_both_ways_and_nothing_else_is_taken);
    tcase_add_test(all, relations_are_those_of_the_records);
    tcase_add_test(all, one_partys_memory_is_enough);
    tcase_add_test(all, a_fork_below_what_is_known_is_told_as_far_as_it_is);
    tcase_add_test(all, what_has_not_begun_is_part_of_everything);
    suite_add_tcase(suite, all);
    return suite;
}
