/* SPDX-License-Identifier: Apache-2.0
 *
 * See ctl.h.
 */
#include "broker/ctl.h"

#include "broker/metrics.h"
#include "broker/moderation.h"
#include "common/bus_errand.h"
#include "common/json_input.h"
#include "common/log.h"
#include "common/token.h"

#include <inttypes.h>
#include <jansson.h>

#define REQUEST_MAX 65536
#define VALUE_BYTES 4096 /* of 256 colours */
/* Of a value in the audit, which holds two of them and the name. */
#define VALUE_KEPT 220

/* ---- status ---------------------------------------------------------- */

static json_t *s_canvas(const world_t *world)
{
    char json[CANVAS_JSON_MAX];
    if (!world->board)
        return json_null();
    size_t size = canvas_to_json(&world->canvas, json, sizeof json);
    return json_loadb(json, size, 0, NULL);
}

static json_t *s_persister(const parts_t *parts)
{
    uint64_t now_ms = parts->now.mono_ms;
    const persister_t *granted = persisters_granted(&parts->persisters, now_ms);
    if (!granted)
        return json_null();
    char instance[USER_HEX_BYTES];
    user_to_hex(granted->word.instance, instance);
    return json_pack("{s:s, s:I, s:I, s:I}", "instance", instance, "checkpoint",
                     (json_int_t)granted->word.checkpoint, "snapshot_seq",
                     (json_int_t)granted->word.snapshot_seq, "heard_ms_ago",
                     (json_int_t)(now_ms - granted->heard_at_ms));
}

static void s_status(const parts_t *parts, const char *role, asker_t *asker)
{
    const world_t *world = &parts->world;
    const char *name = parts->config->common.name;
    json_t *reply = json_pack(
        "{s:b, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, "
        "s:I, s:I, s:s, s:s?, s:b, s:o}",
        "ok", 1, "name", name ? name : "broker", "version", STIPPLE_VERSION,
        "role", role, "epoch", (json_int_t)world->epoch, "seq",
        (json_int_t)world->seq, "digest", (json_int_t)world->digest, "viewers",
        (json_int_t)edges_viewers(parts->ingress.edges), "edges",
        (json_int_t)edges_count(parts->ingress.edges), "persisters",
        (json_int_t)persisters_count(&parts->persisters, parts->now.mono_ms),
        "persister", s_persister(parts), "persisted",
        (json_int_t)parts->persisters.checkpoint, "log_records",
        (json_int_t)parts_log_records(parts), "unconfirmed",
        (json_int_t)parts_unconfirmed(parts), "users",
        (json_int_t)users_count(world->users), "redis",
        ledger_ready(parts->ledger) ? "up" : "away", "redis_trouble",
        ledger_trouble(parts->ledger), "redis_full", parts_redis_full(parts),
        "canvas", s_canvas(world));
    assert(reply);
    answer_send(parts, asker, reply);
}

/* ---- set ------------------------------------------------------------- */

/* Digits alone, at most `max`. */
static int s_set_number(uint32_t *field, const char *value, uint32_t max)
{
    char *end;
    unsigned long long number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > max)
        return -1;
    *field = (uint32_t)number;
    return 0;
}

static int s_set_cooldown(canvas_t *canvas, const char *value)
{
    return s_set_number(&canvas->cooldown_ms, value, UINT32_MAX);
}

static int s_set_tick(canvas_t *canvas, const char *value)
{
    return s_set_number(&canvas->tick_ms, value, CANVAS_TICK_MAX_MS);
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

static void s_tell_cooldown(const canvas_t *canvas, char *text)
{
    snprintf(text, VALUE_BYTES, "%" PRIu32, canvas->cooldown_ms);
}

static void s_tell_tick(const canvas_t *canvas, char *text)
{
    snprintf(text, VALUE_BYTES, "%" PRIu32, canvas->tick_ms);
}

static void s_tell_paused(const canvas_t *canvas, char *text)
{
    snprintf(text, VALUE_BYTES, "%s", canvas->paused ? "on" : "off");
}

static void s_tell_palette(const canvas_t *canvas, char *text)
{
    *text = '\0';
    for (size_t i = 0; i < canvas->palette_size; i++)
        text +=
            sprintf(text, "%s#%06" PRIX32, i ? "," : "", canvas->palette[i]);
}

static const struct {
    const char *name;
    int (*apply)(canvas_t *canvas, const char *value);
    void (*tell)(const canvas_t *canvas, char *text);
    const char *error;
} s_settings[] = {
    {"cooldown_ms", s_set_cooldown, s_tell_cooldown,
     "cooldown_ms is 0 to 4294967295"},
    {"tick_ms", s_set_tick, s_tell_tick, "tick_ms is 0 to 10000"},
    {"paused", s_set_paused, s_tell_paused, "paused is on or off"},
    {"palette", canvas_set_palette, s_tell_palette,
     "palette is #RRGGBB,… of 1 to 2^bits colours"},
};
#define SETTINGS (sizeof s_settings / sizeof *s_settings)

static size_t s_find_setting(const char *name)
{
    size_t i = 0;
    while (i < SETTINGS && strcmp(name, s_settings[i].name))
        i++;
    return i;
}

/* Why the value is refused; NULL where it is in *canvas now. */
static const char *s_apply(canvas_t *canvas, const char *name,
                           const char *value)
{
    const char *why = NULL;
    size_t i = s_find_setting(name);
    if (i == SETTINGS)
        return "no such setting: cooldown_ms, tick_ms, paused, palette";
    if (s_settings[i].apply(canvas, value) < 0)
        return s_settings[i].error;
    return canvas_check(canvas, &why) < 0 ? why : NULL;
}

/* "cooldown_ms: 0 -> 60000", each value cut where it is long. */
static void s_describe(control_t *control, const char *name,
                       const canvas_t *before, const canvas_t *after)
{
    size_t i = s_find_setting(name), at;
    const canvas_t *each[] = {before, after};
    char value[VALUE_BYTES];
    at = (size_t)snprintf(control->text, sizeof control->text, "%s:", name);
    for (size_t k = 0; k < 2; k++) {
        s_settings[i].tell(each[k], value);
        bool cut = strlen(value) > VALUE_KEPT;
        at += (size_t)snprintf(control->text + at, sizeof control->text - at,
                               "%s %.*s%s", k ? " ->" : "", VALUE_KEPT, value,
                               cut ? "\u2026" : "");
    }
    assert(at < sizeof control->text);
}

/* Why it cannot be; NULL: it is in *canvas and *control. */
static const char *s_take_set(control_t *control, canvas_t *canvas,
                              const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const char *value = json_string_value(json_object_get(request, "value"));
    canvas_t before = *canvas;
    if (!name || !value)
        return "set needs name and value, both strings";
    const char *error = s_apply(canvas, name, value);
    if (!error)
        s_describe(control, name, &before, canvas);
    return error;
}

static json_t *s_set_more(const world_t *world)
{
    return json_pack("{s:o}", "canvas", s_canvas(world));
}

static void s_set(ctl_t *self, parts_t *parts, desk_t *desk, const char *locked,
                  asker_t *asker, const json_t *request)
{
    canvas_t canvas = parts->world.canvas;
    control_t control = {.verb = CONTROL_SET};
    const char *error = NULL;
    if (!locked && self->asker.held)
        locked = "another set is on its way: try again";
    if (locked) {
        answer_refuse(parts, asker, "unavailable", locked);
        return;
    }
    error = moderation_head(&control, asker, request);
    if (!error && desk_knows(desk, parts, control.by, control.request)) {
        desk_offer_with(desk, parts, asker, &control,
                        s_set_more(&parts->world)); /* says that it is done */
        return;
    }
    if (!error)
        error = s_take_set(&control, &canvas, request);
    if (error) {
        answer_refuse(parts, asker, "bad_request", error);
        return;
    }
    self->canvas = canvas;
    self->control = control;
    asker_move(&self->asker, asker);
    log_info("setting_changing", "what=\"%s\"", control.text);
    ledger_put_canvas(parts->ledger, parts->world.epoch, &canvas);
}

void ctl_on_canvas(ctl_t *self, parts_t *parts, desk_t *desk, bool done)
{
    canvas_t *canvas = &parts->world.canvas;
    if (!self->asker.held)
        return;
    if (!done) {
        ctl_give_up(self, parts, "standby");
        return;
    }
    *canvas = self->canvas;
    canvas->epoch = parts->world.epoch;
    syncs_forget_board(&parts->syncs);
    feed_canvas(parts->feed, canvas);
    log_info("setting_changed",
             "cooldown_ms=%" PRIu32 " tick_ms=%" PRIu32 " paused=%d",
             canvas->cooldown_ms, canvas->tick_ms, canvas->paused);
    desk_offer_with(desk, parts, &self->asker, &self->control,
                    s_set_more(&parts->world));
}

void ctl_give_up(ctl_t *self, parts_t *parts, const char *error)
{
    if (self->asker.held)
        answer_refuse(parts, &self->asker, "unavailable", error);
}

/* ---- who may what ----------------------------------------------------- */

/* Says so, and writes down what somebody of the staff tried. Players who try
 * are told, and that is all: they are many. */
static void s_refuse_role(parts_t *parts, desk_t *desk,
                          const ctl_state_t *state, asker_t *asker,
                          const char *verb)
{
    char user[USER_HEX_BYTES];
    control_t control = {.verb = CONTROL_REFUSED,
                         .rank = asker->rank,
                         .by = asker->user,
                         .of.upto = control_of_word(verb)};
    snprintf(control.text, sizeof control.text, "%s", verb);
    user_to_hex(asker->user, user);
    COUNT(ROLE_TOO_LOW);
    log_warn("role_too_low", "by=%s role=%s verb=%s", user,
             rank_word(asker->rank), verb);
    if (!state->locked && rank_reaches(asker->rank, RANK_MODERATOR))
        desk_refuse(desk, parts, asker, &control);
    else
        answer_refuse(parts, asker, "role_too_low", DESK_ROLE_TOO_LOW);
}

static void s_do(ctl_t *self, parts_t *parts, desk_t *desk,
                 const ctl_state_t *state, asker_t *asker,
                 const json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    bool asks = verb && !strcmp(verb, "status");
    bool sets = verb && !strcmp(verb, "set");
    if (!verb || (!asks && !sets && !moderation_knows(verb)))
        answer_refuse(parts, asker, "bad_request", "no such verb");
    else if (!rank_reaches(asker->rank, rank_needed(verb)))
        s_refuse_role(parts, desk, state, asker, verb);
    else if (asks)
        s_status(parts, state->role, asker);
    else if (sets)
        s_set(self, parts, desk, state->locked, asker, request);
    else
        moderation_request(desk, parts, state->locked, asker, request);
}

void ctl_request(ctl_t *self, parts_t *parts, desk_t *desk,
                 const ctl_state_t *state, mail_t *mail)
{
    size_t size = mail_size(mail);
    json_t *request =
        size <= REQUEST_MAX
            ? json_loadb((const char *)mail_bytes(mail) + 1, size - 1, 0, NULL)
            : NULL;
    asker_t asker;
    assert(size && state->role);
    COUNT(CONTROL_REQUESTS);
    if (!request)
        COUNT(MALFORMED_CONTROL);
    asker_of_control(&asker, mail);
    s_do(self, parts, desk, state, &asker, request);
    json_decref(request);
}

void ctl_errand(ctl_t *self, parts_t *parts, desk_t *desk,
                const ctl_state_t *state, mail_t *mail)
{
    bus_errand_t errand;
    asker_t asker;
    identity_t who;
    if (bus_decode_errand(&errand, BUS_ERRAND, mail_bytes(mail),
                          mail_size(mail)) < 0) {
        COUNT(MALFORMED_INGRESS);
        return;
    }
    COUNT(ERRANDS);
    asker_of_errand(&asker, mail, errand.ticket);
    const char *why = rights_of(parts->rights, errand.token, errand.token_size,
                                parts->now.wall_ms, &who);
    if (why) {
        answer_refuse(parts, &asker, "unauthorized", why);
        return;
    }
    asker.rank = who.rank;
    asker.user = who.user;
    json_t *request = json_input_load(errand.json, errand.json_size, 0);
    s_do(self, parts, desk, state, &asker, request);
    json_decref(request);
}
