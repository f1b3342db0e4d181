/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to the leader through an edge or a load balancer: the same request as
 * over the bus, by /api/v1/admin/ (docs/protocol.md), with a moderator's token.
 */
#ifndef CTL_WEB_H
#define CTL_WEB_H

#include "ctl/brokers.h"
#include "ctl/config.h"

/* Stands in for the brokers: one, which is the URL. */
void web_open(brokers_t *self, const char *url);

/* Puts the request to config->url with the token of config->token_file; the
 * answer is as a broker's. -1, with a sentence on stderr, if there is no token
 * in the file. */
int web_ask(brokers_t *self, const ctl_config_t *config, const json_t *request);

/* Whether a token that goes there can be read on the way: over plain http to
 * another machine. */
bool web_is_open(const char *url);

#endif
