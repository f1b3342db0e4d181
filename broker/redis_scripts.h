/* SPDX-License-Identifier: Apache-2.0
 *
 * Every write to Redis is one of these scripts, each atomic and fenced. Their
 * keys stand in this order: meta, log, board, lease, log.next, claims,
 * board.next.
 */
#ifndef BROKER_REDIS_SCRIPTS_H
#define BROKER_REDIS_SCRIPTS_H

typedef enum {
    SCRIPT_LEAD,
    SCRIPT_RENEW,
    SCRIPT_RELEASE,
    SCRIPT_VOUCH,
    SCRIPT_FOLLOW,
    SCRIPT_COMMIT,
    SCRIPT_PUT_LOG,
    SCRIPT_PUT_PART,
    SCRIPT_PUT_BOARD,
    SCRIPT_TRIM,
    SCRIPT_CANVAS,
    SCRIPTS
} redis_script_t;

extern const char *const redis_scripts[SCRIPTS];

#endif
