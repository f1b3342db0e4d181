/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h.
 */
#include "tests/sim/check_parts.h"

#include "tests/sim/bus.h"
#include "tests/sim/disk.h"
#include "tests/sim/redis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define META "{stipple}:meta"
/* Whoever was out of reach within that before a loss is no witness. */
#define REACH (6 * SECOND)
#define SAY_WITHIN (20 * SECOND)

bool check_allows_late;
check_options_t check_options;
commits_t check_true, check_gone; /* the history by seq - 1; what it lost */
user_t check_users[USERS_MAX];
uint64_t check_told; /* acknowledgements */
uint64_t check_lost_told, check_said_at, check_jumped_at;

static uint8_t s_board[BOARD_PIXELS];
static const process_t *s_writer;
static uint64_t s_writer_life;
static uint64_t s_epoch, s_epoch_life, s_epoch_at;
static uint64_t s_lost_at, s_unsaid;
static uint64_t s_replaced_at, s_unreached_at[PROCESSES_MAX];

uint64_t view_hash_pixel(unsigned index, unsigned color)
{
    uint64_t z = (uint64_t)(index * 256 + color + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return color ? z ^ z >> 31 : 0;
}

uint64_t user_identity(unsigned user)
{
    return IDENTITY + user;
}

uint64_t check_seq(void)
{
    return check_true.count;
}

uint64_t check_acks(void)
{
    return check_told;
}

uint64_t check_unsaid(void)
{
    return s_unsaid;
}

uint64_t check_lost(void)
{
    return check_lost_told;
}

/* ---- the true history ------------------------------------------------- */

static commit_t *s_add(commits_t *list)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 1024;
        list->at = realloc(list->at, list->room * sizeof *list->at);
    }
    return &list->at[list->count++];
}

commit_t *check_commit(uint64_t seq)
{
    return seq && seq <= check_true.count ? &check_true.at[seq - 1] : NULL;
}

bool record_same(const record_t *a, const record_t *b)
{
    return a->seq == b->seq && a->user == b->user && a->request == b->request &&
           a->x == b->x && a->y == b->y && a->color == b->color &&
           a->previous_color == b->previous_color &&
           a->placed_at_ms == b->placed_at_ms && a->flags == b->flags;
}

static user_t *s_user(const record_t *record)
{
    uint64_t user = record->user - IDENTITY;
    if (user >= USERS_MAX || record->request >= REQUESTS_MAX)
        violation("order",
                  "seq %" PRIu64 " is of nobody: user %016" PRIx64
                  " request %" PRIu32,
                  record->seq, record->user, record->request);
    return &check_users[user];
}

static void s_check_cooldown(user_t *user, const record_t *record)
{
    uint64_t tolerance = s_writer == user->last_writer
                             ? 0
                             : 2 * check_options.clock_error_ms + 1;
    if (user->last_at && !user->last_blind && !check_is_blind() &&
        record->placed_at_ms + tolerance <
            user->last_placed_ms + check_options.cooldown_ms)
        violation("cooldown",
                  "user %u placed at seq %" PRIu64 " %" PRId64
                  " ms after the one before, cooldown %" PRIu32 " ms",
                  (unsigned)(record->user - IDENTITY), record->seq,
                  (int64_t)(record->placed_at_ms - user->last_placed_ms),
                  check_options.cooldown_ms);
}

static void s_append_players(const record_t *record)
{
    user_t *user = s_user(record);
    trace("commit seq=%" PRIu64 " client%u request=%" PRIu32 " by=%s",
          record->seq, (unsigned)(record->user - IDENTITY), record->request,
          s_writer ? s_writer->name : "");
    bool late = user->last_request != record->request;
    if (user->seqs[record->request] && !(late && check_allows_late))
        violation("once",
                  "user %u request %" PRIu32 " is at seq %" PRIu64
                  " and again at %" PRIu64,
                  (unsigned)(record->user - IDENTITY), record->request,
                  user->seqs[record->request], record->seq);
    if (user->refused[record->request])
        violation("once",
                  "user %u request %" PRIu32 " was refused and is at %" PRIu64,
                  (unsigned)(record->user - IDENTITY), record->request,
                  record->seq);
    s_check_cooldown(user, record);
    user->seqs[record->request] = record->seq;
    user->last_at = world_now();
    user->last_placed_ms = record->placed_at_ms;
    user->last_blind = check_is_blind();
    user->last_request = record->request;
    user->last_writer = s_writer;
}

/* Returns what it makes of the board's hash. */
static uint64_t s_set_pixel(const record_t *record)
{
    unsigned index = record->y * BOARD_SIDE + record->x;
    if (index >= BOARD_PIXELS || record->previous_color != s_board[index])
        violation("order", "seq %" PRIu64 " says %u was there, it was %u",
                  record->seq, record->previous_color,
                  index < BOARD_PIXELS ? s_board[index] : 0);
    s_board[index] = record->color;
    return view_hash_pixel(index, record->previous_color) ^
           view_hash_pixel(index, record->color);
}

static void s_append(const record_t *record)
{
    commit_t commit = {.record = *record,
                       .at = world_now(),
                       .writer = s_writer,
                       .blind = check_is_blind(),
                       .life = s_writer_life};
    if (check_true.count)
        commit.hash = check_true.at[check_true.count - 1].hash;
    if (record_is_players(record))
        s_append_players(record);
    if (!record_is_control(record))
        commit.hash ^= s_set_pixel(record);
    check_policy_append(&commit);
    *s_add(&check_true) = commit;
}

/* ---- losing ----------------------------------------------------------- */

static bool s_reached(const process_t *process)
{
    uint64_t since = s_replaced_at > REACH ? s_replaced_at - REACH : 0;
    if (world_now() > REACH && world_now() - REACH > since)
        since = world_now() - REACH;
    return process_runs(process) && s_unreached_at[process->number] < since &&
           process->born + REACH < world_now();
}

/* Who could have told: a leader that acknowledged it and lives, or the store
 * through a living persister. */
static const char *s_witness(const commit_t *commit)
{
    const record_t *stored = disk_record(commit->record.seq);
    if (commit->writer && commit->writer->life == commit->life &&
        s_reached(commit->writer))
        return commit->writer->name;
    if (!stored || !record_same(stored, &commit->record))
        return NULL;
    for (unsigned i = 0; i < process_count; i++)
        if (processes[i].kind == KIND_PERSISTER && s_reached(&processes[i]))
            return "the store";
    return NULL;
}

/* What was lost then, and nobody has spoken of: an edge that passed one of the
 * acknowledgements on and is there still has to have told. */
static void s_check_silence(uint64_t lost_at)
{
    for (size_t i = check_gone.count; i--;) {
        const commit_t *lost = &check_gone.at[i];
        const process_t *edge = lost->edge;
        if (lost->acked && lost->lost_at == lost_at && edge &&
            edge->life == lost->edge_life && process_runs(edge) &&
            s_unreached_at[edge->number] + REACH < world_now())
            violation("lost",
                      "seq %" PRIu64 " is lost, and nobody says so, though %s "
                      "told that it was accepted",
                      lost->record.seq, edge->name);
    }
    s_unsaid++;
    trace("unsaid: nobody in reach knows what was lost");
}

static void s_on_say_due(void *object, uint64_t lost_at, uint64_t first)
{
    (void)object;
    if (s_lost_at == lost_at && check_said_at + SECOND < lost_at &&
        !check_said_of(first, s_replaced_at))
        s_check_silence(lost_at);
}

static void s_lose(commit_t *commit, uint64_t from)
{
    const char *witness = s_witness(commit);
    user_t *user =
        record_is_players(&commit->record) ? s_user(&commit->record) : NULL;
    if (witness && commit->acked)
        violation("lost",
                  "seq %" PRIu64
                  " was acknowledged and is given anew from %" PRIu64
                  ", though %s knows it",
                  commit->record.seq, from, witness);
    if (user && user->seqs[commit->record.request] == commit->record.seq)
        user->seqs[commit->record.request] = 0;
    commit->kept = witness;
    commit->lost_at = world_now();
    *s_add(&check_gone) = *commit;
    if (!commit->acked)
        return;
    check_lost_told++;
    s_lost_at = world_now();
}

/* The history ends before `from`, or goes another way from there on. */
static void s_cut(uint64_t from)
{
    trace("fork at=%" PRIu64 " tip=%zu", from, check_true.count);
    for (size_t i = from - 1; i < check_true.count; i++)
        s_lose(&check_true.at[i], from);
    check_true.count = from - 1;
    memset(s_board, 0, sizeof s_board);
    for (unsigned i = 0; i < USERS_MAX; i++)
        check_users[i].last_at = 0;
    for (size_t i = 0; i < check_true.count; i++) {
        const record_t *r = &check_true.at[i].record;
        if (!record_is_control(r))
            s_board[r->y * BOARD_SIDE + r->x] = r->color;
        if (!record_is_players(r))
            continue;
        user_t *user = s_user(r);
        user->last_at = check_true.at[i].at;
        user->last_placed_ms = r->placed_at_ms;
        user->last_request = r->request;
        user->last_blind = check_true.at[i].blind;
        user->last_writer = check_true.at[i].writer;
    }
    check_policy_recall();
}

static void s_fork(const record_t *record)
{
    uint64_t before = check_lost_told;
    s_cut(record->seq);
    if (check_lost_told != before)
        world_at(world_now() + SAY_WITHIN, s_on_say_due, NULL, s_lost_at,
                 record->seq);
}

void check_settle(void)
{
    uint64_t before = check_lost_told;
    uint64_t at = db_number(redis_db(redis_primary()), META, "seq");
    if (at >= check_true.count)
        return;
    s_cut(at + 1);
    if (check_lost_told != before && check_said_at < s_replaced_at)
        s_check_silence(s_lost_at);
}

const process_t *redis_leader(void)
{
    return check_true.count ? check_true.at[check_true.count - 1].writer : NULL;
}

/* ---- Redis ------------------------------------------------------------ */

void check_writer(const process_t *process, uint64_t life)
{
    s_writer = process;
    s_writer_life = life;
}

/* Whether any process, even a frozen one, has lived since then. */
static bool s_somebody_lived(uint64_t since)
{
    for (unsigned i = 0; i < process_count; i++)
        if (processes[i].up && processes[i].born < since)
            return true;
    return false;
}

/* An epoch is above all that any living process may know. Where everybody died
 * and Redis forgot, an older number may come again, but for the last one. */
static void s_check_epoch(const db_t *db, uint64_t seq)
{
    uint64_t epoch = db_number(db, META, "epoch");
    uint64_t life = s_writer ? s_writer_life * 100 + s_writer->number : 0;
    if (epoch < s_epoch && s_somebody_lived(s_epoch_at))
        violation("order",
                  "seq %" PRIu64 " is committed in epoch %" PRIu64
                  " after epoch %" PRIu64,
                  seq, epoch, s_epoch);
    if (epoch == s_epoch && life != s_epoch_life)
        violation("order", "two leaders commit in epoch %" PRIu64, epoch);
    s_epoch = epoch;
    s_epoch_life = life;
    s_epoch_at = world_now();
}

static void s_take(const db_t *db, const record_t *record)
{
    const commit_t *commit = check_commit(record->seq);
    if (commit && record_same(&commit->record, record))
        return; /* a repair */
    if (record->seq > check_true.count + 1)
        violation("order", "seq %" PRIu64 " follows %zu", record->seq,
                  check_true.count);
    if (commit)
        s_fork(record);
    s_check_epoch(db, record->seq);
    s_append(record);
}

/* XADD key id field value … */
static void s_on_entry(const db_t *db, const word_t *words, size_t count)
{
    for (size_t i = 3; i + 1 < count; i += 2) {
        if (words[i].size != 1 || *words[i].bytes != 'r')
            continue;
        const uint8_t *bytes = (const uint8_t *)words[i + 1].bytes;
        for (size_t at = 0; at + RECORD_BYTES <= words[i + 1].size;
             at += RECORD_BYTES) {
            record_t record = record_decode(bytes + at);
            s_take(db, &record);
        }
    }
    check_policy_settle(s_board);
}

void check_redis(unsigned redis)
{
    (void)redis;
}

void check_redis_replaced(unsigned redis)
{
    (void)redis;
    s_replaced_at = world_now();
}

void check_store_replaced(void)
{
    s_replaced_at = world_now();
}

/* ---- reach ------------------------------------------------------------ */

static void s_on_look(void *object, uint64_t a, uint64_t b)
{
    (void)object, (void)a, (void)b;
    for (unsigned i = 0; i < process_count; i++) {
        bool cut = false;
        for (unsigned k = 0; k < HOSTS_MAX; k++)
            cut |= net_is_cut(i, k) || net_is_cut(k, i);
        if (cut || !process_runs(&processes[i]))
            s_unreached_at[i] = world_now();
    }
    world_at(world_now() + SECOND / 10, s_on_look, NULL, 0, 0);
}

/* ---- a run's begin --------------------------------------------------- */

static void s_clear_users(void)
{
    for (unsigned i = 0; i < USERS_MAX; i++) {
        user_t *user = &check_users[i];
        uint64_t *seqs =
            user->seqs ? user->seqs : malloc(REQUESTS_MAX * sizeof *seqs);
        bool *refused = user->refused ? user->refused : malloc(REQUESTS_MAX);
        memset(seqs, 0, REQUESTS_MAX * sizeof *seqs);
        memset(refused, 0, REQUESTS_MAX);
        *user = (user_t){.seqs = seqs, .refused = refused};
    }
}

void check_reset(const check_options_t *options)
{
    check_options = *options;
    check_true.count = check_gone.count = 0;
    s_clear_users();
    memset(s_board, 0, sizeof s_board);
    memset(s_unreached_at, 0, sizeof s_unreached_at);
    s_writer = NULL;
    s_epoch = s_epoch_life = check_told = check_lost_told = 0;
    check_said_at = s_lost_at = check_jumped_at = s_replaced_at = 0;
    check_said_clear();
    check_policy_reset();
    on_db_entry = s_on_entry;
    s_on_look(NULL, 0, 0);
}
