/* SPDX-License-Identifier: Apache-2.0
 *
 * See syncs.h.
 */
#include "broker/syncs.h"

#include "broker/metrics.h"
#include "common/diff.h"
#include "common/log.h"
#include "common/mem.h"

#include <inttypes.h>

/* Past this many records a board is quicker. */
#define RANGE_RECORDS_MAX (1u << 20)

void syncs_forget_board(syncs_t *self)
{
    if (self->board_held)
        zmq_msg_close(&self->board);
    self->board_held = false;
}

void syncs_fini(syncs_t *self)
{
    syncs_forget_board(self);
    touched_destroy(&self->range);
}

void syncs_begin(syncs_t *self, uint32_t pixels)
{
    assert(pixels);
    syncs_fini(self);
    self->range = touched_new(pixels);
    self->loss_said = false;
}

static void s_encode_board(syncs_t *self, const world_t *world,
                           history_relation_t relation)
{
    char json[CANVAS_JSON_MAX];
    bus_board_t board = {.epoch = world->epoch,
                         .seq = world->seq,
                         .chain = world_head(world).chain,
                         .relation = (uint8_t)relation,
                         .json = json,
                         .json_size =
                             canvas_to_json(&world->canvas, json, sizeof json),
                         .pixels = board_bytes(world->board),
                         .pixels_size = board_size_bytes(world->board)};
    syncs_forget_board(self);
    bus_put_board(mail_frame(&self->board, bus_board_bound(&board)), BUS_BOARD,
                  &board);
    self->board_held = true;
    self->board_seq = world->seq;
    self->board_relation = relation;
}

static void s_answer_board(syncs_t *self, ingress_t *ingress,
                           const world_t *world, mail_t *mail,
                           history_relation_t relation)
{
    if (!self->board_held || self->board_seq != world->seq ||
        self->board_relation != relation)
        s_encode_board(self, world, relation);
    mail_t answer;
    mail_reply_to(&answer, mail, 0);
    zmq_msg_copy(&answer.body, &self->board);
    ingress_send(ingress, &answer);
    COUNT(SYNCS_BOARD);
}

/* How our history relates to what the edge holds. */
static history_relation_t
s_relation(const world_t *world, const bus_sync_t *sync, uint64_t *forked_at)
{
    history_view_t mine = history_view(world->history);
    history_view_t theirs = {.head = {sync->seq, sync->chain}};
    return history_relate(&mine, &theirs, forked_at);
}

static void s_say_lost(syncs_t *self, uint64_t from, uint64_t to,
                       const char *relation, uint32_t epoch)
{
    self->loss_said = true;
    COUNT_BY(HISTORY_LOST, to - from + 1);
    log_error("history_lost",
              "from=%" PRIu64 " to=%" PRIu64
              " relation=%s known_by=edge epoch=%" PRIu32,
              from, to, relation, epoch);
}

/* What this edge showed was acknowledged, and is not part of this history: once
 * per lead. */
static void s_watch_loss(syncs_t *self, const bus_sync_t *sync,
                         history_relation_t relation, uint64_t from)
{
    if (!self->loss_said && from <= sync->seq)
        s_say_lost(self, from, sync->seq, history_relation_word(relation),
                   sync->epoch);
}

/* By the chains, or, if they cannot tell, by the epochs. */
static bool s_has_range(const world_t *world, const bus_sync_t *sync,
                        history_relation_t relation)
{
    bool part = relation == HISTORY_EQUAL || relation == HISTORY_CONTINUES ||
                (relation == HISTORY_UNKNOWN && sync->epoch >= world->born &&
                 sync->epoch <= world->epoch);
    return part && sync->epoch && sync->seq <= world->seq &&
           sync->seq + 1 >= history_first(world->history) &&
           world->seq - sync->seq <= RANGE_RECORDS_MAX;
}

static void s_touch(syncs_t *self, const world_t *world, uint64_t from)
{
    const history_t *history = world->history;
    while (from <= world->seq) {
        size_t count;
        const uint8_t *records = history_slice(history, from, SIZE_MAX, &count);
        for (size_t i = 0; i < count; i++) {
            record_t record = record_decode(records + i * RECORD_BYTES);
            if (!record_is_control(&record))
                touched_add(self->range,
                            (uint32_t)record.y * world->canvas.width +
                                record.x);
        }
        from += count;
    }
}

/* -1 if the diff would be larger than the board. */
static int s_answer_range(syncs_t *self, ingress_t *ingress,
                          const world_t *world, mail_t *mail, uint64_t seq)
{
    s_touch(self, world, seq + 1);
    size_t bound = diff_bound(touched_count(self->range));
    uint8_t *bytes = mem_alloc(BUS_BODY_HEAD_BYTES + bound);
    bus_put_body_head(bytes, BUS_RANGE, world->epoch, world_head(world).chain);
    size_t size = BUS_BODY_HEAD_BYTES + diff_encode(bytes + BUS_BODY_HEAD_BYTES,
                                                    bound, seq, world->seq,
                                                    self->range, world->board);
    touched_clear(self->range);
    bool small = size <= board_size_bytes(world->board) + CANVAS_JSON_MAX;
    if (small) {
        mail_t answer;
        mail_reply_to(&answer, mail, size);
        memcpy(mail_bytes(&answer), bytes, size);
        ingress_send(ingress, &answer);
        COUNT(SYNCS_RANGE);
    }
    free(bytes);
    return small ? 0 : -1;
}

/* An edge may know an epoch that a Redis which was put back does not. */
static void s_hear_epoch(syncs_t *self, uint32_t known, uint32_t epoch,
                         uint64_t now_ms)
{
    if (!epochs_hear(&self->epochs, known, epoch, now_ms))
        COUNT(EPOCHS_DOUBTED);
}

/* -1, and the mail is ended, if it is none. */
static int s_read(bus_sync_t *sync, mail_t *mail)
{
    if (bus_decode_sync(sync, mail_bytes(mail), mail_size(mail)) == 0)
        return 0;
    COUNT(MALFORMED_INGRESS);
    mail_close(mail);
    return -1;
}

void syncs_listen(syncs_t *self, mail_t *mail, uint32_t known, uint64_t now_ms)
{
    bus_sync_t sync;
    if (s_read(&sync, mail) < 0)
        return;
    s_hear_epoch(self, known, sync.epoch, now_ms);
    COUNT(SYNCS_IGNORED);
    mail_close(mail);
}

/* A client was told that this is accepted; if nothing of it has come to that
 * edge by the feed, it alone knows. */
static void s_hear_acked(syncs_t *self, const world_t *world,
                         const bus_acked_t *acked)
{
    const history_t *history = world->history;
    if (self->loss_said || acked->epoch > world->epoch ||
        acked->seq < history_first(history))
        return;
    bool there = acked->seq < history_next(history);
    if (there) {
        record_t record = history_get(history, acked->seq);
        if (record.user == acked->user && record.request == acked->request)
            return;
    }
    s_say_lost(self, there ? acked->seq : world->seq + 1, acked->seq, "acked",
               acked->epoch);
}

void syncs_answer(syncs_t *self, ingress_t *ingress, const world_t *world,
                  mail_t *mail, uint64_t now_ms)
{
    bus_acked_t acked;
    if (bus_decode_acked(&acked, mail_bytes(mail), mail_size(mail)) == 0) {
        s_hear_acked(self, world, &acked);
        mail_close(mail);
        return;
    }
    bus_sync_t sync;
    if (s_read(&sync, mail) < 0)
        return;
    if (sync.epoch > world->epoch) {
        s_hear_epoch(self, world->epoch, sync.epoch, now_ms);
        mail_close(mail);
        return;
    }
    uint64_t forked_at = 0;
    history_relation_t relation = s_relation(world, &sync, &forked_at);
    if (relation == HISTORY_FORKED)
        s_watch_loss(self, &sync, relation, forked_at);
    else if (sync.seq > world->seq && sync.epoch < world->epoch)
        s_watch_loss(self, &sync, relation, world->seq + 1);
    if (!s_has_range(world, &sync, relation) ||
        s_answer_range(self, ingress, world, mail, sync.seq) < 0)
        s_answer_board(self, ingress, world, mail, relation);
    mail_close(mail);
}
