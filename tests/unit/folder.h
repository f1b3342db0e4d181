/* SPDX-License-Identifier: Apache-2.0
 *
 * A temporary folder for a test that needs files: below $TMPDIR, which
 * tests/mutation/run puts into memory, or else below /tmp.
 */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Creates it and writes its path into the size bytes at folder. The test
 * removes it. */
static inline void s_new_folder(char *folder, size_t size, const char *name)
{
    const char *below = getenv("TMPDIR");
    snprintf(folder, size, "%s/stipple-%s-XXXXXX", below ? below : "/tmp",
             name);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

#endif
