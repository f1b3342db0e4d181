/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-edge: holds the sockets of those who watch and place.
 */
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"
#include "edge/address.h"
#include "edge/auth.h"
#include "edge/edge.h"
#include "edge/fanout.h"
#include "edge/http.h"
#include "edge/mirror.h"
#include "edge/server.h"
#include "edge/uplink.h"
#include "edge/workers.h"

#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>

static void s_name_process(const edge_config_t *config)
{
    char name[64];
    const char *base = config->common.name ? config->common.name : "edge";
    if (config->workers > 1)
        snprintf(name, sizeof name, "%.50s.%u", base, config->worker);
    else
        snprintf(name, sizeof name, "%.50s", base);
    log_init(name, (log_level_t)log_level_parse(config->common.log_level));
}

static int s_build(edge_t *edge)
{
    const edge_config_t *config = edge->config;
    edge->mirror = mirror_new((size_t)config->ring_pixels);
    edge->fanout = fanout_new(edge);
    edge->limits = address_limits_new(edge);
    edge->auth = edge->limits ? auth_new(config) : NULL;
    edge->uplink = edge->auth ? uplink_new(edge) : NULL;
    edge->http = edge->uplink ? http_new(edge) : NULL;
    edge->server = edge->http ? server_new(edge) : NULL;
    return edge->server ? 0 : -1;
}

/* One worker, from its start to the end of its drain. */
static int s_work(void *context, unsigned number)
{
    edge_config_t *config = context;
    edge_t *edge = mem_zalloc(1, sizeof *edge);
    config->worker = number;
    edge->config = config;
    s_name_process(config);
    zsys_handler_set(NULL); /* signals are the loop's */
    int result = s_build(edge);
    if (!result)
        server_run(edge->server);
    http_stop(edge->http);
    server_destroy(&edge->server);
    http_destroy(&edge->http);
    uplink_destroy(&edge->uplink);
    auth_destroy(&edge->auth);
    address_limits_destroy(&edge->limits);
    fanout_destroy(&edge->fanout);
    mirror_destroy(&edge->mirror);
    free(edge);
    return result ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    edge_config_t config = {0};
    settings_load(&edge_settings, &config, argc, argv);
    if (edge_config_check(&config) < 0)
        return 2;
    s_name_process(&config);
    config.secret = secret_read(config.common.secret_file, &config.secret_size);
    int code = EXIT_FAILURE;
    if (config.secret && config.workers == 1)
        code = s_work(&config, 0);
    else if (config.secret)
        code = workers_run((unsigned)config.workers, s_work, &config);
    free(config.secret);
    settings_free(&edge_settings, &config);
    return code;
}
