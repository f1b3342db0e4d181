/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/proof.h"

#include <check.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

Suite *suite_edge_proof(void);

#define NOW_MS 1795236677378u
#define BITS 9

static const key_list_t keys = {{{1, 2, 3}, {4, 5, 6}}, 2};
static address_t client;
static char text[PROOF_TEXT_LENGTH + 1];
static uint64_t number;
static uint8_t seed[PROOF_SEED_BYTES];

/* The zero bits that SHA-256 of the challenge and a number begins with. */
static unsigned s_zeros(uint64_t tried)
{
    char hashed[PROOF_TEXT_LENGTH + 21];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    unsigned zeros = 0;
    snprintf(hashed, sizeof hashed, "%s%" PRIu64, text, tried);
    SHA256((const uint8_t *)hashed, strlen(hashed), hash);
    while (zeros < 256 && !(hash[zeros / 8] & 0x80 >> zeros % 8))
        zeros++;
    return zeros;
}

/* The first number with that many zero bits at least, or, none wanted, with
 * exactly one fewer. */
static uint64_t s_find(unsigned bits, bool enough)
{
    uint64_t tried = 0;
    while (enough ? s_zeros(tried) < bits : s_zeros(tried) != bits - 1)
        tried++;
    return tried;
}

static void s_setup(void)
{
    ck_assert_int_eq(address_parse("192.0.2.1", &client), 0);
    proof_challenge(text, &keys, BITS, &client, NOW_MS);
    number = s_find(BITS, true);
}

static proof_result_t s_check(uint64_t now_ms)
{
    return proof_check(seed, &keys, BITS, &client, now_ms, text, strlen(text),
                       number);
}

START_TEST(a_challenge_that_was_worked_on_is_good)
{
    ck_assert_uint_eq(strlen(text), PROOF_TEXT_LENGTH);
    ck_assert_int_eq(s_check(NOW_MS), PROOF_GOOD);
    ck_assert_int_eq(s_check(NOW_MS + PROOF_LIFE_MS - 1), PROOF_GOOD);
    ck_assert_int_eq(s_check(NOW_MS + PROOF_LIFE_MS), PROOF_LATE);
}
END_TEST

START_TEST(a_bit_too_few_is_wrong)
{
    number = s_find(BITS, false);
    ck_assert_int_eq(s_check(NOW_MS), PROOF_WRONG);
}
END_TEST

/* Every number of bits is counted as it is, whole bytes and parts of them. */
START_TEST(bits_are_counted_one_by_one)
{
    for (unsigned bits = 1; bits <= 17; bits++) {
        proof_challenge(text, &keys, bits, &client, NOW_MS);
        for (uint64_t tried = 0; tried < 300; tried++)
            ck_assert_int_eq(proof_check(seed, &keys, bits, &client, NOW_MS,
                                         text, strlen(text), tried),
                             s_zeros(tried) >= bits ? PROOF_GOOD : PROOF_WRONG);
    }
}
END_TEST

START_TEST(every_character_counts)
{
    for (size_t i = 0; i < PROOF_TEXT_LENGTH; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        ck_assert_int_eq(s_check(NOW_MS), PROOF_NOT_OURS);
        text[i] = '=';
        ck_assert_int_eq(s_check(NOW_MS), PROOF_NOT_OURS);
        text[i] = was;
    }
    for (size_t length = 0; length < PROOF_TEXT_LENGTH; length++)
        ck_assert_int_eq(proof_check(seed, &keys, BITS, &client, NOW_MS, text,
                                     length, number),
                         PROOF_NOT_OURS);
}
END_TEST

START_TEST(a_challenge_is_for_one_address)
{
    static const struct {
        const char *given, *shown;
        proof_result_t result;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", PROOF_GOOD},
        {"192.0.2.1", "192.0.2.2", PROOF_NOT_OURS},
        {"192.0.2.1", "2001:db8::1", PROOF_NOT_OURS},
        {"2001:db8::1", "2001:db8::2", PROOF_GOOD}, /* the same /64 */
        {"2001:db8::1", "2001:db8:0:1::1", PROOF_NOT_OURS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        address_parse(rows[i].given, &client);
        proof_challenge(text, &keys, BITS, &client, NOW_MS);
        number = s_find(BITS, true);
        address_parse(rows[i].shown, &client);
        ck_assert_int_eq(s_check(NOW_MS), rows[i].result);
    }
}
END_TEST

/* As a rolling change of the setting has it: what was asked is what is owed,
 * and never less than is asked now. */
START_TEST(bits_asked_before_the_setting_changed)
{
    ck_assert_int_eq(proof_check(seed, &keys, BITS + 1, &client, NOW_MS, text,
                                 strlen(text), number),
                     PROOF_EASY);
    ck_assert_int_eq(proof_check(seed, &keys, BITS - 1, &client, NOW_MS, text,
                                 strlen(text), number),
                     PROOF_GOOD);
    number = s_find(BITS, false);
    ck_assert_int_eq(proof_check(seed, &keys, BITS - 1, &client, NOW_MS, text,
                                 strlen(text), number),
                     PROOF_WRONG);
}
END_TEST

/* The first secret signs, each that is held counts. */
START_TEST(secrets_may_be_rotated)
{
    key_list_t others = {{{4, 5, 6}, {1, 2, 3}}, 2};
    ck_assert_int_eq(proof_check(seed, &others, BITS, &client, NOW_MS, text,
                                 strlen(text), number),
                     PROOF_GOOD);
    others.count = 1;
    ck_assert_int_eq(proof_check(seed, &others, BITS, &client, NOW_MS, text,
                                 strlen(text), number),
                     PROOF_NOT_OURS);
}
END_TEST

/* So a proof that is shown twice, to any edge, gives nothing new. */
START_TEST(a_proof_pays_for_one_identity)
{
    uint8_t first[PROOF_SEED_BYTES];
    ck_assert_int_eq(s_check(NOW_MS), PROOF_GOOD);
    memcpy(first, seed, sizeof first);
    number = s_find(BITS + 3, true);
    ck_assert_int_eq(s_check(NOW_MS + 1), PROOF_GOOD);
    ck_assert_mem_eq(first, seed, sizeof first);
    proof_challenge(text, &keys, BITS, &client, NOW_MS);
    number = s_find(BITS, true);
    ck_assert_int_eq(s_check(NOW_MS), PROOF_GOOD);
    ck_assert_mem_ne(first, seed, sizeof first);
}
END_TEST

Suite *suite_edge_proof(void)
{
    Suite *suite = suite_create("edge/proof");
    TCase *tcase = tcase_create("proof");
    tcase_add_checked_fixture(tcase, s_setup, NULL);
    tcase_add_test(tcase, a_challenge_that_was_worked_on_is_good);
    tcase_add_test(tcase, a_bit_too_few_is_wrong);
    tcase_add_test(tcase, bits_are_counted_one_by_one);
    tcase_add_test(tcase, every_character_counts);
    tcase_add_test(tcase, a_challenge_is_for_one_address);
    tcase_add_test(tcase, bits_asked_before_the_setting_changed);
    tcase_add_test(tcase, secrets_may_be_rotated);
    tcase_add_test(tcase, a_proof_pays_for_one_identity);
    suite_add_tcase(suite, tcase);
    return suite;
}
