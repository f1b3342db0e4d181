/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments of the scripts that write history, behind their keys; see
 * redis_scripts.c for their order.
 */
#ifndef BROKER_REDIS_WRITE_H
#define BROKER_REDIS_WRITE_H

#include "broker/ledger.h"
#include "broker/redis_command.h"

void redis_write_commit(redis_command_t *self, uint32_t epoch,
                        const batch_t *batch, uint32_t digest,
                        const uint8_t *policy, size_t policy_size);
/* Returns the seq that comes next. */
uint64_t redis_write_log(redis_command_t *self, uint32_t epoch, bool first,
                         const history_t *history, uint64_t from);
/* The board's bytes from `from` on, `most` of them; returns where they end. */
size_t redis_write_part(redis_command_t *self, const ledger_put_t *put,
                        size_t from, size_t most);
/* `json` has CANVAS_JSON_MAX bytes and is borrowed until the command is sent.
 */
void redis_write_board(redis_command_t *self, const ledger_put_t *put,
                       char *json);

#endif
