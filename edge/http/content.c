/* SPDX-License-Identifier: Apache-2.0
 *
 * See content.h.
 */
#include "edge/http/content.h"

#include "common/mem.h"
#include "edge/http/exchange.h"
#include "edge/lookup.h"
#include "edge/server.h"
#include "edge/uplink.h"

#include <stdlib.h>
#include <uv.h>

struct content {
    assets_t *assets;
    board_renderings_t *boards;
    pixel_cache_t *pixels;
    past_cache_t *past;
};

typedef struct {
    uv_work_t request;
    work_t *work;
} task_t;

static void s_run_task(uv_work_t *request)
{
    work_t *work = ((task_t *)request)->work;
    work->run(work);
}

static void s_task_done(uv_work_t *request, int status)
{
    task_t *task = (task_t *)request;
    (void)status; /* never cancelled */
    task->work->done(task->work);
    free(task);
}

static void s_submit(void *context, work_t *work)
{
    edge_t *edge = context;
    task_t *task = mem_zalloc(1, sizeof *task);
    task->work = work;
    edge_count(edge, EDGE_RENDERINGS);
    uv_queue_work(server_loop(edge->server), &task->request, s_run_task,
                  s_task_done);
}

static void s_ask_pixel(void *context, uint16_t x, uint16_t y,
                        pixel_answer_fn on_answer, void *answer_context)
{
    const edge_t *edge = context;
    lookup_pixel(uplink_lookup(edge->uplink), x, y, on_answer, answer_context);
}

static void s_ask_past(void *context, bus_type_t type, const bus_query_t *query,
                       past_page_fn on_page, void *page_context)
{
    const edge_t *edge = context;
    lookup_page(uplink_lookup(edge->uplink), type, query, on_page,
                page_context);
}

content_t *content_new(edge_t *edge)
{
    content_t *self = mem_zalloc(1, sizeof *self);
    self->boards = board_renderings_new(
        edge->mirror, (uint64_t)edge->config->board_max_age_s * 1000,
        (uint64_t)edge->config->board_held_bytes, s_submit, edge);
    self->pixels = pixel_cache_new(s_ask_pixel, edge);
    self->past = past_cache_new(s_ask_past, edge);
    self->assets = assets_new(edge->config->web_dir);
    if (!self->assets)
        content_destroy(&self);
    return self;
}

void content_destroy(content_t **self_p)
{
    content_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    board_renderings_destroy(&self->boards);
    pixel_cache_destroy(&self->pixels);
    past_cache_destroy(&self->past);
    assets_destroy(&self->assets);
    free(self);
}

void content_stop(content_t *self)
{
    if (self)
        board_renderings_stop(self->boards);
}

void content_equip(const content_t *self, exchange_t *exchange)
{
    exchange->assets = self->assets;
    exchange->boards = self->boards;
    exchange->pixels = self->pixels;
    exchange->past_answers = self->past;
}
