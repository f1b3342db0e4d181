/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-broker: see serve.h.
 */
#include "broker/serve.h"

#include <czmq.h>
#include <signal.h>

/* Read from the loop through a signalfd; blocked before any thread starts. */
static void s_block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    zsys_handler_set(NULL);
}

int main(int argc, char **argv)
{
    signal(SIGHUP, SIG_IGN); /* there is nothing to load again */
    broker_config_t config = {0};
    int first = settings_load(&broker_settings, &config, argc, argv);
    if (first < argc) {
        fprintf(stderr, "stipple-broker: unexpected argument\n");
        return 2;
    }
    const char *name = config.common.name ? config.common.name : "broker";
    settings_begin_log(&config.common, name);
    s_block_signals();
    serve_t *serve = serve_new(&config);
    int status = serve ? 0 : 2;
    if (serve)
        serve_run(serve);
    serve_destroy(&serve);
    settings_free(&broker_settings, &config);
    zsys_shutdown();
    return status;
}
