/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-persister: records every placement in a store, and reads it back.
 */
#include "common/bus_guard.h"
#include "persister/config.h"
#include "persister/export.h"
#include "persister/persister.h"
#include "persister/store.h"
#include "persister/verify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int s_run(const persister_config_t *config,
                 const bus_security_t *security)
{
    bus_guard_t *guard = bus_guard_new(security);
    persister_t *persister = persister_new(config, security);
    int status = persister ? EXIT_SUCCESS : EXIT_FAILURE;
    if (persister)
        persister_run(persister);
    persister_destroy(&persister);
    bus_guard_destroy(&guard);
    return status;
}

static int s_create_tables(const persister_config_t *config)
{
    store_t *store = store_new(config->store);
    if (!store)
        return EXIT_FAILURE;
    int status = EXIT_SUCCESS;
    if (store->ops->create_tables(store) != STORE_OK) {
        fprintf(stderr, "stipple-persister: %s\n", store->ops->error(store));
        status = EXIT_FAILURE;
    }
    store_destroy(&store);
    return status;
}

int main(int argc, char **argv)
{
    signal(SIGHUP, SIG_IGN); /* there is nothing to load again */
    persister_config_t config = {0};
    settings_load(&persister_settings, &config, argc, argv);
    const char *name = config.common.name ? config.common.name : "persister";
    /* A limit on file sizes is then a full disk: an error that passes. */
    signal(SIGXFSZ, SIG_IGN);
    settings_begin_log(&config.common, name);
    role_keys_t keys;
    bus_security_t security = {.curve = config.common.curve};
    int status = EXIT_FAILURE;
    if (bus_security_load(&security, &keys, ROLE_PERSISTER,
                          config.common.key_file) < 0)
        ; /* said in the log */
    else if (config.create_tables)
        status = s_create_tables(&config);
    else if (config.verify)
        status = verify(config.store, config.brokers, &security);
    else if (strcmp(config.export, "no"))
        status = export_all(config.store, config.export);
    else
        status = s_run(&config, &security);
    role_keys_wipe(&keys);
    settings_free(&persister_settings, &config);
    return status;
}
