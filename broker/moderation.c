/* SPDX-License-Identifier: Apache-2.0
 *
 * See moderation.h.
 */
#include "broker/moderation.h"

#include "broker/inquiry.h"
#include "broker/members.h"
#include "broker/takeback_limits.h"
#include "broker/takeback_progress.h"
#include "common/token.h"

#define BANS_LISTED_MAX 1000

/* ---- members of a request ---------------------------------------------- */

static const char *s_take_words(control_t *control, const json_t *request,
                                const char *name)
{
    const char *text = member_text(request, name);
    if (json_object_get(request, name) && !text)
        return "the words are a string";
    if (text && strlen(text) > CONTROL_TEXT_MAX)
        return "the words have more than 500 bytes";
    snprintf(control->text, sizeof control->text, "%s", text ? text : "");
    return NULL;
}

/* ---- actions ------------------------------------------------------------ */

/* Each fills the action in, or says why it cannot be. */
typedef const char *(*take_fn)(control_t *control, const parts_t *parts,
                               const json_t *request);

static const char *s_take_ban(control_t *control, const parts_t *parts,
                              const json_t *request)
{
    if (!member_number(request, "until", INT64_MAX, &control->of.until_ms))
        return "until is a time in milliseconds since 1970";
    if (control->of.until_ms && control->of.until_ms <= parts->now.wall_ms)
        return "until is in the past";
    if (policy_bans(parts->world.policy) >= POLICY_BANS_MAX)
        return "there are too many bans";
    return member_user(&control->of, request);
}

static const char *s_take_unban(control_t *control, const parts_t *parts,
                                const json_t *request)
{
    const char *error = member_user(&control->of, request);
    if (!error && !policy_has_ban(parts->world.policy, control->of.user))
        error = "that user is not banned";
    return error;
}

static const char *s_take_protect(control_t *control, const parts_t *parts,
                                  const json_t *request)
{
    size_t count;
    policy_regions(parts->world.policy, &count);
    if (count >= POLICY_REGIONS_MAX)
        return "as many boxes as may be are protected already";
    return member_box(&control->of, request, &parts->world.canvas);
}

static bool s_within(const policy_region_t *region, const selection_t *box)
{
    return region->x0 >= box->x0 && region->x1 <= box->x1 &&
           region->y0 >= box->y0 && region->y1 <= box->y1;
}

static const char *s_take_unprotect(control_t *control, const parts_t *parts,
                                    const json_t *request)
{
    size_t count;
    const policy_region_t *regions =
        policy_regions(parts->world.policy, &count);
    const char *error = member_box(&control->of, request, &parts->world.canvas);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++)
        if (s_within(&regions[i], &control->of))
            return NULL;
    return "no protected box lies within that one";
}

static const char *s_take_lock(control_t *control, const parts_t *parts,
                               const json_t *request)
{
    (void)control, (void)request;
    return policy_locked(parts->world.policy) ? "the board is locked" : NULL;
}

static const char *s_take_unlock(control_t *control, const parts_t *parts,
                                 const json_t *request)
{
    (void)control, (void)request;
    return policy_locked(parts->world.policy) ? NULL
                                              : "the board is not locked";
}

static const char *s_take_notice(control_t *control, const parts_t *parts,
                                 const json_t *request)
{
    (void)parts;
    const char *error = s_take_words(control, request, "text");
    return !error && !*control->text ? "a notice needs words" : error;
}

/* A rollback of what is selected, or the undoing of one. */
static const char *s_take_rollback(control_t *control, const parts_t *parts,
                                   const json_t *request)
{
    const policy_t *policy = parts->world.policy;
    selection_t *of = &control->of;
    const char *error = NULL;
    size_t count;
    policy_rollbacks(policy, &count);
    of->upto = parts->world.seq;
    if (json_object_get(request, "user"))
        error = member_user(of, request);
    if (!error && json_object_get(request, "box"))
        error = member_box(of, request, &parts->world.canvas);
    if (!error)
        error = member_times(of, request);
    if (!error && !of->has)
        error = "name a user, a box or a time";
    if (!error && count >= POLICY_ROLLBACKS_MAX)
        error = "1000 rollbacks hold already: undo some";
    return error;
}

static const char *s_take_restore(control_t *control, const parts_t *parts,
                                  const json_t *request)
{
    uint64_t seq;
    if (!member_number(request, "undo", INT64_MAX, &seq) || !seq)
        return "undo is the seq of a rollback";
    control->of.upto = seq;
    return policy_rollback(parts->world.policy, seq)
               ? NULL
               : "no rollback that holds has that seq";
}

/* ---- questions ----------------------------------------------------------- */

static json_t *s_ban(const policy_ban_t *ban)
{
    char user[USER_HEX_BYTES];
    user_to_hex(ban->user, user);
    return json_pack("{s:s, s:I, s:I}", "user", user, "until",
                     (json_int_t)ban->until_ms, "seq", (json_int_t)ban->seq);
}

static json_t *s_list_bans(const policy_t *policy, uint64_t now_ms)
{
    json_t *list = json_array();
    policy_ban_t ban;
    size_t at = 0;
    while (policy_next_ban(policy, &at, &ban) &&
           json_array_size(list) < BANS_LISTED_MAX)
        if (!ban.until_ms || ban.until_ms > now_ms)
            json_array_append_new(list, s_ban(&ban));
    return list;
}

static json_t *s_list_regions(const policy_t *policy)
{
    size_t count;
    const policy_region_t *regions = policy_regions(policy, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const policy_region_t *r = &regions[i];
        json_array_append_new(list, json_pack("{s:[i,i,i,i], s:I}", "box",
                                              r->x0, r->y0, r->x1, r->y1, "seq",
                                              (json_int_t)r->seq));
    }
    return list;
}

/* Whose placements, where, and when. */
static void s_put_selection(json_t *row, const selection_t *of)
{
    char user[USER_HEX_BYTES];
    user_to_hex(of->user, user);
    if (of->has & HAS_USER)
        json_object_set_new(row, "user", json_string(user));
    if (of->has & HAS_BOX)
        json_object_set_new(
            row, "box", json_pack("[i,i,i,i]", of->x0, of->y0, of->x1, of->y1));
    if (of->has & HAS_TIME) {
        json_object_set_new(row, "from", json_integer((json_int_t)of->from_ms));
        json_object_set_new(row, "until",
                            json_integer((json_int_t)of->until_ms));
    }
}

static json_t *s_list_rollbacks(const policy_t *policy)
{
    size_t count;
    const policy_rollback_t *rollbacks = policy_rollbacks(policy, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const selection_t *of = &rollbacks[i].of;
        json_t *row = json_pack(
            "{s:I, s:I, s:b}", "seq", (json_int_t)rollbacks[i].seq, "upto",
            (json_int_t)of->upto, "open", (of->has & HAS_OPEN) != 0);
        s_put_selection(row, of);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *s_proposal(const proposal_t *proposal, const now_t *now)
{
    const control_t *control = &proposal->control;
    char by[USER_HEX_BYTES];
    user_to_hex(control->by, by);
    json_t *row = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "proposal",
        (json_int_t)proposal->number, "verb", control_word(control->verb), "by",
        by, "role", rank_word(control->rank), "text", control->text, "pixels",
        (json_int_t)proposal->pixels, "placements",
        (json_int_t)proposal->placements, "ends",
        (json_int_t)proposal_ends_wall_ms(proposal, now->wall_ms,
                                          now->mono_ms));
    if (control->verb == CONTROL_RESTORE)
        json_object_set_new(row, "undo",
                            json_integer((json_int_t)control->of.upto));
    else
        s_put_selection(row, &control->of);
    return row;
}

static bool s_waits(const proposal_t *proposal, const parts_t *parts)
{
    const control_t *control = &proposal->control;
    return proposal_lives(proposal, parts->now.mono_ms) &&
           !policy_request(parts->world.policy, control->by, control->request);
}

/* Those that wait for a second person. */
static json_t *s_list_proposals(const proposals_t *proposals,
                                const parts_t *parts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < PROPOSALS_MAX; i++)
        if (s_waits(&proposals->table[i], parts))
            json_array_append_new(
                list, s_proposal(&proposals->table[i], &parts->now));
    return list;
}

/* What holds now. */
static json_t *s_policy(const desk_t *desk, const parts_t *parts)
{
    const policy_t *policy = parts->world.policy;
    return json_pack(
        "{s:b, s:I, s:b, s:I, s:o, s:o, s:o, s:o}", "ok", 1, "seq",
        (json_int_t)policy_seq(policy), "locked", policy_locked(policy) != 0,
        "bans_count", (json_int_t)policy_bans(policy), "bans",
        s_list_bans(policy, parts->now.wall_ms), "regions",
        s_list_regions(policy), "rollbacks", s_list_rollbacks(policy),
        "proposals", s_list_proposals(&desk->takeback.proposals, parts));
}

/* ---- what has a way of its own ------------------------------------------- */

/* What became of what the asker asked for by the number "job". */
static void s_tell_job(desk_t *desk, const parts_t *parts, asker_t *asker,
                       const control_t *head, const json_t *request)
{
    uint64_t job;
    json_t *progress = NULL;
    if (!member_number(request, "job", UINT32_MAX, &job) || !job) {
        answer_refuse(parts, asker, "bad_request",
                      "a job is a number from 1 to 4294967295");
        return;
    }
    const proposal_t *approved = proposals_of_second(
        &desk->takeback.proposals, head->by, (uint32_t)job, parts->now.mono_ms);
    progress = takeback_progress(&desk->takeback, parts,
                                 approved ? approved->control.by : head->by,
                                 (uint32_t)job);
    if (progress)
        answer_send(parts, asker, progress);
    else
        answer_refuse(parts, asker, "not_found",
                      "nothing is known of that number of yours: what was not "
                      "begun may be asked for again with it");
}

/* Why the asker may not approve it, with the answer's code; NULL: they may. */
static const char *s_cannot_approve(const proposal_t *proposal,
                                    const parts_t *parts, const control_t *head,
                                    const char **code)
{
    const control_t *control;
    *code = "not_found";
    if (!proposal)
        return "nothing waits under that number: it may have run out, or "
               "another broker leads now";
    control = &proposal->control;
    *code = "forbidden";
    if (control->by == head->by)
        return "whoever asked for it cannot approve it: a second person has to";
    *code = "role_too_low";
    if (proposal->pixels > TAKEBACK_MODERATOR_MAX &&
        !rank_reaches(head->rank, RANK_OPERATOR))
        return "more than 10000 pixels would change: ask an operator";
    *code = "bad_request";
    return control->verb == CONTROL_RESTORE &&
                   !policy_rollback(parts->world.policy, control->of.upto) &&
                   !policy_request(parts->world.policy, control->by,
                                   control->request)
               ? "no rollback that holds has that seq"
               : NULL;
}

/* The second person's word for what one has asked for. It is carried out as the
 * first's; whoever approves it again is told how it ended. */
static void s_approve(desk_t *desk, const parts_t *parts, asker_t *asker,
                      const control_t *head, const json_t *request)
{
    uint64_t number = 0;
    if (!member_number(request, "proposal", UINT32_MAX, &number) || !number) {
        answer_refuse(parts, asker, "bad_request",
                      "proposal is the number of a rollback that waits");
        return;
    }
    proposal_t *proposal = proposals_find(&desk->takeback.proposals,
                                          (uint32_t)number, parts->now.mono_ms);
    const char *code, *why = s_cannot_approve(proposal, parts, head, &code);
    if (why) {
        answer_refuse(parts, asker, code, why);
        return;
    }
    proposal->second = head->by;
    control_t control = proposal_approved(proposal, head->by);
    takeback_begin(&desk->takeback, parts, asker, &control,
                   (takeback_wish_t){.yes = true, .approved = true});
}

/* ---- the table ------------------------------------------------------------
 */

/* Answers by itself. `head` is who asks, by which number. */
typedef void (*answer_fn)(desk_t *desk, const parts_t *parts, asker_t *asker,
                          const control_t *head, const json_t *request);

static const struct {
    const char *word;
    control_verb_t verb; /* NONE: it is no action, or another's */
    take_fn take;
    json_t *(*tell)(const desk_t *desk, const parts_t *parts); /* from memory */
    inquiry_fn look; /* a persister answers */
    answer_fn answer;
} s_verbs[] = {
    {"ban", CONTROL_BAN, .take = s_take_ban},
    {"unban", CONTROL_UNBAN, .take = s_take_unban},
    {"notice", CONTROL_NOTICE, .take = s_take_notice},
    {"protect", CONTROL_PROTECT, .take = s_take_protect},
    {"unprotect", CONTROL_UNPROTECT, .take = s_take_unprotect},
    {"lock", CONTROL_LOCK, .take = s_take_lock},
    {"unlock", CONTROL_UNLOCK, .take = s_take_unlock},
    {"rollback", CONTROL_ROLLBACK, .take = s_take_rollback},
    {"restore", CONTROL_RESTORE, .take = s_take_restore},
    {"policy", .tell = s_policy},
    {"job", .answer = s_tell_job},
    {"approve", .answer = s_approve},
    {"who", .look = inquiry_who},
    {"user", .look = inquiry_user},
    {"search", .look = inquiry_search},
    {"audit", .look = inquiry_audit},
};
#define VERBS (sizeof s_verbs / sizeof *s_verbs)

static size_t s_find(const char *verb)
{
    size_t i = 0;
    while (i < VERBS && strcmp(s_verbs[i].word, verb) != 0)
        i++;
    return i;
}

bool moderation_knows(const char *verb)
{
    return s_find(verb) < VERBS;
}

const char *moderation_head(control_t *control, const asker_t *asker,
                            const json_t *request)
{
    const char *by = member_text(request, "by");
    uint64_t key;
    if (!member_number(request, "key", UINT32_MAX, &key))
        return "key is a number from 1 to 4294967295";
    control->request = (uint32_t)key;
    control->rank = asker->rank;
    control->by = asker->known ? asker->user
                  : by         ? token_user(by, strlen(by))
                               : 0;
    return s_take_words(control, request, "reason");
}

static void s_look(desk_t *desk, const parts_t *parts, inquiry_fn take,
                   asker_t *asker, const json_t *request)
{
    bus_look_t look;
    const char *error = take(&look, parts, request);
    if (error)
        answer_refuse(parts, asker, "bad_request", error);
    else
        looks_ask(&desk->looks, parts, asker, &look);
}

static bool s_takes_back(control_verb_t verb)
{
    return verb == CONTROL_ROLLBACK || verb == CONTROL_RESTORE;
}

/* False: one of them is no flag. */
static bool s_take_wish(takeback_wish_t *wish, const json_t *request)
{
    const json_t *yes = json_object_get(request, "yes");
    const json_t *preview = json_object_get(request, "preview");
    *wish = (takeback_wish_t){.yes = json_is_true(yes),
                              .preview = json_is_true(preview)};
    return (!yes || json_is_boolean(yes)) &&
           (!preview || json_is_boolean(preview));
}

/* Whether it is asked again, by its number: it is done, or will be, whatever
 * else has changed since it was first asked. */
static bool s_is_again(const desk_t *desk, const parts_t *parts,
                       const control_t *control)
{
    const policy_t *policy = parts->world.policy;
    uint64_t by = control->by;
    uint32_t request = control->request;
    return s_takes_back(control->verb)
               ? takeback_is_of(&desk->takeback, by, request) ||
                     policy_request(policy, by, request)
               : desk_knows(desk, parts, by, request);
}

static void s_act(desk_t *desk, const parts_t *parts, size_t i, asker_t *asker,
                  control_t *control, const json_t *request)
{
    const char *error = NULL;
    takeback_wish_t wish;
    control->verb = s_verbs[i].verb;
    if (!s_take_wish(&wish, request))
        error = "yes and preview are true or false";
    if (!error && !s_is_again(desk, parts, control))
        error = s_verbs[i].take(control, parts, request);
    if (error)
        answer_refuse(parts, asker, "bad_request", error);
    else if (s_takes_back(control->verb))
        takeback_begin(&desk->takeback, parts, asker, control, wish);
    else
        desk_offer(desk, parts, asker, control);
}

void moderation_request(desk_t *desk, const parts_t *parts, const char *locked,
                        asker_t *asker, const json_t *request)
{
    size_t i = s_find(member_text(request, "verb"));
    control_t control = {.verb = CONTROL_NONE};
    assert(i < VERBS && asker->held);
    if (locked) {
        answer_refuse(parts, asker, "unavailable", locked);
        return;
    }
    const char *error = moderation_head(&control, asker, request);
    if (error)
        answer_refuse(parts, asker, "bad_request", error);
    else if (s_verbs[i].tell)
        answer_send(parts, asker, s_verbs[i].tell(desk, parts));
    else if (s_verbs[i].look)
        s_look(desk, parts, s_verbs[i].look, asker, request);
    else if (s_verbs[i].take)
        s_act(desk, parts, i, asker, &control, request);
    else
        s_verbs[i].answer(desk, parts, asker, &control, request);
}
