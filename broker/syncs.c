/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings an edge from its seq to the committed one: by one net diff where the
 * edge's history is ours and the log reaches back, else by the whole board.
 * Called at quiescent points only.
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/diff.h"
#include "common/mem.h"

/* Past this many records a board is quicker. */
#define RANGE_RECORDS_MAX (1u << 20)

void sync_forget_board(broker_t *self)
{
    if (self->board_frame.held)
        zmq_msg_close(&self->board_frame.frame);
    self->board_frame.held = false;
}

static void s_encode_board(broker_t *self)
{
    char json[CANVAS_JSON_MAX];
    world_t *world = &self->world;
    bus_board_t board = {.epoch = world->epoch,
                         .seq = world->seq,
                         .json = json,
                         .json_size =
                             canvas_to_json(&world->canvas, json, sizeof json),
                         .pixels = board_bytes(world->board),
                         .pixels_size = board_size_bytes(world->board)};
    sync_forget_board(self);
    bus_put_board(mail_frame(&self->board_frame.frame, bus_board_bound(&board)),
                  BUS_BOARD, &board);
    self->board_frame.held = true;
    self->board_frame.seq = world->seq;
}

static void s_answer_board(broker_t *self, mail_t *mail)
{
    if (!self->board_frame.held || self->board_frame.seq != self->world.seq)
        s_encode_board(self);
    mail_t answer;
    mail_reply_to(&answer, mail, 0);
    zmq_msg_copy(&answer.body, &self->board_frame.frame);
    ingress_send(&self->ingress, &answer);
    COUNT(SYNCS_BOARD);
}

static bool s_has_range(const broker_t *self, const bus_sync_t *sync)
{
    const world_t *world = &self->world;
    return sync->epoch >= world->born && sync->epoch <= world->epoch &&
           sync->epoch && sync->seq <= world->seq &&
           sync->seq + 1 >= history_first(world->history) &&
           world->seq - sync->seq <= RANGE_RECORDS_MAX;
}

static void s_touch(broker_t *self, uint64_t from)
{
    const history_t *history = self->world.history;
    while (from <= self->world.seq) {
        size_t count;
        const uint8_t *records = history_slice(history, from, SIZE_MAX, &count);
        for (size_t i = 0; i < count; i++) {
            record_t record = record_decode(records + i * RECORD_BYTES);
            touched_add(self->range,
                        (uint32_t)record.y * self->world.canvas.width +
                            record.x);
        }
        from += count;
    }
}

/* -1 where the diff would be larger than the board. */
static int s_answer_range(broker_t *self, mail_t *mail, uint64_t seq)
{
    const world_t *world = &self->world;
    s_touch(self, seq + 1);
    size_t bound = diff_bound(touched_count(self->range));
    uint8_t *bytes = mem_alloc(BUS_BODY_HEAD_BYTES + bound);
    bus_put_body_head(bytes, BUS_RANGE, world->epoch);
    size_t size = BUS_BODY_HEAD_BYTES + diff_encode(bytes + BUS_BODY_HEAD_BYTES,
                                                    bound, seq, world->seq,
                                                    self->range, world->board);
    touched_clear(self->range);
    bool small = size <= board_size_bytes(world->board) + CANVAS_JSON_MAX;
    if (small) {
        mail_t answer;
        mail_reply_to(&answer, mail, size);
        memcpy(mail_bytes(&answer), bytes, size);
        ingress_send(&self->ingress, &answer);
        COUNT(SYNCS_RANGE);
    }
    free(bytes);
    return small ? 0 : -1;
}

void sync_answer(broker_t *self, mail_t *mail)
{
    bus_sync_t sync;
    if (bus_decode_sync(&sync, mail_bytes(mail), mail_size(mail)) < 0)
        COUNT(MALFORMED_INGRESS);
    else if (!s_has_range(self, &sync) ||
             s_answer_range(self, mail, sync.seq) < 0)
        s_answer_board(self, mail);
    mail_close(mail);
}
