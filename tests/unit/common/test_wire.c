/* SPDX-License-Identifier: Apache-2.0
 *
 * Both flavours against the golden vectors: a binary message decoded and told
 * again as JSON must equal the vector's members.
 */
#include "common/wire.h"

#include "common/wire_json.h"
#include "tests/support/vectors.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_common_wire(void);

static uint32_t s_member(const json_t *json, const char *name)
{
    const json_t *board = json_object_get(json, "board");
    return (uint32_t)json_integer_value(json_object_get(board, name));
}

/* The event as the JSON flavour would say it; NULL where it is malformed. */
static char *s_event_text(const vector_t *vector, size_t *length)
{
    wire_event_t event;
    diff_t diff;
    if (wire_decode_event(&event, vector->bytes, vector->size) < 0)
        return NULL;
    switch (event.type) {
    case WIRE_HELLO:
        return wire_json_hello(&event.hello, length);
    case WIRE_VERDICT:
        return wire_json_verdict(&event.verdict, length);
    case WIRE_BEAT:
        return wire_json_beat(&event.beat, length);
    case WIRE_RESYNC:
        return wire_json_resync(event.resync, length);
    case WIRE_NOTICE:
        return wire_json_notice(event.notice.kind, event.notice.json,
                                event.notice.length, length);
    default:
        if (diff_open(&diff, event.diff.body, event.diff.size,
                      s_member(vector->json, "width") *
                          s_member(vector->json, "height"),
                      s_member(vector->json, "bits")) < 0)
            return NULL;
        return wire_json_diff(&diff, s_member(vector->json, "width"), SIZE_MAX,
                              length);
    }
}

static void s_check_event(const char *path, vector_t *vector)
{
    size_t length;
    if (strstr(path, "/board")) /* the HTTP body, not a message */
        return;
    if (vector->bytes[0] >= 0x80)
        return;
    char *text = s_event_text(vector, &length);
    ck_assert_msg(text != NULL, "%s is refused", path);
    ck_assert_uint_eq(strlen(text), length);
    json_t *told = json_loads(text, 0, NULL);
    if (vector->bytes[0] == WIRE_DIFF)
        json_object_del(vector->json, "board");
    ck_assert_msg(json_equal(told, vector->json), "%s: %s", path, text);
    json_decref(told);
    free(text);
}

START_TEST(every_event_vector_decodes_to_its_members)
{
    ck_assert_uint_gt(vectors_each("tests/vectors/*.hex", s_check_event), 20);
}
END_TEST

static void s_same_request(const wire_request_t *a, const wire_request_t *b)
{
    ck_assert_int_eq(a->type, b->type);
    if (a->type == WIRE_PLACE) {
        ck_assert_uint_eq(a->place.request, b->place.request);
        ck_assert_int_eq(a->place.x, b->place.x);
        ck_assert_int_eq(a->place.y, b->place.y);
        ck_assert_int_eq(a->place.color, b->place.color);
    } else if (a->type == WIRE_SINCE) {
        ck_assert_uint_eq(a->since, b->since);
    } else if (a->type == WIRE_PACE) {
        ck_assert_uint_eq(a->pace_ms, b->pace_ms);
    } else if (a->type == WIRE_UNDO) {
        ck_assert_uint_eq(a->undo.request, b->undo.request);
        ck_assert_uint_eq(a->undo.seq, b->undo.seq);
    } else {
        ck_assert_uint_eq(a->token.length, b->token.length);
        ck_assert_mem_eq(a->token.text, b->token.text, a->token.length);
    }
}

static void s_check_request(const char *path, vector_t *vector)
{
    wire_request_t binary, json;
    char *token;
    if (vector->bytes[0] < 0x80)
        return;
    ck_assert_msg(!wire_decode_request(&binary, vector->bytes, vector->size),
                  "%s", path);
    char *text = json_dumps(vector->json, 0);
    ck_assert_int_eq(
        wire_json_decode_request(&json, text, strlen(text), &token), 0);
    s_same_request(&binary, &json);
    free(token);
    free(text);
}

START_TEST(both_flavours_of_a_request_mean_the_same)
{
    vectors_each("tests/vectors/*.hex", s_check_request);
}
END_TEST

static void s_check_bad(const char *path, vector_t *vector)
{
    wire_request_t request;
    size_t length;
    if (vector->size && vector->bytes[0] >= 0x80) {
        ck_assert_msg(
            wire_decode_request(&request, vector->bytes, vector->size) < 0,
            "%s is taken", path);
        return;
    }
    char *text = s_event_text(vector, &length);
    ck_assert_msg(text == NULL, "%s is taken: %s", path, text ? text : "");
}

START_TEST(every_bad_vector_is_refused)
{
    ck_assert_uint_gt(vectors_each("tests/vectors/bad/*.hex", s_check_bad), 10);
}
END_TEST

/* Fixed-size messages: encoded again they are the vector's bytes, and every
 * truncation is refused. */
static void s_check_bytes(const char *path, vector_t *vector)
{
    wire_event_t e;
    uint8_t bytes[WIRE_SMALL_MAX];
    size_t size = 0;
    if (strstr(path, "/board") ||
        wire_decode_event(&e, vector->bytes, vector->size) < 0)
        return;
    if (e.type == WIRE_HELLO)
        size = wire_put_hello(bytes, &e.hello);
    else if (e.type == WIRE_VERDICT)
        size = wire_put_verdict(bytes, &e.verdict);
    else if (e.type == WIRE_BEAT)
        size = wire_put_beat(bytes, &e.beat);
    else if (e.type == WIRE_RESYNC)
        size = wire_put_resync(bytes, e.resync);
    else
        return;
    ck_assert_uint_eq(size, vector->size);
    ck_assert_mem_eq(bytes, vector->bytes, size);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(wire_decode_event(&e, vector->bytes, cut), -1);
}

START_TEST(encoding_gives_the_vectors_bytes_and_truncation_is_refused)
{
    vectors_each("tests/vectors/*.hex", s_check_bytes);
}
END_TEST

START_TEST(requests_round_trip)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    wire_request_t request;
    wire_place_t place = {.request = 7, .x = 65535, .y = 1, .color = 255};
    size_t size = wire_put_place(bytes, &place);
    ck_assert_int_eq(wire_decode_request(&request, bytes, size), 0);
    ck_assert_int_eq(request.place.x, 65535);
    ck_assert_int_eq(request.place.color, 255);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(wire_decode_request(&request, bytes, cut), -1);
    size = wire_put_since(bytes, UINT64_MAX);
    ck_assert_int_eq(wire_decode_request(&request, bytes, size), 0);
    ck_assert_uint_eq(request.since, UINT64_MAX);
    size = wire_put_pace(bytes, WIRE_PACE_MAX_MS);
    ck_assert_int_eq(wire_decode_request(&request, bytes, size), 0);
    ck_assert_uint_eq(request.pace_ms, WIRE_PACE_MAX_MS);
    wire_undo_t undo = {.request = 9, .seq = UINT64_MAX};
    size = wire_put_undo(bytes, &undo);
    ck_assert_int_eq(wire_decode_request(&request, bytes, size), 0);
    ck_assert_uint_eq(request.undo.request, 9);
    ck_assert_uint_eq(request.undo.seq, UINT64_MAX);
}
END_TEST

START_TEST(a_notice_carries_its_json)
{
    uint8_t bytes[300];
    char json[200] = "{\"paused\":true}";
    memset(json + 15, ' ', sizeof json - 15); /* length of two varint bytes */
    ck_assert_uint_eq(wire_put_notice(bytes, 100, 1, json, sizeof json), 0);
    size_t size = wire_put_notice(bytes, sizeof bytes, 1, json, sizeof json);
    wire_event_t event;
    ck_assert_int_eq(wire_decode_event(&event, bytes, size), 0);
    ck_assert_uint_eq(event.notice.length, sizeof json);
    ck_assert_mem_eq(event.notice.json, json, sizeof json);
}
END_TEST

static const char *const s_bad_json[] = {
    "",
    "[]",
    "nonsense",
    "{}",
    "{\"type\":1}",
    "{\"type\":\"hello\"}",
    "{\"type\":\"place\",\"x\":1,\"y\":2,\"color\":3}",
    "{\"type\":\"place\",\"request\":-1,\"x\":1,\"y\":2,\"color\":3}",
    "{\"type\":\"place\",\"request\":4294967296,\"x\":1,\"y\":2,\"color\":3}",
    "{\"type\":\"place\",\"request\":1,\"x\":1.5,\"y\":2,\"color\":3}",
    "{\"type\":\"place\",\"request\":1,\"x\":\"1\",\"y\":2,\"color\":3}",
    "{\"type\":\"place\",\"request\":1,\"x\":1,\"y\":2}",
    "{\"type\":\"since\",\"seq\":-1}",
    "{\"type\":\"auth\"}",
    "{\"type\":\"place\",\"request\":1,\"x\":1,\"y\":2,\"color\":3} trailing",
    "{\"type\":\"since\",\"seq\":1,\"x\":\"\xff\"}",
    "{\"type\":\"auth\",\"token\":\"a\\u0000b\"}",
    "{\"type\":\"since\",\"seq\":1.5,\"x\":99999999999999999999}",
};

START_TEST(bad_json_is_refused)
{
    wire_request_t request;
    char *token;
    const char *text = s_bad_json[_i];
    ck_assert_int_eq(
        wire_json_decode_request(&request, text, strlen(text), &token), -1);
    ck_assert_ptr_null(token);
}
END_TEST

START_TEST(numbers_past_int64_are_numbers)
{
    static const char place[] =
        "{\"type\":\"place\",\"request\":4294967295,"
        "\"x\":99999999999999999999999,\"y\":2,"
        "\"color\":-99999999999999999999,\"z\":\"\\u0000\"}";
    static const char since[] =
        "{\"type\":\"since\",\"seq\":18446744073709551615}";
    wire_request_t request;
    char *token;
    ck_assert_int_eq(
        wire_json_decode_request(&request, place, sizeof place - 1, &token), 0);
    ck_assert_uint_eq(request.place.request, UINT32_MAX);
    ck_assert_int_eq(request.place.x, INT32_MAX);
    ck_assert_int_eq(request.place.y, 2);
    ck_assert_int_eq(request.place.color, INT32_MIN);
    ck_assert_int_eq(
        wire_json_decode_request(&request, since, sizeof since - 1, &token), 0);
    ck_assert_uint_eq(request.since, INT64_MAX);
}
END_TEST

START_TEST(huge_and_negative_coordinates_are_saturated)
{
    static const char text[] = "{\"type\":\"place\",\"request\":1,\"x\":-5,"
                               "\"y\":99999999999,\"color\":-1,\"z\":null}";
    wire_request_t request;
    char *token;
    ck_assert_int_eq(
        wire_json_decode_request(&request, text, sizeof text - 1, &token), 0);
    ck_assert_int_eq(request.place.x, -5);
    ck_assert_int_eq(request.place.y, INT32_MAX);
    ck_assert_int_eq(request.place.color, -1);
}
END_TEST

Suite *suite_common_wire(void)
{
    Suite *suite = suite_create("common/wire");
    TCase *all = tcase_create("all");
    tcase_add_test(all, every_event_vector_decodes_to_its_members);
    tcase_add_test(all, both_flavours_of_a_request_mean_the_same);
    tcase_add_test(all, every_bad_vector_is_refused);
    tcase_add_test(all,
                   encoding_gives_the_vectors_bytes_and_truncation_is_refused);
    tcase_add_test(all, requests_round_trip);
    tcase_add_test(all, a_notice_carries_its_json);
    tcase_add_loop_test(all, bad_json_is_refused, 0,
                        sizeof s_bad_json / sizeof *s_bad_json);
    tcase_add_test(all, numbers_past_int64_are_numbers);
    tcase_add_test(all, huge_and_negative_coordinates_are_saturated);
    suite_add_tcase(suite, all);
    return suite;
}
