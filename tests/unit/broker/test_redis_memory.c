/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/redis_memory.h"

#include "tests/unit/logged.h"

START_TEST(limit_and_policy_are_read_from_info)
{
    redis_memory_t memory =
        redis_memory_of("# Memory\r\nused_memory:7\r\nmaxmemory:1000\r\n"
                        "maxmemory_human:1K\r\n"
                        "maxmemory_policy:allkeys-lru\r\nx:1\r\n");
    ck_assert_uint_eq(memory.max_bytes, 1000);
    ck_assert_str_eq(memory.policy, "allkeys-lru");
    ck_assert(redis_memory_may_evict(&memory));
}
END_TEST

START_TEST(redis_without_a_limit_drops_nothing)
{
    redis_memory_t memory =
        redis_memory_of("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n");
    ck_assert(!redis_memory_may_evict(&memory));
}
END_TEST

START_TEST(redis_that_says_nothing_is_believed)
{
    redis_memory_t memory = redis_memory_of("");
    ck_assert_uint_eq(memory.max_bytes, 0);
    ck_assert(!redis_memory_may_evict(&memory));
    memory = redis_memory_of("maxmemory:5");
    ck_assert_uint_eq(memory.max_bytes, 5);
    ck_assert(!redis_memory_may_evict(&memory));
}
END_TEST

START_TEST(long_policy_is_cut)
{
    redis_memory_t memory =
        redis_memory_of("maxmemory_policy:"
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert_uint_lt(strlen(memory.policy), sizeof memory.policy);
}
END_TEST

static bool s_is_told_of(const char *what, redis_memory_t memory,
                         uint64_t needed_bytes)
{
    s_log_catch();
    redis_memory_log(&memory, needed_bytes);
    bool told = strstr(s_logged(), what);
    s_log_release();
    return told;
}

START_TEST(an_operator_is_told_of_a_limit_that_is_too_low)
{
    const char *small = "event=redis_memory_small maxmemory=1000 needed=1001";
    ck_assert(s_is_told_of(small, (redis_memory_t){.max_bytes = 1000}, 1001));
    ck_assert(
        !s_is_told_of("redis", (redis_memory_t){.max_bytes = 1000}, 1000));
    ck_assert(!s_is_told_of("redis", (redis_memory_t){.max_bytes = 0}, 1001));
}
END_TEST

START_TEST(an_operator_is_told_of_a_policy_that_drops_keys)
{
    const char *evicts = "event=redis_may_evict policy=\"allkeys-lru\"";
    redis_memory_t memory = {.max_bytes = 1000, .policy = "allkeys-lru"};
    ck_assert(s_is_told_of(evicts, memory, 1000));
    strcpy(memory.policy, "noeviction");
    ck_assert(!s_is_told_of("redis", memory, 1000));
}
END_TEST

Suite *suite_broker_redis_memory(void);
Suite *suite_broker_redis_memory(void)
{
    Suite *suite = suite_create("broker/redis_memory");
    TCase *cases = tcase_create("info");
    tcase_add_test(cases, limit_and_policy_are_read_from_info);
    tcase_add_test(cases, redis_without_a_limit_drops_nothing);
    tcase_add_test(cases, redis_that_says_nothing_is_believed);
    tcase_add_test(cases, long_policy_is_cut);
    tcase_add_test(cases, an_operator_is_told_of_a_limit_that_is_too_low);
    tcase_add_test(cases, an_operator_is_told_of_a_policy_that_drops_keys);
    suite_add_tcase(suite, cases);
    return suite;
}
