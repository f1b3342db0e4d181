/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a persister, and what leads from one to another: the picture of
 * persister.h as a table. Pure.
 */
#ifndef PERSISTER_COURSE_H
#define PERSISTER_COURSE_H

typedef enum {
    COURSE_IDLE,      /* another writes, or nobody leads */
    COURSE_OPENING,   /* granted; the store's state is being read */
    COURSE_ACTIVE,    /* records go from the leader into the store */
    COURSE_SEARCHING, /* for the seq at which store and leader parted */
    COURSE_CUTTING,   /* the store's losing end makes room */
    COURSE_STATES,
} course_t;

typedef enum {
    COURSE_GRANTED, /* by the leader, whose history may be the store's */
    COURSE_REFUSED, /* another is granted, or the grant ran out */
    COURSE_OPENED,  /* the store's state was read */
    COURSE_FORKED,  /* the leader's history is not the store's */
    COURSE_WINS,    /* the fork was found, and the leader's epoch is higher */
    COURSE_LOST,    /* it was not found, or the leader's does not win */
    COURSE_CUT,     /* the losing end is gone */
    COURSE_EVENTS,
} course_event_t;

/* The state behind an event; the same where it means nothing there. */
course_t course_next(course_t state, course_event_t event);

const char *course_word(course_t state);

#endif
