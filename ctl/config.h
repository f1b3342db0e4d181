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
    int64_t timeout_ms;
    bool json;
} ctl_config_t;

extern const settings_t ctl_settings;

#endif
