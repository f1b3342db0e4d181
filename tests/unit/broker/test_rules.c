/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rules.h"

#include <check.h>

#define NOW_MS 1700000000000u
#define BANNED_USER 66u

static canvas_t canvas;
static bans_t bans;
static policy_t *policy;
static users_t *users;
static history_t *history;
static resent_t *resent;
static rules_t rules;

static void s_set_up(void)
{
    uint64_t banned = BANNED_USER;
    canvas_init(&canvas, 100, 50, 4);
    canvas.cooldown_ms = 5000;
    bans = (bans_t){0};
    bans_set(&bans, &banned, 1);
    users = users_new();
    history = history_new();
    resent = resent_new();
    policy = policy_new();
    rules = (rules_t){.canvas = &canvas,
                      .bans = &bans,
                      .policy = policy,
                      .users = users,
                      .history = history,
                      .resent = resent,
                      .now_ms = NOW_MS};
}

static void s_tear_down(void)
{
    bans_fini(&bans);
    policy_destroy(&policy);
    users_destroy(&users);
    history_destroy(&history);
    resent_destroy(&resent);
}

/* An accepted placement of user 1, `ago_ms` before now. */
static void s_placed(uint32_t request, int64_t ago_ms, uint16_t flags)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = {.seq = history_next(history),
                       .user = 1,
                       .request = request,
                       .placed_at_ms = (uint64_t)((int64_t)NOW_MS - ago_ms),
                       .flags = flags};
    record_encode(bytes, &record);
    history_append(history, bytes, 1);
    users_put(users, &record, (keep_t){0});
}

/* What is held has been for a minute. */
static void s_minute_passes(void)
{
    history_tick(history, 0);
    history_tick(history, HISTORY_RECENT_MS);
}

static ruling_t s_decide(bus_place_t place)
{
    return rules_decide(&rules, &place);
}

START_TEST(first_placement_is_ok_and_starts_the_cooldown)
{
    ruling_t ruling = s_decide((bus_place_t){.user = 1, .request = 1});
    ck_assert_int_eq(ruling.status, VERDICT_OK);
    ck_assert_uint_eq(ruling.remaining_ms, 5000);
    ck_assert_uint_eq(ruling.seq, 0);
}
END_TEST

START_TEST(place_outside_board_is_refused)
{
    ruling_t ruling = s_decide((bus_place_t){.user = 1, .x = 100});
    ck_assert_int_eq(ruling.status, VERDICT_OUT_OF_BOUNDS);
    ruling = s_decide((bus_place_t){.user = 1, .y = 50});
    ck_assert_int_eq(ruling.status, VERDICT_OUT_OF_BOUNDS);
    ruling = s_decide((bus_place_t){.user = 1, .x = 65535, .y = 65535});
    ck_assert_int_eq(ruling.status, VERDICT_OUT_OF_BOUNDS);
    ruling = s_decide((bus_place_t){.user = 1, .x = 99, .y = 49});
    ck_assert_int_eq(ruling.status, VERDICT_OK);
}
END_TEST

START_TEST(color_past_the_palette_is_refused)
{
    canvas.palette_size = 10;
    ck_assert_int_eq(s_decide((bus_place_t){.color = 10}).status,
                     VERDICT_BAD_COLOR);
    ck_assert_int_eq(s_decide((bus_place_t){.color = 255}).status,
                     VERDICT_BAD_COLOR);
    ck_assert_int_eq(s_decide((bus_place_t){.color = 9}).status, VERDICT_OK);
}
END_TEST

/* Every reason at once, taken away one by one. */
START_TEST(rules_are_checked_in_the_protocols_order)
{
    s_placed(7, 1000, 0);
    uint64_t both[] = {1, BANNED_USER};
    bans_set(&bans, both, 2);
    canvas.paused = true;
    bus_place_t place = {.user = 1, .request = 7, .x = 100, .color = 16};
    ck_assert_int_eq(s_decide(place).status, VERDICT_OUT_OF_BOUNDS);
    place.x = 0;
    ck_assert_int_eq(s_decide(place).status, VERDICT_BAD_COLOR);
    place.color = 0;
    ck_assert_int_eq(s_decide(place).status, VERDICT_DUPLICATE);
    place.request = 8;
    ck_assert_int_eq(s_decide(place).status, VERDICT_BANNED);
    bans_set(&bans, NULL, 0);
    ck_assert_int_eq(s_decide(place).status, VERDICT_PAUSED);
    canvas.paused = false;
    ck_assert_int_eq(s_decide(place).status, VERDICT_COOLDOWN);
    rules.now_ms += 4000;
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
}
END_TEST

/* Its verdict was lost on the way, and its edge asks again. */
START_TEST(what_was_accepted_before_a_ban_is_not_refused_behind_it)
{
    uint64_t banned = 1;
    s_placed(7, 2000, 0);
    bans_set(&bans, &banned, 1);
    bus_place_t place = {.user = 1, .request = 7, .flags = BUS_PLACE_RESENT};
    ruling_t ruling = s_decide(place);
    ck_assert_int_eq(ruling.status, VERDICT_DUPLICATE);
    ck_assert_uint_eq(ruling.seq, 1);
    place.request = 8;
    ck_assert_int_eq(s_decide(place).status, VERDICT_BANNED);
}
END_TEST

START_TEST(a_jumped_clock_hides_nothing_of_the_last_minute)
{
    s_placed(7, 3600000, 0);
    s_placed(8, 0, 0);
    ruling_t ruling = s_decide(
        (bus_place_t){.user = 1, .request = 7, .flags = BUS_PLACE_RESENT});
    ck_assert_int_eq(ruling.status, VERDICT_DUPLICATE);
    ck_assert_uint_eq(ruling.seq, 1);
}
END_TEST

/* Its client lost patience with one edge, and placed it, and the next, by
 * another. What the first edge had for it comes behind both. */
START_TEST(a_copy_by_another_edge_is_known_behind_the_next_placement)
{
    canvas.cooldown_ms = 300;
    s_placed(7, 4000, 0);
    s_placed(8, 2000, 0);
    bus_place_t place = {.user = 1, .request = 7, .unseen = 1};
    ruling_t ruling = s_decide(place);
    ck_assert_int_eq(ruling.status, VERDICT_DUPLICATE);
    ck_assert_uint_eq(ruling.seq, 1);
    place.unseen = 2; /* 7 was known, 8 not */
    ck_assert_int_eq(s_decide(place).status, VERDICT_DUPLICATE);
    place.unseen = 3; /* its client knew of 8: it uses the number again */
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
    place = (bus_place_t){.user = 1, .request = 9, .unseen = 1};
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
}
END_TEST

static const struct {
    const char *fact;
    int64_t ago_ms; /* by the clock of now */
    uint8_t flags;
    bool old; /* it was held for a minute */
    verdict_status_t status;
} s_jumps[] = {
    {"a number may be used again after ten minutes", 3600000, 0, true,
     VERDICT_OK},
    {"but the clock has jumped since", 3600000, 0, false, VERDICT_DUPLICATE},
    {"what an edge sends again is seconds old whatever the clock says", 3600000,
     BUS_PLACE_RESENT, true, VERDICT_DUPLICATE},
    {"the clock was ahead", -3600000, 0, false, VERDICT_DUPLICATE},
    {"a minute ago, too", -3600000, 0, true, VERDICT_DUPLICATE},
};

START_TEST(a_repetition_is_known_whatever_the_clock_says)
{
    s_placed(7, s_jumps[_i].ago_ms, 0);
    if (s_jumps[_i].old)
        s_minute_passes();
    bus_place_t place = {.user = 1, .request = 7, .flags = s_jumps[_i].flags};
    ck_assert_msg(s_decide(place).status == s_jumps[_i].status, "%s",
                  s_jumps[_i].fact);
}
END_TEST

START_TEST(remaining_is_told_on_every_status)
{
    s_placed(7, 1000, 0);
    ck_assert_uint_eq(s_decide((bus_place_t){.user = 1, .x = 100}).remaining_ms,
                      4000);
    ck_assert_uint_eq(
        s_decide((bus_place_t){.user = 1, .request = 7}).remaining_ms, 4000);
    ck_assert_uint_eq(rules_remaining_ms(&rules, 1), 4000);
    ck_assert_uint_eq(rules_remaining_ms(&rules, 2), 0);
}
END_TEST

START_TEST(cooldown_ends_exactly_when_it_is_over)
{
    s_placed(7, 4999, 0);
    ruling_t ruling = s_decide((bus_place_t){.user = 1});
    ck_assert_int_eq(ruling.status, VERDICT_COOLDOWN);
    ck_assert_uint_eq(ruling.remaining_ms, 1);
    for (int i = 0; i < 3; i++) {
        rules.now_ms++;
        ck_assert_int_eq(s_decide((bus_place_t){.user = 1}).status, VERDICT_OK);
    }
}
END_TEST

START_TEST(cooldown_0_never_refuses)
{
    canvas.cooldown_ms = 0;
    s_placed(7, 0, 0);
    ruling_t ruling = s_decide((bus_place_t){.user = 1, .request = 8});
    ck_assert_int_eq(ruling.status, VERDICT_OK);
    ck_assert_uint_eq(ruling.remaining_ms, 0);
}
END_TEST

START_TEST(clock_set_back_costs_one_cooldown_at_most)
{
    s_placed(7, 0, 0);
    rules.now_ms -= 3600000;
    ck_assert_uint_eq(s_decide((bus_place_t){.user = 1}).remaining_ms, 5000);
}
END_TEST

START_TEST(duplicate_tells_the_first_ones_seq)
{
    s_placed(5, 70000, 0);
    s_placed(6, 9000, 0);
    s_placed(7, 8000, 0);
    ruling_t ruling = s_decide((bus_place_t){.user = 1, .request = 7, .x = 9});
    ck_assert_int_eq(ruling.status, VERDICT_DUPLICATE);
    ck_assert_uint_eq(ruling.seq, 3);
    ck_assert_int_eq(s_decide((bus_place_t){.user = 1, .request = 6}).status,
                     VERDICT_OK);
    ck_assert_int_eq(s_decide((bus_place_t){.user = 2, .request = 7}).status,
                     VERDICT_OK);
}
END_TEST

START_TEST(duplicate_is_remembered_for_ten_minutes_or_the_cooldown)
{
    s_placed(7, 599999, 0);
    bus_place_t place = {.user = 1, .request = 7};
    s_minute_passes();
    ck_assert_int_eq(s_decide(place).status, VERDICT_DUPLICATE);
    rules.now_ms++;
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
    canvas.cooldown_ms = 700000;
    ck_assert_int_eq(s_decide(place).status, VERDICT_DUPLICATE);
}
END_TEST

START_TEST(keyless_matches_only_keyless_and_only_resent)
{
    bus_place_t place = {.user = 1, .request = 7};
    s_placed(7, 8000, RECORD_KEYLESS);
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
    place.flags = BUS_PLACE_RESENT;
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
    place.flags = BUS_PLACE_KEYLESS;
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
    place.flags = BUS_PLACE_KEYLESS | BUS_PLACE_RESENT;
    ck_assert_int_eq(s_decide(place).status, VERDICT_DUPLICATE);
    s_placed(7, 7000, 0);
    place.flags = BUS_PLACE_KEYLESS;
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
    place.flags = 0;
    ck_assert_int_eq(s_decide(place).status, VERDICT_DUPLICATE);
}
END_TEST

START_TEST(window_is_never_below_ten_minutes)
{
    ck_assert_uint_eq(rules_window_ms(&canvas), 600000);
    canvas.cooldown_ms = 600001;
    ck_assert_uint_eq(rules_window_ms(&canvas), 600001);
    ck_assert_uint_eq(rules_keep_from_ms(&canvas, 5), 0);
}
END_TEST

/* R4: a day ahead, then set right. */
START_TEST(clock_that_was_ahead_costs_one_cooldown)
{
    bus_place_t place = {.user = 1, .request = 2};
    s_placed(1, -86400000, 0);
    ck_assert_uint_eq(s_decide(place).remaining_ms, 5000);
    rules.now_ms += 4000;
    ck_assert_uint_eq(s_decide(place).remaining_ms, 1000);
    rules.now_ms += 1000;
    ck_assert_int_eq(s_decide(place).status, VERDICT_OK);
}
END_TEST

Suite *suite_broker_rules(void);
Suite *suite_broker_rules(void)
{
    Suite *suite = suite_create("broker/rules");
    TCase *tc = tcase_create("rules");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, first_placement_is_ok_and_starts_the_cooldown);
    tcase_add_test(tc, place_outside_board_is_refused);
    tcase_add_test(tc, color_past_the_palette_is_refused);
    tcase_add_test(tc, rules_are_checked_in_the_protocols_order);
    tcase_add_test(tc, what_was_accepted_before_a_ban_is_not_refused_behind_it);
    tcase_add_test(tc,
                   a_copy_by_another_edge_is_known_behind_the_next_placement);
    tcase_add_test(tc, a_jumped_clock_hides_nothing_of_the_last_minute);
    tcase_add_loop_test(tc, a_repetition_is_known_whatever_the_clock_says, 0,
                        sizeof s_jumps / sizeof *s_jumps);
    tcase_add_test(tc, remaining_is_told_on_every_status);
    tcase_add_test(tc, cooldown_ends_exactly_when_it_is_over);
    tcase_add_test(tc, cooldown_0_never_refuses);
    tcase_add_test(tc, clock_set_back_costs_one_cooldown_at_most);
    tcase_add_test(tc, duplicate_tells_the_first_ones_seq);
    tcase_add_test(tc, duplicate_is_remembered_for_ten_minutes_or_the_cooldown);
    tcase_add_test(tc, keyless_matches_only_keyless_and_only_resent);
    tcase_add_test(tc, window_is_never_below_ten_minutes);
    tcase_add_test(tc, clock_that_was_ahead_costs_one_cooldown);
    suite_add_tcase(suite, tc);
    return suite;
}
