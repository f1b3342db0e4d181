/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h. The rows are what --help and docs/operations.md print.
 */
#include "persister/config.h"

#define ROW(field) offsetof(persister_config_t, field)

static const setting_t rows[] = {
    SETTINGS_COMMON(persister_config_t),
    {"brokers", SETTING_TEXT, ROW(brokers), "tcp://127.0.0.1:7700", 0, 0,
     "endpoints", "Base endpoints of all brokers, separated by commas"},
    {"bind", SETTING_TEXT, ROW(bind), "tcp://127.0.0.1:7710", 0, 0, "endpoint",
     "Where edges ask for placements"},
    {"store", SETTING_TEXT, ROW(store), "sqlite:history.db", 0, 0, "URL",
     "Where history is kept"},
    {"flush_ms", SETTING_INT, ROW(flush_ms), "100", 0, 10000, "ms",
     "Longest wait for more records before a write"},
    {"snapshot_ms", SETTING_INT, ROW(snapshot_ms), "60000", 100, 86400000, "ms",
     "Time between board snapshots"},
    {"create_tables", SETTING_FLAG, ROW(create_tables), NULL, 0, 0, NULL,
     "Create the store's tables and exit"},
    {"verify", SETTING_FLAG, ROW(verify), NULL, 0, 0, NULL,
     "Check the whole store against itself and the live board and exit"},
    {"export", SETTING_CHOICE, ROW(export), "no", 0, 0,
     "no|csv|reddit|controls",
     "Write all placements, or what moderators did, to standard output and "
     "exit"},
};

const settings_t persister_settings = {
    .program = "stipple-persister",
    .about = "records every placement in a store, and reads it back",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};
