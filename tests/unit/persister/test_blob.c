/* SPDX-License-Identifier: Apache-2.0 */
#include "common/board.h"
#include "common/mem.h"
#include "persister/blob.h"
#include "persister/dynamodb/dynamodb_client.h"
#include "persister/journal_cursor.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static blob_codec_t *codec;
static record_t *records, *decoded;
static uint8_t *bytes;

static void setup(void)
{
    codec = blob_codec_new();
    records = mem_alloc(BLOB_RECORDS_MAX * sizeof *records);
    decoded = mem_alloc(BLOB_RECORDS_MAX * sizeof *decoded);
    bytes = mem_alloc(blob_bound(BLOB_RECORDS_MAX));
}

static void teardown(void)
{
    blob_codec_destroy(&codec);
    free(records);
    free(decoded);
    free(bytes);
}

/* A busy canvas: many users, times that run, and fall back now and then. */
static size_t s_encode_behind(chain_t before, uint64_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t mixed = fmix32((uint32_t)(first + i));
        records[i] = (record_t){
            .seq = first + i,
            .placed_at_ms = UINT64_C(1650000000000) + i / 3 - (i % 100 == 99),
            .user = (uint64_t)fmix32(mixed % 5000) << 32 | mixed % 5000,
            .request = (uint32_t)i,
            .x = (uint16_t)(mixed % 1000),
            .y = (uint16_t)(mixed / 1000 % 1000),
            .color = (uint8_t)(mixed >> 28),
            .previous_color = (uint8_t)(mixed >> 24 & 15),
        };
    }
    return blob_encode(codec, bytes, before, records, count);
}

static size_t s_encode(uint64_t first, size_t count)
{
    return s_encode_behind(CHAIN_UNKNOWN, first, count);
}

static bool s_same(const record_t *a, const record_t *b)
{
    uint8_t left[RECORD_BYTES], right[RECORD_BYTES];
    record_encode(left, a);
    record_encode(right, b);
    return !memcmp(left, right, sizeof left);
}

START_TEST(records_come_back)
{
    static const size_t counts[] = {1, 2, 255, 4096, BLOB_RECORDS_MAX};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        size_t size = s_encode(UINT64_C(5) << 40, counts[c]);
        ck_assert_uint_le(size, blob_bound(counts[c]));
        ck_assert_int_eq(blob_decode(codec, decoded, bytes, size),
                         (int)counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            ck_assert(s_same(&records[i], &decoded[i]));
    }
}
END_TEST

START_TEST(record_takes_less_than_half)
{
    size_t size = s_encode(1, 4096);
    ck_assert_uint_lt(size, 4096 * RECORD_BYTES / 2);
}
END_TEST

/* An item of DynamoDB holds 400 KB, a row of Keyspaces 1 MB. */
START_TEST(remote_blob_of_noise_fits_an_item)
{
    uint32_t state = 1;
    for (size_t i = 0; i < JOURNAL_RECORDS_MAX; i++) {
        uint8_t noise[RECORD_BYTES];
        for (size_t at = 0; at < sizeof noise; at++)
            noise[at] = (uint8_t)((state = fmix32(state + 1)) >> 24);
        records[i] = record_decode(noise);
        records[i].seq = i + 1;
    }
    size_t size =
        blob_encode(codec, bytes, CHAIN_UNKNOWN, records, JOURNAL_RECORDS_MAX);
    ck_assert_uint_gt(size, 200u << 10); /* noise indeed */
    ck_assert_uint_lt(size, DYNAMODB_ITEM_MAX - 1024);
}
END_TEST

START_TEST(range_is_read_from_the_head)
{
    uint64_t first;
    uint32_t count;
    size_t size = s_encode(77, 300);
    ck_assert_int_eq(blob_range(bytes, size, &first, &count), 0);
    ck_assert_uint_eq(first, 77);
    ck_assert_uint_eq(count, 300);
    ck_assert_int_eq(blob_range(bytes, BLOB_HEAD_BYTES - 1, &first, &count),
                     -1);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    size_t size = s_encode(77, 40);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(blob_decode(codec, decoded, bytes, cut), -1);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
    size_t size = s_encode(77, 40);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(blob_decode(codec, decoded, bytes, size), -1);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_eq(blob_decode(codec, decoded, bytes, size), 40);
}
END_TEST

/* The chain rides in a frame that zstd skips: a decoder that knows nothing of
 * it reads the same records. */
START_TEST(a_chain_rides_along_and_is_checked)
{
    size_t without = s_encode(77, 40);
    ck_assert(!chain_known(blob_chain(bytes, without)));
    chain_t before = chain_legacy_origin();
    size_t size = s_encode_behind(before, 77, 40);
    ck_assert_uint_eq(size, without + 8 + CHAIN_BYTES);
    ck_assert(chain_equal(blob_chain(bytes, size), before));
    ck_assert_int_eq(blob_decode(codec, decoded, bytes, size), 40);
    for (size_t i = 0; i < 40; i++)
        ck_assert(s_same(&decoded[i], &records[i]));
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(blob_decode(codec, decoded, bytes, size), -1);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert(!chain_known(blob_chain(bytes, BLOB_HEAD_BYTES + 23)));
}
END_TEST

Suite *suite_persister_blob(void);
Suite *suite_persister_blob(void)
{
    Suite *suite = suite_create("persister/blob");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, setup, teardown);
    tcase_add_test(facts, records_come_back);
    tcase_add_test(facts, record_takes_less_than_half);
    tcase_add_test(facts, remote_blob_of_noise_fits_an_item);
    tcase_add_test(facts, range_is_read_from_the_head);
    tcase_add_test(facts, every_truncation_is_refused);
    tcase_add_test(facts, every_flipped_bit_is_refused);
    tcase_add_test(facts, a_chain_rides_along_and_is_checked);
    suite_add_tcase(suite, facts);
    return suite;
}
