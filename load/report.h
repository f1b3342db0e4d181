/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run found. A plain value that each worker writes in shared memory; the
 * parent adds them up and prints one, for people or as JSON.
 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "common/wire.h"
#include "load/histogram.h"
#include "load/ledger.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_CODES 6

/* Rows of a worker's counters: field, JSON name. Added up by merging. */
#define REPORT_COUNTERS(ROW)                                                   \
    ROW(sent, "sent")             /* placements, each once */                  \
    ROW(retried, "retried")       /* sent again after a refusal for now */     \
    ROW(resent, "resent")         /* sent again on a new connection */         \
    ROW(failed, "failed")         /* refused for good */                       \
    ROW(unanswered, "unanswered") /* at the end */                             \
    ROW(late, "not_sent_in_time") /* due, but nobody was free for 1 s */       \
    ROW(unasked, "verdicts_unasked")                                           \
    ROW(frames, "frames")                                                      \
    ROW(bytes, "bytes")                                                        \
    ROW(diffs, "diffs") /* applied */                                          \
    ROW(diffs_known, "diffs_known")                                            \
    ROW(gaps, "gaps")                                                          \
    ROW(beats, "beats")                                                        \
    ROW(beats_checked, "beats_checked")                                        \
    ROW(beats_behind, "beats_behind") /* the viewer lagged */                  \
    ROW(beats_ahead, "beats_ahead")                                            \
    ROW(resyncs, "resyncs")                                                    \
    ROW(notices, "notices")                                                    \
    ROW(boards, "boards_fetched")                                              \
    ROW(boards_failed, "boards_failed")                                        \
    ROW(opened, "connections_opened")                                          \
    ROW(refused, "connections_refused")                                        \
    ROW(reconnects, "reconnects")                                              \
    ROW(silent, "connections_silent")                                          \
    ROW(open_at_end, "open_at_end")                                            \
    ROW(behind_at_end, "behind_at_end")                                        \
    ROW(stalled, "stalled")                                                    \
    ROW(recovered, "stalled_recovered")                                        \
    ROW(digest_mismatches, "digest_mismatches")                                \
    ROW(board_mismatches, "board_digest_mismatches")                           \
    ROW(conflicts, "conflicts")                                                \
    ROW(malformed, "malformed")

typedef struct {
#define ROW(field, name) uint64_t field;
    REPORT_COUNTERS(ROW)
#undef ROW
    uint64_t verdicts[VERDICT_COUNT];
    uint64_t closes[REPORT_CODES];
    uint64_t frames_least, frames_most; /* of one viewer */
    uint64_t bytes_least, bytes_most;
    uint64_t recovery_ms_max;
    uint64_t first_sent_us, last_verdict_us; /* monotonic */
    uint64_t last_ack;
    ledger_counts_t ledger;
    histogram_t verdict_latency;
    histogram_t everyone_latency; /* until shown, sampled at every viewer */
    histogram_t witness_latency;  /* every placement at one viewer */
} report_t;

/* What the parent alone knows. */
typedef struct {
    uint64_t viewers, placers, processes;
    double elapsed_s, user_s, system_s;
    uint64_t replay_size; /* placements to replay; 0: none */
    bool stopped;         /* by a signal */
    bool workers_ok;
    bool board_checked, board_ok, board_digest_ok;
    bool replay_equal, expect_given, expect_equal;
    uint64_t board_seq;
} outcome_t;

/* Index of a close code in `closes`; the last one is for any other. */
unsigned report_close(unsigned code);

void report_merge(report_t *self, const report_t *other);

/* Nothing was wrong, lost or left over. */
bool report_ok(const report_t *self, const outcome_t *outcome);

void report_print(const report_t *self, const outcome_t *outcome, FILE *to);
void report_print_json(const report_t *self, const outcome_t *outcome,
                       FILE *to);

#endif
