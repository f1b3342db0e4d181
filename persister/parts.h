/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's own two files: serve.c (loop, threads, timers, metrics) hands
 * what happens to persister.c, which decides. For those two alone.
 */
#ifndef PERSISTER_PARTS_H
#define PERSISTER_PARTS_H

#include "persister/announcer.h"
#include "persister/config.h"
#include "persister/course.h"
#include "persister/forks.h"
#include "persister/intake.h"
#include "persister/link.h"
#include "persister/metrics.h"
#include "persister/persister.h"
#include "persister/writer.h"

struct persister {
    const persister_config_t *config;
    zloop_t *loop;
    link_t *link;
    zactor_t *writer, *reader, *restorer, *clerk;
    announcer_t announcer;
    persister_metrics_t *metrics;
    uint64_t instance;
    course_t course;
    intake_t intake;
    forks_t forks;
    writer_news_t news;
    uint64_t opens;      /* writer_open calls */
    uint64_t sent;       /* records given to the writer */
    uint32_t epoch;      /* the leader's, as the writer knows */
    bus_grant_t grant;   /* the last one */
    uint64_t committed;  /* as the leader said last */
    position_t reported; /* checkpoint in the last report */
    uint64_t granted_at_ms;
    uint64_t refreshed_at_ms;
    uint64_t replay_at_ms; /* of the replay on its way; 0 for none */
    uint64_t board_at_ms;  /* when the canvas was asked for last */
    bool canvas_known;     /* of this time active */
    uint64_t said_at_ms;
    bool forked;   /* the store's history is not the leader's, and stays */
    uint64_t cuts; /* writer_cut calls */
    uint64_t drain_until_ms; /* 0: not asked to end */
    uint64_t drain_to;       /* committed when asked, */
    bool drain_known;        /* as the leader told after that */
};

/* Records given to the writer that it has not written. */
static inline uint64_t persister_queue(const persister_t *self)
{
    return self->sent - self->news.consumed;
}

/* persister.c: what the brokers say … */
void persister_on_grant(void *context, const bus_grant_t *grant);
void persister_on_journal(void *context, zframe_t **frame);
void persister_on_replay(void *context, zframe_t **frame);
void persister_on_board(void *context, const bus_board_t *board);
void persister_on_chain(void *context, const bus_chain_t *chain);
void persister_on_bad(void *context);
/* … and the writer, … */
void persister_on_news(persister_t *self, const writer_news_t *news);
/* … and that time passed. True once it was asked to end and may. */
bool persister_tick(persister_t *self, uint64_t now_ms);
/* Reads the store's state anew. */
void persister_open(persister_t *self);
/* Tells every broker where it is. */
void persister_report(persister_t *self);

#endif
