/* SPDX-License-Identifier: Apache-2.0
 *
 * The roles of people, and the one table of which role may do what: viewer <
 * player < moderator < operator < owner. (The roles of processes are
 * role_keys.h's.) A person's role is a claim of their token, signed by a key
 * that no edge holds (token.h); whoever holds operator.key is an operator.
 */
#ifndef COMMON_RANK_H
#define COMMON_RANK_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers are kept for ever: they stand in stores, and so are in no order. */
typedef enum {
    RANK_PLAYER = 0,
    RANK_MODERATOR = 1,
    RANK_OPERATOR = 2,
    RANK_OWNER = 3,
    RANK_VIEWER = 4, /* may look, not place */
    RANKS
} rank_t;

/* "player", "moderator" …; "player" for a number that is none. */
const char *rank_word(rank_t rank);
/* False, and *rank as it was, if the word is no role. */
bool rank_parse(const char *word, rank_t *rank);

/* Whether a role is that one or above it. */
bool rank_reaches(rank_t rank, rank_t least);

/* The least role that may do a verb of the leader's (docs/bus.md, CTL); OWNER
 * for one that is not in the table, so that nobody forgets to add it. */
rank_t rank_needed(const char *verb);

#endif
