/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/config.h"

#include "tests/unit/documented.h"

Suite *suite_persister_config(void);

START_TEST(settings_are_those_of_the_manual)
{
    persister_config_t config = {0};
    s_settings_are_documented(&persister_settings, &config);
}
END_TEST

Suite *suite_persister_config(void)
{
    Suite *suite = suite_create("persister/config");
    TCase *all = tcase_create("all");
    tcase_add_test(all, settings_are_those_of_the_manual);
    suite_add_tcase(suite, all);
    return suite;
}
