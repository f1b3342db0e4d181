/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-edge: holds the sockets of those who watch and place.
 */
#include "common/mem.h"
#include "edge/address_limits.h"
#include "edge/admission.h"
#include "edge/auth.h"
#include "edge/edge.h"
#include "edge/errands.h"
#include "edge/http/content.h"
#include "edge/listener.h"
#include "edge/mirror.h"
#include "edge/send_ring.h"
#include "edge/server.h"
#include "edge/shared_budget.h"
#include "edge/uplink.h"
#include "edge/workers.h"
#include "edge/ws/fanout.h"
#include "edge/ws/frames.h"
#include "edge/ws/sessions.h"
#include "edge/ws/websocket.h"

#include <czmq.h>
#include <signal.h>
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
    settings_begin_log(&config->common, name);
}

static int s_tell_leader(void *context, const void *bytes, size_t size)
{
    return uplink_tell(((edge_t *)context)->uplink, bytes, size);
}

static int s_build(edge_t *edge)
{
    const edge_config_t *config = edge->config;
    edge->mirror = mirror_new((size_t)config->ring_pixels);
    edge->sessions = sessions_new();
    edge->frames = frames_new(edge);
    if (config->io_uring)
        edge->send_ring = send_ring_new(websocket_posted);
    edge->metrics[EDGE_POLLER] = edge->send_ring != NULL;
    edge->fanout = fanout_new(edge);
    edge->errands = errands_new(s_tell_leader, edge);
    edge->shared = shared_budget_new(edge, s_tell_leader, edge);
    edge->limits = address_limits_new(edge);
    edge->auth = edge->limits ? auth_new(config) : NULL;
    edge->uplink = edge->auth ? uplink_new(edge) : NULL;
    edge->content = edge->uplink ? content_new(edge) : NULL;
    edge->admission = admission_new(edge, listener_raise_files());
    edge->server = edge->content ? server_new(edge) : NULL;
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
    content_stop(edge->content);
    server_destroy(&edge->server);
    content_destroy(&edge->content);
    uplink_destroy(&edge->uplink);
    errands_destroy(&edge->errands);
    auth_destroy(&edge->auth);
    address_limits_destroy(&edge->limits);
    shared_budget_destroy(&edge->shared);
    admission_destroy(&edge->admission);
    fanout_destroy(&edge->fanout);
    send_ring_destroy(&edge->send_ring);
    frames_destroy(&edge->frames);
    sessions_destroy(&edge->sessions);
    mirror_destroy(&edge->mirror);
    free(edge);
    return result ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    signal(SIGHUP, SIG_IGN); /* until the loop takes it: it never kills */
    edge_config_t config = {0};
    settings_load(&edge_settings, &config, argc, argv);
    if (edge_config_check(&config) < 0)
        return 2;
    s_name_process(&config);
    int code = EXIT_FAILURE;
    if (role_keys_load(&config.keys, ROLE_EDGE, config.common.key_file) < 0)
        ; /* said in the log */
    else if (config.workers == 1)
        code = s_work(&config, 0);
    else
        code = workers_run((unsigned)config.workers, s_work, &config);
    role_keys_wipe(&config.keys);
    settings_free(&edge_settings, &config);
    return code;
}
