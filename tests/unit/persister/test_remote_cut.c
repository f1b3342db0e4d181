/* SPDX-License-Identifier: Apache-2.0
 *
 * A cut that breaks off at every step there is, against a store in memory.
 */
#include "persister/remote_cut.h"

#include "common/mem.h"
#include "persister/journal_cursor.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_persister_remote_cut(void);

#define LAST 300u
#define FORK 117u
#define BLOBS 64

typedef struct {
    store_t base;
    remote_t remote;
    store_state_t known; /* to the process */
    store_state_t there;
    struct {
        char name[32];
        remote_mark_t mark;
    } marks[8];
    struct {
        int64_t chunk;
        uint64_t first, last;
        uint8_t *bytes;
        size_t size;
    } blobs[BLOBS];
    bool rows[LAST + 1];
    bool snapshot; /* one at LAST */
    size_t format_reads;
    size_t steps; /* calls that go well before the process dies */
} fake_t;

static fake_t fake;
static blob_codec_t *codec;

/* Every step that changes something costs one. */
static bool s_dies(void)
{
    if (!fake.steps)
        return true;
    fake.steps--;
    return false;
}

static store_result_t s_read_mark(void *self, const char *name,
                                  remote_mark_t *mark)
{
    (void)self;
    fake.format_reads += !strcmp(name, "format");
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(fake.marks[i].name, name) == 0) {
            *mark = fake.marks[i].mark;
            return STORE_OK;
        }
    }
    return STORE_NONE;
}

static store_result_t s_drop_mark(void *self, const char *name)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    for (size_t i = 0; i < 8; i++)
        if (strcmp(fake.marks[i].name, name) == 0)
            fake.marks[i].name[0] = '\0';
    return STORE_OK;
}

static store_result_t s_put_mark(void *self, const char *name,
                                 remote_mark_t mark)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    size_t at = 0;
    for (size_t i = 8; i-- > 0;)
        if (!fake.marks[i].name[0])
            at = i;
    for (size_t i = 0; i < 8; i++)
        if (strcmp(fake.marks[i].name, name) == 0)
            at = i;
    strncpy(fake.marks[at].name, name, sizeof fake.marks[at].name - 1);
    fake.marks[at].mark = mark;
    return STORE_OK;
}

static store_result_t s_blobs(void *self, int64_t chunk, uint64_t least,
                              uint64_t most, remote_blob_fn visit,
                              void *context)
{
    (void)self;
    for (uint64_t first = least; first <= most && first <= LAST; first++)
        for (size_t i = 0; i < BLOBS; i++)
            if (fake.blobs[i].bytes && fake.blobs[i].chunk == chunk &&
                fake.blobs[i].first == first &&
                !visit(context, fake.blobs[i].bytes, fake.blobs[i].size))
                return STORE_OK;
    return STORE_OK;
}

static void s_forget_blob(size_t i)
{
    free(fake.blobs[i].bytes);
    fake.blobs[i].bytes = NULL;
}

static store_result_t s_put_blob(void *self, int64_t chunk, uint64_t first,
                                 uint64_t last, const uint8_t *bytes,
                                 size_t size)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    size_t at = BLOBS;
    for (size_t i = BLOBS; i-- > 0;)
        if (!fake.blobs[i].bytes ||
            (fake.blobs[i].chunk == chunk && fake.blobs[i].first == first &&
             fake.blobs[i].last == last))
            at = i;
    ck_assert_uint_lt(at, BLOBS);
    s_forget_blob(at);
    fake.blobs[at].chunk = chunk;
    fake.blobs[at].first = first;
    fake.blobs[at].last = last;
    fake.blobs[at].bytes = mem_alloc(size);
    memcpy(fake.blobs[at].bytes, bytes, size);
    fake.blobs[at].size = size;
    return STORE_OK;
}

static store_result_t s_drop_blob(void *self, int64_t chunk, uint64_t first,
                                  uint64_t last)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    for (size_t i = 0; i < BLOBS; i++)
        if (fake.blobs[i].bytes && fake.blobs[i].chunk == chunk &&
            fake.blobs[i].first == first && fake.blobs[i].last == last)
            s_forget_blob(i);
    return STORE_OK;
}

static store_result_t s_drop_rows(void *self, const record_t *records,
                                  size_t count)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    for (size_t i = 0; i < count; i++) {
        fake.rows[records[i].seq] = false;
        if (s_dies()) /* in the middle */
            return STORE_RETRY;
    }
    return STORE_OK;
}

static store_result_t s_cut_snapshots(void *self, uint64_t after)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    fake.snapshot = fake.snapshot && LAST <= after;
    return STORE_OK;
}

static store_result_t s_read_state(void *self, store_state_t *state)
{
    (void)self;
    *state = fake.there;
    return STORE_OK;
}

static store_result_t s_put_state(void *self, store_state_t from,
                                  store_state_t to, bool *applied)
{
    (void)self;
    if (s_dies())
        return STORE_RETRY;
    *applied = fake.there.checkpoint == from.checkpoint &&
               fake.there.epoch == from.epoch;
    if (*applied)
        fake.there = to;
    return STORE_OK;
}

static char error[160];

static void s_fail(void *self, const char *why)
{
    (void)self;
    strncpy(error, why, sizeof error - 1);
}

static bool s_take(void *cursor, const uint8_t *bytes, size_t size)
{
    return journal_cursor_take(cursor, bytes, size);
}

static store_result_t s_scan(store_t *base, uint64_t from, uint64_t to,
                             store_scan_fn visit, void *context)
{
    journal_cursor_t cursor;
    journal_cursor_init(&cursor, codec, from, to, visit, context);
    s_blobs(base, 0, journal_cursor_least(&cursor), to, s_take, &cursor);
    store_result_t result =
        journal_cursor_result(&cursor, fake.known.checkpoint);
    journal_cursor_fini(&cursor);
    return result;
}

static store_result_t s_position(store_t *base, uint64_t at_most,
                                 position_t *position)
{
    return remote_position(&fake.remote, base, at_most, position);
}

static store_result_t s_no_snapshot(store_t *base, uint64_t at_most,
                                    store_snapshot_t *snapshot)
{
    (void)base;
    (void)at_most;
    (void)snapshot;
    return STORE_NONE;
}

static const remote_ops_t remote_ops = {
    .read_mark = s_read_mark,
    .put_mark = s_put_mark,
    .drop_mark = s_drop_mark,
    .blobs = s_blobs,
    .put_blob = s_put_blob,
    .drop_blob = s_drop_blob,
    .drop_rows = s_drop_rows,
    .cut_snapshots = s_cut_snapshots,
    .read_state = s_read_state,
    .put_state = s_put_state,
    .fail = s_fail,
};
static const store_ops_t store_ops = {
    .scan = s_scan,
    .position = s_position,
    .get_snapshot = s_no_snapshot,
};

static record_t s_record(uint64_t seq)
{
    return (record_t){.seq = seq, .user = seq * 3, .request = 9};
}

/* A process begins: it knows nothing but what is there. */
static void s_start(void)
{
    fake.base = (store_t){.ops = &store_ops};
    fake.remote = (remote_t){.ops = &remote_ops, .codec = codec};
    fake.known = (store_state_t){0};
}

static void s_setup(void)
{
    for (size_t i = 0; i < BLOBS; i++)
        s_forget_blob(i);
    memset(&fake, 0, sizeof fake);
    fake.steps = SIZE_MAX;
    s_start();
    record_t records[50];
    chain_t chain = chain_legacy_origin();
    for (uint64_t first = 1; first <= LAST; first += 50) {
        uint8_t bytes[8192];
        for (size_t i = 0; i < 50; i++) {
            records[i] = s_record(first + i);
            fake.rows[first + i] = true;
        }
        size_t size = blob_encode(codec, bytes, chain, records, 50);
        s_put_blob(NULL, 0, first, first + 49, bytes, size);
        chain = records_chain(chain, records, 50);
    }
    fake.there = (store_state_t){LAST, 4};
    fake.snapshot = true;
}

static void s_begin(void)
{
    codec = blob_codec_new();
}

static void s_end(void)
{
    for (size_t i = 0; i < BLOBS; i++)
        s_forget_blob(i);
    blob_codec_destroy(&codec);
}

static bool s_visit(void *context, const record_t *records, size_t count)
{
    uint64_t *next = context;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(records[i].seq, (*next)++);
        ck_assert_uint_eq(records[i].user, records[i].seq * 3);
    }
    return true;
}

static void s_assert_cut(void)
{
    ck_assert_uint_eq(fake.there.checkpoint, FORK);
    ck_assert_uint_eq(fake.there.epoch, 6);
    ck_assert(!fake.snapshot);
    for (uint64_t seq = 1; seq <= LAST; seq++)
        ck_assert(fake.rows[seq] == (seq <= FORK));
    fake.known = fake.there;
    uint64_t next = 1;
    ck_assert_int_eq(s_scan(&fake.base, 1, LAST, s_visit, &next), STORE_OK);
    ck_assert_uint_eq(next, FORK + 1);
    next = FORK + 1;
    ck_assert_int_eq(remote_replaced(&fake.remote, &fake.base, s_visit, &next),
                     STORE_OK);
    ck_assert_uint_eq(next, LAST + 1);
    remote_mark_t mark;
    ck_assert_int_eq(s_read_mark(NULL, "cut", &mark), STORE_NONE);
    ck_assert_int_eq(s_read_mark(NULL, "copied", &mark), STORE_NONE);
}

/* Opens, as a process that was started again does. What a cut that broke off
 * left is said to be cut already, since that is where it ends. */
static void s_reopen(void)
{
    s_start();
    ck_assert_int_eq(remote_open(&fake.remote, &fake.base, &fake.known),
                     STORE_OK);
    if (fake.remote.pending)
        ck_assert_uint_eq(fake.known.checkpoint, FORK);
}

START_TEST(a_cut_that_dies_at_any_step_is_ended_by_the_next)
{
    size_t dead = 0;
    for (size_t steps = 0;; steps++) {
        uint64_t cut;
        s_setup();
        s_reopen(); /* puts the format's mark */
        fake.steps = steps;
        store_result_t result =
            remote_cut(&fake.remote, &fake.base, &fake.known, FORK, 6, &cut);
        bool whole = result == STORE_OK;
        bool begun = result == STORE_OK || steps > 0;
        dead += result != STORE_OK;
        ck_assert_int_eq(fake.remote.pending, begun && result != STORE_OK);
        /* It dies once more on its way through. */
        fake.steps = steps / 2;
        s_reopen();
        result = remote_settle(&fake.remote, &fake.base, &fake.known);
        ck_assert_int_eq(fake.remote.pending, result != STORE_OK);
        fake.steps = SIZE_MAX;
        s_reopen();
        ck_assert_int_eq(remote_settle(&fake.remote, &fake.base, &fake.known),
                         STORE_OK);
        if (begun) {
            s_reopen();
            ck_assert(!fake.remote.pending);
            if (s_read_mark(NULL, "cut", &(remote_mark_t){0}) == STORE_OK)
                ck_assert_uint_ge(fake.there.epoch, 6); /* done with */
            s_drop_mark(NULL, "cut");
            s_drop_mark(NULL, "copied");
            s_assert_cut();
        } else {
            ck_assert_uint_eq(fake.there.checkpoint, LAST);
        }
        if (whole)
            break;
    }
    ck_assert_uint_gt(dead, 150);
}
END_TEST

START_TEST(a_newer_format_is_not_opened)
{
    s_setup();
    s_put_mark(NULL, "format", (remote_mark_t){STORE_FORMAT + 1, 0});
    ck_assert_int_eq(remote_open(&fake.remote, &fake.base, &fake.known),
                     STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(error, "upgrade"));
}
END_TEST

START_TEST(only_a_writer_marks_the_format)
{
    remote_mark_t mark;
    s_setup();
    fake.base.only_reads = true;
    ck_assert_int_eq(remote_open(&fake.remote, &fake.base, &fake.known),
                     STORE_OK);
    ck_assert_int_eq(s_read_mark(NULL, "format", &mark), STORE_NONE);
    s_reopen();
    ck_assert_int_eq(s_read_mark(NULL, "format", &mark), STORE_OK);
    ck_assert_uint_eq(mark.seq, STORE_FORMAT);
}
END_TEST

START_TEST(the_format_is_looked_at_until_it_is_known)
{
    store_state_t state;
    s_setup();
    s_start();
    fake.steps = 0; /* the mark cannot be put */
    ck_assert_int_eq(remote_open(&fake.remote, &fake.base, &state),
                     STORE_RETRY);
    fake.steps = SIZE_MAX;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(remote_open(&fake.remote, &fake.base, &state),
                         STORE_OK);
    ck_assert_uint_eq(fake.format_reads, 2);
}
END_TEST

Suite *suite_persister_remote_cut(void)
{
    Suite *suite = suite_create("persister/remote_cut");
    TCase *facts = tcase_create("facts");
    tcase_set_timeout(facts, 60);
    tcase_add_checked_fixture(facts, s_begin, s_end);
    tcase_add_test(facts, a_cut_that_dies_at_any_step_is_ended_by_the_next);
    tcase_add_test(facts, a_newer_format_is_not_opened);
    tcase_add_test(facts, only_a_writer_marks_the_format);
    tcase_add_test(facts, the_format_is_looked_at_until_it_is_known);
    suite_add_tcase(suite, facts);
    return suite;
}
