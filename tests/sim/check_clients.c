/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h: what clients were told and what they see.
 */
#include "tests/sim/check_parts.h"
#include "tests/sim/scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Beats come each second, but not for as long as nobody leads. */
#define DOUBT (10 * SECOND)

static const process_t *s_edge;
static uint64_t s_edge_life;

void check_ack_by(const process_t *edge, uint64_t life)
{
    s_edge = edge;
    s_edge_life = life;
}

static void s_acked(commit_t *commit)
{
    commit->acked = true;
    commit->edge = s_edge;
    commit->edge_life = s_edge_life;
}

void check_ack(unsigned user, uint32_t request, unsigned x, unsigned y,
               unsigned color, uint64_t seq, bool duplicate)
{
    commit_t *commit = check_commit(seq);
    check_told++;
    for (size_t i = check_gone.count; i--;) {
        commit_t *lost = &check_gone.at[i];
        if (lost->record.seq != seq || lost->record.request != request ||
            lost->record.user != user_identity(user))
            continue;
        if (lost->kept)
            violation("lost",
                      "seq %" PRIu64 " is acknowledged after it was "
                      "given anew, though someone knew it",
                      seq);
        if (!lost->acked)
            check_lost_told++;
        s_acked(lost);
        return;
    }
    if (!commit || commit->record.user != user_identity(user) ||
        commit->record.request != request || commit->record.x != x ||
        commit->record.y != y || commit->record.color != color)
        violation("ack",
                  "user %u request %" PRIu32 " was told %s at seq %" PRIu64
                  ", which %s",
                  user, request, duplicate ? "duplicate" : "ok", seq,
                  commit ? "is another's" : "is not committed");
    s_acked(commit);
}

bool check_was_told(uint64_t seq)
{
    const commit_t *commit = check_commit(seq);
    return commit && commit->acked;
}

void check_refused(unsigned user, uint32_t request, bool cooldown,
                   uint32_t remaining_ms)
{
    user_t *own = &check_users[user];
    if (own->seqs[request])
        violation("ack",
                  "user %u request %" PRIu32
                  " was refused and is at seq %" PRIu64,
                  user, request, own->seqs[request]);
    own->refused[request] = true;
    if (!cooldown || check_is_blind())
        return;
    uint64_t limit =
        check_options.cooldown_ms + 2 * check_options.clock_error_ms;
    if (remaining_ms > limit)
        violation("cooldown", "user %u is to wait %" PRIu32 " ms of %" PRIu32,
                  user, remaining_ms, check_options.cooldown_ms);
}

/* `since` does not say of which history: after a loss a client that comes back
 * with a seq of the lost one is wrong until the next BEAT tells it by its
 * digest. */
bool check_view(const char *who, uint64_t seq, uint64_t hash, uint64_t doubt)
{
    if (check_was_view(seq, hash))
        return true;
    if (!check_gone.count || (doubt && world_now() - doubt > DOUBT))
        violation("view", "%s at seq %" PRIu64 " of %zu holds another board",
                  who, seq, check_true.count);
    return false;
}

/* The last history_lost of a log: from which seq on, and when. */
static uint64_t s_said_from, s_logged_at;

bool check_said_of(uint64_t seq, uint64_t since)
{
    return s_logged_at > since && s_said_from <= seq;
}

void check_said_clear(void)
{
    s_said_from = s_logged_at = 0;
}

void check_resync_lost(void)
{
    check_said_at = world_now();
}

void check_log(const process_t *process, const char *event, const char *line)
{
    if (scenario_forbids_log(event))
        violation("log", "%s says event=%s %s", process->name, event, line);
    /* The pixels of a mirror are never wrong, but after a loss. */
    if (!strcmp(event, "mirror_damaged") && !check_gone.count)
        violation("view", "%s says event=%s %s", process->name, event, line);
    const char *from = strstr(line, "from=");
    if (!strcmp(event, "history_lost")) {
        check_said_at = world_now();
        if (from) {
            s_logged_at = check_said_at;
            s_said_from = strtoull(from + strlen("from="), NULL, 10);
        }
    }
}

void check_clock_jumped(void)
{
    check_jumped_at = world_now();
}

bool check_is_blind(void)
{
    return check_jumped_at && world_now() - check_jumped_at < 60 * SECOND;
}
