/* SPDX-License-Identifier: Apache-2.0
 *
 * See snapshots.h. Which snapshots stay is decided by their times alone.
 */
#include "persister/snapshots.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* One number for each span of which one snapshot stays. Spans of different
 * length never share a number: the top bits hold the length's rank. */
static uint64_t s_span(uint64_t taken_at_ms, uint64_t now_ms)
{
    uint64_t age_ms = now_ms > taken_at_ms ? now_ms - taken_at_ms : 0;
    if (age_ms < HOUR_MS)
        return UINT64_C(2) << 60 | taken_at_ms / MINUTE_MS;
    if (age_ms < DAY_MS)
        return UINT64_C(1) << 60 | taken_at_ms / HOUR_MS;
    return taken_at_ms / DAY_MS;
}

void snapshot_keep(const uint64_t *taken_at_ms, size_t count, uint64_t now_ms,
                   bool *keep)
{
    uint64_t last = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        uint64_t span = s_span(taken_at_ms[i], now_ms);
        keep[i] = span != last || i + 1 == count;
        last = span;
    }
}

void store_snapshot_free(store_snapshot_t *snapshot)
{
    free(snapshot->canvas);
    free(snapshot->pixels);
    *snapshot = (store_snapshot_t){0};
}

/* -1 if what stands behind the pixels is no policy. */
static int s_load(board_t *board, policy_t *policy,
                  const store_snapshot_t *snapshot)
{
    size_t size = board_size_bytes(board);
    if (snapshot->pixels_size < size ||
        board_load(board, snapshot->pixels, size) < 0 ||
        board_digest(board) != snapshot->digest)
        return -1;
    policy_t *unused = policy ? NULL : policy_new();
    int bad = policy_decode(policy ? policy : unused, snapshot->pixels + size,
                            snapshot->pixels_size - size);
    policy_destroy(&unused);
    return bad;
}

board_t *snapshot_board(const store_snapshot_t *snapshot, canvas_t *canvas,
                        policy_t *policy)
{
    canvas_t parsed;
    if (!snapshot->canvas ||
        canvas_from_json(&parsed, snapshot->canvas, strlen(snapshot->canvas)))
        return NULL;
    board_t *board = board_new(parsed.width, parsed.height, parsed.bits);
    if (!board)
        return NULL;
    if (s_load(board, policy, snapshot) < 0) {
        board_destroy(&board);
        return NULL;
    }
    if (canvas)
        *canvas = parsed;
    return board;
}

store_snapshot_t snapshot_of(const board_t *board, const policy_t *policy,
                             const canvas_t *canvas, position_t at,
                             uint64_t now_ms)
{
    size_t pixels = board_size_bytes(board), more = 0;
    uint8_t *bytes = policy ? policy_bytes(policy, &more) : NULL;
    char json[CANVAS_JSON_MAX];
    canvas_to_json(canvas, json, sizeof json);
    store_snapshot_t snapshot = {
        .seq = at.seq,
        .chain = at.chain,
        .taken_at_ms = now_ms,
        .digest = board_digest(board),
        .canvas = mem_strdup(json),
        .pixels_size = pixels + more,
    };
    snapshot.pixels = mem_alloc(snapshot.pixels_size);
    memcpy(snapshot.pixels, board_bytes(board), pixels);
    if (more)
        memcpy(snapshot.pixels + pixels, bytes, more);
    free(bytes);
    return snapshot;
}

size_t board_replay(board_t *board, const record_t *records, size_t count,
                    uint64_t *seq)
{
    uint32_t width = board_width(board);
    uint32_t height = board_height(board);
    unsigned colors = 1u << board_bits(board);
    size_t disagree = 0;
    for (size_t i = 0; i < count; i++) {
        const record_t *r = &records[i];
        if (record_is_control(r))
            continue;
        bool fits = r->x < width && r->y < height && r->color < colors;
        if (fits && board_set(board, r->y * width + r->x, r->color) ==
                        r->previous_color)
            continue;
        if (!disagree++)
            *seq = r->seq;
    }
    return disagree;
}
