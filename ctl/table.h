/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of the leader as lines for people.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <jansson.h>

/* "done, seq 4711". */
void table_done(const json_t *answer);
/* What a rollback did, or would do. */
void table_rollback(const json_t *answer);
/* Which hold. */
void table_rollbacks(const json_t *answer);
/* Those that wait for a second person. */
void table_proposals(const json_t *answer);
/* Who is banned; which boxes are protected. */
void table_bans(const json_t *answer);
void table_regions(const json_t *answer);
/* Who placed what; what operators did. */
void table_placements(const json_t *answer);
void table_actions(const json_t *answer);

#endif
