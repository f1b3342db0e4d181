/* SPDX-License-Identifier: Apache-2.0
 *
 * See course.h.
 */
#include "persister/course.h"

#include <assert.h>

#define IDLE COURSE_IDLE
#define OPENING COURSE_OPENING
#define ACTIVE COURSE_ACTIVE
#define SEARCHING COURSE_SEARCHING
#define CUTTING COURSE_CUTTING

/* clang-format off */
static const course_t table[COURSE_STATES][COURSE_EVENTS] = {
    /*              granted    refused  opened     forked     wins       lost       cut */
    [IDLE]      = { OPENING,   IDLE,    IDLE,      SEARCHING, IDLE,      IDLE,      IDLE },
    [OPENING]   = { OPENING,   IDLE,    ACTIVE,    OPENING,   OPENING,   OPENING,   OPENING },
    [ACTIVE]    = { ACTIVE,    IDLE,    ACTIVE,    SEARCHING, ACTIVE,    ACTIVE,    ACTIVE },
    [SEARCHING] = { SEARCHING, IDLE,    SEARCHING, SEARCHING, CUTTING,   IDLE,      SEARCHING },
    [CUTTING]   = { CUTTING,   IDLE,    CUTTING,   CUTTING,   CUTTING,   CUTTING,   ACTIVE },
};
/* clang-format on */

course_t course_next(course_t state, course_event_t event)
{
    assert((unsigned)state < COURSE_STATES);
    assert((unsigned)event < COURSE_EVENTS);
    return table[state][event];
}

const char *course_word(course_t state)
{
    static const char *const words[COURSE_STATES] = {
        "idle", "opening", "active", "searching", "cutting"};
    assert((unsigned)state < COURSE_STATES);
    return words[state];
}
