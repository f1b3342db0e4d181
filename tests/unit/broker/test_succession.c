/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/succession.h"

#include "broker/history.h"

#include <check.h>

#define A 1 /* whose chain(0) it is */
#define B 2

static chain_t s_origin(int whose)
{
    return (chain_t){{(uint8_t)whose}};
}

/* Records 1 … count; from `fork` on (0: never) they are B's own. */
static void s_fill(history_t *history, int whose, uint64_t count, uint64_t fork)
{
    uint8_t bytes[RECORD_BYTES];
    history_reset(history, (position_t){0, s_origin(whose)});
    for (uint64_t seq = 1; seq <= count; seq++) {
        record_t record = {.seq = seq, .color = fork && seq >= fork};
        record_encode(bytes, &record);
        history_append(history, bytes, 1);
    }
}

typedef struct {
    int whose;      /* 0: none, or empty */
    uint64_t count; /* records */
    uint64_t fork;
} side_t;

static const struct {
    const char *fact;
    side_t memory, redis;
    succession_t free;  /* the lease is ours */
    succession_t under; /* another leads in Redis */
    lost_t lost_free, lost_under;
} s_rows[] = {
    {"nothing anywhere", {0}, {0}, SUCCEED_NOTHING, SUCCEED_NOTHING, {0}, {0}},
    {"no memory: what Redis holds",
     {0},
     {A, 5, 0},
     SUCCEED_REDIS,
     SUCCEED_REDIS,
     {0},
     {0}},
    {"an emptied Redis gets the memory",
     {A, 5, 0},
     {0},
     SUCCEED_MEMORY,
     SUCCEED_MEMORY,
     {0},
     {0}},
    {"a blank canvas is a history too",
     {A, 0, 0},
     {0},
     SUCCEED_MEMORY,
     SUCCEED_MEMORY,
     {0},
     {0}},
    {"the same", {A, 5, 0}, {A, 5, 0}, SUCCEED_LEVEL, SUCCEED_LEVEL, {0}, {0}},
    {"both blank",
     {A, 0, 0},
     {A, 0, 0},
     SUCCEED_LEVEL,
     SUCCEED_LEVEL,
     {0},
     {0}},
    {"V1, V3: Redis was set back",
     {A, 8, 0},
     {A, 5, 0},
     SUCCEED_MEMORY,
     SUCCEED_MEMORY,
     {0},
     {0}},
    {"memory is part of Redis",
     {A, 5, 0},
     {A, 8, 0},
     SUCCEED_READ_ON,
     SUCCEED_READ_ON,
     {0},
     {0}},
    {"V2: forked, the longer is memory's",
     {A, 9, 0},
     {A, 7, 6},
     SUCCEED_MEMORY,
     SUCCEED_REDIS,
     {7, 7},
     {7, 9}},
    {"forked at the same seq: Redis is what people see",
     {A, 7, 0},
     {A, 7, 6},
     SUCCEED_REDIS,
     SUCCEED_REDIS,
     {7, 7},
     {7, 7}},
    {"forked, Redis is longer: its log will tell",
     {A, 7, 0},
     {A, 9, 6},
     SUCCEED_READ_ON,
     SUCCEED_READ_ON,
     {0},
     {0}},
    {"another canvas",
     {A, 3, 0},
     {B, 3, 0},
     SUCCEED_REDIS,
     SUCCEED_REDIS,
     {3, 3},
     {3, 3}},
};

START_TEST(row_says_whose_history_is_led)
{
    history_t *memory = history_new(), *other = history_new();
    const side_t *a = &s_rows[_i].memory, *b = &s_rows[_i].redis;
    s_fill(memory, a->whose, a->count, a->fork);
    s_fill(other, b->whose, b->count, b->fork);
    ledger_meta_t redis = {.empty = !b->whose, .at = history_head(other)};
    history_view_t mine = history_view(memory);
    lost_t lost;
    const history_view_t *held = a->whose ? &mine : NULL;
    ck_assert_msg(succession_of(held, &redis, &lost) == s_rows[_i].free, "%s",
                  s_rows[_i].fact);
    ck_assert_msg(lost.from == s_rows[_i].lost_free.from &&
                      lost.to == s_rows[_i].lost_free.to,
                  "%s: lost %d to %d", s_rows[_i].fact, (int)lost.from,
                  (int)lost.to);
    ck_assert_msg(succession_under(held, &redis, &lost) == s_rows[_i].under,
                  "%s", s_rows[_i].fact);
    ck_assert_msg(lost.from == s_rows[_i].lost_under.from &&
                      lost.to == s_rows[_i].lost_under.to,
                  "%s: lost %d to %d", s_rows[_i].fact, (int)lost.from,
                  (int)lost.to);
    history_destroy(&memory);
    history_destroy(&other);
}
END_TEST

START_TEST(without_chains_the_numbers_decide)
{
    history_view_t mine = {.head = {.seq = 5}};
    lost_t lost;
    ledger_meta_t redis = {.at = {.seq = 4}};
    ck_assert_int_eq(succession_of(&mine, &redis, &lost), SUCCEED_MEMORY);
    redis.at.seq = 6;
    ck_assert_int_eq(succession_of(&mine, &redis, &lost), SUCCEED_READ_ON);
}
END_TEST

START_TEST(longer_store_is_led)
{
    history_view_t mine = {.head = {.seq = 5}};
    ck_assert(succession_of_store(&mine, (position_t){.seq = 6}));
    ck_assert(!succession_of_store(&mine, (position_t){.seq = 5}));
    ck_assert(!succession_of_store(&mine, (position_t){0}));
}
END_TEST

Suite *suite_broker_succession(void);
Suite *suite_broker_succession(void)
{
    Suite *suite = suite_create("broker/succession");
    TCase *tc = tcase_create("succession");
    tcase_add_loop_test(tc, row_says_whose_history_is_led, 0,
                        sizeof s_rows / sizeof *s_rows);
    tcase_add_test(tc, without_chains_the_numbers_decide);
    tcase_add_test(tc, longer_store_is_led);
    suite_add_tcase(suite, tc);
    return suite;
}
