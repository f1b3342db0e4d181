/* SPDX-License-Identifier: Apache-2.0
 *
 * stipplectl's settings.
 */
#ifndef CTL_CONFIG_H
#define CTL_CONFIG_H

#include "common/settings.h"

#include <stdbool.h>

typedef struct {
    settings_common_t common;
    char *brokers;
    char *url, *token_file; /* "": by the bus */
    bool insecure;          /* a token may go over plain http */
    int64_t timeout_ms;
    char *master_file; /* "": secret in the folder of the key files */
    bool json;
    /* Of moderators' verbs. */
    char *reason, *until, *as;
    char *role, *token_key_file; /* of `token` */
    int64_t key;                 /* 0: one is drawn */
    /* Of look-ups. */
    char *user, *box, *since, *color, *by;
    int64_t limit, before; /* before 0: from the newest on */
    /* Of rollbacks. */
    bool yes;
    int64_t undo; /* 0: it takes placements back */
    /* Of pictures of the past. */
    char *at, *from, *to, *step, *out;
    int64_t scale, fps;
} ctl_config_t;

extern const settings_t ctl_settings;

#endif
