/* SPDX-License-Identifier: Apache-2.0
 *
 * What HTTP serves from memory: the page's files, the board's renderings, which
 * are made on the loop's thread pool, and what the store said lately.
 */
#ifndef EDGE_HTTP_CONTENT_H
#define EDGE_HTTP_CONTENT_H

#include "edge/edge.h"

struct exchange;

typedef struct content content_t;

/* NULL, with a line in the log, if web_dir is unusable. Needs config and
 * mirror; the rest of *edge at the first request. */
content_t *content_new(edge_t *edge);
void content_destroy(content_t **self_p);

/* Gives up jobs on the loop's threads, which its end would wait for. Safe on
 * NULL; call before server_destroy. */
void content_stop(content_t *self);

/* Gives an exchange what its handlers need. */
void content_equip(const content_t *self, struct exchange *exchange);

#endif
