/* SPDX-License-Identifier: Apache-2.0
 *
 * main() of every unit test program: runs the suites that suites.sh listed.
 * CK_FORK=no keeps them in one process, for debuggers.
 */
#include <check.h>
#include <stdlib.h>

extern Suite *(*const suites[])(void);

int main(void)
{
    SRunner *runner = srunner_create(suites[0]());
    for (size_t i = 1; suites[i]; i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
