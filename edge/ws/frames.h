/* SPDX-License-Identifier: Apache-2.0
 *
 * The frames that many sessions are sent: a tick's DIFF and BEAT, the NOTICE of
 * the settings, and the net diffs of those who lag or return. The last are the
 * costly ones, since a client chooses where its diff begins. So:
 *
 *  - a start further back than FRAMES_EXACT placements is rounded down, so that
 *    there are at most eight starts per doubling of the distance (what a client
 *    has already does it no harm);
 *  - a diff is used again while what came since is at most an eighth of it: who
 *    takes it is then brought on from its end by a small one;
 *  - a diff that would be larger than the board, in its own flavour, is not
 * made: the board comes from a cache;
 *  - all of them together take at most the setting catch_up_bytes and one more
 *    frame, also those that stopped readers still hold; beyond, none is made.
 */
#ifndef EDGE_WS_FRAMES_H
#define EDGE_WS_FRAMES_H

#include "common/wire.h"
#include "edge/edge.h"
#include "edge/ws/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMES_EXACT 64

typedef struct frames frames_t;

/* Borrows edge->mirror. */
frames_t *frames_new(edge_t *edge);
/* Safe on NULL. Frames that sockets still refer to must be gone before. */
void frames_destroy(frames_t **self_p);

/* The frame of a net diff for a client at `since`, which must be SINCE_DIFF:
 * borrowed until the next call. *to > since is where it ends: the mirror's seq
 * if it is to be exact, else maybe a little before. NULL: the client must fetch
 * the board. */
frame_t *frames_catch_up(frames_t *self, bool json, uint64_t since, bool exact,
                         uint64_t *to);

/* The BEAT of the board as it is now, borrowed until the next call. */
frame_t *frames_beat(frames_t *self, bool json, uint32_t online);

/* The NOTICE of the present settings, borrowed. */
frame_t *frames_notice(frames_t *self, bool json);

/* A NOTICE of that kind, with these members. */
frame_t *frames_new_notice(bool json, uint8_t kind, const char *members,
                           size_t size);
/* What moderators say to everybody: JSON. Who lags hears only the last. */
void frames_set_message(frames_t *self, const char *members);
/* Counts them. */
uint32_t frames_message_version(const frames_t *self);
/* The last one's frame, borrowed; there was one. */
frame_t *frames_message(frames_t *self, bool json);

/* A frame of the caller's own each: of mirror_diff's body, NULL if it would be
 * larger than the board; of a beat. */
frame_t *frames_new_diff(const frames_t *self, bool json, const uint8_t *body,
                         size_t size);
frame_t *frames_new_beat(bool json, const wire_beat_t *beat);

/* Pixels that a diff may have at most in that flavour. */
uint32_t frames_most_pixels(const frames_t *self, bool json);

/* Where a diff for `since` begins while the board is at `seq`: ≤ since. */
uint64_t frames_start(uint64_t since, uint64_t seq);

/* Bytes of the net diffs that are kept or still being sent. */
size_t frames_held_bytes(const frames_t *self);

#endif
