/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on the control channel that need no state: sending to a persister,
 * granting, answering a replay.
 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include "broker/parts.h"

/* Ends the mail. */
void control_send(const parts_t *parts, mail_t *mail);

/* A persister spoke. Borrowed; NULL if it is malformed or one too many. */
const persister_t *control_hear(parts_t *parts, mail_t *mail);
void control_tell(const parts_t *parts, const persister_t *to,
                  const void *bytes, size_t size);
/* A store that holds more than was ever committed here: once in the log. Only
 * who can commit knows that. */
void control_watch_ahead(parts_t *parts, const persister_t *persister);
/* Tells the persister where we are and whether it is the active one. */
void control_grant(parts_t *parts, const persister_t *persister);

/* Answers a CHAIN_ASK. */
void control_chain(const parts_t *parts, mail_t *mail);

/* Records from the log. If it no longer reaches back to what is asked they
 * begin at its first, so that the persister sees what is lost to it. */
void control_replay(const parts_t *parts, mail_t *mail);

#endif
