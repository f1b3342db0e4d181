/* SPDX-License-Identifier: Apache-2.0
 *
 * See boards.h.
 */
#include "load/boards.h"

#include "common/canvas.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "load/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define BOARD_PATH "/api/v1/board"
#define CONFIG_PATH "/api/v1/config"
#define FETCH_DEADLINE_MS 15000
#define FETCH_EVERY_MS 250
#define FIRST_WAIT_MS 300

/* One edge's. */
typedef struct {
    fetch_t *fetch; /* NULL: none under way */
    uint64_t started_ms;
    bool done;
} line_t;

struct boards {
    hub_t *hub;
    line_t lines[ENDPOINTS_MAX];
};

boards_t *boards_new(hub_t *hub)
{
    boards_t *self = mem_zalloc(1, sizeof *self);
    self->hub = hub;
    return self;
}

void boards_destroy(boards_t **self_p)
{
    boards_t *self = *self_p;
    if (!self)
        return;
    for (unsigned i = 0; i < ENDPOINTS_MAX; i++)
        fetch_destroy(&self->lines[i].fetch);
    free(self);
    *self_p = NULL;
}

/* The board of a finished fetch, counted for the caller, or NULL. */
static state_t *s_board(hub_t *hub, const fetch_t *fetch)
{
    size_t size;
    int digest_ok = 0;
    const uint8_t *body = fetch_body(fetch, &size);
    state_t *board = history_board(hub->history, body, size, &digest_ok);
    if (!board) {
        hub->report->boards_failed++;
        return NULL;
    }
    hub->report->boards++;
    hub->report->board_mismatches += !digest_ok;
    return board;
}

/* A finished fetch of one path, or NULL. */
static fetch_t *s_get(const endpoint_t *endpoint, const char *path)
{
    fetch_t *fetch = fetch_start(endpoint, path);
    if (fetch && fetch_wait(fetch, FETCH_DEADLINE_MS) != FETCH_DONE)
        fetch_destroy(&fetch);
    return fetch;
}

static state_t *s_try_first(boards_t *self, const endpoint_t *endpoint)
{
    hub_t *hub = self->hub;
    state_t *board = NULL;
    canvas_t *canvas = mem_zalloc(1, sizeof *canvas);
    fetch_t *config = s_get(endpoint, CONFIG_PATH);
    fetch_t *fetch = config ? s_get(endpoint, BOARD_PATH) : NULL;
    if (fetch) {
        size_t size;
        const uint8_t *body = fetch_body(config, &size);
        if (!canvas_from_json(canvas, (const char *)body, size)) {
            hub->colors = canvas->palette_size;
            board = s_board(hub, fetch);
        } else {
            log_warn("config_malformed", NULL);
        }
    }
    fetch_destroy(&config);
    fetch_destroy(&fetch);
    free(canvas);
    return board;
}

state_t *boards_first(boards_t *self)
{
    const config_t *config = self->hub->config;
    uint64_t deadline = clock_mono_ms() + (uint64_t)config->duration * 1000;
    for (unsigned i = 0; clock_mono_ms() < deadline; i++) {
        unsigned number = (self->hub->worker + i) % config->endpoint_count;
        state_t *board = s_try_first(self, &config->endpoints[number]);
        if (board)
            return board;
        if (atomic_load(&self->hub->share->stop))
            break;
        nanosleep(&(struct timespec){.tv_nsec = FIRST_WAIT_MS * 1000000}, NULL);
    }
    log_error("no_board", NULL);
    return NULL;
}

static void s_start(boards_t *self, unsigned number, uint64_t now_ms)
{
    line_t *line = &self->lines[number];
    line->started_ms = now_ms;
    line->done = false;
    line->fetch =
        fetch_start(&self->hub->config->endpoints[number], BOARD_PATH);
    if (!line->fetch) {
        self->hub->report->boards_failed++;
        return;
    }
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLET,
        .data.ptr = line,
    };
    epoll_ctl(self->hub->epoll, EPOLL_CTL_ADD, fetch_fd(line->fetch), &event);
}

static void s_hand_out(boards_t *self, unsigned number, client_t *clients,
                       uint32_t count)
{
    line_t *line = &self->lines[number];
    state_t *board = s_board(self->hub, line->fetch);
    fetch_destroy(&line->fetch);
    for (uint32_t i = 0; i < count && board; i++)
        if (clients[i].wants_board && clients[i].endpoint == number)
            client_board(&clients[i], board);
    state_unref(&board);
}

void boards_tick(boards_t *self, client_t *clients, uint32_t count,
                 uint64_t now_ms)
{
    bool wanted[ENDPOINTS_MAX] = {false};
    if (self->hub->waiting_board)
        for (uint32_t i = 0; i < count; i++)
            wanted[clients[i].endpoint] |= clients[i].wants_board;
    for (unsigned i = 0; i < self->hub->config->endpoint_count; i++) {
        line_t *line = &self->lines[i];
        if (line->fetch && line->done)
            s_hand_out(self, i, clients, count);
        else if (line->fetch && now_ms > line->started_ms + FETCH_DEADLINE_MS)
            fetch_destroy(&line->fetch);
        else if (!line->fetch && wanted[i] &&
                 now_ms >= line->started_ms + FETCH_EVERY_MS)
            s_start(self, i, now_ms);
    }
}

bool boards_owns(const boards_t *self, const void *item)
{
    const line_t *line = item;
    return line >= self->lines && line < self->lines + ENDPOINTS_MAX;
}

void boards_event(boards_t *self, void *item)
{
    line_t *line = item;
    if (!line->fetch || line->done)
        return;
    fetch_step_t step = fetch_step(line->fetch);
    if (step == FETCH_FAILED) {
        self->hub->report->boards_failed++;
        fetch_destroy(&line->fetch);
    }
    line->done = step == FETCH_DONE;
}
