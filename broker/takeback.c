/* SPDX-License-Identifier: Apache-2.0
 *
 * See takeback.h.
 */
#include "broker/takeback.h"

#include "broker/control.h"
#include "broker/looks.h"
#include "broker/metrics.h"
#include "broker/takeback_limits.h"
#include "broker/takeback_progress.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"

#include <inttypes.h>

/* Until the store is asked again: it is a moment behind, or failed. */
#define BEHIND_MS 50
#define FAILED_MS 1000
/* … or says nothing. */
#define SILENT_MS 30000

static void s_reset(takeback_t *self)
{
    assert(!self->asker.held);
    free(self->message);
    touched_destroy(&self->later);
    self->message = NULL;
    self->state = TAKEBACK_NONE;
    self->seq = self->on_its_way = 0;
    self->next = self->placed = 0;
    self->ends = false;
}

void takeback_fini(takeback_t *self)
{
    s_reset(self);
    outcomes_clear(&self->outcomes);
}

/* It is over: who waits is answered, who comes later finds the answer, which is
 * released. */
static void s_conclude(takeback_t *self, const parts_t *parts, json_t *answer)
{
    outcomes_put(&self->outcomes, self->control.by, self->control.request,
                 answer);
    if (self->asker.held)
        answer_send(parts, &self->asker, answer);
    else
        json_decref(answer);
    s_reset(self);
}

static void s_refuse(takeback_t *self, const parts_t *parts, const char *code,
                     const char *error)
{
    json_t *answer = answer_refusal(code, error);
    json_object_set_new(answer, "verb",
                        json_string(control_word(self->control.verb)));
    s_conclude(self, parts, answer);
}

void takeback_give_up(takeback_t *self, const parts_t *parts, const char *error)
{
    if (self->state != TAKEBACK_NONE)
        s_refuse(self, parts, "unavailable", error);
    outcomes_clear(&self->outcomes); /* of a history that may be lost */
    proposals_clear(&self->proposals);
}

/* ---- asking the store ------------------------------------------------------
 */

/* The rollback that is meant; 0: it is none yet. */
static uint64_t s_rollback(const takeback_t *self)
{
    return takeback_is_restore(self) ? self->control.of.upto : self->seq;
}

static void s_send(takeback_t *self, const parts_t *parts,
                   const persister_t *persister)
{
    size_t count;
    const policy_rollback_t *all =
        policy_rollbacks(parts->world.policy, &count);
    bus_below_ask_t ask = {.ticket = ++self->ticket,
                           .least = self->least,
                           .width = (uint16_t)parts->world.canvas.width,
                           .height = (uint16_t)parts->world.canvas.height,
                           .of = self->of,
                           .takes_back = !takeback_is_restore(self),
                           .hidden = mem_zalloc(count, sizeof(selection_t))};
    for (size_t i = 0; i < count; i++)
        if (all[i].seq != s_rollback(self) && !(all[i].of.has & HAS_RESTORING))
            ask.hidden[ask.count++] = all[i].of;
    uint8_t *bytes = mem_alloc(BUS_BELOW_ASK_BOUND(ask.count));
    control_tell(parts, persister, bytes, bus_put_below_ask(bytes, &ask));
    free(bytes);
    free(ask.hidden);
}

/* At once, or when there is a persister; nobody waits for ever. */
static void s_ask(takeback_t *self, const parts_t *parts)
{
    const persister_t *persister =
        persisters_granted(&parts->persisters, parts->now.mono_ms);
    self->asked = persister ? persister->word.instance : 0;
    self->ask_at_ms = parts->now.mono_ms + (persister ? SILENT_MS : FAILED_MS);
    if (persister)
        s_send(self, parts, persister);
    else if (!self->seq)
        s_refuse(self, parts, "unavailable", LOOKS_NO_STORE);
}

/* What was heard is of no use: the store is asked again, later. */
static void s_ask_later(takeback_t *self, const parts_t *parts, uint64_t ms)
{
    free(self->message);
    self->message = NULL;
    touched_destroy(&self->later);
    self->next = 0;
    self->state = TAKEBACK_ASKING;
    self->ask_at_ms = parts->now.mono_ms + ms;
    self->ticket++; /* an answer that is still to come is not taken */
}

/* ---- the beginning ---------------------------------------------------------
 */

/* Whoever asks again for what is under way waits for it in the other's place,
 * who is told that it goes on. */
static void s_join(takeback_t *self, const parts_t *parts, asker_t *asker)
{
    if (self->asker.held)
        answer_send(parts, &self->asker, takeback_standing(self));
    asker_move(&self->asker, asker);
    self->patience_ms = parts->now.mono_ms + TAKEBACK_PATIENCE_MS;
}

/* It was done by that action, or begun by it. */
static void s_answer_again(const takeback_t *self, const parts_t *parts,
                           asker_t *asker, const control_t *control,
                           uint64_t seq)
{
    json_t *outcome =
        outcomes_find(&self->outcomes, control->by, control->request);
    if (takeback_is_open(parts->world.policy, seq))
        answer_refuse(parts, asker, "unavailable",
                      "it is being carried out: ask again with the same key");
    else if (json_object_get(outcome, "seq"))
        answer_send(parts, asker, json_incref(outcome));
    else
        answer_send(parts, asker,
                    json_pack("{s:b, s:s, s:I}", "ok", 1, "verb",
                              control_word(control->verb), "seq",
                              (json_int_t)seq));
}

static bool s_wishes(const takeback_t *self, takeback_wish_t wish)
{
    return self->yes == wish.yes && self->preview == wish.preview &&
           self->approved == wish.approved;
}

void takeback_begin(takeback_t *self, const parts_t *parts, asker_t *asker,
                    const control_t *control, takeback_wish_t wish)
{
    const policy_t *policy = parts->world.policy;
    uint64_t done = policy_request(policy, control->by, control->request);
    if (takeback_is_of(self, control->by, control->request) &&
        s_wishes(self, wish)) {
        s_join(self, parts, asker);
        return;
    }
    if (done) {
        s_answer_again(self, parts, asker, control, done);
        return;
    }
    if (self->state != TAKEBACK_NONE || policy_open(policy)) {
        answer_refuse(parts, asker, "unavailable",
                      "another rollback is being carried out: try again");
        return;
    }
    self->state = TAKEBACK_ASKING;
    self->least = parts->world.seq;
    self->control = *control;
    self->yes = wish.yes;
    self->preview = wish.preview;
    self->approved = wish.approved;
    self->of = control->of;
    if (control->verb == CONTROL_RESTORE)
        self->of = policy_rollback(policy, control->of.upto)->of;
    self->until_ms = parts->now.mono_ms + TAKEBACK_WAIT_MS;
    self->patience_ms = parts->now.mono_ms + TAKEBACK_PATIENCE_MS;
    asker_move(&self->asker, asker);
    s_ask(self, parts);
}

/* What another leader, or this one before it lost Redis, has left open. */
static void s_take_up(takeback_t *self, const parts_t *parts)
{
    const policy_rollback_t *open = policy_open(parts->world.policy);
    bool restore = open->of.has & HAS_RESTORING;
    self->state = TAKEBACK_ASKING;
    self->least = parts->world.seq;
    self->of = open->of;
    self->of.has &= HAS_USER | HAS_BOX | HAS_TIME;
    self->seq = open->seq;
    self->control =
        (control_t){.verb = restore ? CONTROL_RESTORE : CONTROL_ROLLBACK,
                    .rank = RANK_OPERATOR,
                    .by = open->by,
                    .of = {.upto = open->seq}};
    log_info("rollback_taken_up", "seq=%" PRIu64, open->seq);
    s_ask(self, parts);
}

/* ---- what it said ----------------------------------------------------------
 */

static void s_go_on(takeback_t *self, const parts_t *parts)
{
    const char *code, *why = takeback_objection(self, parts, &code);
    bool shown = self->preview || (!self->yes && self->below.count > 1);
    if (why && self->seq) {
        log_warn("rollback_waits", "seq=%" PRIu64 " why=\"%s\"", self->seq,
                 why);
        s_ask_later(self, parts, FAILED_MS);
    } else if (why) {
        if (!strcmp(code, "role_too_low"))
            takeback_note_refusal(self);
        s_refuse(self, parts, code, why);
    } else if (!self->seq && shown) {
        json_t *answer = takeback_figures(self, self->below.count);
        json_object_set_new(answer, "dry_run", json_true());
        s_conclude(self, parts, answer);
    } else if (!self->seq && takeback_needs_second(self, parts)) {
        s_conclude(self, parts, takeback_propose(self, parts));
    } else {
        self->later = touched_new(board_pixels(parts->world.board));
        self->seen = self->below.upto;
        self->state = TAKEBACK_WRITING;
    }
}

void takeback_heard(takeback_t *self, const parts_t *parts, mail_t *mail)
{
    bus_below_t below;
    size_t size = mail_size(mail);
    if (bus_decode_below(&below, mail_bytes(mail), size) < 0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    if (self->state != TAKEBACK_ASKING || below.ticket != self->ticket)
        return;
    if (below.status == BELOW_BEHIND || below.status == BELOW_FAILED) {
        s_ask_later(self, parts,
                    below.status == BELOW_BEHIND ? BEHIND_MS : FAILED_MS);
        return;
    }
    self->message = mem_alloc(size);
    memcpy(self->message, mail_bytes(mail), size);
    bus_decode_below(&self->below, self->message, size);
    s_go_on(self, parts);
}

/* ---- slices ----------------------------------------------------------------
 */

static void s_see(takeback_t *self, const parts_t *parts,
                  const uint8_t *records, size_t count)
{
    for (size_t i = 0; i < count; i++, records += RECORD_BYTES) {
        record_t record = record_decode(records);
        if (record_is_players(&record))
            touched_add(self->later,
                        (uint32_t)record.y * parts->world.canvas.width +
                            record.x);
    }
}

/* What players placed since the store was asked, this batch included. */
static void s_look_around(takeback_t *self, const parts_t *parts,
                          const batch_t *batch)
{
    const history_t *history = parts->world.history;
    uint64_t next = history_next(history);
    while (self->seen + 1 < next) {
        size_t count;
        const uint8_t *records = history_slice(
            history, self->seen + 1, (size_t)(next - self->seen - 1), &count);
        s_see(self, parts, records, count);
        self->seen += count;
    }
    s_see(self, parts, batch_records(batch), batch_count(batch));
}

static void s_add_action(const parts_t *parts, batch_t *batch,
                         control_t *control)
{
    record_t records[CONTROL_RECORDS_MAX];
    control->at_ms = parts->now.wall_ms;
    size_t count = control_records(control, batch_next(batch), records);
    for (size_t i = 0; i < count; i++)
        batch_add_control(batch, &records[i]);
    COUNT(ACTIONS);
}

static bool s_is_later(const takeback_t *self, uint32_t index)
{
    uint32_t at = index;
    return touched_next(self->later, &at) && at == index;
}

static void s_add_pixel(takeback_t *self, parts_t *parts, batch_t *batch)
{
    board_t *board = parts->world.board;
    uint8_t color;
    uint32_t index = bus_below_pixel(&self->below, self->next++, &color);
    if (index >= board_pixels(board) || color >> board_bits(board))
        return;
    if (s_is_later(self, index)) {
        self->below.spared++;
        return;
    }
    if (board_get(board, index) == color)
        return;
    record_t record = {.seq = batch_next(batch),
                       .placed_at_ms = parts->now.wall_ms,
                       .user = self->control.by,
                       .x = (uint16_t)(index % board_width(board)),
                       .y = (uint16_t)(index / board_width(board)),
                       .color = color,
                       .previous_color = board_set(board, index, color),
                       .flags = RECORD_ROLLBACK};
    batch_add(batch, &record, index);
    self->placed++;
    COUNT(PIXELS_TAKEN_BACK);
}

/* How many records this batch may still take. */
static size_t s_room(const batch_t *batch)
{
    size_t used = batch_count(batch) + 2 * CONTROL_RECORDS_MAX;
    size_t room = used < BUS_RECORDS_MAX ? BUS_RECORDS_MAX - used : 0;
    return room < TAKEBACK_SLICE ? room : TAKEBACK_SLICE;
}

static void s_add_slice(takeback_t *self, parts_t *parts, batch_t *batch)
{
    size_t room = s_room(batch), begin = batch_count(batch);
    bool whole = self->below.count - self->next <= room;
    bool opens = !self->seq;
    s_look_around(self, parts, batch);
    if (opens) {
        if (!whole)
            self->control.of.has |= HAS_OPEN;
        s_add_action(parts, batch, &self->control);
        self->seq = batch_next(batch) - 1;
        begin = batch_count(batch);
    }
    while (self->next < self->below.count && batch_count(batch) - begin < room)
        s_add_pixel(self, parts, batch);
    self->ends = self->next == self->below.count;
    if (self->ends && !opens) {
        control_t done = {.verb = CONTROL_DONE,
                          .rank = self->control.rank,
                          .by = self->control.by,
                          .of = {.upto = s_rollback(self)}};
        s_add_action(parts, batch, &done);
    } else if (self->ends && !whole) {
        self->ends = false; /* open: a DONE is to follow */
    }
    if (batch_count(batch))
        self->on_its_way = batch_next(batch) - 1;
}

/* By a batch that was in doubt when it was asked again, or for something else.
 */
static void s_answer_done(takeback_t *self, const parts_t *parts, uint64_t done)
{
    if (self->asker.held)
        s_answer_again(self, parts, &self->asker, &self->control, done);
    s_reset(self);
}

/* Asks again if it is time, or if whoever was asked is not the active one now.
 */
static void s_wait(takeback_t *self, const parts_t *parts)
{
    uint64_t now_ms = parts->now.mono_ms;
    const persister_t *persister =
        persisters_granted(&parts->persisters, now_ms);
    if (!self->seq && now_ms >= self->until_ms)
        s_refuse(self, parts, "unavailable",
                 "the store did not answer in time: nothing was done");
    else if (now_ms >= self->ask_at_ms ||
             (self->asked &&
              (!persister || persister->word.instance != self->asked)))
        s_ask(self, parts);
}

void takeback_fill(takeback_t *self, parts_t *parts, batch_t *batch)
{
    const policy_t *policy = parts->world.policy;
    size_t controls;
    uint64_t done;
    batch_controls(batch, &controls);
    if (self->state != TAKEBACK_NONE && !self->seq &&
        (done =
             policy_request(policy, self->control.by, self->control.request)))
        s_answer_done(self, parts, done);
    if (self->asker.held && self->asker.known &&
        parts->now.mono_ms >= self->patience_ms)
        answer_send(parts, &self->asker, takeback_standing(self));
    if (self->state == TAKEBACK_NONE && policy_open(policy))
        s_take_up(self, parts);
    if (self->state == TAKEBACK_ASKING)
        s_wait(self, parts);
    if (self->state == TAKEBACK_WRITING &&
        history_first(parts->world.history) > self->seen + 1)
        s_ask_later(self, parts, 0); /* what came since cannot be told */
    if (self->state == TAKEBACK_WRITING && !controls && s_room(batch) &&
        parts->now.mono_ms >= self->slice_at_ms) {
        s_add_slice(self, parts, batch);
        self->slice_at_ms =
            parts->now.mono_ms + (uint64_t)parts->config->publish_ms;
    }
}

static void s_log(const takeback_t *self)
{
    char by[USER_HEX_BYTES], of[USER_HEX_BYTES];
    user_to_hex(self->control.by, by);
    user_to_hex(self->of.user, of);
    log_info("action",
             "seq=%" PRIu64 " verb=%s by=%s role=%s user=%s pixels=%" PRIu32,
             self->seq, control_word(self->control.verb), by,
             rank_word(self->control.rank), of, self->placed);
}

void takeback_settle(takeback_t *self, const parts_t *parts)
{
    if (!self->on_its_way || self->on_its_way > parts->world.seq)
        return;
    self->on_its_way = 0;
    if (!self->ends)
        return;
    s_log(self);
    json_t *answer = takeback_figures(self, self->placed);
    json_object_set_new(answer, "seq", json_integer((json_int_t)self->seq));
    s_conclude(self, parts, answer);
}
