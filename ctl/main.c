/* SPDX-License-Identifier: Apache-2.0
 *
 * stipplectl: the operators' command. See verbs.h.
 */
#include "common/log.h"
#include "common/token.h"
#include "ctl/config.h"
#include "ctl/verbs.h"

static int s_read_secret(const ctl_config_t *config, bus_security_t *security,
                         char **secret)
{
    *security = (bus_security_t){.curve = config->common.curve};
    if (!config->common.secret_file)
        return 0;
    *secret = secret_read(config->common.secret_file, &security->secret_size);
    security->secret = *secret;
    return *secret ? 0 : -1;
}

int main(int argc, char **argv)
{
    ctl_config_t config = {0};
    int first = settings_load(&ctl_settings, &config, argc, argv);
    log_init("stipplectl",
             (log_level_t)log_level_parse(config.common.log_level));
    bus_security_t security;
    brokers_t brokers;
    char *secret = NULL;
    int status = 2;
    if (s_read_secret(&config, &security, &secret) == 0 &&
        brokers_open(&brokers, config.brokers, &security) == 0) {
        status = verbs_run(&brokers, argv + first, argc - first,
                           config.timeout_ms, config.json);
        brokers_close(&brokers);
    }
    free(secret);
    settings_free(&ctl_settings, &config);
    zsys_shutdown();
    return status;
}
