/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/cassandra/cql_request.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_persister_cql_frame(void);

static cql_bytes_t s_bytes(const char *text)
{
    return (cql_bytes_t){(const uint8_t *)text, strlen(text)};
}

static void s_expect(const cql_writer_t *writer, const void *bytes, size_t size)
{
    ck_assert_uint_eq(writer->size, size);
    ck_assert_mem_eq(writer->bytes, bytes, size);
}

#define EXPECT(writer, literal) s_expect(writer, literal, sizeof(literal) - 1)

START_TEST(startup_names_the_version)
{
    cql_writer_t writer = {0};
    cql_startup(&writer);
    EXPECT(&writer, "\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0b"
                    "CQL_VERSION\0\x05"
                    "3.0.0");
    cql_writer_fini(&writer);
}
END_TEST

START_TEST(plain_token_has_two_zero_bytes)
{
    cql_writer_t writer = {0};
    cql_auth_response(&writer, "ada", "pw");
    EXPECT(&writer, "\x04\0\0\0\x0f\0\0\0\x0b\0\0\0\x07\0ada\0pw");
    cql_writer_fini(&writer);
}
END_TEST

START_TEST(execute_carries_values_page_and_paging_state)
{
    cql_writer_t writer = {0};
    cql_execute_begin(&writer, s_bytes("id"), CQL_LOCAL_QUORUM, 2);
    cql_put_int(&writer, -2);
    cql_put_text(&writer, "x");
    cql_execute_end(&writer, 100, s_bytes("pg"), false);
    EXPECT(&writer, "\x04\0\0\0\x0a\0\0\0\x20\0\x02"
                    "id\0\x06\x0d\0\x02\0\0\0\x04\xff\xff\xff\xfe\0\0\0\x01x"
                    "\0\0\0\x64\0\0\0\x02pg");
    cql_execute_begin(&writer, s_bytes("id"), CQL_ONE, 0);
    cql_execute_end(&writer, 0, (cql_bytes_t){0}, true);
    EXPECT(&writer, "\x04\0\0\0\x0a\0\0\0\x0b\0\x02"
                    "id\0\x01\x11\0\0\0\x09");
    cql_writer_fini(&writer);
}
END_TEST

START_TEST(batch_is_unlogged_and_counts_its_entries)
{
    cql_writer_t writer = {0};
    cql_batch_begin(&writer);
    cql_batch_entry(&writer, s_bytes("a"), 1);
    cql_put_bigint(&writer, 1);
    cql_batch_entry(&writer, s_bytes("b"), 0);
    cql_batch_end(&writer, 2, CQL_LOCAL_QUORUM);
    EXPECT(&writer, "\x04\0\0\0\x0d\0\0\0\x1e\x01\0\x02"
                    "\x01\0\x01"
                    "a\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x01"
                    "\x01\0\x01"
                    "b\0\0\0\x06\0");
    cql_writer_fini(&writer);
}
END_TEST

/* A reply of an opcode, flags and a literal body, decoded. */
static cql_result_t s_decode(cql_reply_t *reply, uint8_t opcode, uint8_t flags,
                             const char *body, size_t size)
{
    cql_header_t header = {
        .opcode = opcode, .flags = flags, .length = (uint32_t)size};
    return cql_reply_decode(reply, &header, (const uint8_t *)body);
}

#define DECODE(reply, opcode, flags, body)                                     \
    s_decode(reply, opcode, flags, body, sizeof(body) - 1)

START_TEST(header_of_a_reply_is_read)
{
    cql_header_t header;
    const uint8_t bytes[] = {0x84, 0, 1, 2, 8, 0, 0, 1, 0};
    ck_assert_int_eq(cql_header_decode(&header, bytes, 8), CQL_MORE);
    ck_assert_int_eq(cql_header_decode(&header, bytes, 9), CQL_OK);
    ck_assert_int_eq(header.stream, 0x0102);
    ck_assert_uint_eq(header.length, 256);
}
END_TEST

START_TEST(header_of_another_version_or_too_long_is_refused)
{
    cql_header_t header;
    const uint8_t request[] = {0x04, 0, 0, 0, 8, 0, 0, 0, 0};
    const uint8_t newer[] = {0x85, 0, 0, 0, 8, 0, 0, 0, 0};
    const uint8_t giant[] = {0x84, 0, 0, 0, 8, 2, 0, 0, 1};
    ck_assert_int_eq(cql_header_decode(&header, request, 9), CQL_BAD);
    ck_assert_int_eq(cql_header_decode(&header, newer, 9), CQL_BAD);
    ck_assert_int_eq(cql_header_decode(&header, giant, 9), CQL_BAD);
}
END_TEST

START_TEST(error_has_code_and_message)
{
    cql_reply_t reply;
    ck_assert_int_eq(DECODE(&reply, CQL_OP_ERROR, 0,
                            "\0\0\x10\x01\0\x04"
                            "busy"),
                     CQL_OK);
    ck_assert_int_eq(reply.error, CQL_ERROR_OVERLOADED);
    ck_assert_mem_eq(reply.message.bytes, "busy", 4);
    ck_assert_str_eq(cql_error_name(reply.error), "overloaded");
}
END_TEST

START_TEST(unprepared_names_the_statement)
{
    cql_reply_t reply;
    ck_assert_int_eq(DECODE(&reply, CQL_OP_ERROR, 0, "\0\0\x25\0\0\0\0\x02xy"),
                     CQL_OK);
    ck_assert_mem_eq(reply.id.bytes, "xy", 2);
}
END_TEST

START_TEST(warnings_stand_before_the_body)
{
    cql_reply_t reply;
    ck_assert_int_eq(DECODE(&reply, CQL_OP_RESULT, 8,
                            "\0\x02\0\x03"
                            "one\0\x03two\0\0\0\x01"),
                     CQL_OK);
    ck_assert_uint_eq(reply.warnings, 2);
    ck_assert_mem_eq(reply.warning.bytes, "one", 3);
    ck_assert_int_eq(reply.result, CQL_RESULT_VOID);
}
END_TEST

/* Two columns (bigint "seq", list<text> "l") in two rows, more pages. */
#define ROWS                                                                   \
    "\0\0\0\x02\0\0\0\x03\0\0\0\x02\0\0\0\x02pg\0\x02ks\0\x01t"                \
    "\0\x03seq\0\x02\0\x01l\0\x20\0\x0d\0\0\0\x02"                             \
    "\0\0\0\x08\0\0\0\0\0\0\0\x07\xff\xff\xff\xff"                             \
    "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x01z"

START_TEST(rows_are_read_with_columns_nulls_and_paging)
{
    cql_reply_t reply;
    cql_bytes_t values[CQL_COLUMNS_MAX];
    int64_t seq;
    ck_assert_int_eq(DECODE(&reply, CQL_OP_RESULT, 0, ROWS), CQL_OK);
    ck_assert_uint_eq(reply.column_count, 2);
    ck_assert_uint_eq(reply.paging.size, 2);
    ck_assert_mem_eq(reply.columns[0].name.bytes, "seq", 3);
    ck_assert_int_eq(cql_row_next(&reply, values), CQL_OK);
    ck_assert(cql_value_bigint(values[0], &seq));
    ck_assert_int_eq(seq, 7);
    ck_assert_ptr_null(values[1].bytes);
    ck_assert_int_eq(cql_row_next(&reply, values), CQL_OK);
    ck_assert(cql_value_bigint(values[0], &seq));
    ck_assert_int_eq(seq, -1);
    ck_assert_uint_eq(values[1].size, 1);
    int32_t small;
    ck_assert(!cql_value_int(values[0], &small));
    ck_assert_int_eq(cql_row_next(&reply, values), CQL_MORE);
}
END_TEST

/* Wherever the body is cut, nothing beyond is read: either the reply or one of
 * its rows is bad. */
START_TEST(rows_cut_anywhere_are_refused)
{
    for (size_t size = 0; size < sizeof ROWS - 1; size++) {
        char *body = malloc(size + 1); /* so that ASan sees its end */
        char *exact = realloc(body, size ? size : 1);
        memcpy(exact, ROWS, size);
        cql_reply_t reply;
        cql_bytes_t values[CQL_COLUMNS_MAX];
        cql_result_t got = s_decode(&reply, CQL_OP_RESULT, 0, exact, size);
        while (got == CQL_OK)
            got = cql_row_next(&reply, values);
        ck_assert_int_eq(got, CQL_BAD);
        free(exact);
    }
}
END_TEST

START_TEST(counts_beyond_the_bytes_are_refused)
{
    cql_reply_t reply;
    /* 65535 columns; 2^31 rows; types nested too deep. */
    ck_assert_int_eq(
        DECODE(&reply, CQL_OP_RESULT, 0, "\0\0\0\x02\0\0\0\x04\0\0\xff\xff"),
        CQL_BAD);
    ck_assert_int_eq(
        DECODE(&reply, CQL_OP_RESULT, 0,
               "\0\0\0\x02\0\0\0\x04\0\0\0\x01\x7f\xff\xff\xff\0\0\0\0"),
        CQL_BAD);
    ck_assert_int_eq(DECODE(&reply, CQL_OP_RESULT, 0,
                            "\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\0\0\x01"
                            "c\0\x20\0\x20\0\x20\0\x20\0\x20\0\x20\0\x20"
                            "\0\x0d\0\0\0\0"),
                     CQL_BAD);
}
END_TEST

Suite *suite_persister_cql_frame(void)
{
    Suite *suite = suite_create("persister/cassandra/cql_frame");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, startup_names_the_version);
    tcase_add_test(facts, plain_token_has_two_zero_bytes);
    tcase_add_test(facts, execute_carries_values_page_and_paging_state);
    tcase_add_test(facts, batch_is_unlogged_and_counts_its_entries);
    tcase_add_test(facts, header_of_a_reply_is_read);
    tcase_add_test(facts, header_of_another_version_or_too_long_is_refused);
    tcase_add_test(facts, error_has_code_and_message);
    tcase_add_test(facts, unprepared_names_the_statement);
    tcase_add_test(facts, warnings_stand_before_the_body);
    tcase_add_test(facts, rows_are_read_with_columns_nulls_and_paging);
    tcase_add_test(facts, rows_cut_anywhere_are_refused);
    tcase_add_test(facts, counts_beyond_the_bytes_are_refused);
    suite_add_tcase(suite, facts);
    return suite;
}
