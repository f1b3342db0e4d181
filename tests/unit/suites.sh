#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# suites.sh DIR FILE… - the C table of a directory's suites: test_board.c in
# tests/unit/common gives suite_common_board().
dir=$1
shift
echo '#include <check.h>'
for file; do
    name=$(basename "$file" .c)
    echo "Suite *suite_${dir}_${name#test_}(void);"
    calls="$calls suite_${dir}_${name#test_},"
done
echo "extern Suite *(*const suites[])(void);"
echo "Suite *(*const suites[])(void) = {$calls 0};"
