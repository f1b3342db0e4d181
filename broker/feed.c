/* SPDX-License-Identifier: Apache-2.0
 *
 * See feed.h. PUB drops for a subscriber at its high-water mark; that edge sees
 * it by the next diff's `from` and syncs.
 */
#include "broker/feed.h"

#include "broker/mail.h"
#include "broker/metrics.h"
#include "common/diff.h"
#include "common/mem.h"

struct feed {
    zsock_t *socket;
    touched_t *touched; /* since `from` */
    uint64_t from;
};

feed_t *feed_new(zsock_t *socket)
{
    feed_t *self = mem_zalloc(1, sizeof *self);
    self->socket = socket;
    return self;
}

void feed_destroy(feed_t **self_p)
{
    if (*self_p) {
        touched_destroy(&(*self_p)->touched);
        free(*self_p);
        *self_p = NULL;
    }
}

void feed_begin(feed_t *self, uint64_t seq, uint32_t pixels)
{
    touched_destroy(&self->touched);
    self->touched = touched_new(pixels);
    self->from = seq;
}

void feed_add(feed_t *self, const batch_t *batch)
{
    batch_touch(batch, self->touched);
}

static void s_send(feed_t *self, zmq_msg_t *frame)
{
    if (mail_push(self->socket, frame) < 0)
        COUNT(FEED_UNSENT);
}

/* The diff is encoded into a scratch of the bound and copied: the bound is
 * several times what most diffs need. */
void feed_publish(feed_t *self, uint32_t epoch, position_t at,
                  const board_t *board)
{
    if (at.seq == self->from)
        return;
    size_t bound = diff_bound(touched_count(self->touched));
    uint8_t *bytes = mem_alloc(BUS_BODY_HEAD_BYTES + bound);
    bus_put_body_head(bytes, BUS_DIFF, epoch, at.chain);
    size_t size = diff_encode(bytes + BUS_BODY_HEAD_BYTES, bound, self->from,
                              at.seq, self->touched, board);
    assert(size);
    size += BUS_BODY_HEAD_BYTES;
    zmq_msg_t frame;
    memcpy(mail_frame(&frame, size), bytes, size);
    free(bytes);
    s_send(self, &frame);
    COUNT(DIFFS);
    COUNT_BY(DIFF_BYTES, size);
    touched_clear(self->touched);
    self->from = at.seq;
}

void feed_beat(feed_t *self, const bus_beat_t *beat)
{
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_beat(bytes, beat);
    zmq_msg_t frame;
    memcpy(mail_frame(&frame, size), bytes, size);
    s_send(self, &frame);
    COUNT(BEATS);
}

void feed_canvas(feed_t *self, const canvas_t *canvas)
{
    uint8_t bytes[BUS_BODY_HEAD_BYTES + CANVAS_JSON_MAX];
    bus_put_body_head(bytes, BUS_CANVAS, canvas->epoch, CHAIN_UNKNOWN);
    size_t size = BUS_BODY_HEAD_BYTES +
                  canvas_to_json(canvas, (char *)bytes + BUS_BODY_HEAD_BYTES,
                                 CANVAS_JSON_MAX);
    zmq_msg_t frame;
    memcpy(mail_frame(&frame, size), bytes, size);
    s_send(self, &frame);
}

void feed_policy(feed_t *self, uint32_t epoch, const uint8_t *records,
                 size_t count)
{
    zmq_msg_t frame;
    size_t size = count * RECORD_BYTES;
    uint8_t *bytes = mail_frame(&frame, BUS_BODY_HEAD_BYTES + size);
    bus_put_body_head(bytes, BUS_POLICY, epoch, CHAIN_UNKNOWN);
    memcpy(bytes + BUS_BODY_HEAD_BYTES, records, size);
    s_send(self, &frame);
}

void feed_taken(feed_t *self, uint32_t epoch, const tally_t *taken)
{
    const bus_taken_t *rows;
    size_t count = tally_rows(taken, &rows);
    zmq_msg_t frame;
    if (!count)
        return;
    uint8_t *bytes =
        mail_frame(&frame, BUS_BODY_HEAD_BYTES + count * BUS_TAKEN_ROW_BYTES);
    bus_put_body_head(bytes, BUS_TAKEN_BY_ALL, epoch, CHAIN_UNKNOWN);
    bus_put_taken_rows(bytes + BUS_BODY_HEAD_BYTES, rows, count);
    s_send(self, &frame);
}
