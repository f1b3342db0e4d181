/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h: what operators do. Nothing is placed against what stands before
 * it in the history; what an operator was told stands there once; rollbacks
 * leave what they say; and everybody who keeps the policy keeps the same.
 */
#include "tests/sim/policy_model.h"

#include "tests/sim/disk.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A refusal may come so much later than what it refuses for has ended. */
#define LATE (20 * SECOND)
#define FREED_MAX 64

static model_t s_model;
static uint64_t s_digest; /* of the model */
/* What the newest placement that counts has left of each pixel. */
static uint8_t s_shown[BOARD_PIXELS];
static bool s_moved; /* something of a rollback came since the last commit */
/* Whom and what was let go of, and when. */
static uint64_t s_freed_at[USERS_MAX], s_unlocked_at;
static struct {
    model_box_t box;
    uint64_t at;
} s_freed[FREED_MAX];
static size_t s_freed_count;

const model_t *check_policy_model(void)
{
    return &s_model;
}

/* ---- the history ------------------------------------------------------ */

static void s_show(const record_t *record)
{
    if (record_is_players(record) && !model_hides(&s_model, record))
        s_shown[record->y * BOARD_SIDE + record->x] = record->color;
}

static void s_show_all(void)
{
    memset(s_shown, 0, sizeof s_shown);
    for (size_t i = 0; i < check_true.count; i++)
        s_show(&check_true.at[i].record);
}

/* What holds now may be gone in a moment. */
static void s_let_go(void)
{
    for (unsigned i = 0; i < USERS_MAX; i++)
        if (s_model.bans[i].seq)
            s_freed_at[i] = world_now();
    for (size_t i = 0; i < s_model.box_count; i++) {
        s_freed[s_freed_count % FREED_MAX].box = s_model.boxes[i];
        s_freed[s_freed_count++ % FREED_MAX].at = world_now();
    }
    if (s_model.locked)
        s_unlocked_at = world_now();
}

bool check_was_locked(uint64_t since)
{
    return s_model.locked || s_unlocked_at >= since;
}

static void s_on_action(const control_t *action, commit_t *commit)
{
    uint32_t key = action->request;
    trace("action seq=%" PRIu64 " verb=%s key=%" PRIu32, action->seq,
          control_word(action->verb), key);
    if (key && key < ORDERS_MAX && s_model.orders[key])
        violation("once",
                  "order %" PRIu32 " is done at seq %" PRIu64
                  " and again at %" PRIu64,
                  key, s_model.orders[key], action->seq);
    if (action->verb == CONTROL_UNBAN || action->verb == CONTROL_UNPROTECT ||
        action->verb == CONTROL_UNLOCK || action->verb == CONTROL_BAN)
        s_let_go();
    model_apply(&s_model, action);
    s_digest = model_digest(&s_model);
    commit->order = key;
    if (action->verb == CONTROL_ROLLBACK || action->verb == CONTROL_RESTORE ||
        action->verb == CONTROL_DONE) {
        s_show_all();
        s_moved = true;
    }
}

static void s_judge(const record_t *record)
{
    unsigned user = (unsigned)(record->user - IDENTITY);
    const model_box_t *box = model_box_at(&s_model, record->x, record->y);
    if (model_bans(&s_model, user, record->placed_at_ms))
        violation("policy",
                  "user %u is banned since seq %" PRIu64
                  " and placed at seq %" PRIu64,
                  user, s_model.bans[user].seq, record->seq);
    if (box || s_model.locked)
        violation("policy",
                  "pixel %u,%u is protected since seq %" PRIu64
                  " and placed at seq %" PRIu64,
                  record->x, record->y, box ? box->seq : s_model.locked,
                  record->seq);
}

static void s_check_pixel(const record_t *record)
{
    uint8_t shown = s_shown[record->y * BOARD_SIDE + record->x];
    s_moved = true;
    if (record->color != shown)
        violation("rollback",
                  "seq %" PRIu64 " leaves %u at %u,%u, where %u lies below",
                  record->seq, record->color, record->x, record->y, shown);
}

void check_policy_append(commit_t *commit)
{
    const record_t *record = &commit->record;
    control_t action;
    if (record_is_control(record)) {
        if (control_read(&s_model.reader, record, &action))
            s_on_action(&action, commit);
    } else if (record_is_players(record)) {
        s_judge(record);
        s_show(record);
    } else {
        s_check_pixel(record);
    }
    commit->policy = s_digest;
}

void check_policy_recall(void)
{
    control_t action;
    s_let_go();
    model_clear(&s_model);
    for (size_t i = 0; i < check_true.count; i++) {
        const record_t *record = &check_true.at[i].record;
        if (record_is_control(record) &&
            control_read(&s_model.reader, record, &action))
            model_apply(&s_model, &action);
    }
    s_digest = model_digest(&s_model);
    s_show_all();
}

void check_policy_settle(const uint8_t *board)
{
    if (!s_moved || model_open(&s_model))
        return;
    s_moved = false;
    for (unsigned i = 0; i < BOARD_PIXELS; i++)
        if (board[i] != s_shown[i])
            violation("rollback",
                      "after seq %zu %u,%u shows %u, where %u lies below",
                      check_true.count, i % BOARD_SIDE, i / BOARD_SIDE,
                      board[i], s_shown[i]);
}

void check_policy_reset(void)
{
    model_clear(&s_model);
    s_model.keys = 0;
    s_digest = model_digest(&s_model);
    memset(s_shown, 0, sizeof s_shown);
    memset(s_freed_at, 0, sizeof s_freed_at);
    s_freed_count = 0;
    s_unlocked_at = 0;
    s_moved = false;
}

/* ---- what people are told --------------------------------------------- */

void check_order_done(uint32_t key, uint64_t seq)
{
    commit_t *commit = check_commit(seq);
    for (size_t i = check_gone.count; i-- && (!commit || commit->order != key);)
        if (check_gone.at[i].record.seq == seq &&
            check_gone.at[i].order == key) {
            commit = &check_gone.at[i];
            if (commit->kept)
                violation("lost",
                          "order %" PRIu32 " is said to be done at seq %" PRIu64
                          " after that was given anew, though someone knew it",
                          key, seq);
            check_lost_told += !commit->acked;
        }
    if (!commit || commit->order != key)
        violation("ack",
                  "order %" PRIu32 " is said to be done at seq %" PRIu64
                  ", which %s",
                  key, seq, commit ? "is another's" : "is not committed");
    commit->acked = true;
}

void check_order_refused(uint32_t key, const char *words)
{
    if (s_model.orders[key])
        violation("ack",
                  "order %" PRIu32 " is refused and done at seq %" PRIu64
                  ": %s",
                  key, s_model.orders[key], words);
}

static bool s_lately(uint64_t at)
{
    return at && world_now() - at < LATE;
}

static bool s_was_protected(unsigned x, unsigned y)
{
    size_t first = s_freed_count > FREED_MAX ? s_freed_count - FREED_MAX : 0;
    for (size_t i = first; i < s_freed_count; i++) {
        const model_box_t *box = &s_freed[i % FREED_MAX].box;
        if (x >= box->x0 && x <= box->x1 && y >= box->y0 && y <= box->y1 &&
            s_lately(s_freed[i % FREED_MAX].at))
            return true;
    }
    return s_lately(s_unlocked_at) || s_model.locked ||
           model_box_at(&s_model, (uint16_t)x, (uint16_t)y);
}

void check_barred(unsigned user, unsigned x, unsigned y, bool banned)
{
    uint64_t now_ms = process_wall_ms(&processes[PROCESS_OUTSIDE]);
    if (banned && !check_is_blind() && !s_lately(s_freed_at[user]) &&
        !model_bans(&s_model, user, now_ms - LATE / MS))
        violation("policy", "user %u is told `banned`, and is not", user);
    if (!banned && !s_was_protected(x, y))
        violation("policy", "user %u is told that %u,%u is protected", user, x,
                  y);
}

/* ---- copies ----------------------------------------------------------- */

static bool s_is(const policy_t *policy, uint64_t digest)
{
    return model_digest_of(policy, s_model.by, s_model.keys) == digest;
}

static policy_t *s_decode(const char *whose, const uint8_t *bytes, size_t size)
{
    policy_t *policy = policy_new();
    if (policy_decode(policy, bytes, size) < 0)
        violation("policy", "what %s holds is none: %zu bytes", whose, size);
    return policy;
}

static uint64_t s_digest_at(uint64_t seq)
{
    static model_t none;
    none.keys = s_model.keys;
    return seq ? check_true.at[seq - 1].policy : model_digest(&none);
}

/* The digest of a history that was lost counts the keys that were done then,
 * all of which are known still. */
void check_policy_snapshot(uint64_t seq, uint64_t hash, const uint8_t *bytes,
                           size_t size)
{
    policy_t *policy = s_decode("a snapshot", bytes, size);
    bool fits = seq <= check_true.count && s_is(policy, s_digest_at(seq));
    for (size_t i = check_gone.count; i-- && !fits;)
        fits = check_gone.at[i].record.seq == seq &&
               check_gone.at[i].hash == hash &&
               s_is(policy, check_gone.at[i].policy);
    if (!fits)
        violation("policy",
                  "the snapshot of seq %" PRIu64 " has another policy, of seq "
                  "%" PRIu64,
                  seq, policy_seq(policy));
    policy_destroy(&policy);
}

static void s_compare(const char *whose, policy_t *policy)
{
    if (!s_is(policy, s_digest))
        violation("policy",
                  "%s holds another policy: of seq %" PRIu64 ", %zu bans; the "
                  "history's is of seq %" PRIu64,
                  whose, policy_seq(policy), policy_bans(policy), s_model.seq);
    policy_destroy(&policy);
}

static policy_t *s_of_store(void)
{
    const disk_snapshot_t *snapshot = disk_snapshot(UINT64_MAX);
    size_t pixels = BOARD_PIXELS / 2;
    policy_t *policy = snapshot
                           ? s_decode("the store", snapshot->pixels + pixels,
                                      snapshot->pixels_size - pixels)
                           : policy_new();
    const record_t *record;
    for (uint64_t seq = snapshot ? snapshot->seq + 1 : 1;
         (record = disk_record(seq)); seq++)
        policy_feed(policy, record, NULL);
    return policy;
}

void check_policy_quiet(const uint8_t *redis, size_t size)
{
    const model_rollback_t *open = model_open(&s_model);
    s_compare("Redis", s_decode("Redis", redis, size));
    s_compare("the store", s_of_store());
    if (open)
        violation("liveness", "nobody finishes rollback %" PRIu64, open->seq);
}

/* ---- what the leader says ----------------------------------------------- */

static uint64_t s_number(const json_t *row, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(row, name));
}

static bool s_lists_bans(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        const char *hex = json_string_value(json_object_get(row, "user"));
        uint64_t user = hex ? strtoull(hex, NULL, 16) - IDENTITY : USERS_MAX;
        if (user >= USERS_MAX || s_model.bans[user].seq != s_number(row, "seq"))
            return false;
    }
    return true;
}

static bool s_lists_boxes(const json_t *list)
{
    bool same = json_array_size(list) == s_model.box_count;
    for (size_t i = 0; same && i < s_model.box_count; i++)
        same = s_number(json_array_get(list, i), "seq") == s_model.boxes[i].seq;
    return same;
}

static bool s_lists_rollbacks(const json_t *list)
{
    bool same = json_array_size(list) == s_model.rollback_count;
    for (size_t i = 0; same && i < s_model.rollback_count; i++)
        same = s_number(json_array_get(list, i), "seq") ==
               s_model.rollbacks[i].seq;
    return same;
}

void check_policy_said(const char *text)
{
    json_t *said = json_loads(text, 0, NULL);
    size_t bans = 0;
    for (unsigned i = 0; i < USERS_MAX; i++)
        bans += s_model.bans[i].seq != 0;
    if (s_number(said, "seq") != s_model.seq ||
        s_number(said, "bans_count") != bans ||
        json_is_true(json_object_get(said, "locked")) != !!s_model.locked ||
        !s_lists_bans(json_object_get(said, "bans")) ||
        !s_lists_boxes(json_object_get(said, "regions")) ||
        !s_lists_rollbacks(json_object_get(said, "rollbacks")))
        violation("policy",
                  "the leader says another policy than seq %" PRIu64 "'s: %s",
                  s_model.seq, text);
    json_decref(said);
}
