/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells two histories apart. Every record extends a running hash,
 *
 *     chain(seq) = XXH3-128(chain(seq − 1) · the record's 40 bytes)
 *
 * in its canonical (big-endian) form, and chain(0) is random, drawn with the
 * canvas. Whoever names a seq of a history names its chain too: two parties
 * share a history up to a seq exactly if their chains there are equal. It
 * guards against mistakes, not against people who hold the cluster's secret, so
 * it needs no key. The function never changes: chains stand in stores.
 *
 * Pure. Why XXH3: published, stable by its authors' promise, in every
 * distribution, 128 bits, 10 ns per record, and tests check it against another
 * implementation (Python's). A mix of our own would need its own proof.
 */
#ifndef COMMON_CHAIN_H
#define COMMON_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CHAIN_BYTES 16
#define CHAIN_HEX_BYTES (2 * CHAIN_BYTES + 1)

/* All zero: unknown (written by 0.1.0, which had none). */
typedef struct {
    uint8_t bytes[CHAIN_BYTES];
} chain_t;

/* The history up to and with `seq`. */
typedef struct {
    uint64_t seq;
    chain_t chain;
} position_t;

#define CHAIN_UNKNOWN ((chain_t){{0}})

static inline bool chain_equal(chain_t a, chain_t b)
{
    return memcmp(a.bytes, b.bytes, CHAIN_BYTES) == 0;
}

static inline bool chain_known(chain_t chain)
{
    return !chain_equal(chain, CHAIN_UNKNOWN);
}

/* Both are known, and they differ. */
static inline bool chain_differs(chain_t a, chain_t b)
{
    return chain_known(a) && chain_known(b) && !chain_equal(a, b);
}

/* chain(0) of every history that began before there were chains. */
chain_t chain_legacy_origin(void);

/* A chain for a history whose records up to `seq` are gone: made of the digest
 * of the board there, so that whoever holds that board comes to the same. */
chain_t chain_of_board(uint64_t seq, uint32_t digest);

/* The chain behind `count` packed records (record.h) that follow on from
 * `chain`. An unknown chain stays unknown. */
chain_t chain_extend(chain_t chain, const uint8_t *records, size_t count);

/* 32 hex digits, the form in logs, JSON and Redis. */
void chain_to_hex(chain_t chain, char hex[CHAIN_HEX_BYTES]);
/* -1, with `chain` untouched, unless text is 32 hex digits. */
int chain_from_hex(chain_t *chain, const char *text, size_t size);

/* What one party knows of its own history. */
typedef struct {
    position_t head;
    /* The chain at a seq at or below head.seq; unknown if it cannot tell. NULL:
     * it knows its head only. */
    chain_t (*chain_at)(void *context, uint64_t seq);
    void *context;
} history_view_t;

typedef enum {
    HISTORY_UNKNOWN = 0, /* cannot be told */
    HISTORY_EQUAL,       /* the same */
    HISTORY_CONTINUES,   /* mine goes on from theirs */
    HISTORY_BEHIND,      /* theirs goes on from mine */
    HISTORY_FORKED,      /* they differ */
} history_relation_t;

/* How `mine` and `theirs` relate. The longer one must be able to tell its chain
 * at the shorter one's head; a history that has not begun (seq 0, no chain) is
 * part of every other. If they are forked, *forked_at (may be NULL) is the
 * lowest seq at which they are known to differ: the first that differs at all
 * if both can tell every chain below. */
history_relation_t history_relate(const history_view_t *mine,
                                  const history_view_t *theirs,
                                  uint64_t *forked_at);

/* One word for logs and metrics. */
const char *history_relation_word(history_relation_t relation);

#endif
