/* SPDX-License-Identifier: Apache-2.0
 *
 * An action of moderators as JSON, as the audit and webhooks show it
 * (docs/bus.md, What operators look up).
 */
#ifndef PERSISTER_ACTION_JSON_H
#define PERSISTER_ACTION_JSON_H

#include "common/control.h"
#include "persister/json_text.h"

/* ,"name":number and ,"name":"16 hex digits" */
void action_json_member(json_text_t *text, const char *name, uint64_t number);
void action_json_user(json_text_t *text, const char *name, uint64_t user);

/* The members of an action without their braces; what does not count is left
 * out. */
void action_json_put(json_text_t *text, const control_t *action);

#endif
