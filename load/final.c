/* SPDX-License-Identifier: Apache-2.0
 *
 * See final.h.
 */
#include "load/final.h"

#include "common/clock.h"
#include "common/log.h"
#include "load/fetch.h"
#include "load/state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BOARD_PATH "/api/v1/board"
#define BOARD_HEAD_BYTES 40
#define FETCH_DEADLINE_MS 10000
#define UP_TO_DATE_MS 15000
#define AGAIN_MS 250
#define EXPECT_BYTES_MAX (64u << 20)

typedef struct {
    uint8_t *expect; /* packed, or NULL */
    size_t expect_size;
    const replay_t *replay;
    outcome_t *outcome;
} check_t;

static bool s_replay_equal(const replay_t *replay, const state_t *board)
{
    uint32_t width = state_width(board);
    uint32_t differ = 0;
    for (uint32_t i = 0; i < REPLAY_WIDTH * REPLAY_WIDTH; i++) {
        uint32_t pixel = i / REPLAY_WIDTH * width + i % REPLAY_WIDTH;
        differ += state_get(board, pixel) != replay->final[i];
    }
    if (differ)
        log_error("replay_differs", "pixels=%u", differ);
    return !differ;
}

static void s_check(check_t *self, const fetch_t *fetch, const state_t *board)
{
    outcome_t *outcome = self->outcome;
    size_t size;
    const uint8_t *body = fetch_body(fetch, &size);
    if (self->replay)
        outcome->replay_equal =
            outcome->replay_equal && s_replay_equal(self->replay, board);
    if (outcome->expect_given)
        outcome->expect_equal =
            outcome->expect_equal &&
            size == self->expect_size + BOARD_HEAD_BYTES &&
            !memcmp(body + BOARD_HEAD_BYTES, self->expect, self->expect_size);
}

/* One try at one edge: 1 checked, 0 the board is too old yet or not there. */
static int s_try(check_t *self, history_t *history, const endpoint_t *endpoint,
                 uint64_t last_ack)
{
    int digest_ok = 0, result = 0;
    fetch_t *fetch = fetch_start(endpoint, BOARD_PATH);
    state_t *board = NULL;
    if (fetch && fetch_wait(fetch, FETCH_DEADLINE_MS) == FETCH_DONE) {
        size_t size;
        const uint8_t *body = fetch_body(fetch, &size);
        board = history_board(history, body, size, &digest_ok);
    }
    if (board && state_seq(board) >= last_ack) {
        outcome_t *outcome = self->outcome;
        outcome->board_seq = state_seq(board);
        outcome->board_digest_ok = outcome->board_digest_ok && digest_ok;
        s_check(self, fetch, board);
        result = 1;
    }
    state_unref(&board);
    fetch_destroy(&fetch);
    return result;
}

void final_check(const config_t *config, const replay_t *replay,
                 uint64_t last_ack, outcome_t *outcome)
{
    check_t check = {.replay = replay, .outcome = outcome};
    history_t *history = history_new();
    uint64_t deadline = clock_mono_ms() + UP_TO_DATE_MS;
    outcome->board_checked = outcome->board_ok = true;
    outcome->board_digest_ok = true;
    outcome->replay_equal = replay != NULL;
    outcome->expect_given = config->expect != NULL;
    if (config->expect)
        check.expect =
            xz_read(config->expect, EXPECT_BYTES_MAX, &check.expect_size);
    outcome->expect_equal = check.expect != NULL;
    for (unsigned i = 0; i < config->endpoint_count;) {
        if (s_try(&check, history, &config->endpoints[i], last_ack)) {
            i++;
        } else if (clock_mono_ms() >= deadline) {
            outcome->board_ok = false;
            i++;
        } else {
            nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000}, NULL);
        }
    }
    if (!outcome->board_ok)
        outcome->replay_equal = outcome->expect_equal = false;
    free(check.expect);
    history_destroy(&history);
}
