/* SPDX-License-Identifier: Apache-2.0
 *
 * What look-ups answer, as text (docs/protocol.md, openapi.yaml).
 */
#include "edge/http/lookup_json.h"

#include "common/cursor.h"
#include "edge/http/config_json.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_lookup_json(void);

static const record_t record = {.seq = UINT64_MAX,
                                .placed_at_ms = 1700000000123,
                                .user = 0xff,
                                .x = 65535,
                                .y = 2,
                                .color = 255};

START_TEST(a_pixel_says_who_placed_it_and_when)
{
    char text[LOOKUP_JSON_MAX];
    size_t size = lookup_json_pixel(text, &record);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_str_eq(text,
                     "{\"x\":65535,\"y\":2,\"color\":255,"
                     "\"seq\":18446744073709551615,\"placed_at\":1700000000123,"
                     "\"user\":\"00000000000000ff\"}");
    lookup_json_blank(text, 3, 4);
    ck_assert_str_eq(text, "{\"x\":3,\"y\":4,\"color\":0,\"seq\":0,"
                           "\"placed_at\":null,\"user\":null}");
}
END_TEST

START_TEST(a_user_has_a_last_placement_or_none)
{
    char text[LOOKUP_JSON_MAX];
    lookup_json_user(text, 0xab, NULL, 5);
    ck_assert_str_eq(text, "{\"user\":\"00000000000000ab\","
                           "\"last_placement\":null,"
                           "\"cooldown_remaining_ms\":5}");
    lookup_json_user(text, 0xab, &record, UINT32_MAX);
    ck_assert_str_eq(
        text, "{\"user\":\"00000000000000ab\",\"last_placement\":{\"x\":65535,"
              "\"y\":2,\"color\":255,\"seq\":18446744073709551615,"
              "\"placed_at\":1700000000123},"
              "\"cooldown_remaining_ms\":4294967295}");
}
END_TEST

static void s_is(blob_t *blob, const char *text)
{
    ck_assert_uint_eq(blob->size, strlen(text));
    ck_assert_mem_eq(blob->bytes, text, blob->size);
    blob_unref(&blob);
}

START_TEST(a_history_is_a_list_and_where_it_goes_on)
{
    uint8_t bytes[2 * RECORD_BYTES];
    record_encode(bytes, &record);
    record_encode(bytes + RECORD_BYTES, &(record_t){.seq = 7, .color = 1});
    bus_page_t page = {.bytes = bytes, .size = sizeof bytes, .next = 7};
    s_is(lookup_json_history(&page),
         "{\"placements\":[{\"seq\":18446744073709551615,"
         "\"placed_at\":1700000000123,\"user\":\"00000000000000ff\","
         "\"color\":255},{\"seq\":7,\"placed_at\":0,"
         "\"user\":\"0000000000000000\",\"color\":1}],\"before\":7}");
    page = (bus_page_t){.bytes = bytes, .size = 0};
    s_is(lookup_json_history(&page), "{\"placements\":[],\"before\":null}");
}
END_TEST

START_TEST(snapshots_are_told_oldest_first)
{
    uint8_t bytes[2 * BUS_STAMP_BYTES];
    writer_t w = writer_of(bytes, sizeof bytes);
    write_u64(&w, 20);
    write_u64(&w, 2000);
    write_u64(&w, 10);
    write_u64(&w, 1000);
    bus_page_t page = {.bytes = bytes, .size = sizeof bytes};
    s_is(lookup_json_snapshots(&page),
         "{\"snapshots\":[{\"seq\":10,\"taken_at\":1000},"
         "{\"seq\":20,\"taken_at\":2000}]}");
    page.size = 0;
    s_is(lookup_json_snapshots(&page), "{\"snapshots\":[]}");
}
END_TEST

/* ---- /api/v1/config ----------------------------------------------------- */

static json_t *s_config(edge_config_t edge)
{
    canvas_t canvas;
    size_t size;
    canvas_init(&canvas, 30, 20, 4);
    char *text = config_json(&canvas, &edge, &size);
    ck_assert_uint_eq(size, strlen(text));
    json_t *config = json_loads(text, 0, NULL);
    free(text);
    return config;
}

START_TEST(config_has_what_the_operator_said)
{
    json_t *config =
        s_config((edge_config_t){.endpoints = (char *)"wss://a/ws, wss://b/ws,",
                                 .anonymous = true,
                                 .login_url = (char *)"https://login.example",
                                 .event_name = (char *)"Place",
                                 .event_opens_at = 5,
                                 .announcement = (char *)"Hello."});
    const json_t *list = json_object_get(config, "endpoints");
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_str_eq(json_string_value(json_array_get(list, 1)), "wss://b/ws");
    ck_assert(json_is_true(json_object_get(config, "anonymous")));
    ck_assert_str_eq(json_string_value(json_object_get(config, "login_url")),
                     "https://login.example");
    const json_t *event = json_object_get(config, "event");
    ck_assert_str_eq(json_string_value(json_object_get(event, "name")),
                     "Place");
    ck_assert_int_eq(json_integer_value(json_object_get(event, "opens_at")), 5);
    ck_assert(json_is_null(json_object_get(event, "closes_at")));
    ck_assert_str_eq(json_string_value(json_object_get(event, "announcement")),
                     "Hello.");
    ck_assert(json_object_get(config, "pace_max_ms"));
    ck_assert(json_object_get(config, "undo_ms"));
    ck_assert(json_object_get(config, "board"));
    json_decref(config);
}
END_TEST

START_TEST(an_event_is_there_if_anything_is_said_of_one)
{
    edge_config_t each[] = {{.event_name = (char *)"x"},
                            {.announcement = (char *)"x"},
                            {.event_opens_at = 1},
                            {.event_closes_at = 1}};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        json_t *config = s_config(each[i]);
        ck_assert(json_is_object(json_object_get(config, "event")));
        json_decref(config);
    }
    json_t *config = s_config((edge_config_t){.event_name = (char *)""});
    ck_assert(json_is_null(json_object_get(config, "event")));
    ck_assert(json_is_null(json_object_get(config, "login_url")));
    ck_assert(json_is_false(json_object_get(config, "anonymous")));
    ck_assert_uint_eq(json_array_size(json_object_get(config, "endpoints")), 0);
    json_decref(config);
}
END_TEST

Suite *suite_edge_lookup_json(void)
{
    Suite *suite = suite_create("edge/lookup_json");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_pixel_says_who_placed_it_and_when);
    tcase_add_test(all, a_user_has_a_last_placement_or_none);
    tcase_add_test(all, a_history_is_a_list_and_where_it_goes_on);
    tcase_add_test(all, snapshots_are_told_oldest_first);
    tcase_add_test(all, config_has_what_the_operator_said);
    tcase_add_test(all, an_event_is_there_if_anything_is_said_of_one);
    suite_add_tcase(suite, all);
    return suite;
}
