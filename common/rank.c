/* SPDX-License-Identifier: Apache-2.0
 *
 * See rank.h.
 */
#include "common/rank.h"

#include <string.h>

static const struct {
    const char *word;
    unsigned level;
} s_ranks[RANKS] = {
    [RANK_VIEWER] = {"viewer", 0},       [RANK_PLAYER] = {"player", 1},
    [RANK_MODERATOR] = {"moderator", 2}, [RANK_OPERATOR] = {"operator", 3},
    [RANK_OWNER] = {"owner", 4},
};

static const struct {
    const char *verb;
    rank_t least;
} s_needs[] = {
    {"status", RANK_MODERATOR},   {"policy", RANK_MODERATOR},
    {"ban", RANK_MODERATOR},      {"unban", RANK_MODERATOR},
    {"notice", RANK_MODERATOR},   {"who", RANK_MODERATOR},
    {"user", RANK_MODERATOR},     {"search", RANK_MODERATOR},
    {"audit", RANK_MODERATOR},    {"protect", RANK_OPERATOR},
    {"unprotect", RANK_OPERATOR}, {"lock", RANK_OPERATOR},
    {"unlock", RANK_OPERATOR},    {"set", RANK_OPERATOR},
    {"rollback", RANK_MODERATOR}, {"restore", RANK_MODERATOR},
    {"job", RANK_MODERATOR},      {"approve", RANK_MODERATOR},
};

static rank_t s_known(rank_t rank)
{
    return (unsigned)rank < RANKS ? rank : RANK_PLAYER;
}

const char *rank_word(rank_t rank)
{
    return s_ranks[s_known(rank)].word;
}

bool rank_parse(const char *word, rank_t *rank)
{
    for (unsigned i = 0; i < RANKS; i++)
        if (!strcmp(word, s_ranks[i].word)) {
            *rank = (rank_t)i;
            return true;
        }
    return false;
}

bool rank_reaches(rank_t rank, rank_t least)
{
    return s_ranks[s_known(rank)].level >= s_ranks[s_known(least)].level;
}

rank_t rank_needed(const char *verb)
{
    for (size_t i = 0; i < sizeof s_needs / sizeof *s_needs; i++)
        if (!strcmp(verb, s_needs[i].verb))
            return s_needs[i].least;
    return RANK_OWNER;
}
