/* SPDX-License-Identifier: Apache-2.0
 *
 * The state as the items that stand in Redis and in snapshots.
 */
#include "tests/unit/common/actions.h"

static void s_random(policy_t *to)
{
    control_t action = {.verb =
                            (control_verb_t)(1 + rand() % (CONTROL_VERBS - 1)),
                        .by = (uint64_t)(rand() % 3),
                        .request = (uint32_t)(rand() % 2 * rand()),
                        .of = {.user = (uint64_t)(rand() % 50),
                               .until_ms = (uint64_t)(rand() % 2 * 1000),
                               .from_ms = (uint64_t)rand(),
                               .x0 = (uint16_t)(rand() % 20),
                               .x1 = (uint16_t)(20 + rand() % 20),
                               .y1 = (uint16_t)(rand() % 20),
                               .upto = (uint64_t)rand(),
                               .has = (uint8_t)(rand() % 32)}};
    s_do(to, &action);
}

START_TEST(bytes_are_the_state_and_take_what_follows)
{
    policy_t *copy = policy_new();
    srand(7);
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 20; i++)
            s_random(policy);
        size_t size;
        uint8_t *bytes = policy_bytes(policy, &size);
        bytes = realloc(bytes, size + CONTROL_RECORDS_MAX * RECORD_BYTES);
        /* One more action, as the log has it. */
        record_t records[CONTROL_RECORDS_MAX];
        control_t ban = s_ban((uint64_t)(1000 + round), 0);
        size_t count = control_records(&ban, seq + 1, records);
        for (size_t i = 0; i < count; i++)
            record_encode(bytes + size + i * RECORD_BYTES, &records[i]);
        s_do(policy, &ban);
        ck_assert_int_eq(
            policy_decode(copy, bytes, size + count * RECORD_BYTES), 0);
        ck_assert_uint_eq(policy_digest(copy), policy_digest(policy));
        ck_assert_uint_eq(policy_seq(copy), seq);
        /* What is known already changes nothing. */
        for (size_t i = 0; i < count; i++)
            ck_assert(!policy_feed(copy, &records[i], NULL));
        ck_assert_uint_eq(policy_digest(copy), policy_digest(policy));
        for (size_t cut = 1; cut < POLICY_ITEM_BYTES; cut++)
            ck_assert_int_eq(policy_decode(copy, bytes, size + cut), -1);
        free(bytes);
    }
    policy_destroy(&copy);
}
END_TEST

START_TEST(what_is_no_entry_is_refused)
{
    uint8_t item[POLICY_ITEM_BYTES] = {0};
    control_t ban = s_ban(7, 0);
    s_do(policy, &ban);
    ck_assert_int_eq(policy_decode(policy, item, sizeof item), -1);
    ck_assert_uint_eq(policy_seq(policy), 0);
    item[8] = 1;   /* a seq */
    item[32] = 99; /* of no kind */
    ck_assert_int_eq(policy_decode(policy, item, sizeof item), -1);
    item[32] = 7; /* times of no rollback */
    ck_assert_int_eq(policy_decode(policy, item, sizeof item), -1);
}
END_TEST

/* Each kind of entry: without it, or with another value, it is another state.
 */
START_TEST(equal_states_alone_have_equal_digests)
{
    control_t each[] = {
        s_ban(7, 0),
        s_ban(7, 1),
        s_ban(8, 0),
        s_box(CONTROL_PROTECT, 1, 2, 3, 4),
        s_box(CONTROL_PROTECT, 1, 2, 3, 5),
        {.verb = CONTROL_LOCK},
        {.verb = CONTROL_NOTICE},
        {.verb = CONTROL_NOTICE, .by = 1, .request = 5},
        {.verb = CONTROL_NOTICE, .by = 2, .request = 5},
        {.verb = CONTROL_NOTICE, .by = 1, .request = 6},
        {.verb = CONTROL_ROLLBACK, .of = {.user = 1}},
        {.verb = CONTROL_ROLLBACK, .of = {.user = 2}},
        {.verb = CONTROL_ROLLBACK, .of = {.from_ms = 1}},
        {.verb = CONTROL_ROLLBACK, .of = {.until_ms = 1}},
    };
    enum { EACH = sizeof each / sizeof *each };
    uint64_t digests[EACH];
    for (size_t i = 0; i < EACH; i++) {
        policy_clear(policy);
        seq = 0;
        ck_assert_uint_eq(policy_digest(policy), 0);
        s_do(policy, &each[i]);
        digests[i] = policy_digest(policy);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(digests[i] != digests[j], "%zu and %zu", i, j);
        policy_clear(policy);
        seq = 0;
        s_do(policy, &each[i]);
        ck_assert_uint_eq(policy_digest(policy), digests[i]);
    }
}
END_TEST

/* What was asked for is known again after the state went through its bytes. */
START_TEST(every_entry_survives_its_bytes)
{
    control_t action = s_ban(7, 1000);
    action.by = 3;
    action.request = 9;
    uint64_t banned = s_do(policy, &action);
    action = s_box(CONTROL_PROTECT, 1, 2, 3, 4);
    uint64_t region = s_do(policy, &action);
    action = (control_t){.verb = CONTROL_LOCK};
    uint64_t locked = s_do(policy, &action);
    selection_t of = {.user = 1,
                      .from_ms = 2,
                      .until_ms = 3,
                      .x0 = 4,
                      .y0 = 5,
                      .x1 = 6,
                      .y1 = 7,
                      .upto = 8,
                      .has = HAS_USER | HAS_BOX | HAS_TIME};
    action = (control_t){.verb = CONTROL_ROLLBACK, .of = of};
    uint64_t rolled = s_do(policy, &action);

    size_t size, count;
    uint8_t *bytes = policy_bytes(policy, &size);
    policy_t *copy = policy_new();
    ck_assert_int_eq(policy_decode(copy, bytes, size), 0);
    free(bytes);
    ck_assert_uint_eq(policy_request(copy, 3, 9), banned);
    ck_assert(policy_bans_user(copy, 7, 999));
    ck_assert(!policy_bans_user(copy, 7, 1000));
    const policy_region_t *regions = policy_regions(copy, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(regions->seq, region);
    ck_assert(regions->x0 == 1 && regions->y0 == 2 && regions->x1 == 3 &&
              regions->y1 == 4);
    ck_assert_uint_eq(policy_locked(copy), locked);
    const policy_rollback_t *rollbacks = policy_rollbacks(copy, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(rollbacks->seq, rolled);
    ck_assert_uint_eq(rollbacks->of.user, 1);
    ck_assert_uint_eq(rollbacks->of.from_ms, 2);
    ck_assert_uint_eq(rollbacks->of.until_ms, 3);
    ck_assert(rollbacks->of.x0 == 4 && rollbacks->of.y0 == 5);
    ck_assert(rollbacks->of.x1 == 6 && rollbacks->of.y1 == 7);
    ck_assert_uint_eq(rollbacks->of.upto, 8);
    ck_assert_uint_eq(rollbacks->of.has, of.has);
    policy_destroy(&copy);
}
END_TEST

START_TEST(the_latest_4096_requests_survive_their_bytes)
{
    control_t notice = {.verb = CONTROL_NOTICE, .by = 1};
    for (unsigned i = 1; i <= POLICY_REQUESTS_MAX + 10; i++) {
        notice.request = i;
        s_do(policy, &notice);
    }
    size_t size;
    uint8_t *bytes = policy_bytes(policy, &size);
    ck_assert_uint_eq(size, (POLICY_REQUESTS_MAX + 1) * POLICY_ITEM_BYTES);
    uint64_t eleventh = policy_request(policy, 1, 11);
    ck_assert_int_eq(policy_decode(policy, bytes, size), 0);
    free(bytes);
    ck_assert_uint_ne(eleventh, 0);
    ck_assert_uint_eq(policy_request(policy, 1, 11), eleventh);
    ck_assert_uint_eq(policy_request(policy, 1, 10), 0);
    ck_assert_uint_ne(policy_request(policy, 1, POLICY_REQUESTS_MAX + 10), 0);
}
END_TEST

START_TEST(it_is_long_if_it_has_far_more_records_than_entries)
{
    control_t lock = {.verb = CONTROL_LOCK};
    size_t limit = POLICY_REQUESTS_MAX * 2 + 25000;
    ck_assert(!policy_is_long(policy));
    while (seq <= limit) {
        ck_assert(!policy_is_long(policy));
        s_do(policy, &lock);
    }
    ck_assert(policy_is_long(policy));
    policy_written(policy);
    ck_assert(!policy_is_long(policy));
}
END_TEST

Suite *suite_common_policy_bytes(void);

Suite *suite_common_policy_bytes(void)
{
    Suite *suite = suite_create("common/policy_bytes");
    TCase *tcase = tcase_create("policy_bytes");
    tcase_add_checked_fixture(tcase, s_set_up, s_tear_down);
    tcase_add_test(tcase, bytes_are_the_state_and_take_what_follows);
    tcase_add_test(tcase, what_is_no_entry_is_refused);
    tcase_add_test(tcase, equal_states_alone_have_equal_digests);
    tcase_add_test(tcase, every_entry_survives_its_bytes);
    tcase_add_test(tcase, the_latest_4096_requests_survive_their_bytes);
    tcase_add_test(tcase, it_is_long_if_it_has_far_more_records_than_entries);
    suite_add_tcase(suite, tcase);
    return suite;
}
