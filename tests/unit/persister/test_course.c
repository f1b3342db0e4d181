/* SPDX-License-Identifier: Apache-2.0
 *
 * Every state with every event.
 */
#include "persister/course.h"

#include <check.h>

Suite *suite_persister_course(void);

/* One line per state, one letter per event: granted, refused, opened, forked,
 * wins, lost, cut. */
static const char *const wanted[COURSE_STATES] = {
    [COURSE_IDLE] = "oiisiii",    [COURSE_OPENING] = "oiaoooo",
    [COURSE_ACTIVE] = "aiasaaa",  [COURSE_SEARCHING] = "sisscis",
    [COURSE_CUTTING] = "cicccca",
};

START_TEST(every_state_goes_where_the_picture_says)
{
    static const char letters[] = "ioasc";
    for (int state = 0; state < COURSE_STATES; state++)
        for (int event = 0; event < COURSE_EVENTS; event++)
            ck_assert_msg(letters[course_next(state, event)] ==
                              wanted[state][event],
                          "%s, event %d", course_word(state), event);
}
END_TEST

/* Nothing but ACTIVE writes, so nothing may come there but by an opened store
 * or a finished cut. */
START_TEST(only_an_opened_or_cut_store_is_written)
{
    for (int state = 0; state < COURSE_STATES; state++)
        for (int event = 0; event < COURSE_EVENTS; event++)
            if (state != COURSE_ACTIVE &&
                course_next(state, event) == COURSE_ACTIVE)
                ck_assert(event == COURSE_OPENED || event == COURSE_CUT);
}
END_TEST

Suite *suite_persister_course(void)
{
    Suite *suite = suite_create("persister/course");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, every_state_goes_where_the_picture_says);
    tcase_add_test(facts, only_an_opened_or_cut_store_is_written);
    suite_add_tcase(suite, facts);
    return suite;
}
