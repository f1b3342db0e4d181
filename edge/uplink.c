/* SPDX-License-Identifier: Apache-2.0
 *
 * See uplink.h. Placements wait in a pending_t and go out in order, as many as
 * a turn gathered; what a socket does not take now stays there as unsent.
 */
#include "edge/uplink.h"

#include "common/backoff.h"
#include "common/bus_peer.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "edge/backfill.h"
#include "edge/edge.h"
#include "edge/errands.h"
#include "edge/leadership.h"
#include "edge/link.h"
#include "edge/lookup.h"
#include "edge/mirror.h"
#include "edge/pending.h"
#include "edge/receipt.h"
#include "edge/shared_budget.h"
#include "edge/ws/bulletin.h"

#include <stdlib.h>

#define PLACE_TIMEOUT_MS 6000
#define REPORT_MS 1000
#define SYNC_JITTER_MS 20
#define SYNC_RETRY_MS 100
#define SYNC_RETRY_MAX_MS 3000
/* Messages a turn and socket; the feed may not starve the verdicts. */
#define INGRESS_BUDGET 256
#define FEED_BUDGET 64

struct uplink {
    edge_t *edge;
    links_t links;
    leadership_t leadership; /* of links[leadership.leader] */
    lookup_t *lookup;
    pending_t *places;
    receipt_t receipt;
    bool sync_wanted, sync_whole;
    uint64_t sync_at_ms, sync_since_ms;
    backoff_t sync_backoff;
    backfill_t backfill;
    uint64_t report_at_ms;
    bus_place_t batch[BUS_PLACES_MAX];
    bus_verdict_t verdicts[BUS_PLACES_MAX];
    uint8_t *bytes; /* of the largest batch */
    bus_peer_t formats;
};

uplink_t *uplink_new(edge_t *edge)
{
    const edge_config_t *config = edge->config;
    uplink_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    self->places = pending_new(pending_first_ticket());
    self->bytes = mem_alloc(bus_places_bound(BUS_PLACES_MAX));
    self->sync_backoff = backoff_of(SYNC_RETRY_MS, SYNC_RETRY_MAX_MS);
    self->sync_wanted = true;
    self->sync_since_ms = clock_mono_ms();
    leadership_init(&self->leadership);
    self->lookup = lookup_new(edge, config->persisters);
    bus_security_t security = edge_config_security(config);
    if (!self->lookup ||
        links_open(&self->links, config->brokers, &security) < 0)
        uplink_destroy(&self);
    return self;
}

void uplink_destroy(uplink_t **self_p)
{
    uplink_t *self = *self_p;
    if (!self)
        return;
    links_close(&self->links);
    lookup_destroy(&self->lookup);
    pending_destroy(&self->places);
    free(self->bytes);
    free(self);
    *self_p = NULL;
}

/* --- Asking --------------------------------------------------------------- */

uint64_t uplink_place(uplink_t *self, const bus_place_t *place,
                      uplink_verdict_fn on_verdict, void *context)
{
    uint64_t seq = receipt_seq(&self->receipt);
    question_t question = {.place = *place,
                           .asked_ms = clock_mono_ms(),
                           .done = (void (*)(void))on_verdict,
                           .context = context};
    if (seq < mirror_seq(self->edge->mirror))
        seq = mirror_seq(self->edge->mirror);
    question.place.unseen = seq + 1;
    uint64_t ticket = pending_add(self->places, &question);
    if (pending_is_refused(ticket))
        edge_count(self->edge, EDGE_PLACES_REFUSED);
    return ticket;
}

uint64_t uplink_cooldown(uplink_t *self, uint64_t user,
                         uplink_verdict_fn on_verdict, void *context)
{
    bus_place_t place = {.user = user, .flags = BUS_PLACE_ASK};
    return uplink_place(self, &place, on_verdict, context);
}

void uplink_cancel(uplink_t *self, uint64_t ticket)
{
    question_t question;
    pending_take(self->places, ticket, &question);
}

struct lookup *uplink_lookup(const uplink_t *self)
{
    return self->lookup;
}

/* The leader's link; NULL if nobody leads. */
static link_t *s_leader(uplink_t *self)
{
    return leadership_exists(&self->leadership)
               ? &self->links.table[self->leadership.leader]
               : NULL;
}

int uplink_tell(uplink_t *self, const void *bytes, size_t size)
{
    link_t *leader = s_leader(self);
    return leader ? link_send(leader->ingress, bytes, size) : -1;
}

bool uplink_has_leader(const uplink_t *self)
{
    return leadership_exists(&self->leadership);
}

uint32_t uplink_online(const uplink_t *self)
{
    return uplink_has_leader(self) ? self->leadership.online : 0;
}

const char *uplink_fault(const uplink_t *self)
{
    uint64_t allowed_ms = self->leadership.lease_ms + LEADERSHIP_GRACE_MS;
    if (!uplink_has_leader(self))
        return "No broker that leads is heard: the board may be old";
    if (self->sync_wanted && clock_mono_ms() > self->sync_since_ms + allowed_ms)
        return "The board is behind the leader's";
    return NULL;
}

/* --- Placements and verdicts ---------------------------------------------- */

static void s_give_verdict(const question_t *question,
                           const bus_verdict_t *verdict)
{
    uplink_verdict_fn on_verdict = (uplink_verdict_fn)question->done;
    on_verdict(question->context, &question->place, verdict);
}

static void s_give_up(const question_t *question)
{
    bus_verdict_t verdict = {.ticket = question->place.ticket,
                             .status = VERDICT_UNAVAILABLE};
    s_give_verdict(question, &verdict);
}

/* Answers everything asked up to then. */
static void s_expire(uplink_t *self, uint64_t asked_ms)
{
    question_t question;
    while (pending_take_expired(self->places, asked_ms, &question)) {
        edge_count(self->edge, EDGE_PLACES_EXPIRED);
        s_give_up(&question);
    }
}

static void s_answer_refused(uplink_t *self)
{
    question_t question;
    uint64_t until = 0;
    while (pending_take_refused(self->places, &until, &question))
        s_give_up(&question);
}

static void s_send_places(uplink_t *self)
{
    link_t *leader = s_leader(self);
    uint64_t now_ms = clock_mono_ms();
    s_answer_refused(self);
    if (!leader) {
        s_expire(self, now_ms);
        return;
    }
    for (size_t count;
         (count = pending_unsent(self->places, self->batch, BUS_PLACES_MAX));) {
        size_t size = bus_put_places(self->bytes, self->batch, count);
        if (link_send(leader->ingress, self->bytes, size) < 0)
            return;
        pending_sent(self->places, self->batch[count - 1].ticket, now_ms);
        self->edge->metrics[EDGE_PLACES_SENT] += (int64_t)count;
    }
}

/* A refusal of one copy says nothing of a newer one that is under way. */
static bool s_is_final(const uplink_t *self, const bus_verdict_t *verdict)
{
    return verdict->status == VERDICT_OK ||
           verdict->status == VERDICT_DUPLICATE ||
           !pending_is_outdated(self->places, verdict->ticket);
}

static bool s_on_verdicts(uplink_t *self, const link_t *link,
                          const uint8_t *bytes, size_t size)
{
    uint64_t now_ms = clock_mono_ms();
    int count = bus_decode_verdicts(self->verdicts, bytes, size);
    if (count < 0)
        return false;
    for (int i = 0; i < count; i++) {
        question_t question;
        const bus_verdict_t *verdict = &self->verdicts[i];
        if (!s_is_final(self, verdict) ||
            !pending_take(self->places, verdict->ticket, &question)) {
            edge_count(self->edge, EDGE_VERDICTS_LATE);
            continue;
        }
        receipt_take(&self->receipt, self->leadership.epoch, &question.place,
                     verdict, link == s_leader(self), now_ms);
        s_give_verdict(&question, verdict);
    }
    self->edge->metrics[EDGE_VERDICTS] += count;
    return true;
}

/* --- The mirror's food ---------------------------------------------------- */

static void s_want_sync(uplink_t *self, bool whole)
{
    self->sync_whole |= whole;
    if (self->sync_wanted)
        return;
    self->sync_wanted = true;
    self->sync_since_ms = clock_mono_ms();
    self->sync_at_ms = self->sync_since_ms + random_below(SYNC_JITTER_MS);
}

static void s_after_feed(uplink_t *self, mirror_result_t result)
{
    unsigned long long seq = mirror_seq(self->edge->mirror);
    switch (result) {
    case MIRROR_OK:
        break;
    case MIRROR_BEHIND:
        edge_count(self->edge, EDGE_MIRROR_GAPS);
        s_want_sync(self, false);
        break;
    case MIRROR_DAMAGED:
        edge_count(self->edge, EDGE_MIRROR_DAMAGED);
        log_warn("mirror_damaged", "seq=%llu", seq);
        s_want_sync(self, true);
        break;
    case MIRROR_LOST:
        edge_count(self->edge, EDGE_HISTORY_LOST);
        log_warn("history_lost", "seq=%llu", seq);
        break;
    case MIRROR_BAD:
        edge_count(self->edge, EDGE_BUS_BAD);
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

/* How far this edge is, after a leader of `epoch`. */
static bus_sync_t s_position(const uplink_t *self, uint32_t epoch)
{
    const mirror_t *mirror = self->edge->mirror;
    return (bus_sync_t){.epoch = epoch,
                        .seq = mirror_seq(mirror),
                        .chain = mirror_chain(mirror)};
}

static void s_send_sync(uplink_t *self, uint64_t now_ms)
{
    const mirror_t *mirror = self->edge->mirror;
    bus_sync_t sync = {0};
    if (mirror_synced(mirror) && !self->sync_whole)
        sync = s_position(self, mirror_epoch(mirror));
    uint8_t bytes[BUS_SMALL_MAX];
    if (uplink_tell(self, bytes, bus_put_sync(bytes, &sync)) < 0)
        self->sync_at_ms = now_ms + SYNC_JITTER_MS;
    else
        self->sync_at_ms = now_ms + backoff_next_ms(&self->sync_backoff);
    edge_count(self->edge, EDGE_SYNCS);
}

/* Asks for what was touched before the board. */
static void s_ask_history(uplink_t *self)
{
    bus_sync_t sync = {.epoch = mirror_epoch(self->edge->mirror)};
    uint8_t bytes[BUS_SMALL_MAX];
    if (uplink_has_leader(self) && backfill_next(&self->backfill, &sync.seq))
        uplink_tell(self, bytes, bus_put_sync(bytes, &sync));
}

static bool s_on_board(uplink_t *self, const uint8_t *bytes, size_t size)
{
    mirror_t *mirror = self->edge->mirror;
    bus_board_t board;
    if (bus_decode_board(&board, bytes, size))
        return false;
    s_after_sync(self, mirror_on_board(mirror, &board));
    backfill_on_board(&self->backfill, mirror_seq(mirror),
                      mirror_oldest(mirror) == mirror_seq(mirror));
    s_ask_history(self);
    return true;
}

static bool s_on_range(uplink_t *self, const uint8_t *bytes, size_t size)
{
    bus_body_t range;
    if (bus_decode_body(&range, bytes, size))
        return false;
    s_after_sync(self, mirror_on_range(self->edge->mirror, &range));
    s_ask_history(self);
    return true;
}

static void s_on_ingress(void *context, link_t *link, const uint8_t *bytes,
                         size_t size)
{
    uplink_t *self = context;
    bool good = false;
    switch (bus_type(bytes, size)) {
    case BUS_VERDICTS:
        good = s_on_verdicts(self, link, bytes, size);
        break;
    case BUS_ERRAND_DONE:
        good = !errands_on_answer(self->edge->errands, bytes, size,
                                  clock_mono_ms());
        break;
    case BUS_BOARD:
        good = s_on_board(self, bytes, size);
        break;
    case BUS_RANGE:
        good = s_on_range(self, bytes, size);
        break;
    }
    if (!good)
        edge_count(self->edge, EDGE_BUS_BAD);
}

static void s_resend(uplink_t *self)
{
    size_t resent = pending_resend(self->places);
    self->edge->metrics[EDGE_PLACES_RESENT] += (int64_t)resent;
}

static void s_tell_receipt(uplink_t *self)
{
    const bus_acked_t *acked = receipt_due(&self->receipt, clock_mono_ms());
    uint8_t bytes[BUS_SMALL_MAX];
    if (acked)
        uplink_tell(self, bytes, bus_put_acked(bytes, acked));
}

static void s_new_leader(uplink_t *self, bool first)
{
    edge_count(self->edge, EDGE_LEADERS);
    log_info("leader", "broker=%zu epoch=%u unanswered=%zu",
             self->leadership.leader, self->leadership.epoch,
             pending_count(self->places));
    receipt_new_leader(&self->receipt, clock_mono_ms());
    s_tell_receipt(self);
    s_resend(self);
    errands_on_leader(self->edge->errands);
    if (!first)
        s_want_sync(self, false);
}

static void s_on_beat(uplink_t *self, link_t *link, const bus_beat_t *beat)
{
    bool first = !self->leadership.epoch;
    size_t broker = (size_t)(link - self->links.table);
    leadership_news_t news =
        leadership_on_beat(&self->leadership, broker, beat, clock_mono_ms());
    if (news == LEADERSHIP_NEW)
        s_new_leader(self, first);
    if (news == LEADERSHIP_LOWER)
        link_tell(link, s_position(self, self->leadership.epoch));
    if (link == s_leader(self))
        s_after_feed(self, mirror_on_beat(self->edge->mirror, beat));
}

static void s_on_feed(void *context, link_t *link, const uint8_t *bytes,
                      size_t size)
{
    uplink_t *self = context;
    mirror_t *mirror = self->edge->mirror;
    uint8_t type = bus_type(bytes, size);
    uint64_t now_ms = clock_mono_ms();
    bus_beat_t beat;
    bus_body_t body;
    bool fits = bus_peer_fits(&self->formats, "broker", bytes, size, now_ms);
    if (fits && type == BUS_BEAT && !bus_decode_beat(&beat, bytes, size)) {
        s_on_beat(self, link, &beat);
        return;
    }
    if (!fits || !bus_is_fed(type) || bus_decode_body(&body, bytes, size) < 0) {
        edge_count(self->edge, EDGE_BUS_BAD);
        return;
    }
    if (link != s_leader(self))
        return;
    if (type == BUS_DIFF) {
        edge_count(self->edge, EDGE_FEED_DIFFS);
        size_t broker = (size_t)(link - self->links.table);
        leadership_on_diff(&self->leadership, broker, body.epoch, now_ms);
    }
    if (type == BUS_POLICY)
        bulletin_on_policy(self->edge, &body);
    else if (type == BUS_TAKEN_BY_ALL)
        shared_budget_hear(self->edge->shared, body.body, body.size, now_ms);
    else
        s_after_feed(self, type == BUS_DIFF ? mirror_on_diff(mirror, &body)
                                            : mirror_on_canvas(mirror, &body));
}

/* --- Turns ---------------------------------------------------------------- */

size_t uplink_fds(const uplink_t *self, int *fds, size_t max)
{
    size_t count = links_fds(&self->links, fds, max);
    if (lookup_fd(self->lookup) >= 0 && count < max)
        fds[count++] = lookup_fd(self->lookup);
    return count;
}

bool uplink_turn(uplink_t *self)
{
    bool more = false;
    s_send_places(self);
    for (size_t i = 0; i < self->links.count; i++) {
        link_t *link = &self->links.table[i];
        more |=
            link_drain(link, link->ingress, INGRESS_BUDGET, s_on_ingress, self);
        more |= link_drain(link, link->feed, FEED_BUDGET, s_on_feed, self);
    }
    return lookup_turn(self->lookup) || more;
}

static void s_report(uplink_t *self, uint64_t now_ms, uint32_t viewers)
{
    self->report_at_ms = now_ms + REPORT_MS;
    links_report(&self->links, viewers, s_leader(self),
                 s_position(self, self->leadership.epoch));
    s_tell_receipt(self);
}

static void s_follow(uplink_t *self, uint64_t now_ms)
{
    leadership_news_t news = leadership_tick(
        &self->leadership, pending_waits_since(self->places), now_ms);
    if (news == LEADERSHIP_LOST)
        log_warn("no_leader", "epoch=%u", self->leadership.epoch);
    else if (news == LEADERSHIP_RESEND)
        s_resend(self);
}

void uplink_tick(uplink_t *self, uint32_t viewers)
{
    uint64_t now_ms = clock_mono_ms();
    s_follow(self, now_ms);
    if (uplink_has_leader(self) && self->sync_wanted &&
        now_ms >= self->sync_at_ms)
        s_send_sync(self, now_ms);
    if (now_ms >= self->report_at_ms)
        s_report(self, now_ms, viewers);
    if (now_ms > PLACE_TIMEOUT_MS)
        s_expire(self, now_ms - PLACE_TIMEOUT_MS);
    lookup_tick(self->lookup, now_ms);
    self->edge->metrics[EDGE_PENDING] = (int64_t)pending_count(self->places);
    self->edge->metrics[EDGE_LEADER] = uplink_has_leader(self);
}
