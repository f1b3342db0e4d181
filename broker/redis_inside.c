/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_inside.h.
 */
#include "broker/redis_inside.h"

#include "broker/redis_reply.h"
#include "common/log.h"

#include <hiredis/hiredis.h>

void redis_script(redis_t *self, redis_command_t *command,
                  redis_script_t script)
{
    command->count = 0;
    redis_command_text(command, "EVALSHA");
    redis_command_text(command, self->sha[script]);
    redis_command_number(command, REDIS_KEYS);
    for (int i = 0; i < REDIS_KEYS; i++)
        redis_command_text(command, self->keys[i]);
}

void redis_send(redis_t *self, redis_reply_fn on_reply,
                const redis_command_t *command)
{
    redis_link_call(self->link, on_reply, self->term, command->count,
                    (const char **)command->words, command->sizes);
}

void redis_set_full(redis_t *self, bool full, const char *why)
{
    char quoted[256];
    if (full && !self->ledger.full)
        log_error("redis_full", "error=%s",
                  log_quote(quoted, sizeof quoted, why));
    else if (!full && self->ledger.full)
        log_info("redis_has_room", "%s", "");
    self->ledger.full = full;
}

bool redis_counts(redis_t *self, uint64_t term, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        if (redis_reply_full(reply))
            redis_set_full(self, true, reply->str);
        redis_link_drop(self->link, reply->str);
        return false;
    }
    return term == self->term;
}
