/* SPDX-License-Identifier: Apache-2.0
 *
 * The sends of a slice in one system call, by io_uring: 0.77 times the CPU of a
 * loop of send() (docs/benchmarks.md). Each is carried out within that call, as
 * send() with MSG_DONTWAIT would do it, so nothing is under way behind it.
 */
#ifndef EDGE_SEND_RING_H
#define EDGE_SEND_RING_H

#include "edge/ws/frame.h"

#include <stddef.h>
#include <sys/types.h>

/* Sends that one call takes. */
#define SEND_RING_MAX 1024u

typedef struct send_ring send_ring_t;

/* `sent` of the frame's bytes, fewer than all, were taken; -1: the connection
 * is dead. */
typedef void (*send_ring_short_fn)(void *owner, frame_t *frame, ssize_t sent);

/* NULL, with one line in the log, if this system has none: before Linux 6.1, or
 * where a container's seccomp profile or the sysctl kernel.io_uring_disabled
 * forbids it. Used by the thread that made it, and by no other. */
send_ring_t *send_ring_new(send_ring_short_fn on_short);
/* Safe on NULL. Nothing is waiting in it. */
void send_ring_destroy(send_ring_t **self_p);

/* The frame goes to that socket with the next submit, which the caller makes
 * before it writes to the socket again, closes it or drops the frame; earlier
 * if SEND_RING_MAX are waiting. */
void send_ring_add(send_ring_t *self, int fd, frame_t *frame, void *owner);
/* Sends all that is waiting, and tells of each that was not taken whole. */
void send_ring_submit(send_ring_t *self);

#endif
