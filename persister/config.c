/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h. The rows are what --help and docs/operations.md print.
 */
#include "persister/config.h"

#include "persister/export.h"

#define ROW(...) SETTING_ROW(persister_config_t, __VA_ARGS__)

static const setting_t rows[] = {
    SETTINGS_COMMON(persister_config_t),
    ROW(brokers, TEXT, "tcp://127.0.0.1:7700", 0, 0, "endpoints",
        "Base endpoints of all brokers, separated by commas"),
    ROW(bind, TEXT, "tcp://127.0.0.1:7710", 0, 0, "endpoint",
        "Where edges ask for placements"),
    ROW(store, TEXT, "sqlite:history.db", 0, 0, "URL", "Where history is kept"),
    ROW(flush_ms, INT, "100", 0, 10000, "ms",
        "Longest wait for more records before a write"),
    ROW(snapshot_ms, INT, "60000", 100, 86400000, "ms",
        "Time between board snapshots"),
    ROW(webhook_url, TEXT, "", 0, 0, "URL",
        "Where each action of moderators is posted as JSON; empty: nowhere"),
    ROW(webhook_secret_file, TEXT, "", 0, 0, "file",
        "Secret that signs what is posted; empty: it is not signed"),
    ROW(webhook_shape, CHOICE, "json", 0, 0, "json|slack|discord",
        "Whom the JSON is for"),
    ROW(create_tables, FLAG, NULL, 0, 0, NULL,
        "Create the store's tables and exit"),
    ROW(verify, FLAG, NULL, 0, 0, NULL,
        "Check the whole store against itself and the live board and exit"),
    ROW(export, CHOICE, "no", 0, 0, "no|" EXPORT_FORMATS,
        "Write all placements, or what moderators did, to standard output and "
        "exit"),
};

const settings_t persister_settings = {
    .program = "stipple-persister",
    .about = "records every placement in a store, and reads it back",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};
