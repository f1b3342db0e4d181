/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h.
 */
#include "load/config.h"

#include "common/endpoints.h"
#include "common/mem.h"
#include "common/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS_PER_PROCESS 18000
/* Linux hands out the even ports of its range (14,116) before the odd ones, and
 * then goes through all of them at each connect. */
#define SOCKETS_PER_SOURCE 10000
#define PROCESSES_MAX 256

#define INT(field, standard, min, max, unit, help)                             \
    SETTING_ROW(config_t, field, INT, standard, min, max, unit, help)
#define TEXT(field, standard, help)                                            \
    SETTING_ROW(config_t, field, TEXT, standard, 0, 0, NULL, help)
#define SWITCH(field, type, standard, help)                                    \
    SETTING_ROW(config_t, field, type, standard, 0, 0, NULL, help)

static const setting_t ROWS[] = {
    TEXT(url, "http://127.0.0.1:8080",
         "Edges, as http://HOST:PORT; may stand more than once"),
    INT(viewers, "100", 0, 4000000, NULL, "Connections that only watch"),
    INT(placers, "0", 0, 4000000, NULL, "Connections that place, too"),
    INT(rate, "0", 0, 10000000, "placements/s",
        "Placements a second of all placers; 0 for as fast as answered"),
    INT(duration, "30", 1, 86400, "s", "Longest time of the run"),
    INT(grace_ms, "15000", 0, 600000, "ms",
        "Time at the end for answers and viewers that are still due"),
    INT(ramp, "2000", 1, 1000000, "connections/s", "New connections a second"),
    INT(window, "0", 0, 65536, NULL,
        "Placements in flight per placer; 0 for 1, or 512 in a replay"),
    INT(stalled, "0", 0, 1000000, NULL,
        "Of the viewers, how many stop reading for a while"),
    INT(stall_ms, "30000", 1, 3600000, "ms", "How long they do not read"),
    INT(processes, "0", 0, PROCESSES_MAX, NULL,
        "Processes; 0 for one per 18000 connections"),
    INT(sources, "0", 0, 200, NULL,
        "Source addresses 127.0.0.x a process; 0 for as many as needed"),
    INT(progress, "0", 0, 3600, "s", "Progress on standard error; 0 for none"),
    TEXT(token_key_file, NULL,
         "tokens.key of the cluster, to sign the placers' tokens"),
    TEXT(secret_file, NULL,
         "Or the secret that the edges have as jwt_secret_file"),
    TEXT(user_prefix, "load", "Start of the placers' names"),
    TEXT(replay, NULL, "Place what this net-delta file holds (.xz)"),
    INT(replay_limit, "0", 0, 1000000000, NULL,
        "Stop the replay after so many placements; 0 for none"),
    TEXT(expect, NULL, "Packed board (.xz) that must be served at the end"),
    SWITCH(board_check, BOOL, "on", "Fetch and check the board at the end"),
    SWITCH(shared, BOOL, "off",
           "Others place, too: colours seen are not judged"),
    SWITCH(json, FLAG, NULL, "Report as one JSON object"),
    SWITCH(allow_remote, FLAG, NULL, "Load edges that are not on loopback"),
    SWITCH(canary, FLAG, NULL,
           "No load: one visitor who stays, places now and then as "
           "user_prefix, and tells on metrics_port what people meet"),
    TEXT(canary_at, "0,0", "X,Y of the pixel that the canary places"),
    INT(canary_every_ms, "5000", 500, 3600000, "ms",
        "Time between two placements of the canary"),
    TEXT(metrics_host, "127.0.0.1", "Address of the canary's metrics port"),
    INT(metrics_port, "0", 0, 65535, "port",
        "The canary's port of GET /metrics"),
};

static const settings_t SETTINGS = {
    .program = "stipple-load",
    .about = "Viewers that verify and placers that are verified",
    .rows = ROWS,
    .count = sizeof ROWS / sizeof *ROWS,
};

static void s_refuse(const char *what, const char *why)
{
    fprintf(stderr, "stipple-load: %s: %s\n", what, why);
    exit(2);
}

/* argv with every --url folded into the first one, as a comma list that the
 * caller frees, too. */
static char **s_fold_urls(int *argc, char **argv, char **list_p)
{
    char **folded = mem_zalloc((size_t)*argc + 1, sizeof *folded);
    char *list = NULL;
    int count = 0, place = 0;
    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        if (!strncmp(argv[i], "--url=", 6))
            value = argv[i] + 6;
        else if (!strcmp(argv[i], "--url") && i + 1 < *argc)
            value = argv[++i];
        if (!value) {
            folded[count++] = argv[i];
            continue;
        }
        if (!place)
            place = count++;
        char *longer;
        if (asprintf(&longer, "%s%s%s", list ? list : "--url=", list ? "," : "",
                     value) < 0)
            abort();
        free(list);
        list = longer;
    }
    if (place)
        folded[place] = list;
    *list_p = list;
    *argc = count;
    return folded;
}

static int s_resolve(void *context, const char *url)
{
    config_t *self = context;
    const char *why;
    if (self->endpoint_count == ENDPOINTS_MAX)
        s_refuse("--url", "too many");
    endpoint_t *endpoint = &self->endpoints[self->endpoint_count++];
    if (endpoint_parse(endpoint, url, &why) < 0)
        s_refuse(url, why);
    if (!self->allow_remote && !self->canary && !endpoint_is_loopback(endpoint))
        s_refuse(url, "is not on loopback; --allow-remote loads it");
    return 0;
}

static void s_check_canary(config_t *self)
{
    char end;
    unsigned x, y;
    if (sscanf(self->canary_at, "%5u,%5u%c", &x, &y, &end) != 2 ||
        x > UINT16_MAX || y > UINT16_MAX)
        s_refuse("--canary-at", "is not X,Y");
    self->canary_x = x;
    self->canary_y = y;
    if (!self->metrics_port)
        s_refuse("--canary", "needs --metrics-port");
    if (!self->token_key_file && !self->secret_file)
        s_refuse("--canary", "needs --token-key-file or --secret-file");
    if (self->endpoint_count != 1)
        s_refuse("--canary", "takes one --url");
    self->sources = 1;
}

void config_load(config_t *self, int argc, char **argv)
{
    memset(self, 0, sizeof *self);
    char *urls;
    char **folded = s_fold_urls(&argc, argv, &urls);
    settings_load(&SETTINGS, self, argc, folded);
    free(folded);
    free(urls);
    if (endpoints_each(self->url, s_resolve, self) <= 0)
        s_refuse("--url", "is missing or too long");
    if (self->canary) {
        s_check_canary(self);
        return;
    }

    int64_t sockets = self->viewers + self->placers;
    if (!sockets)
        s_refuse("--viewers", "nobody would connect");
    if (self->placers && !self->token_key_file && !self->secret_file)
        s_refuse("--placers", "needs --token-key-file or --secret-file");
    if (self->replay && !self->placers)
        s_refuse("--replay", "needs --placers");
    if (self->stalled > self->viewers)
        s_refuse("--stalled", "more than --viewers");
    if (!self->window)
        self->window = self->replay ? 512 : 1;
    /* A power of two, for request ids to wrap around in it. */
    while (self->window & (self->window - 1))
        self->window += self->window & -self->window;
    int64_t least = (sockets + SOCKETS_PER_PROCESS - 1) / SOCKETS_PER_PROCESS;
    if (self->processes < least)
        self->processes = least;
    if (self->processes > sockets)
        self->processes = sockets;
    int64_t each = (sockets + self->processes - 1) / self->processes;
    if (!self->sources)
        self->sources = (each + SOCKETS_PER_SOURCE - 1) / SOCKETS_PER_SOURCE;
}

void config_free(config_t *self)
{
    settings_free(&SETTINGS, self);
}
