/* SPDX-License-Identifier: Apache-2.0
 *
 * See send_ring.h. Successes post no completion (Linux 5.17). MSG_WAITALL makes
 * a short send one that failed, and MSG_DONTWAIT ends it at once with what was
 * taken (io_uring/net.c: io_send, io_sendrecv_fail; Linux 5.19). The flags of
 * the ring ask for 6.1, which has all of it.
 */
#include "edge/send_ring.h"

#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    void *owner;
    frame_t *frame;
} waiting_t;

struct send_ring {
    struct io_uring ring;
    bool broken; /* the kernel has no ring any more: nothing is taken whole */
    send_ring_short_fn on_short;
    unsigned count;
    waiting_t waiting[SEND_RING_MAX];
};

static int s_open(struct io_uring *ring)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN |
                                              IORING_SETUP_SUBMIT_ALL};
    return io_uring_queue_init_params(SEND_RING_MAX, ring, &params);
}

send_ring_t *send_ring_new(send_ring_short_fn on_short)
{
    send_ring_t *self = mem_zalloc(1, sizeof *self);
    self->on_short = on_short;
    int result = s_open(&self->ring);
    if (result == 0)
        return self;
    log_info("io_uring_unavailable", "reason=\"%s\"", strerror(-result));
    free(self);
    return NULL;
}

void send_ring_destroy(send_ring_t **self_p)
{
    send_ring_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert(!self->count);
    io_uring_queue_exit(&self->ring);
    free(self);
}

void send_ring_add(send_ring_t *self, int fd, frame_t *frame, void *owner)
{
    if (self->count == SEND_RING_MAX)
        send_ring_submit(self);
    if (!self->broken) {
        struct io_uring_sqe *send = io_uring_get_sqe(&self->ring);
        assert(send); /* all before were submitted */
        io_uring_prep_send(send, fd, frame->bytes, frame->size,
                           MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL);
        send->flags = IOSQE_CQE_SKIP_SUCCESS;
        send->user_data = self->count;
    }
    self->waiting[self->count++] = (waiting_t){.owner = owner, .frame = frame};
}

/* How many of the first ones the kernel has carried out: all, unless it is out
 * of memory. */
static unsigned s_carry_out(send_ring_t *self)
{
    unsigned done = 0;
    while (done < self->count && !self->broken) {
        int result = io_uring_submit(&self->ring);
        if (result > 0)
            done += (unsigned)result;
        else if (result != -EINTR)
            break;
    }
    return done;
}

static void s_tell(send_ring_t *self, uint64_t index, ssize_t sent)
{
    const waiting_t *waiting = &self->waiting[index];
    assert(index < self->count && sent < (ssize_t)waiting->frame->size);
    self->on_short(waiting->owner, waiting->frame, sent);
}

static void s_tell_completions(send_ring_t *self)
{
    struct io_uring_cqe *end;
    while (!self->broken && io_uring_peek_cqe(&self->ring, &end) == 0) {
        bool wait = end->res == -EAGAIN || end->res == -EINTR;
        s_tell(self, end->user_data, wait ? 0 : end->res < 0 ? -1 : end->res);
        io_uring_cqe_seen(&self->ring, end);
    }
}

/* What the kernel has not carried out must never be: its frames go. */
static void s_start_again(send_ring_t *self)
{
    io_uring_queue_exit(&self->ring);
    int result = s_open(&self->ring);
    self->broken = result < 0;
    log_warn("io_uring_failed", "goes_on=%d", !self->broken);
}

void send_ring_submit(send_ring_t *self)
{
    unsigned done = s_carry_out(self);
    s_tell_completions(self);
    for (unsigned i = done; i < self->count; i++)
        s_tell(self, i, 0);
    if (done < self->count && !self->broken)
        s_start_again(self);
    self->count = 0;
}
