/* SPDX-License-Identifier: Apache-2.0
 *
 * See commit.h.
 */
#include "broker/commit.h"

#include "broker/metrics.h"
#include "broker/takeback.h"

/* Messages, not placements, are in a verdicts' queue. */
#define VERDICT_MAILS 8192

void commit_init(commit_t *self, size_t batch_max)
{
    /* One message may follow the placement that makes the batch full, then an
     * action and a slice of a rollback, as far as one RECORDS holds it. */
    size_t most =
        batch_max + BUS_PLACES_MAX + 2 * CONTROL_RECORDS_MAX + TAKEBACK_SLICE;
    *self = (commit_t){.batch = batch_new(most)};
    mailbox_init(&self->verdicts, VERDICT_MAILS);
}

void commit_fini(commit_t *self)
{
    mailbox_fini(&self->verdicts);
    batch_destroy(&self->batch);
}

void commit_send_verdicts(commit_t *self, parts_t *parts)
{
    assert(self->state == COMMIT_IDLE);
    for (mail_t mail; mailbox_take(&self->verdicts, &mail);)
        ingress_send(&parts->ingress, &mail);
}

static void s_push_records(const commit_t *self, parts_t *parts)
{
    size_t size = batch_count(self->batch) * RECORD_BYTES;
    zmq_msg_t frame;
    uint8_t *bytes = mail_frame(&frame, BUS_BODY_HEAD_BYTES + size);
    bus_put_body_head(bytes, BUS_RECORDS, parts->world.epoch,
                      batch_from(self->batch).chain);
    memcpy(bytes + BUS_BODY_HEAD_BYTES, batch_records(self->batch), size);
    if (mail_push(parts->journal, &frame) < 0)
        COUNT(JOURNAL_UNSENT);
}

void commit_send(commit_t *self, parts_t *parts)
{
    assert(self->state != COMMIT_IN_FLIGHT);
    assert(batch_count(self->batch));
    assert(batch_from(self->batch).seq == parts->world.seq);
    self->resent = self->state == COMMIT_IN_DOUBT;
    if (self->resent) {
        COUNT(COMMITS_RESENT);
        batch_redo(self->batch, parts->world.board);
    }
    self->state = COMMIT_IN_FLIGHT;
    policy_t *policy = parts->world.policy;
    size_t controls;
    batch_controls(self->batch, &controls);
    bool anew = controls && policy_is_long(policy);
    ledger_commit(parts->ledger, parts->world.epoch, self->batch, self->digest,
                  anew ? policy : NULL);
    if (anew)
        policy_written(policy);
}

static void s_apply_controls(const commit_t *self, parts_t *parts)
{
    size_t count;
    const uint8_t *records = batch_controls(self->batch, &count);
    for (size_t i = 0; i < count; i++) {
        record_t record = record_decode(records + i * RECORD_BYTES);
        policy_feed(parts->world.policy, &record, NULL);
    }
    if (count)
        feed_policy(parts->feed, parts->world.epoch, records, count);
}

void commit_applied(commit_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    const batch_t *batch = self->batch;
    assert(self->state != COMMIT_IDLE);
    assert(batch_from(batch).seq == world->seq);
    if (self->state == COMMIT_IN_DOUBT)
        batch_redo(batch, world->board);
    self->state = COMMIT_IDLE;
    world->seq = batch_to(batch).seq;
    world->digest = self->digest;
    history_append_to(world->history, batch_records(batch), batch_count(batch),
                      batch_to(batch).chain);
    s_apply_controls(self, parts);
    feed_add(parts->feed, batch);
    commit_send_verdicts(self, parts);
    s_push_records(self, parts);
    COUNT(COMMITS);
    ledger_settled(parts->ledger);
}

/* What hangs on the batch: duplicates and cooldowns too, since the placement
 * that they speak of may be one of its own. */
static void s_refuse(mail_t *mail)
{
    static bus_verdict_t verdicts[BUS_PLACES_MAX];
    int count =
        bus_decode_verdicts(verdicts, mail_bytes(mail), mail_size(mail));
    assert(count > 0);
    for (int i = 0; i < count; i++)
        if (verdicts[i].status == VERDICT_OK ||
            verdicts[i].status == VERDICT_DUPLICATE ||
            verdicts[i].status == VERDICT_COOLDOWN)
            verdicts[i] = (bus_verdict_t){.ticket = verdicts[i].ticket,
                                          .status = VERDICT_UNAVAILABLE};
    bus_put_verdicts(mail_bytes(mail), verdicts, (size_t)count);
}

void commit_refuse(commit_t *self, parts_t *parts)
{
    assert(self->state == COMMIT_IN_FLIGHT);
    COUNT_BY(REDIS_REFUSED, batch_count(self->batch));
    batch_undo(self->batch, parts->world.board);
    resent_clear(parts->world.resent);
    self->state = COMMIT_IDLE;
    for (mail_t mail; mailbox_take(&self->verdicts, &mail);) {
        s_refuse(&mail);
        ingress_send(&parts->ingress, &mail);
    }
}

void commit_doubt(commit_t *self, parts_t *parts)
{
    if (self->state != COMMIT_IN_FLIGHT)
        return;
    batch_undo(self->batch, parts->world.board);
    self->state = COMMIT_IN_DOUBT;
}

void commit_clear(commit_t *self)
{
    mailbox_clear(&self->verdicts);
    self->state = COMMIT_IDLE;
}

bool commit_is_at(const commit_t *self, const ledger_meta_t *meta)
{
    return self->state == COMMIT_IN_DOUBT &&
           meta->at.seq == batch_to(self->batch).seq &&
           chain_equal(meta->at.chain, batch_to(self->batch).chain);
}
