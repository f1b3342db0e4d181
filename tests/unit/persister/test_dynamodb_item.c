/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/dynamodb/dynamodb_item.h"

#include <check.h>
#include <string.h>

Suite *suite_persister_dynamodb_item(void);

static const record_t sample = {
    .seq = 12345678901u,
    .placed_at_ms = 1700000000123u,
    .user = 0xfedcba9876543210u,
    .x = 65535,
    .y = 7,
    .color = 31,
};

START_TEST(placement_is_written_as_documented)
{
    json_text_t json = {0};
    item_put_placement(&json, &sample);
    json_put_raw(&json, "", 1);
    ck_assert_str_eq(json.bytes,
                     "{\"PutRequest\":{\"Item\":{\"pixel\":{\"S\":\"65535,7\"},"
                     "\"seq\":{\"N\":\"12345678901\"},"
                     "\"placed_at\":{\"N\":\"1700000000123\"},"
                     "\"user\":{\"S\":\"fedcba9876543210\"},"
                     "\"color\":{\"N\":\"31\"}}}}");
    json_text_fini(&json);
}
END_TEST

START_TEST(placement_is_read_back)
{
    json_text_t json = {0};
    record_t record;
    item_put_placement(&json, &sample);
    json_t *root = json_loadb(json.bytes, json.size, 0, NULL);
    const json_t *item =
        json_object_get(json_object_get(root, "PutRequest"), "Item");
    ck_assert_int_eq(item_get_placement(item, &record), 0);
    ck_assert_uint_eq(record.seq, sample.seq);
    ck_assert_uint_eq(record.placed_at_ms, sample.placed_at_ms);
    ck_assert_uint_eq(record.user, sample.user);
    ck_assert_uint_eq(record.x, sample.x);
    ck_assert_uint_eq(record.y, sample.y);
    ck_assert_uint_eq(record.color, sample.color);
    json_decref(root);
    json_text_fini(&json);
}
END_TEST

#define REST "\"placed_at\":{\"N\":\"1\"},\"user\":{\"S\":\"0000000000000001\"}"

START_TEST(damaged_placements_are_refused)
{
    static const char *const bad[] = {
        "{}",
        "{\"pixel\":{\"S\":\"1;2\"},\"seq\":{\"N\":\"1\"}," REST
        ",\"color\":{\"N\":\"1\"}}",
        "{\"pixel\":{\"S\":\"1,70000\"},\"seq\":{\"N\":\"1\"}," REST
        ",\"color\":{\"N\":\"1\"}}",
        "{\"pixel\":{\"S\":\"1,2\"},\"seq\":{\"N\":\"-1\"}," REST
        ",\"color\":{\"N\":\"1\"}}",
        "{\"pixel\":{\"S\":\"1,2\"},\"seq\":{\"S\":\"1\"}," REST
        ",\"color\":{\"N\":\"1\"}}",
        "{\"pixel\":{\"S\":\"1,2\"},\"seq\":{\"N\":\"1\"}," REST
        ",\"color\":{\"N\":\"256\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        record_t record;
        json_t *item = json_loads(bad[i], 0, NULL);
        ck_assert_ptr_nonnull(item);
        ck_assert_int_eq(item_get_placement(item, &record), -1);
        json_decref(item);
    }
}
END_TEST

Suite *suite_persister_dynamodb_item(void)
{
    Suite *suite = suite_create("persister/dynamodb/dynamodb_item");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, placement_is_written_as_documented);
    tcase_add_test(facts, placement_is_read_back);
    tcase_add_test(facts, damaged_placements_are_refused);
    suite_add_tcase(suite, facts);
    return suite;
}
