/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in CQL against a server of a few lines, on a loopback address that
 * only this process has: what it makes of a state row that is not as it wrote
 * it. All else is tested against a real server (the contract suite).
 */
#include "persister/cassandra/cql_frame.h"
#include "persister/store.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HERE "127.31.8.1"
#define STATE 'S' /* the id of the statement that reads the state */
#define OTHER 'o'

typedef struct {
    const char *fact;
    int columns, rows;
    int sizes[2]; /* of the values; -1: null */
    int64_t values[2];
    store_result_t result;
} state_row_t;

static const state_row_t rows[] = {
    {"no row is an empty store", 2, 0, {0}, {0}, STORE_OK},
    {"a whole row is the state", 2, 1, {8, 8}, {7, 3}, STORE_OK},
    {"no epoch", 2, 1, {8, -1}, {7, 0}, STORE_FAILED},
    {"no checkpoint", 2, 1, {-1, 8}, {0, 3}, STORE_FAILED},
    {"a checkpoint that is cut off", 2, 1, {4, 8}, {7, 3}, STORE_FAILED},
    {"a negative checkpoint", 2, 1, {8, 8}, {-7, 3}, STORE_FAILED},
    {"a negative epoch", 2, 1, {8, 8}, {7, -3}, STORE_FAILED},
    {"a column too few", 1, 1, {8, 0}, {7, 0}, STORE_FAILED},
};

static int listener;
static pthread_t server;
static const state_row_t *row;
static char url[64];

/* ---- a server --------------------------------------------------------- */

static void s_big(uint8_t **at, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i--;)
        *(*at)++ = (uint8_t)(number >> (8 * i));
}

/* RESULT of rows: no names of columns, a page of its own. */
static size_t s_rows(uint8_t *body, bool state)
{
    uint8_t *at = body;
    int columns = state ? row->columns : 0, count = state ? row->rows : 0;
    s_big(&at, CQL_RESULT_ROWS, 4);
    s_big(&at, 4, 4); /* no metadata */
    s_big(&at, (uint64_t)columns, 4);
    s_big(&at, (uint64_t)count, 4);
    for (int i = 0; i < columns * count; i++) {
        s_big(&at, (uint64_t)(int64_t)row->sizes[i], 4);
        if (row->sizes[i] > 0)
            s_big(&at, (uint64_t)row->values[i], (size_t)row->sizes[i]);
    }
    return (size_t)(at - body);
}

static size_t s_prepared(uint8_t *body, const char *text)
{
    uint8_t *at = body;
    s_big(&at, CQL_RESULT_PREPARED, 4);
    s_big(&at, 1, 2);
    s_big(&at, strstr(text, "WHERE name = 'state'") ? STATE : OTHER, 1);
    return (size_t)(at - body);
}

static void s_answer(int fd, const uint8_t *head, const char *question)
{
    uint8_t frame[256], *at = frame, body[200], opcode = CQL_OP_RESULT;
    size_t size = 0;
    if (head[4] == CQL_OP_STARTUP)
        opcode = CQL_OP_READY;
    else if (head[4] == CQL_OP_PREPARE)
        size = s_prepared(body, question + 4);
    else
        size = s_rows(body, question[2] == STATE);
    s_big(&at, 0x84, 1);
    s_big(&at, 0, 1);
    memcpy(at, head + 2, 2); /* the stream */
    at += 2;
    s_big(&at, opcode, 1);
    s_big(&at, size, 4);
    memcpy(at, body, size);
    send(fd, frame, (size_t)(at - frame) + size, MSG_NOSIGNAL);
}

static void *s_serve(void *arg)
{
    (void)arg;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        uint8_t head[CQL_HEADER_BYTES];
        char question[4096];
        while (recv(fd, head, sizeof head, MSG_WAITALL) == sizeof head) {
            size_t size = (size_t)head[7] << 8 | head[8];
            if (size >= sizeof question ||
                (size &&
                 recv(fd, question, size, MSG_WAITALL) != (ssize_t)size))
                break;
            question[size] = '\0';
            s_answer(fd, head, question);
        }
    }
    return NULL;
}

static void s_set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    inet_pton(AF_INET, HERE, &address.sin_addr);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (void *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    getsockname(listener, (void *)&address, &size);
    snprintf(url, sizeof url, "cassandra:%s:%d/board?connections=1", HERE,
             ntohs(address.sin_port));
    pthread_create(&server, NULL, s_serve, NULL);
}

static void s_tear_down(void)
{
    shutdown(listener, SHUT_RDWR);
    close(listener);
    pthread_join(server, NULL);
}

/* C15: it counted as an empty store, whose first row would have been written
 * over it. */
START_TEST(a_damaged_state_is_no_empty_store)
{
    store_state_t state = {.checkpoint = 99, .epoch = 99};
    row = &rows[_i];
    store_t *store = store_new(url);
    ck_assert_ptr_nonnull(store);
    store_result_t result = store->ops->open(store, &state);
    ck_assert_msg(result == row->result, "%s: %d %s", row->fact, result,
                  store->ops->error(store));
    if (result == STORE_OK) {
        ck_assert_uint_eq(state.checkpoint, (uint64_t)row->values[0]);
        ck_assert_uint_eq(state.epoch, (uint32_t)row->values[1]);
    } else {
        ck_assert_str_eq(store->ops->error(store),
                         "a row of board.meta is damaged");
        ck_assert_uint_eq(state.checkpoint, 99);
    }
    store_destroy(&store);
}
END_TEST

Suite *suite_persister_store_cql(void);
Suite *suite_persister_store_cql(void)
{
    Suite *suite = suite_create("persister/cassandra/store_cql");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_set_up, s_tear_down);
    tcase_add_loop_test(facts, a_damaged_state_is_no_empty_store, 0,
                        sizeof rows / sizeof *rows);
    suite_add_tcase(suite, facts);
    return suite;
}
