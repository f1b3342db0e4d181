/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixture of the contract that every store has to keep (store.h).
 * STIPPLE_TEST_STORE names the store; %s in it stands for a name that no other
 * test uses:
 *
 *     STIPPLE_TEST_STORE='dynamodb:%s?endpoint=http://127.0.0.1:8000' \
 *         CK_INCLUDE_TAGS=contract build/tests/unit-persister
 *
 * Without it: SQLite in a temporary folder.
 */
#ifndef TESTS_PERSISTER_CONTRACT_H
#define TESTS_PERSISTER_CONTRACT_H

#include "common/board.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/store.h"

#include "tests/unit/folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_MS UINT64_C(1650000000000)

static char folder[128];
static char url[512];
static store_t *store; /* of the test, open */

static inline void s_new_url(void)
{
    const char *wanted = getenv("STIPPLE_TEST_STORE");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char name[64];
    snprintf(name, sizeof name, "t%ld_%lx", (long)getpid(),
             (unsigned long)now.tv_nsec);
    if (!wanted) {
        s_new_folder(folder, sizeof folder, "contract");
        snprintf(url, sizeof url, "sqlite:%s/history.db", folder);
        return;
    }
    const char *place = strstr(wanted, "%s");
    ck_assert_msg(place, "STIPPLE_TEST_STORE has no %%s");
    snprintf(url, sizeof url, "%.*s%s%s", (int)(place - wanted), wanted, name,
             place + 2);
}

static inline store_t *s_open(store_state_t *state)
{
    store_state_t ignored;
    store_t *made = store_new(url);
    ck_assert(made);
    store_result_t result = store_open(made, state ? state : &ignored, NULL);
    ck_assert_msg(result == STORE_OK, "%s", made->ops->error(made));
    return made;
}

static inline void setup(void)
{
    log_init("contract", LEVEL_WARN);
    s_new_url();
    store_t *maker = store_new(url);
    ck_assert(maker);
    store_result_t result = maker->ops->create_tables(maker);
    ck_assert_msg(result == STORE_OK, "%s", maker->ops->error(maker));
    store_destroy(&maker);
    store = s_open(NULL);
}

static inline void teardown(void)
{
    store_destroy(&store);
    if (getenv("STIPPLE_TEST_STORE"))
        return;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s%s", url + strlen("sqlite:"), ends[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* The record of a seq, in all its fields; few pixels and users, so that each
 * has many. */
static inline record_t s_record(uint64_t seq)
{
    uint32_t mixed = fmix32((uint32_t)seq + 1);
    return (record_t){
        .seq = seq,
        .placed_at_ms = START_MS + seq * 7,
        .user = UINT64_C(0x9E3779B97F4A7C15) * (mixed % 23 + 1),
        .request = mixed,
        .x = (uint16_t)(mixed >> 8 & 7) * 9000,
        .y = (uint16_t)(mixed >> 16 & 7),
        .color = (uint8_t)(seq % 16),
        .previous_color = (uint8_t)(mixed >> 24 & 15),
        .flags = seq % 5 ? 0 : RECORD_KEYLESS,
    };
}

static inline store_result_t s_write_by(store_t *by, uint64_t first,
                                        uint64_t last, uint32_t epoch)
{
    size_t count = last - first + 1;
    record_t *records = mem_alloc(count * sizeof *records);
    for (size_t i = 0; i < count; i++)
        records[i] = s_record(first + i);
    store_result_t result =
        store_write(by, CHAIN_UNKNOWN, records, count, epoch);
    free(records);
    return result;
}

static inline void s_write(uint64_t first, uint64_t last)
{
    store_result_t result = s_write_by(store, first, last, 1);
    ck_assert_msg(result == STORE_OK, "%s", store->ops->error(store));
}

static inline Suite *contract_suite(const char *name, const TTest *const *facts,
                                    size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create("facts");
    tcase_set_tags(tcase, "contract");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, facts[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}

#endif
