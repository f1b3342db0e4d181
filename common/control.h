/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator did, as a part of the history: a run of records (record.h)
 * that stand in one commit. So an action has a seq (its last record's), a place
 * in the chain, is fenced, written once, replayed, restored and exported as
 * placements are.
 *
 * Each record of a run carries 14 bytes of the action in `user`, `request`,
 * `color` and `previous_color`, has x = y = 65535, which no board has, and says
 * in its flags' high byte how many follow. The bytes:
 *
 *     verb u8 · rank u8 · has u8 · request u32 · operator u64 · user u64 ·
 *     from_ms u64 · until_ms u64 · x0, y0, x1, y1 u16 · upto u64 ·
 *     text, to the end
 *
 * Numbers that do not count are 0; those that need not be known to a reader who
 * is older stand behind the ones that he reads.
 */
#ifndef COMMON_CONTROL_H
#define COMMON_CONTROL_H

#include "common/cursor.h"
#include "common/rank.h"
#include "common/record.h"

#define CONTROL_TEXT_MAX 500
#define CONTROL_PART_BYTES 14
#define CONTROL_HEAD_BYTES 55
/* Records of the longest action. */
#define CONTROL_RECORDS_MAX                                                    \
    ((CONTROL_HEAD_BYTES + CONTROL_TEXT_MAX + CONTROL_PART_BYTES - 1) /        \
     CONTROL_PART_BYTES)
/* As x and y. */
#define CONTROL_NOWHERE 65535

/* Numbers are kept for ever: they stand in stores. */
typedef enum {
    CONTROL_NONE = 0,
    CONTROL_BAN = 1,
    CONTROL_UNBAN = 2,
    CONTROL_PROTECT = 3,
    CONTROL_UNPROTECT = 4,
    CONTROL_LOCK = 5,
    CONTROL_UNLOCK = 6,
    CONTROL_NOTICE = 7,
    CONTROL_ROLLBACK = 8,
    CONTROL_RESTORE = 9,  /* takes a rollback back */
    CONTROL_REFUSED = 10, /* somebody tried what their role may not */
    CONTROL_DONE = 11, /* of a rollback or its undoing: the last pixel stands */
    CONTROL_SET = 12,  /* of a setting of the canvas; its text: old and new */
    CONTROL_VERBS
} control_verb_t;

/* Which placements: all that fit what is set. */
typedef struct {
    uint64_t user;              /* counts if HAS_USER */
    uint64_t from_ms, until_ms; /* both within; HAS_TIME */
    uint16_t x0, y0, x1, y1;    /* both corners within; HAS_BOX */
    uint64_t upto;              /* seq, the last that is meant */
    uint8_t has;
} selection_t;

enum {
    HAS_USER = 1,
    HAS_BOX = 2,
    HAS_TIME = 4,
    /* Of a ROLLBACK or RESTORE: its pixels do not all stand in its own commit;
     * more follow, until a DONE. */
    HAS_OPEN = 8,
    HAS_RESTORING = 16, /* of a rollback that holds no more, but is open */
};

typedef struct {
    uint64_t seq;   /* of its last record */
    uint64_t at_ms; /* since 1970 */
    control_verb_t verb;
    rank_t rank;      /* of the operator, then */
    uint64_t by;      /* who did it, as a user */
    uint32_t request; /* the operator's own number for it; 0: none */
    /* BAN, UNBAN: of.user; BAN: of.until_ms (0: for ever). PROTECT, UNPROTECT:
     * the box. ROLLBACK: what is taken back. RESTORE: of.upto is the seq of the
     * rollback that is taken back itself, DONE: the same. REFUSED: of.upto is
     * the verb. */
    selection_t of;
    char text[CONTROL_TEXT_MAX + 1]; /* reason or notice; UTF-8 */
} control_t;

/* "ban", "unban" … */
const char *control_word(control_verb_t verb);
/* CONTROL_NONE if there is no such verb. */
control_verb_t control_of_word(const char *word);

bool selection_has(const selection_t *self, const record_t *record);

/* user u64 · from_ms u64 · until_ms u64 · x0, y0, x1, y1 u16 · upto u64 */
#define SELECTION_BYTES 40
void selection_write(writer_t *w, const selection_t *self);
/* All but `has`. */
selection_t selection_read(reader_t *r);

/* The run of an action that begins at `first_seq`, into `records`, which holds
 * CONTROL_RECORDS_MAX. Returns how many; the action's seq is the last one's. */
size_t control_records(const control_t *self, uint64_t first_seq,
                       record_t *records);

/* A run while it is read, record by record. All zero: nothing is read. */
typedef struct {
    uint8_t bytes[CONTROL_RECORDS_MAX * CONTROL_PART_BYTES];
    size_t size;
    uint8_t left;       /* records that are to come */
    uint64_t first_seq; /* of the run */
} control_reader_t;

/* Takes a control record. True if an action is whole now, and in *control. A
 * run whose start was not read, and one that is malformed, are passed over. */
bool control_read(control_reader_t *self, const record_t *record,
                  control_t *control);

#endif
