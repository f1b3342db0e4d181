/* SPDX-License-Identifier: Apache-2.0
 *
 * See clerk.h.
 */
#include "persister/clerk.h"

#include "common/bus_look.h"
#include "common/mem.h"
#include "common/token.h"
#include "persister/action_json.h"
#include "persister/below.h"
#include "persister/json_text.h"
#include "persister/search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Of the thread, above the process' own: others come first. */
#define NICE 10

typedef struct {
    zsock_t *pipe;
    source_t source;
} clerk_t;

/* ---- answers as JSON ----------------------------------------------------- */

static void s_put_placement(json_text_t *text, const record_t *record)
{
    json_put(text, "{\"seq\":");
    json_put_number(text, record->seq);
    action_json_member(text, "at", record->placed_at_ms);
    action_json_user(text, "user", record->user);
    action_json_member(text, "x", record->x);
    action_json_member(text, "y", record->y);
    action_json_member(text, "color", record->color);
    json_put(text, "}");
}

static void s_put_found(json_text_t *text, const search_t *found, bool actions,
                        uint64_t checkpoint)
{
    json_put(text, actions ? "{\"ok\":true,\"actions\":["
                           : "{\"ok\":true,\"placements\":[");
    for (size_t i = 0; i < found->count; i++) {
        json_put(text, i ? "," : "");
        if (actions) {
            json_put(text, "{");
            action_json_put(text, &found->controls[i]);
            json_put(text, "}");
        } else {
            s_put_placement(text, &found->records[i]);
        }
    }
    json_put(text, "]");
    if (found->next)
        action_json_member(text, "next", found->next);
    action_json_member(text, "stored", checkpoint);
    json_put(text, "}");
}

static void s_put_failure(json_text_t *text, const char *why)
{
    json_put(text, "{\"ok\":false,\"code\":\"unavailable\",\"error\":");
    json_put_string(text, why);
    json_put(text, "}");
}

/* ---- questions ------------------------------------------------------------
 */

static zframe_t *s_looked(clerk_t *self, const bus_look_t *look)
{
    uint8_t head[BUS_LOOKED_HEAD_BYTES];
    json_text_t text = {0};
    search_t found = {0};
    json_put_raw(&text, (const char *)head,
                 bus_put_looked_head(head, look->ticket));
    store_result_t result = STORE_FAILED;
    if (source_ready_anew(&self->source)) {
        result = search_run(&found, &self->source, look);
        if (result != STORE_OK)
            source_failed(&self->source, "search");
    }
    if (result == STORE_OK)
        s_put_found(&text, &found, look->kind == LOOK_ACTIONS,
                    self->source.state.checkpoint);
    else
        s_put_failure(&text, "the store cannot be read now");
    zframe_t *answer = zframe_new(text.bytes, text.size);
    search_fini(&found);
    json_text_fini(&text);
    return answer;
}

static bool s_feed(void *context, const record_t *records, size_t count)
{
    below_feed(context, records, count);
    return true;
}

/* The store is there, and reaches up to what is meant. */
static below_status_t s_reaches(clerk_t *self, uint64_t least)
{
    if (!source_ready_anew(&self->source))
        return BELOW_FAILED;
    return self->source.state.checkpoint < least ? BELOW_BEHIND : BELOW_FOUND;
}

static zframe_t *s_below(clerk_t *self, const bus_below_ask_t *ask)
{
    uint8_t head[BUS_BELOW_HEAD_BYTES];
    bus_below_t none = {.ticket = ask->ticket};
    uint64_t checkpoint;
    none.status = (uint8_t)s_reaches(self, ask->least);
    if (none.status != BELOW_FOUND)
        return zframe_new(head, bus_put_below_head(head, &none));
    checkpoint = self->source.state.checkpoint;
    below_t *below = below_new(ask);
    store_result_t result =
        checkpoint ? self->source.store->ops->scan(self->source.store, 1,
                                                   checkpoint, s_feed, below)
                   : STORE_OK;
    zframe_t *answer = NULL;
    if (result == STORE_OK && below_seq(below) == checkpoint) {
        size_t size;
        uint8_t *bytes = below_answer(below, ask->ticket, &size);
        answer = zframe_new(bytes, size);
        free(bytes);
    } else {
        source_failed(&self->source, "below");
        none.status = BELOW_FAILED;
        answer = zframe_new(head, bus_put_below_head(head, &none));
    }
    below_destroy(&below);
    return answer;
}

static zframe_t *s_answer_below(clerk_t *self, zframe_t *question)
{
    bus_below_ask_t ask = {.hidden =
                               mem_zalloc(BUS_HIDDEN_MAX, sizeof(selection_t))};
    zframe_t *answer = NULL;
    if (!bus_decode_below_ask(&ask, zframe_data(question),
                              zframe_size(question)))
        answer = s_below(self, &ask);
    free(ask.hidden);
    return answer;
}

/* NULL if it makes no sense. */
static zframe_t *s_answer(clerk_t *self, zframe_t *question)
{
    bus_look_t look;
    if (bus_type(zframe_data(question), 1) == BUS_BELOW_ASK)
        return s_answer_below(self, question);
    return bus_decode_look(&look, zframe_data(question), zframe_size(question))
               ? NULL
               : s_looked(self, &look);
}

static void s_take_ask(clerk_t *self, zmsg_t *message)
{
    zframe_t *number = zmsg_first(message);
    zframe_t *answer = s_answer(self, zmsg_next(message));
    if (!answer)
        return;
    zmsg_t *reply = zmsg_new();
    zframe_t *copy = zframe_dup(number);
    zmsg_addstr(reply, "ANSWER");
    zmsg_append(reply, &copy);
    zmsg_append(reply, &answer);
    zmsg_send(&reply, self->pipe);
}

/* ---- the thread -----------------------------------------------------------
 */

static void s_run(zsock_t *pipe, void *arg)
{
    clerk_t *self = arg;
    self->pipe = pipe;
    /* Of this thread alone, on Linux. Where it is not allowed it stays. */
    setpriority(PRIO_PROCESS, 0, NICE);
    zsock_signal(pipe, 0);
    for (bool ended = false; !ended;) {
        zmsg_t *message = zmsg_recv(pipe);
        char *word = message ? zmsg_popstr(message) : NULL;
        ended = !word || !strcmp(word, "$TERM");
        if (!ended)
            s_take_ask(self, message);
        free(word);
        zmsg_destroy(&message);
    }
    source_fini(&self->source);
    free(self);
}

zactor_t *clerk_new(const char *store_url)
{
    clerk_t *self = mem_zalloc(1, sizeof *self);
    if (source_init(&self->source, store_url) < 0) {
        free(self);
        return NULL;
    }
    return zactor_new(s_run, self);
}

bool clerk_knows(const zframe_t *question)
{
    zframe_t *frame = (zframe_t *)question;
    uint8_t type = bus_type(zframe_data(frame), zframe_size(frame));
    return type == BUS_LOOK || type == BUS_BELOW_ASK;
}

void clerk_ask(zactor_t *self, size_t number, zframe_t **frame)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "ASK");
    zmsg_addmem(message, &number, sizeof number);
    zmsg_append(message, frame);
    zmsg_send(&message, self);
}
