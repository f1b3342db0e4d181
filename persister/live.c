/* SPDX-License-Identifier: Apache-2.0
 *
 * See live.h. All brokers are asked, as an edge asks for the board; only the
 * leader answers.
 */
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
    const bus_security_t *security;
    zsock_t *sockets[BROKERS_MAX];
    size_t count;
    zpoller_t *poller;
} ask_t;

/* tcp endpoints speak CURVE, and without keys there is nobody to ask. */
static bool s_reachable(const char *base, const bus_security_t *security)
{
    return security->keys || strcmp(security->curve, "auto") ||
           strncmp(base, "tcp://", 6);
}

static int s_connect(void *context, const char *base)
{
    ask_t *ask = context;
    if (ask->count == BROKERS_MAX || !s_reachable(base, ask->security))
        return 0;
    zsock_t *socket = bus_connect(base, BUS_INGRESS, ask->security);
    if (!socket)
        return 0;
    zpoller_add(ask->poller, socket);
    ask->sockets[ask->count++] = socket;
    return 0;
}

static void s_send(ask_t *ask)
{
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_sync(bytes, &(bus_sync_t){0});
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
    live->chain = bad ? CHAIN_UNKNOWN : said.chain;
    board_destroy(&board);
    return bad ? -1 : 0;
}

int live_ask(live_t *live, const char *brokers, const bus_security_t *security)
{
    ask_t ask = {.security = security, .poller = zpoller_new(NULL)};
    endpoints_each(brokers, s_connect, &ask);
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
