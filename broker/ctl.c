/* SPDX-License-Identifier: Apache-2.0
 *
 * stipplectl's requests, as JSON: a table of verbs, and for `set` a table of
 * the settings that a running canvas may change. A set is committed to Redis
 * first, then takes effect, is told on the feed, and is answered. One at a
 * time: another one meanwhile is told to come again.
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/token.h"

#include <inttypes.h>
#include <jansson.h>

#define REQUEST_MAX 65536

/* Answers with `reply`, which is released; the mail keeps its body. */
static void s_reply(broker_t *self, mail_t *mail, json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);
    size_t size = text ? strlen(text) : 0;
    mail_t answer;
    mail_reply_to(&answer, mail, 1 + size);
    mail_bytes(&answer)[0] = BUS_CTL_REPLY;
    memcpy(mail_bytes(&answer) + 1, text, size);
    control_send(self, &answer);
    free(text);
    json_decref(reply);
}

static void s_refuse(broker_t *self, mail_t *mail, const char *error)
{
    s_reply(self, mail, json_pack("{s:b, s:s}", "ok", 0, "error", error));
}

/* ---- status ---------------------------------------------------------- */

static json_t *s_canvas(const broker_t *self)
{
    char json[CANVAS_JSON_MAX];
    if (!self->world.board)
        return json_null();
    size_t size = canvas_to_json(&self->world.canvas, json, sizeof json);
    return json_loadb(json, size, 0, NULL);
}

static json_t *s_persister(const broker_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    const persister_t *granted = persisters_granted(&self->persisters, now_ms);
    if (!granted)
        return json_null();
    char instance[USER_HEX_BYTES];
    user_to_hex(granted->word.instance, instance);
    return json_pack("{s:s, s:I, s:I, s:I}", "instance", instance, "checkpoint",
                     (json_int_t)granted->word.checkpoint, "snapshot_seq",
                     (json_int_t)granted->word.snapshot_seq, "heard_ms_ago",
                     (json_int_t)(now_ms - granted->heard_at_ms));
}

static void s_status(broker_t *self, mail_t *mail, const json_t *request)
{
    (void)request;
    const world_t *world = &self->world;
    const char *name = self->config->common.name;
    uint64_t length =
        history_next(world->history) - history_first(world->history);
    json_t *reply = json_pack(
        "{s:b, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, "
        "s:I, s:I, s:s, s:o}",
        "ok", 1, "name", name ? name : "broker", "version", STIPPLE_VERSION,
        "role", broker_state_word(self), "epoch", (json_int_t)world->epoch,
        "seq", (json_int_t)world->seq, "digest", (json_int_t)world->digest,
        "viewers", (json_int_t)edges_viewers(self->ingress.edges), "edges",
        (json_int_t)edges_count(self->ingress.edges), "persisters",
        (json_int_t)persisters_count(&self->persisters, clock_mono_ms()),
        "persister", s_persister(self), "persisted",
        (json_int_t)self->persisters.checkpoint, "log_records",
        (json_int_t)length, "unconfirmed",
        (json_int_t)leading_unconfirmed(self), "users",
        (json_int_t)users_count(world->users), "redis",
        ledger_ready(self->ledger) ? "up" : "away", "canvas", s_canvas(self));
    assert(reply);
    s_reply(self, mail, reply);
}

/* ---- set ------------------------------------------------------------- */

static int s_set_cooldown(canvas_t *canvas, const char *value)
{
    char *end;
    unsigned long long number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > UINT32_MAX)
        return -1;
    canvas->cooldown_ms = (uint32_t)number;
    return 0;
}

static int s_set_paused(canvas_t *canvas, const char *value)
{
    static const char *const words[] = {"off", "on",  "false", "true",
                                        "no",  "yes", "0",     "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(value, words[i])) {
            canvas->paused = i % 2;
            return 0;
        }
    return -1;
}

static const struct {
    const char *name;
    int (*apply)(canvas_t *canvas, const char *value);
    const char *error;
} s_settings[] = {
    {"cooldown_ms", s_set_cooldown, "cooldown_ms is 0 to 4294967295"},
    {"paused", s_set_paused, "paused is on or off"},
    {"palette", canvas_set_palette,
     "palette is #RRGGBB,… of 1 to 2^bits colours"},
};

/* Why the value is refused; NULL where it is in *canvas now. */
static const char *s_apply(canvas_t *canvas, const char *name,
                           const char *value)
{
    for (size_t i = 0; i < sizeof s_settings / sizeof *s_settings; i++)
        if (!strcmp(name, s_settings[i].name))
            return s_settings[i].apply(canvas, value) < 0 ? s_settings[i].error
                                                          : NULL;
    return "no such setting: cooldown_ms, paused, palette";
}

static void s_set(broker_t *self, mail_t *mail, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const char *value = json_string_value(json_object_get(request, "value"));
    const char *error = NULL, *why = NULL;
    canvas_t canvas = self->world.canvas;
    if (self->state == AWAY)
        error = "redis is away";
    else if (self->state != LEADING || self->stopping)
        error = "standby";
    else if (!name || !value)
        error = "set needs name and value, both strings";
    else if (self->set.held)
        error = "another set is on its way: try again";
    else if (!(error = s_apply(&canvas, name, value)) &&
             canvas_check(&canvas, &why) < 0)
        error = why;
    if (error) {
        s_refuse(self, mail, error);
        return;
    }
    self->set.canvas = canvas;
    self->set.held = true;
    mail_reply_to(&self->set.mail, mail, 0);
    log_info("setting_changing", "name=%s", name);
    ledger_put_canvas(self->ledger, self->world.epoch, &canvas);
}

static void s_end_set(broker_t *self, json_t *reply)
{
    s_reply(self, &self->set.mail, reply);
    mail_close(&self->set.mail);
    self->set.held = false;
}

void ctl_on_canvas(broker_t *self, bool done)
{
    if (!self->set.held)
        return;
    if (!done) {
        s_end_set(self, json_pack("{s:b, s:s}", "ok", 0, "error", "standby"));
        return;
    }
    self->world.canvas = self->set.canvas;
    self->world.canvas.epoch = self->world.epoch;
    sync_forget_board(self);
    feed_canvas(self->feed, &self->world.canvas);
    log_info("setting_changed", "cooldown_ms=%" PRIu32 " paused=%d",
             self->world.canvas.cooldown_ms, self->world.canvas.paused);
    s_end_set(self, json_pack("{s:b, s:o}", "ok", 1, "canvas", s_canvas(self)));
}

void ctl_give_up(broker_t *self, const char *error)
{
    if (self->set.held)
        s_end_set(self, json_pack("{s:b, s:s}", "ok", 0, "error", error));
}

/* ---- verbs ----------------------------------------------------------- */

static const struct {
    const char *word;
    void (*handle)(broker_t *self, mail_t *mail, const json_t *request);
} s_verbs[] = {
    {"status", s_status},
    {"set", s_set},
};

void ctl_request(broker_t *self, mail_t *mail)
{
    size_t size = mail_size(mail);
    json_t *request =
        size <= REQUEST_MAX
            ? json_loadb((const char *)mail_bytes(mail) + 1, size - 1, 0, NULL)
            : NULL;
    const char *verb = json_string_value(json_object_get(request, "verb"));
    COUNT(CONTROL_REQUESTS);
    if (!request)
        COUNT(MALFORMED_CONTROL);
    for (size_t i = 0; verb && i < sizeof s_verbs / sizeof *s_verbs; i++)
        if (!strcmp(verb, s_verbs[i].word)) {
            s_verbs[i].handle(self, mail, request);
            json_decref(request);
            return;
        }
    s_refuse(self, mail, "no such verb: status, set");
    json_decref(request);
}
