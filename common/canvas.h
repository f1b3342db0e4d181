/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of the canvas, as players see them in /api/v1/config: the truth
 * is Redis' meta hash, the leader writes it, everyone else holds a copy.
 * Between processes and in Redis it travels as the JSON text that
 * canvas_to_json gives.
 */
#ifndef COMMON_CANVAS_H
#define COMMON_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANVAS_PALETTE_MAX 256
/* Longest JSON: 256 colours of 10 bytes, and the other members. */
#define CANVAS_JSON_MAX 4096
#define CANVAS_TICK_MAX_MS 10000

typedef struct {
    uint32_t width, height;
    unsigned bits;                        /* 4 or 8 */
    uint32_t epoch;                       /* of the leader that speaks */
    uint32_t palette[CANVAS_PALETTE_MAX]; /* 0xRRGGBB */
    unsigned palette_size;                /* 1 … 2^bits */
    uint32_t cooldown_ms;
    /* The least time between two diffs to a client, for every edge at once; 0:
     * as each edge's own tick_min_ms says. At most CANVAS_TICK_MAX_MS. */
    uint32_t tick_ms;
    bool paused;
} canvas_t;

/* Blank defaults of that size: the 16 colours of r/place 2017 for 4 bits, the
 * 32 of 2022 for 8. */
void canvas_init(canvas_t *self, uint32_t width, uint32_t height,
                 unsigned bits);

/* 0 where every member is in range, else -1 with the reason in *why (static
 * text). */
int canvas_check(const canvas_t *self, const char **why);

bool canvas_equal(const canvas_t *a, const canvas_t *b);

/* {"protocol","board":{width,height,bits,epoch},"palette",…,"paused"}: the
 * members of /api/v1/config but for `endpoints`. Returns the length; `size` at
 * least CANVAS_JSON_MAX. */
size_t canvas_to_json(const canvas_t *self, char *json, size_t size);

/* -1, self untouched, where it is no valid canvas. Without `tick_ms`, as 0.1.0
 * writes it, that is 0. */
int canvas_from_json(canvas_t *self, const char *json, size_t size);

/* "#RRGGBB,#RRGGBB,…" into self's palette; -1 on bad text or count. */
int canvas_set_palette(canvas_t *self, const char *text);

#endif
