/* SPDX-License-Identifier: Apache-2.0
 *
 * See restorer.h. The thread answers one message at a time from its pipe.
 */
#include "persister/restorer.h"

#include "common/bus.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshots.h"
#include "persister/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    zsock_t *pipe;
    source_t source;
    restorer_news_t news;
} restorer_t;

static void s_answer(restorer_t *self, zframe_t *number, zframe_t **frame)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "ANSWER");
    zframe_t *copy = zframe_dup(number);
    zmsg_append(message, &copy);
    zmsg_append(message, frame);
    zmsg_send(&message, self->pipe);
}

/* The newest snapshot whose pixels have its digest. */
static store_result_t s_sound_snapshot(restorer_t *self,
                                       store_snapshot_t *snapshot)
{
    uint64_t at_most = UINT64_MAX;
    for (;;) {
        store_result_t result = self->source.store->ops->get_snapshot(
            self->source.store, at_most, snapshot);
        if (result != STORE_OK)
            return result;
        board_t *board = snapshot_board(snapshot, NULL, NULL);
        if (board) {
            board_destroy(&board);
            return STORE_OK;
        }
        log_error("snapshot_unsound", "seq=%" PRIu64, snapshot->seq);
        at_most = snapshot->seq - 1;
        bool first = !snapshot->seq;
        store_snapshot_free(snapshot);
        if (first)
            return STORE_NONE;
    }
}

static zframe_t *s_snapshot_frame(restorer_t *self, zframe_t *question)
{
    (void)question;
    store_snapshot_t snapshot = {0};
    if (!source_ready_anew(&self->source))
        return NULL;
    store_result_t result = s_sound_snapshot(self, &snapshot);
    if (result == STORE_OK && !chain_known(snapshot.chain))
        store_chain_at(self->source.store, snapshot.seq, &snapshot.chain);
    if (result != STORE_OK && result != STORE_NONE) {
        source_failed(&self->source, "snapshot");
        return NULL;
    }
    bus_board_t board = {
        .epoch = self->source.state.epoch,
        .seq = snapshot.seq,
        .chain = snapshot.chain,
        .json = snapshot.canvas ? snapshot.canvas : "",
        .json_size = snapshot.canvas ? strlen(snapshot.canvas) : 0,
        .pixels = snapshot.pixels,
        .pixels_size = snapshot.pixels_size,
    };
    zframe_t *frame = zframe_new(NULL, bus_board_bound(&board));
    size_t size = bus_put_board(zframe_data(frame), BUS_SNAPSHOT, &board);
    zframe_t *answer = zframe_new(zframe_data(frame), size);
    zframe_destroy(&frame);
    store_snapshot_free(&snapshot);
    self->news.restores++;
    log_info("restore", "snapshot=%" PRIu64 " checkpoint=%" PRIu64, board.seq,
             self->source.state.checkpoint);
    return answer;
}

typedef struct {
    uint8_t *at;
} packer_t;

static bool s_pack(void *context, const record_t *records, size_t count)
{
    packer_t *packer = context;
    for (size_t i = 0; i < count; i++, packer->at += RECORD_BYTES)
        record_encode(packer->at, &records[i]);
    return true;
}

/* An empty answer ends the restore, so it is given only where nothing is to
 * come: a hole below the checkpoint is answered by silence and a line. */
static zframe_t *s_replay_frame(restorer_t *self, zframe_t *question)
{
    bus_replay_t ask;
    if (bus_decode_replay(&ask, zframe_data(question), zframe_size(question))) {
        self->news.bad++;
        return NULL;
    }
    if (!source_ready(&self->source))
        return NULL;
    if (ask.max > BUS_RECORDS_MAX)
        ask.max = BUS_RECORDS_MAX;
    uint8_t *bytes =
        mem_alloc(BUS_BODY_HEAD_BYTES + (size_t)ask.max * RECORD_BYTES);
    chain_t before = CHAIN_UNKNOWN;
    if (ask.from && ask.from - 1 <= self->source.state.checkpoint)
        store_chain_at(self->source.store, ask.from - 1, &before);
    size_t head =
        bus_put_body_head(bytes, BUS_RECORDS, self->source.state.epoch, before);
    packer_t packer = {bytes + head};
    store_result_t result = STORE_NONE;
    if (ask.max)
        result = self->source.store->ops->scan(self->source.store, ask.from,
                                               ask.from + ask.max - 1, s_pack,
                                               &packer);
    size_t size = (size_t)(packer.at - bytes);
    zframe_t *frame = NULL;
    if (result == STORE_NONE && ask.from <= self->source.state.checkpoint)
        log_error("journal_hole", "seq=%" PRIu64, ask.from);
    else if (result == STORE_OK || result == STORE_NONE || size > head)
        frame = zframe_new(bytes, size);
    else
        source_failed(&self->source, "scan");
    free(bytes);
    return frame;
}

/* The store can tell every chain up to its checkpoint, or none. */
static zframe_t *s_chain_frame(restorer_t *self, zframe_t *question)
{
    bus_chain_t answer = {0};
    uint8_t bytes[BUS_SMALL_MAX];
    if (bus_decode_chain_ask(&answer.seq, zframe_data(question),
                             zframe_size(question))) {
        self->news.bad++;
        return NULL;
    }
    if (!source_ready_anew(&self->source))
        return NULL;
    if (answer.seq <= self->source.state.checkpoint)
        store_chain_at(self->source.store, answer.seq, &answer.chain);
    return zframe_new(bytes, bus_put_chain(bytes, &answer));
}

static void s_take_ask(restorer_t *self, zmsg_t *message)
{
    zframe_t *number = zmsg_first(message);
    zframe_t *question = zmsg_next(message);
    uint8_t type = bus_type(zframe_data(question), zframe_size(question));
    zframe_t *answer = type == BUS_SNAPSHOT_ASK
                           ? s_snapshot_frame(self, question)
                       : type == BUS_CHAIN_ASK ? s_chain_frame(self, question)
                                               : s_replay_frame(self, question);
    if (answer)
        s_answer(self, number, &answer);
}

static void s_tell(restorer_t *self)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "NEWS");
    zmsg_addmem(message, &self->news, sizeof self->news);
    zmsg_send(&message, self->pipe);
}

static void s_run(zsock_t *pipe, void *arg)
{
    restorer_t *self = arg;
    self->pipe = pipe;
    zsock_signal(pipe, 0);
    for (bool ended = false; !ended;) {
        zmsg_t *message = zmsg_recv(pipe);
        char *word = message ? zmsg_popstr(message) : NULL;
        ended = !word || !strcmp(word, "$TERM");
        if (!ended) {
            s_take_ask(self, message);
            s_tell(self);
        }
        free(word);
        zmsg_destroy(&message);
    }
    source_fini(&self->source);
    free(self);
}

zactor_t *restorer_new(const char *store_url)
{
    restorer_t *self = mem_zalloc(1, sizeof *self);
    if (source_init(&self->source, store_url) < 0) {
        free(self);
        return NULL;
    }
    return zactor_new(s_run, self);
}

void restorer_ask(zactor_t *self, size_t number, zframe_t **frame)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "ASK");
    zmsg_addmem(message, &number, sizeof number);
    zmsg_append(message, frame);
    zmsg_send(&message, self);
}
