/* SPDX-License-Identifier: Apache-2.0
 *
 * See uplink.h. Placements wait in a pending_t and go out in order, as many as
 * a turn gathered; what a socket does not take now stays there as unsent.
 */
#include "edge/uplink.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "edge/edge.h"
#include "edge/fanout.h"
#include "edge/link.h"
#include "edge/lookup.h"
#include "edge/mirror.h"
#include "edge/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 16
#define PLACE_TIMEOUT_MS 6000
#define REPORT_MS 1000
#define SYNC_JITTER_MS 20
#define SYNC_RETRY_MS 100
#define SYNC_RETRY_MAX_MS 3000
/* After a whole board, history for clients that come back from before it: steps
 * of growing size, so that who missed little is sent little. */
#define BACKFILL_FIRST 256
#define BACKFILL_FACTOR 4
#define BACKFILL_LAST 65536
/* Messages a turn and socket; the feed may not starve the verdicts. */
#define INGRESS_BUDGET 256
#define FEED_BUDGET 64

struct uplink {
    edge_t *edge;
    link_t links[LINKS_MAX];
    size_t count;
    link_t *leader; /* NULL: none believed */
    uint32_t epoch; /* the highest that a beat carried */
    lookup_t *lookup;
    pending_t *places;
    bool sync_wanted, sync_whole;
    uint64_t sync_at_ms;
    backoff_t sync_backoff;
    uint64_t backfill; /* how far back is asked for next; 0: no more */
    uint64_t backfill_from;
    uint64_t report_at_ms;
    bus_place_t batch[BUS_PLACES_MAX];
    bus_verdict_t verdicts[BUS_PLACES_MAX];
    uint8_t *bytes; /* of the largest batch */
};

static int s_open_links(uplink_t *self, const char *list,
                        const bus_security_t *security)
{
    char *copy = mem_strdup(list), *rest = copy, *base;
    int result = 0;
    while (!result && (base = strsep(&rest, ", "))) {
        if (!*base)
            continue;
        if (self->count == LINKS_MAX) {
            log_error("too_many_brokers", "max=%d", LINKS_MAX);
            result = -1;
        } else {
            result = link_open(&self->links[self->count], base, security);
            self->count += !result;
        }
    }
    free(copy);
    if (!result && !self->count) {
        log_error("no_brokers", NULL);
        result = -1;
    }
    return result;
}

uplink_t *uplink_new(edge_t *edge)
{
    const edge_config_t *config = edge->config;
    bus_security_t security = {.secret = config->secret,
                               .secret_size = config->secret_size,
                               .curve = config->common.curve};
    uplink_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    self->places = pending_new(pending_first_ticket());
    self->bytes = mem_alloc(bus_places_bound(BUS_PLACES_MAX));
    self->sync_backoff = backoff_of(SYNC_RETRY_MS, SYNC_RETRY_MAX_MS);
    self->sync_wanted = true;
    self->lookup = lookup_new(edge, config->persisters, &security);
    if (!self->lookup || s_open_links(self, config->brokers, &security) < 0)
        uplink_destroy(&self);
    return self;
}

void uplink_destroy(uplink_t **self_p)
{
    uplink_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        link_close(&self->links[i]);
    lookup_destroy(&self->lookup);
    pending_destroy(&self->places);
    free(self->bytes);
    free(self);
    *self_p = NULL;
}

/* --- Asking --------------------------------------------------------------- */

static uint64_t s_ask(uplink_t *self, const bus_place_t *place,
                      uplink_verdict_fn on_verdict, void *context)
{
    question_t question = {.place = *place,
                           .asked_ms = clock_mono_ms(),
                           .done = (void (*)(void))on_verdict,
                           .context = context};
    uint64_t ticket = pending_add(self->places, &question);
    if (!ticket)
        edge_count(self->edge, EDGE_PLACES_REFUSED);
    return ticket;
}

uint64_t uplink_place(uplink_t *self, const bus_place_t *place,
                      uplink_verdict_fn on_verdict, void *context)
{
    return s_ask(self, place, on_verdict, context);
}

uint64_t uplink_cooldown(uplink_t *self, uint64_t user,
                         uplink_verdict_fn on_verdict, void *context)
{
    bus_place_t place = {.user = user, .flags = BUS_PLACE_ASK};
    return s_ask(self, &place, on_verdict, context);
}

void uplink_cancel(uplink_t *self, uint64_t ticket)
{
    question_t question;
    pending_take(self->places, ticket, &question);
}

uint64_t uplink_query_pixel(uplink_t *self, uint16_t x, uint16_t y,
                            uplink_answer_fn on_answer, void *context)
{
    bus_query_t query = {.x = x, .y = y};
    return lookup_ask(self->lookup, BUS_PIXEL, &query, on_answer, context);
}

uint64_t uplink_query_user(uplink_t *self, uint64_t user,
                           uplink_answer_fn on_answer, void *context)
{
    bus_query_t query = {.user = user};
    return lookup_ask(self->lookup, BUS_USER, &query, on_answer, context);
}

void uplink_query_cancel(uplink_t *self, uint64_t ticket)
{
    lookup_cancel(self->lookup, ticket);
}

bool uplink_has_leader(const uplink_t *self)
{
    return self->leader;
}

uint32_t uplink_online(const uplink_t *self)
{
    return self->leader ? self->leader->online : 0;
}

/* --- Placements and verdicts ---------------------------------------------- */

static void s_give_verdict(const question_t *question,
                           const bus_verdict_t *verdict)
{
    uplink_verdict_fn on_verdict = (uplink_verdict_fn)question->done;
    on_verdict(question->context, &question->place, verdict);
}

/* Answers everything asked up to then. */
static void s_expire(uplink_t *self, uint64_t asked_ms)
{
    question_t question;
    while (pending_take_expired(self->places, asked_ms, &question)) {
        bus_verdict_t verdict = {.ticket = question.place.ticket,
                                 .status = VERDICT_UNAVAILABLE};
        edge_count(self->edge, EDGE_PLACES_EXPIRED);
        s_give_verdict(&question, &verdict);
    }
}

static void s_send_places(uplink_t *self)
{
    if (!self->leader) {
        s_expire(self, clock_mono_ms());
        return;
    }
    for (;;) {
        size_t count =
            pending_unsent(self->places, self->batch, BUS_PLACES_MAX);
        if (!count)
            return;
        size_t size = bus_put_places(self->bytes, self->batch, count);
        if (link_send(self->leader->ingress, self->bytes, size) < 0)
            return;
        pending_sent(self->places, self->batch[count - 1].ticket);
        self->edge->metrics[EDGE_PLACES_SENT] += (int64_t)count;
    }
}

static void s_on_verdicts(uplink_t *self, const uint8_t *bytes, size_t size)
{
    int count = bus_decode_verdicts(self->verdicts, bytes, size);
    if (count < 0) {
        edge_count(self->edge, EDGE_BUS_BAD);
        return;
    }
    for (int i = 0; i < count; i++) {
        question_t question;
        if (pending_take(self->places, self->verdicts[i].ticket, &question))
            s_give_verdict(&question, &self->verdicts[i]);
        else
            edge_count(self->edge, EDGE_VERDICTS_LATE);
    }
    self->edge->metrics[EDGE_VERDICTS] += count;
}

/* --- The mirror's food ---------------------------------------------------- */

static void s_want_sync(uplink_t *self, bool whole)
{
    self->sync_whole |= whole;
    if (self->sync_wanted)
        return;
    self->sync_wanted = true;
    self->sync_at_ms = clock_mono_ms() + random_below(SYNC_JITTER_MS);
}

static void s_after_feed(uplink_t *self, mirror_result_t result)
{
    edge_t *edge = self->edge;
    switch (result) {
    case MIRROR_OK:
        break;
    case MIRROR_BEHIND:
        edge_count(edge, EDGE_MIRROR_GAPS);
        s_want_sync(self, false);
        break;
    case MIRROR_DAMAGED:
        edge_count(edge, EDGE_MIRROR_DAMAGED);
        log_warn("mirror_damaged", "seq=%llu",
                 (unsigned long long)mirror_seq(edge->mirror));
        s_want_sync(self, true);
        break;
    case MIRROR_LOST:
        edge_count(edge, EDGE_HISTORY_LOST);
        log_warn("history_lost", "seq=%llu",
                 (unsigned long long)mirror_seq(edge->mirror));
        break;
    case MIRROR_BAD:
        edge_count(edge, EDGE_BUS_BAD);
        break;
    }
}

static void s_after_sync(uplink_t *self, mirror_result_t result)
{
    if (result == MIRROR_OK || result == MIRROR_LOST) {
        self->sync_wanted = self->sync_whole = false;
        backoff_reset(&self->sync_backoff);
        log_debug("synced", "seq=%llu epoch=%u",
                  (unsigned long long)mirror_seq(self->edge->mirror),
                  mirror_epoch(self->edge->mirror));
    }
    s_after_feed(self, result);
}

static void s_send_sync(uplink_t *self, uint64_t now_ms)
{
    const mirror_t *mirror = self->edge->mirror;
    bus_sync_t sync = {0};
    if (mirror_synced(mirror) && !self->sync_whole) {
        sync.epoch = mirror_epoch(mirror);
        sync.seq = mirror_seq(mirror);
    }
    uint8_t bytes[BUS_SMALL_MAX];
    if (link_send(self->leader->ingress, bytes, bus_put_sync(bytes, &sync)) < 0)
        self->sync_at_ms = now_ms + SYNC_JITTER_MS;
    else
        self->sync_at_ms = now_ms + backoff_next_ms(&self->sync_backoff);
    edge_count(self->edge, EDGE_SYNCS);
}

/* Asks for what was touched `backfill` placements before the board. */
static void s_ask_history(uplink_t *self)
{
    const mirror_t *mirror = self->edge->mirror;
    uint64_t back = self->backfill;
    if (!back || !self->leader || !self->backfill_from)
        return;
    bool last = back >= BACKFILL_LAST || back >= self->backfill_from;
    bus_sync_t sync = {
        .epoch = mirror_epoch(mirror),
        .seq = back < self->backfill_from ? self->backfill_from - back : 0};
    uint8_t bytes[BUS_SMALL_MAX];
    link_send(self->leader->ingress, bytes, bus_put_sync(bytes, &sync));
    self->backfill = last ? 0 : back * BACKFILL_FACTOR;
}

static void s_on_board(uplink_t *self, const bus_board_t *board)
{
    mirror_t *mirror = self->edge->mirror;
    mirror_result_t result = mirror_on_board(mirror, board);
    s_after_sync(self, result);
    /* A board in answer to the question below: the log goes back no further. */
    bool fresh = !self->backfill && mirror_oldest(mirror) == mirror_seq(mirror);
    self->backfill = fresh ? BACKFILL_FIRST : 0;
    self->backfill_from = mirror_seq(mirror);
    s_ask_history(self);
}

static void s_on_range(uplink_t *self, const bus_body_t *range)
{
    s_after_sync(self, mirror_on_range(self->edge->mirror, range));
    s_ask_history(self);
}

static void s_on_ingress(void *context, link_t *link, const uint8_t *bytes,
                         size_t size)
{
    uplink_t *self = context;
    bus_board_t board;
    bus_body_t range;
    (void)link;
    switch (bus_type(bytes, size)) {
    case BUS_VERDICTS:
        s_on_verdicts(self, bytes, size);
        return;
    case BUS_BOARD:
        if (!bus_decode_board(&board, bytes, size)) {
            s_on_board(self, &board);
            return;
        }
        break;
    case BUS_RANGE:
        if (!bus_decode_body(&range, bytes, size)) {
            s_on_range(self, &range);
            return;
        }
        break;
    }
    edge_count(self->edge, EDGE_BUS_BAD);
}

static void s_set_leader(uplink_t *self, link_t *link)
{
    bool first = !self->epoch;
    self->leader = link;
    self->epoch = link->epoch;
    edge_count(self->edge, EDGE_LEADERS);
    size_t resent = pending_resend(self->places);
    log_info("leader", "broker=%zu epoch=%u resent=%zu",
             (size_t)(link - self->links), link->epoch, resent);
    if (!first)
        s_want_sync(self, false);
}

static void s_on_beat(uplink_t *self, link_t *link, const bus_beat_t *beat)
{
    uint64_t now_ms = clock_mono_ms();
    link->epoch = beat->epoch;
    link->heard_ms = now_ms;
    link->lease_ms = beat->lease_ms;
    link->online = beat->online;
    if (beat->epoch > self->epoch ||
        (!self->leader && beat->epoch == self->epoch))
        s_set_leader(self, link);
    if (link == self->leader)
        s_after_feed(self, mirror_on_beat(self->edge->mirror, beat));
}

static void s_on_feed(void *context, link_t *link, const uint8_t *bytes,
                      size_t size)
{
    uplink_t *self = context;
    mirror_t *mirror = self->edge->mirror;
    uint8_t type = bus_type(bytes, size);
    bus_beat_t beat;
    bus_body_t body;
    if (type == BUS_BEAT && !bus_decode_beat(&beat, bytes, size)) {
        s_on_beat(self, link, &beat);
        return;
    }
    if ((type != BUS_DIFF && type != BUS_CANVAS) ||
        bus_decode_body(&body, bytes, size) < 0) {
        edge_count(self->edge, EDGE_BUS_BAD);
        return;
    }
    if (link != self->leader)
        return;
    if (type == BUS_DIFF)
        edge_count(self->edge, EDGE_FEED_DIFFS);
    s_after_feed(self, type == BUS_DIFF ? mirror_on_diff(mirror, &body)
                                        : mirror_on_canvas(mirror, &body));
}

/* --- Turns ---------------------------------------------------------------- */

size_t uplink_fds(const uplink_t *self, int *fds, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count && count + 2 <= max; i++) {
        fds[count++] = zsock_fd(self->links[i].ingress);
        fds[count++] = zsock_fd(self->links[i].feed);
    }
    if (lookup_fd(self->lookup) >= 0 && count < max)
        fds[count++] = lookup_fd(self->lookup);
    return count;
}

bool uplink_turn(uplink_t *self)
{
    bool more = false;
    s_send_places(self);
    for (size_t i = 0; i < self->count; i++) {
        link_t *link = &self->links[i];
        more |=
            link_drain(link, link->ingress, INGRESS_BUDGET, s_on_ingress, self);
        more |= link_drain(link, link->feed, FEED_BUDGET, s_on_feed, self);
    }
    return lookup_turn(self->lookup) || more;
}

static void s_report(uplink_t *self, uint64_t now_ms)
{
    bus_report_t report = {.viewers = fanout_count(self->edge->fanout)};
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_report(bytes, &report);
    self->report_at_ms = now_ms + REPORT_MS;
    for (size_t i = 0; i < self->count; i++)
        link_send(self->links[i].ingress, bytes, size);
}

void uplink_tick(uplink_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (self->leader && !link_alive(self->leader, now_ms)) {
        log_warn("no_leader", "epoch=%u", self->epoch);
        self->leader = NULL;
    }
    if (self->leader && self->sync_wanted && now_ms >= self->sync_at_ms)
        s_send_sync(self, now_ms);
    if (now_ms >= self->report_at_ms)
        s_report(self, now_ms);
    if (now_ms > PLACE_TIMEOUT_MS)
        s_expire(self, now_ms - PLACE_TIMEOUT_MS);
    lookup_tick(self->lookup, now_ms);
    self->edge->metrics[EDGE_PENDING] = (int64_t)pending_count(self->places);
    self->edge->metrics[EDGE_LEADER] = self->leader != NULL;
}
