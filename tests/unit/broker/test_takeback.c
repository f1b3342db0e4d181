/* SPDX-License-Identifier: Apache-2.0
 *
 * A rollback on its way: what a persister said lies below is placed in slices,
 * but for what players placed since; it is open until the last.
 */
#include "broker/takeback_progress.h"

#include "common/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 200
#define HEIGHT 100
#define PERSISTER 9u

Suite *suite_broker_takeback(void);

static broker_config_t config;
static canvas_t blank;
static parts_t parts;
static takeback_t takeback;
static batch_t *batch;
static rank_t rank;
static bool on_an_edge;

static void s_set_up(void)
{
    static zsock_t *sockets[4];
    config = (broker_config_t){.batch_max = 100};
    canvas_init(&blank, WIDTH, HEIGHT, 4);
    parts_init(&parts, &config, &blank, sockets);
    parts_wake(&parts, (now_t){100000, 1700000000000});
    world_open(&parts.world, &blank);
    world_begin_chain(&parts.world);
    bus_persister_t word = {.instance = PERSISTER};
    persister_t *persister =
        persisters_hear(&parts.persisters, &word, "p", 1, 100000);
    persister->relation = HISTORY_EQUAL;
    ck_assert(persisters_grant(&parts.persisters, persister, 0, 100000));
    takeback = (takeback_t){0};
    rank = RANK_OPERATOR;
    on_an_edge = false;
    batch = batch_new(BUS_RECORDS_MAX);
}

static void s_tear_down(void)
{
    takeback_give_up(&takeback, &parts, "over");
    takeback_fini(&takeback);
    batch_destroy(&batch);
    parts_fini(&parts);
}

static void s_begin(takeback_wish_t wish)
{
    asker_t asker = {.held = true, .known = on_an_edge};
    control_t control = {.verb = CONTROL_ROLLBACK,
                         .rank = rank,
                         .by = 77,
                         .request = 5,
                         .of = {.has = HAS_USER, .user = 3}};
    zmq_msg_init(&asker.mail.peer);
    zmq_msg_init(&asker.mail.body);
    takeback_begin(&takeback, &parts, &asker, &control, wish);
}

/* The persister's word: pixels 0 … count − 1 get colour 4. */
static void s_hear(uint64_t ticket, uint8_t status, uint32_t count)
{
    bus_below_t below = {.ticket = ticket,
                         .status = status,
                         .upto = parts.world.seq,
                         .placements = count,
                         .count = count};
    mail_t mail;
    zmq_msg_init(&mail.peer);
    uint8_t *at =
        mail_frame(&mail.body, BUS_BELOW_HEAD_BYTES +
                                   (size_t)count * BUS_BELOW_PIXEL_BYTES);
    at += bus_put_below_head(at, &below);
    for (uint32_t i = 0; i < count; i++, at += BUS_BELOW_PIXEL_BYTES)
        bus_put_below_pixel(at, i, 4);
    takeback_heard(&takeback, &parts, &mail);
    mail_close(&mail);
}

/* A commit: `count` pixels from `first` on that a player placed, then what is
 * due of the rollback. Returns how many records it had. */
static size_t s_commit(uint32_t first, uint32_t count)
{
    world_t *world = &parts.world;
    batch_begin(batch, world_head(world), 4);
    for (uint32_t i = first; i < first + count; i++) {
        record_t record = {.seq = batch_next(batch),
                           .user = 8,
                           .x = (uint16_t)(i % WIDTH),
                           .y = (uint16_t)(i / WIDTH),
                           .color = 9,
                           .previous_color = board_set(world->board, i, 9)};
        batch_add(batch, &record, i);
    }
    takeback_fill(&takeback, &parts, batch);
    if (!batch_count(batch))
        return 0;
    batch_seal(batch);
    world->seq = batch_to(batch).seq;
    history_append(world->history, batch_records(batch), batch_count(batch));
    world_recall_policy(world);
    takeback_settle(&takeback, &parts);
    return batch_count(batch);
}

static uint32_t s_shown(uint8_t color)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
        count += board_get(parts.world.board, i) == color;
    return count;
}

static const takeback_wish_t s_yes = {.yes = true};

START_TEST(more_than_one_pixel_is_only_previewed)
{
    s_begin((takeback_wish_t){0});
    ck_assert_int_eq(takeback.state, TAKEBACK_ASKING);
    s_hear(takeback.ticket, BELOW_FOUND, 2);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    ck_assert(!takeback.asker.held);
    ck_assert_uint_eq(s_commit(0, 0), 0);
    s_begin((takeback_wish_t){0});
    s_hear(takeback.ticket, BELOW_FOUND, 1);
    s_commit(0, 0);
    ck_assert_uint_eq(s_shown(4), 1);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    s_begin((takeback_wish_t){.yes = true, .preview = true});
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE); /* its key is known */
}
END_TEST

START_TEST(slices_are_open_until_the_last)
{
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, 2 * TAKEBACK_SLICE + 10);
    size_t first = s_commit(0, 0);
    ck_assert_uint_eq(s_shown(4), TAKEBACK_SLICE);
    ck_assert_uint_le(first, TAKEBACK_SLICE + CONTROL_RECORDS_MAX);
    ck_assert_ptr_nonnull(policy_open(parts.world.policy));
    ck_assert_uint_eq(policy_request(parts.world.policy, 77, 5), takeback.seq);
    s_commit(0, 0);
    ck_assert_ptr_nonnull(policy_open(parts.world.policy));
    s_commit(0, 0);
    ck_assert_ptr_null(policy_open(parts.world.policy));
    ck_assert_uint_eq(s_shown(4), 2 * TAKEBACK_SLICE + 10);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    ck_assert(!takeback.asker.held);
    ck_assert_uint_eq(s_commit(0, 0), 0);
}
END_TEST

/* Asked again while the batch that began it was in doubt. */
START_TEST(what_was_done_before_the_store_answered_is_not_done_again)
{
    s_begin(s_yes);
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&takeback.control, 1, records);
    for (size_t i = 0; i < count; i++)
        policy_feed(parts.world.policy, &records[i], NULL);
    s_hear(takeback.ticket, BELOW_FOUND, 10);
    ck_assert_uint_eq(s_commit(0, 0), 0);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
}
END_TEST

/* Before the first slice, in its batch, and between two. */
START_TEST(what_players_place_meanwhile_stays)
{
    s_begin(s_yes);
    s_commit(0, 10);
    s_hear(takeback.ticket, BELOW_FOUND, 2 * TAKEBACK_SLICE);
    parts.world.seq = world_head(&parts.world).seq;
    s_commit(100, 10);
    s_commit(TAKEBACK_SLICE + 1000, 10);
    while (takeback.state != TAKEBACK_NONE)
        s_commit(0, 0);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_uint_eq(
            board_get(parts.world.board, TAKEBACK_SLICE + 1000 + i), 9);
        ck_assert_uint_eq(board_get(parts.world.board, 100 + i), 9);
    }
    ck_assert_uint_eq(s_shown(4), 2 * TAKEBACK_SLICE - 20);
    ck_assert_ptr_null(policy_open(parts.world.policy));
}
END_TEST

START_TEST(who_leads_next_finishes_it)
{
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_SLICE + 10);
    s_commit(0, 0);
    takeback_give_up(&takeback, &parts, "Redis is lost");
    ck_assert(!takeback.asker.held);
    ck_assert_ptr_nonnull(policy_open(parts.world.policy));
    /* Somebody else asks meanwhile, and is refused. */
    s_commit(0, 0);
    ck_assert_int_eq(takeback.state, TAKEBACK_ASKING);
    s_hear(takeback.ticket - 1, BELOW_FOUND, 5); /* of before */
    ck_assert_int_eq(takeback.state, TAKEBACK_ASKING);
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_SLICE + 10);
    while (takeback.state != TAKEBACK_NONE)
        s_commit(0, 0);
    ck_assert_ptr_null(policy_open(parts.world.policy));
    ck_assert_uint_eq(s_shown(4), TAKEBACK_SLICE + 10);
}
END_TEST

START_TEST(a_store_that_is_behind_is_asked_again)
{
    s_begin(s_yes);
    uint64_t ticket = takeback.ticket;
    s_hear(ticket, BELOW_BEHIND, 0);
    s_commit(0, 0);
    s_hear(ticket, BELOW_FOUND, 5); /* too late */
    ck_assert_int_eq(takeback.state, TAKEBACK_ASKING);
    parts_wake(&parts, (now_t){100100, 1700000000100});
    s_commit(0, 0);
    ck_assert_uint_gt(takeback.ticket, ticket);
    s_hear(takeback.ticket, BELOW_FOUND, 5);
    s_commit(0, 0);
    ck_assert_uint_eq(s_shown(4), 5);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
}
END_TEST

START_TEST(a_store_that_is_silent_is_asked_again_after_a_while)
{
    s_begin(s_yes);
    uint64_t ticket = takeback.ticket;
    s_commit(0, 0);
    s_commit(0, 0);
    ck_assert_uint_eq(takeback.ticket, ticket); /* it has been asked */
    takeback.until_ms += 1000000;
    parts_wake(&parts, (now_t){101000, 1700000001000});
    s_commit(0, 0);
    ck_assert_uint_eq(takeback.ticket, ticket);
    for (uint64_t now_ms = 102000; now_ms < 130000; now_ms += 1000) {
        bus_persister_t word = {.instance = PERSISTER};
        persisters_hear(&parts.persisters, &word, "p", 1, now_ms);
        parts_wake(&parts, (now_t){now_ms, 1700000001000});
        s_commit(0, 0);
        ck_assert_uint_eq(takeback.ticket, ticket);
    }
    parts_wake(&parts, (now_t){130000, 1700000001000});
    s_commit(0, 0);
    ck_assert_uint_eq(takeback.ticket, ticket + 1);
}
END_TEST

START_TEST(where_nothing_fits_nothing_is_done)
{
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, 0);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    ck_assert_uint_eq(s_commit(0, 0), 0);
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_TOO_MANY, 0);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    /* No store, no rollback. */
    parts_wake(&parts, (now_t){200000, 1700000100000});
    s_begin(s_yes);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
}
END_TEST

/* The state of the job with that key, and one number of it. */
static void s_expect_job(uint32_t key, const char *state, const char *name,
                         uint64_t number)
{
    json_t *job = takeback_progress(&takeback, &parts, 77, key);
    ck_assert_ptr_nonnull(job);
    ck_assert(json_is_true(json_object_get(job, "ok")));
    ck_assert_str_eq(json_string_value(json_object_get(job, "state")), state);
    ck_assert_int_eq(json_integer_value(json_object_get(job, "key")), key);
    if (name)
        ck_assert_uint_eq(
            (uint64_t)json_integer_value(json_object_get(job, name)), number);
    json_decref(job);
}

START_TEST(how_far_it_is_can_be_asked)
{
    ck_assert_ptr_null(takeback_progress(&takeback, &parts, 77, 5));
    s_begin(s_yes);
    s_expect_job(5, "waiting", "seq", 0);
    ck_assert_ptr_null(takeback_progress(&takeback, &parts, 77, 6));
    ck_assert_ptr_null(takeback_progress(&takeback, &parts, 78, 5));
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_SLICE + 10);
    s_commit(0, 0);
    uint64_t seq = takeback.seq;
    s_expect_job(5, "writing", "placed", TAKEBACK_SLICE);
    s_commit(0, 0);
    s_expect_job(5, "done", "pixels", TAKEBACK_SLICE + 10);
    s_expect_job(5, "done", "seq", seq);
}
END_TEST

START_TEST(a_dry_run_and_a_refusal_can_be_asked_for_too)
{
    s_begin((takeback_wish_t){0});
    s_hear(takeback.ticket, BELOW_FOUND, 7);
    s_expect_job(5, "done", "pixels", 7);
    s_begin(s_yes); /* the same key: nothing was done by it yet */
    s_hear(takeback.ticket, BELOW_FOUND, 0);
    json_t *job = takeback_progress(&takeback, &parts, 77, 5);
    ck_assert_str_eq(json_string_value(json_object_get(job, "state")),
                     "refused");
    ck_assert_str_eq(json_string_value(json_object_get(job, "error")),
                     "no placement fits");
    json_decref(job);
}
END_TEST

/* Nobody's memory has it any more, but the policy does. */
START_TEST(the_next_leader_knows_what_was_begun)
{
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_SLICE + 10);
    s_commit(0, 0);
    uint64_t seq = takeback.seq;
    takeback_give_up(&takeback, &parts, "Redis is lost");
    s_expect_job(5, "writing", "seq", seq);
    s_commit(0, 0);
    s_expect_job(5, "writing", "seq", seq);
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_SLICE + 10);
    while (takeback.state != TAKEBACK_NONE)
        s_commit(0, 0);
    s_expect_job(5, "done", "seq", seq);
}
END_TEST

START_TEST(an_edge_is_told_in_time_that_it_goes_on)
{
    on_an_edge = true;
    s_begin(s_yes);
    parts_wake(&parts, (now_t){100000 + TAKEBACK_PATIENCE_MS - 1, 1});
    s_commit(0, 0);
    /* It is silent to the persister's word, but goes on. */
    ck_assert(takeback.asker.held || takeback.state == TAKEBACK_NONE);
    takeback_give_up(&takeback, &parts, "again");
    parts_wake(&parts, (now_t){100000, 1});
    s_begin(s_yes);
    takeback.patience_ms = 100000;
    s_commit(0, 0);
    ck_assert(!takeback.asker.held);
    ck_assert_int_eq(takeback.state, TAKEBACK_ASKING);
    s_begin(s_yes); /* asked again: waits again */
    ck_assert(takeback.asker.held);
    s_hear(takeback.ticket, BELOW_FOUND, 5);
    s_commit(0, 0);
    ck_assert_uint_eq(s_shown(4), 5);
    ck_assert(!takeback.asker.held);
}
END_TEST

/* However long it takes: stipplectl waits on the bus. */
START_TEST(who_is_on_the_bus_waits)
{
    s_begin(s_yes);
    takeback.patience_ms = 100000;
    s_commit(0, 0);
    ck_assert(takeback.asker.held);
}
END_TEST

START_TEST(with_nobody_waiting_it_still_ends_in_time)
{
    on_an_edge = true;
    s_begin(s_yes);
    takeback.patience_ms = 100000;
    s_commit(0, 0);
    takeback.until_ms = 100000;
    s_commit(0, 0);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    s_expect_job(5, "refused", NULL, 0);
}
END_TEST

START_TEST(other_wishes_are_another_request)
{
    s_begin(s_yes);
    takeback.asker.ticket = 9;
    s_begin((takeback_wish_t){0});
    ck_assert_uint_eq(takeback.asker.ticket, 9);
    s_begin(s_yes);
    ck_assert_uint_eq(takeback.asker.ticket, 0);
}
END_TEST

START_TEST(too_many_for_a_role_is_noted)
{
    rank = RANK_MODERATOR;
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_MODERATOR_MAX);
    ck_assert_int_eq(takeback.refused.verb, CONTROL_NONE);
    ck_assert_int_eq(takeback.state, TAKEBACK_WRITING);
    takeback_give_up(&takeback, &parts, "again");
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, TAKEBACK_MODERATOR_MAX + 1);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    ck_assert_int_eq(takeback.refused.verb, CONTROL_REFUSED);
    ck_assert_int_eq(takeback.refused.rank, RANK_MODERATOR);
    ck_assert_uint_eq(takeback.refused.by, 77);
    ck_assert_uint_eq(takeback.refused.request, 0);
    ck_assert_uint_eq(takeback.refused.of.user, 3);
    ck_assert_uint_eq(takeback.refused.of.upto, CONTROL_ROLLBACK);
    ck_assert_str_eq(takeback.refused.text, "rollback of 10001 pixels");
    s_expect_job(5, "refused", NULL, 0);
}
END_TEST

/* One person may change two pixels here. */
START_TEST(what_is_too_much_for_one_waits_for_a_second)
{
    config.two_person_pixels = 2;
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, 3);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    ck_assert_uint_eq(s_commit(0, 0), 0);
    const proposal_t *proposal = &takeback.proposals.table[PROPOSALS_MAX - 1];
    ck_assert_uint_eq(proposal->pixels, 3);
    ck_assert_uint_eq(proposal->control.by, 77);
    json_t *outcome = outcomes_find(&takeback.outcomes, 77, 5);
    ck_assert_int_eq(json_integer_value(json_object_get(outcome, "proposal")),
                     proposal->number);
    ck_assert_int_eq(json_integer_value(json_object_get(outcome, "ends")),
                     1700000000000 + PROPOSAL_MS);
    ck_assert(!json_object_get(outcome, "seq"));
    s_begin((takeback_wish_t){.yes = true, .approved = true});
    s_hear(takeback.ticket, BELOW_FOUND, 3);
    ck_assert_uint_gt(s_commit(0, 0), 3);
    ck_assert_uint_eq(s_shown(4), 3);
}
END_TEST

START_TEST(what_one_may_do_waits_for_nobody)
{
    config.two_person_pixels = 2;
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, 2);
    ck_assert_int_eq(takeback.state, TAKEBACK_WRITING);
    takeback_give_up(&takeback, &parts, "again");
    s_begin((takeback_wish_t){0}); /* a dry run of more is no proposal */
    s_hear(takeback.ticket, BELOW_FOUND, 3);
    ck_assert_int_eq(takeback.state, TAKEBACK_NONE);
    ck_assert_uint_eq(takeback.proposals.table[PROPOSALS_MAX - 1].number, 0);
}
END_TEST

START_TEST(a_lead_that_is_lost_forgets_what_waits)
{
    config.two_person_pixels = 2;
    s_begin(s_yes);
    s_hear(takeback.ticket, BELOW_FOUND, 3);
    uint32_t number = takeback.proposals.table[PROPOSALS_MAX - 1].number;
    ck_assert_ptr_nonnull(proposals_find(&takeback.proposals, number, 100000));
    takeback_give_up(&takeback, &parts, "over");
    ck_assert_ptr_null(proposals_find(&takeback.proposals, number, 100000));
}
END_TEST

Suite *suite_broker_takeback(void)
{
    Suite *suite = suite_create("broker/takeback");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, more_than_one_pixel_is_only_previewed);
    tcase_add_test(all, slices_are_open_until_the_last);
    tcase_add_test(all,
                   what_was_done_before_the_store_answered_is_not_done_again);
    tcase_add_test(all, what_players_place_meanwhile_stays);
    tcase_add_test(all, who_leads_next_finishes_it);
    tcase_add_test(all, a_store_that_is_behind_is_asked_again);
    tcase_add_test(all, a_store_that_is_silent_is_asked_again_after_a_while);
    tcase_add_test(all, where_nothing_fits_nothing_is_done);
    tcase_add_test(all, how_far_it_is_can_be_asked);
    tcase_add_test(all, a_dry_run_and_a_refusal_can_be_asked_for_too);
    tcase_add_test(all, the_next_leader_knows_what_was_begun);
    tcase_add_test(all, an_edge_is_told_in_time_that_it_goes_on);
    tcase_add_test(all, who_is_on_the_bus_waits);
    tcase_add_test(all, with_nobody_waiting_it_still_ends_in_time);
    tcase_add_test(all, other_wishes_are_another_request);
    tcase_add_test(all, too_many_for_a_role_is_noted);
    tcase_add_test(all, what_is_too_much_for_one_waits_for_a_second);
    tcase_add_test(all, what_one_may_do_waits_for_nobody);
    tcase_add_test(all, a_lead_that_is_lost_forgets_what_waits);
    suite_add_tcase(suite, all);
    return suite;
}
