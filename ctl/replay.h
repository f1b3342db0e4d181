/* SPDX-License-Identifier: Apache-2.0
 *
 * The board of any moment as a picture, and many of them as a film:
 *
 *     snapshot     the board --at a seq or a time, into --out
 *     timelapse    the boards --from one --to another, a --step apart
 *
 * Both read from an edge, --url.
 */
#ifndef CTL_REPLAY_H
#define CTL_REPLAY_H

#include "ctl/config.h"

/* True if the words are one of these verbs. */
bool replay_knows(char **words, int count);

/* Returns the exit code: 0; 1 if it failed, with a sentence on stderr; 2 if the
 * words are wrong. */
int replay_run(const ctl_config_t *config, char **words, int count);

#endif
