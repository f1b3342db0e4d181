/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's settings.
 */
#ifndef PERSISTER_CONFIG_H
#define PERSISTER_CONFIG_H

#include "common/settings.h"

#include <stdbool.h>

typedef struct {
    settings_common_t common;
    char *brokers; /* base endpoints, comma list */
    char *bind;    /* of queries */
    char *store;   /* URL */
    int64_t flush_ms;
    int64_t snapshot_ms;
    char *webhook_url; /* "": none */
    char *webhook_secret_file;
    char *webhook_shape; /* "json", "slack" or "discord" */
    bool create_tables;
    bool verify;
    char *export; /* "no", "csv" or "reddit" */
} persister_config_t;

extern const settings_t persister_settings;

#endif
