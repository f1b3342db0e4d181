/* SPDX-License-Identifier: Apache-2.0
 *
 * See mint.h.
 */
#include "ctl/mint.h"

#include "common/clock.h"
#include "common/key_file.h"
#include "ctl/request.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_MS 28800000 /* unless it is said: a working day */

bool mint_knows(char **words, int count)
{
    return count && !strcmp(words[0], "token");
}

static int s_fail(int status, const char *what, const char *why)
{
    fprintf(stderr, "stipplectl: %s%s%s\n", what, *what ? ": " : "", why);
    return status;
}

/* 0, or why such a token would be of no use. */
static const char *s_end(const ctl_config_t *config, uint64_t now_ms,
                         uint64_t *end_ms)
{
    rank_t rank = RANK_PLAYER;
    *end_ms = now_ms + LIFE_MS;
    rank_parse(config->role, &rank);
    if (*config->until && request_time(config->until, now_ms, end_ms) < 0)
        return "until is no time";
    if (*end_ms <= now_ms)
        return "until is in the past";
    if (rank_reaches(rank, RANK_MODERATOR) && *end_ms > now_ms + TOKEN_DAY_MS)
        return "a token with a role above player lives for a day at most";
    return NULL;
}

int mint_run(const ctl_config_t *config, char **words, int count)
{
    uint64_t now_ms = clock_wall_ms(), end_ms;
    const char *why;
    if (count != 2 || !*words[1])
        return s_fail(2, "", "token NAME");
    if ((why = s_end(config, now_ms, &end_ms)))
        return s_fail(2, "", why);
    EVP_PKEY *key = key_file_read_signing(config->token_key_file, &why);
    if (!key)
        return s_fail(1, config->token_key_file, why);
    char *token = token_sign_es256(key, words[1], config->role, now_ms, end_ms);
    puts(token);
    free(token);
    EVP_PKEY_free(key);
    return 0;
}
