/* SPDX-License-Identifier: Apache-2.0
 *
 * What a moderator says on the command line, as the request that the leader
 * understands (docs/bus.md, Moderation).
 */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include "ctl/config.h"

#include <jansson.h>
#include <stdint.h>

/* Each gives the members of one verb, or NULL and a sentence on stderr. `words`
 * are the verb's arguments. */
json_t *request_none(const ctl_config_t *config, char **words);
json_t *request_user(const ctl_config_t *config, char **words);
json_t *request_box(const ctl_config_t *config, char **words);
json_t *request_text(const ctl_config_t *config, char **words);
json_t *request_who(const ctl_config_t *config, char **words);
json_t *request_placements_of(const ctl_config_t *config, char **words);
json_t *request_search(const ctl_config_t *config, char **words);
json_t *request_rollback(const ctl_config_t *config, char **words);
json_t *request_approve(const ctl_config_t *config, char **words);
json_t *request_audit(const ctl_config_t *config, char **words);

/* "1797828677000" (ms since 1970), "2026-11-29T02:00:00Z", "-2h" (ago), "30m"
 * (from now; s, m, h or d). -1 if it is none. */
int request_time(const char *text, uint64_t now_ms, uint64_t *time_ms);

#endif
