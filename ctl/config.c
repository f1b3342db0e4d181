/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h.
 */
#include "ctl/config.h"

#define ROW(name, type, standard, min, max, unit, help)                        \
    {                                                                          \
#name, type, offsetof(ctl_config_t, name), standard, min, max, unit,   \
            help                                                               \
    }

static const setting_t s_rows[] = {
    SETTINGS_COMMON(ctl_config_t),
    ROW(brokers, SETTING_TEXT, "tcp://127.0.0.1:7700", 0, 0, NULL,
        "Base endpoints of all brokers, with commas between"),
    ROW(timeout_ms, SETTING_INT, "3000", 100, 60000, "ms",
        "How long to wait for answers"),
    ROW(json, SETTING_FLAG, NULL, 0, 0, NULL, "Print JSON"),
};

const settings_t ctl_settings = {
    .program = "stipplectl",
    .about = "Asks a cluster's brokers, and tells the leader.",
    .rows = s_rows,
    .count = sizeof s_rows / sizeof *s_rows,
    .arguments = "status | set NAME VALUE",
};
