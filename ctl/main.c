/* SPDX-License-Identifier: Apache-2.0
 *
 * stipplectl: the operators' command. See verbs.h.
 */
#include "ctl/config.h"
#include "ctl/keygen.h"
#include "ctl/mint.h"
#include "ctl/replay.h"
#include "ctl/verbs.h"
#include "ctl/web.h"

static int s_ask_brokers(const ctl_config_t *config, char **words, int count)
{
    role_keys_t keys;
    bus_security_t security = {.curve = config->common.curve};
    brokers_t brokers;
    if (bus_security_load(&security, &keys, ROLE_OPERATOR,
                          config->common.key_file) < 0 ||
        brokers_open(&brokers, config->brokers, &security) < 0)
        return 2;
    int status = verbs_run(&brokers, config, words, count);
    brokers_close(&brokers);
    role_keys_wipe(&keys);
    zsys_shutdown();
    return status;
}

static int s_ask_edge(const ctl_config_t *config, char **words, int count)
{
    brokers_t edge;
    web_open(&edge, config->url);
    int status = verbs_run(&edge, config, words, count);
    brokers_close(&edge);
    return status;
}

int main(int argc, char **argv)
{
    ctl_config_t config = {0};
    settings_flags_first(&ctl_settings, argc, argv);
    int first = settings_load(&ctl_settings, &config, argc, argv);
    settings_begin_log(&config.common, "stipplectl");
    char **words = argv + first;
    int count = argc - first;
    int status = keygen_knows(words, count)
                     ? keygen_run(words, count, config.master_file)
                 : mint_knows(words, count) ? mint_run(&config, words, count)
                 : replay_knows(words, count)
                     ? replay_run(&config, words, count)
                 : *config.url ? s_ask_edge(&config, words, count)
                               : s_ask_brokers(&config, words, count);
    settings_free(&ctl_settings, &config);
    return status;
}
