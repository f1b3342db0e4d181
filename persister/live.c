/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/live.h"

#include "common/bus.h"
#include "common/clock.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 3000
#define ASK_EVERY_MS 500
#define BROKERS_MAX 8

typedef struct {
    zsock_t *sockets[BROKERS_MAX];
    size_t count;
    zpoller_t *poller;
} ask_t;

/* tcp endpoints speak CURVE, and without the secret there is nobody to ask. */
static bool s_reachable(const char *base, const bus_security_t *security)
{
    return security->secret || strcmp(security->curve, "auto") ||
           strncmp(base, "tcp://", 6);
}

static void s_connect(ask_t *ask, const char *brokers,
                      const bus_security_t *security)
{
    char *text = mem_strdup(brokers), *rest = text, *base;
    ask->poller = zpoller_new(NULL);
    while ((base = strsep(&rest, ",")) && ask->count < BROKERS_MAX) {
        if (!*base || !s_reachable(base, security))
            continue;
        zsock_t *socket = bus_connect(base, BUS_INGRESS, security);
        if (!socket)
            continue;
        zpoller_add(ask->poller, socket);
        ask->sockets[ask->count++] = socket;
    }
    free(text);
}

static void s_send(ask_t *ask)
{
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_sync(bytes, &(bus_sync_t){0, 0});
    for (size_t i = 0; i < ask->count; i++) {
        zframe_t *frame = zframe_new(bytes, size);
        zframe_send(&frame, ask->sockets[i], ZFRAME_DONTWAIT);
        zframe_destroy(&frame);
    }
}

static int s_take(live_t *live, zframe_t *frame)
{
    bus_board_t said;
    if (bus_type(zframe_data(frame), zframe_size(frame)) != BUS_BOARD ||
        bus_decode_board(&said, zframe_data(frame), zframe_size(frame)) ||
        canvas_from_json(&live->canvas, said.json, said.json_size))
        return -1;
    const canvas_t *canvas = &live->canvas;
    board_t *board = board_new(canvas->width, canvas->height, canvas->bits);
    int bad = !board || board_load(board, said.pixels, said.pixels_size);
    live->seq = said.seq;
    live->epoch = said.epoch;
    live->digest = bad ? 0 : board_digest(board);
    board_destroy(&board);
    return bad ? -1 : 0;
}

int live_ask(live_t *live, const char *brokers, const bus_security_t *security)
{
    ask_t ask = {0};
    s_connect(&ask, brokers, security);
    uint64_t end_ms = clock_mono_ms() + ANSWER_MS, asked_ms = 0;
    int answer = -1;
    while (ask.count && answer && clock_mono_ms() < end_ms) {
        if (clock_mono_ms() - asked_ms > ASK_EVERY_MS) {
            s_send(&ask);
            asked_ms = clock_mono_ms();
        }
        zsock_t *socket = zpoller_wait(ask.poller, ASK_EVERY_MS / 5);
        zframe_t *frame = socket ? zframe_recv(socket) : NULL;
        if (frame)
            answer = s_take(live, frame);
        zframe_destroy(&frame);
    }
    zpoller_destroy(&ask.poller);
    for (size_t i = 0; i < ask.count; i++)
        zsock_destroy(&ask.sockets[i]);
    return answer;
}
