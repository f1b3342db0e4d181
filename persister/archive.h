/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that answers what may take long (past.h): a zactor with a store of
 * its own, so that look-ups never wait for it. Its owner sends it whole query
 * messages, an edge's identity and the question, and reads identity and PAGE
 * from the same socket; it holds the bound, ARCHIVE_MAX questions under way.
 */
#ifndef PERSISTER_ARCHIVE_H
#define PERSISTER_ARCHIVE_H

#include <czmq.h>

#define ARCHIVE_MAX 64

/* NULL where the URL is malformed; the text outlives the actor. */
zactor_t *archive_new(const char *store);

#endif
