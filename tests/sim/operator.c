/* SPDX-License-Identifier: Apache-2.0
 *
 * See operator.h.
 */
#include "tests/sim/operator.h"

#include "common/bus.h"
#include "tests/sim/bus.h"
#include "tests/sim/policy_model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define CONTROL_PORT 7703
#define BROKERS_COUNT 2
#define DESKS 8
#define ACTING 3 /* of the desks, by themselves; the others take scripts */
#define TURN (30 * MS)
#define AGAIN_LEAST (1200 * MS)
#define AGAIN_MOST (3000 * MS)
#define BANNED_SHARE 4 /* one user of so many */
#define BOXES_MOST 4
#define ROLLBACKS_MOST 8

typedef struct {
    bool busy, asks; /* it only asks for the policy */
    uint32_t key;
    char json[400];
    uint64_t send_at, give_up_at;
    uint64_t next_at; /* of the next order */
    sock_t *socks[BROKERS_COUNT];
} desk_t;

static bool s_enabled, s_acting, s_there, s_ticking, s_trims;
static uint64_t s_random;
static unsigned s_users;
static uint32_t s_keys;
static desk_t s_desks[DESKS];

/* ---- chances of their own --------------------------------------------- */

static uint64_t s_below(uint64_t below)
{
    uint64_t z = s_random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

static uint64_t s_between(uint64_t least, uint64_t most)
{
    return least + s_below(most - least + 1);
}

static bool s_chance(unsigned percent)
{
    return s_below(100) < percent;
}

/* ---- saying it -------------------------------------------------------- */

static void s_hang_up(desk_t *self)
{
    for (unsigned i = 0; i < BROKERS_COUNT; i++) {
        if (self->socks[i])
            sock_free(self->socks[i]);
        self->socks[i] = NULL;
    }
}

static void s_call(desk_t *self)
{
    for (unsigned i = 0; i < BROKERS_COUNT; i++) {
        self->socks[i] = sock_new_of(&processes[PROCESS_OUTSIDE], ZMQ_DEALER);
        sock_connect(self->socks[i], i, CONTROL_PORT);
    }
}

static void s_say_to(sock_t *sock, const char *json)
{
    uint8_t bytes[sizeof s_desks[0].json + 1];
    message_t *message = message_new();
    size_t size = strlen(json);
    bytes[0] = BUS_CTL;
    memcpy(bytes + 1, json, size);
    message_add(message, bytes, size + 1);
    sock_send(sock, message);
}

/* To both, as nobody knows who leads; now and then twice, or by a new
 * connection, whose answers alone are heard then. */
static void s_say(desk_t *self)
{
    unsigned times = s_chance(10) ? 2 : 1;
    if (s_chance(10)) {
        s_hang_up(self);
        s_call(self);
        self->send_at = world_now() + 100 * MS;
        return;
    }
    for (unsigned i = 0; i < BROKERS_COUNT; i++)
        for (unsigned k = 0; k < times; k++)
            s_say_to(self->socks[i], self->json);
    self->send_at = world_now() + s_between(AGAIN_LEAST, AGAIN_MOST);
}

static void s_end(desk_t *self)
{
    s_hang_up(self);
    self->busy = self->asks = false;
    self->next_at = world_now() + s_between(200 * MS, 5 * SECOND);
}

/* ---- hearing of it ---------------------------------------------------- */

static void s_on_answer(desk_t *self, const char *text)
{
    const char *seq = strstr(text, "\"seq\":");
    bool ok = strstr(text, "\"ok\":true");
    bool goes_on = strstr(text, "\"state\":"); /* another one asked again */
    trace("order %" PRIu32 " hears %.200s", self->key, text);
    if (ok && self->asks) {
        check_policy_said(text);
        s_end(self);
    } else if (goes_on) {
        return;
    } else if (ok && seq) {
        check_order_done(self->key, strtoull(seq + 6, NULL, 10));
        s_end(self);
    } else if (strstr(text, "\"code\":\"unavailable\"")) {
        uint64_t soon = world_now() + s_between(100 * MS, SECOND);
        if (soon < self->send_at)
            self->send_at = soon;
    } else if (ok) {
        violation("ack", "order %" PRIu32 " is answered %s", self->key, text);
    } else {
        check_order_refused(self->key, text);
        s_end(self);
    }
}

static void s_hear(desk_t *self)
{
    for (unsigned i = 0; i < BROKERS_COUNT && self->busy; i++)
        for (message_t *message;
             self->busy && (message = sock_receive(self->socks[i]));) {
            char text[1 << 16];
            size_t size = message->frames[0].size;
            const uint8_t *bytes = message->frames[0].bytes;
            bool fits = size && size < sizeof text && *bytes == BUS_CTL_REPLY;
            if (fits)
                snprintf(text, sizeof text, "%.*s", (int)size - 1,
                         (const char *)bytes + 1);
            message_free(message);
            if (!fits)
                violation("ack", "order %" PRIu32 " is answered by %zu bytes",
                          self->key, size);
            s_on_answer(self, text);
        }
}

/* ---- what they want --------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void
s_begin(desk_t *self, const char *verb, const char *format, ...)
{
    char more[160];
    va_list words;
    va_start(words, format);
    vsnprintf(more, sizeof more, format, words);
    va_end(words);
    self->busy = s_there = true;
    self->key = ++s_keys;
    snprintf(self->json, sizeof self->json,
             "{\"verb\":\"%s\",\"by\":\"sim\",\"key\":%" PRIu32
             ",\"reason\":\"%.*s\"%s%s}",
             verb, self->key, (int)s_below(120),
             "griefing griefing griefing griefing griefing griefing griefing "
             "griefing griefing griefing griefing griefing griefing",
             *more ? "," : "", more);
    trace("order %" PRIu32 " is %s %s", self->key, verb, more);
    self->give_up_at =
        s_chance(6) ? world_now() + s_between(50 * MS, SECOND) : NEVER;
    s_call(self);
    self->send_at = world_now() + 20 * MS;
}

static void s_begin_user(desk_t *self, const char *verb, unsigned user,
                         const char *more)
{
    s_begin(self, verb, "\"user\":\"%016" PRIx64 "\"%s", user_identity(user),
            more);
}

static void s_begin_box(desk_t *self, const char *verb, const model_box_t *box,
                        const char *more)
{
    s_begin(self, verb, "\"box\":[%u,%u,%u,%u]%s", box->x0, box->y0, box->x1,
            box->y1, more);
}

static void s_begin_restore(desk_t *self, uint64_t seq)
{
    s_begin(self, "restore", "\"undo\":%" PRIu64 ",\"yes\":true", seq);
}

static model_box_t s_some_box(void)
{
    unsigned width = (unsigned)s_between(1, 12);
    unsigned height = (unsigned)s_between(1, 16);
    unsigned top = (unsigned)s_below(BOARD_SIDE - 16);
    if (s_chance(50)) { /* where most is placed */
        top = (unsigned)s_below(4);
        height = (unsigned)s_between(1, 2);
    }
    model_box_t box = {.x0 = (uint16_t)s_below(BOARD_SIDE - 12),
                       .y0 = (uint16_t)top};
    box.x1 = (uint16_t)(box.x0 + width - 1);
    box.y1 = (uint16_t)(top + height - 1);
    return box;
}

static void s_ban_some(desk_t *self, const model_t *model)
{
    unsigned banned = 0, first = (unsigned)s_below(USERS_MAX), user = first;
    char until[48] = "";
    for (unsigned i = 0; i < USERS_MAX; i++)
        banned += model->bans[i].seq != 0;
    if (banned && (banned * BANNED_SHARE >= s_users || s_chance(30))) {
        while (!model->bans[user % USERS_MAX].seq)
            user++;
        s_begin_user(self, "unban", user % USERS_MAX, "");
        return;
    }
    if (s_chance(40))
        snprintf(until, sizeof until, ",\"until\":%" PRIu64,
                 process_wall_ms(&processes[PROCESS_OUTSIDE]) +
                     s_between(1000, 20000));
    s_begin_user(self, "ban", user % s_users, until);
}

static void s_protect_some(desk_t *self, const model_t *model)
{
    model_box_t box = s_some_box();
    if (model->box_count && (model->box_count >= BOXES_MOST || s_chance(30))) {
        box = model->boxes[s_below(model->box_count)];
        s_begin_box(self, "unprotect", &box, "");
    } else {
        s_begin_box(self, "protect", &box, "");
    }
}

static void s_take_back_some(desk_t *self, const model_t *model)
{
    static const char yes[] = ",\"yes\":true";
    char since[64];
    model_box_t box = s_some_box();
    size_t held = model->rollback_count;
    snprintf(since, sizeof since, ",\"from\":%" PRIu64 "%s",
             process_wall_ms(&processes[PROCESS_OUTSIDE]) -
                 s_between(2000, 60000),
             yes);
    const char *more = s_chance(25) ? since : yes;
    if (held && (held >= ROLLBACKS_MOST || s_chance(30)))
        s_begin_restore(self, model->rollbacks[s_below(held)].seq);
    else if (s_chance(20)) /* with who places there meanwhile */
        s_begin_box(self, "rollback",
                    &(model_box_t){.x1 = BOARD_SIDE - 1, .y1 = 3}, more);
    else if (s_chance(60))
        s_begin_user(self, "rollback", (unsigned)s_below(s_users), more);
    else
        s_begin_box(self, "rollback", &box, more);
}

static void s_begin_some(desk_t *self)
{
    const model_t *model = check_policy_model();
    unsigned kind = (unsigned)s_below(100);
    if (s_keys + 1 >= ORDERS_MAX - DESKS)
        return;
    if (model->locked && (!s_acting || kind < 60))
        s_begin(self, "unlock", "%s", "");
    else if (kind < 40)
        s_ban_some(self, model);
    else if (kind < 65)
        s_protect_some(self, model);
    else if (kind < 94)
        s_take_back_some(self, model);
    else if (kind < 97)
        s_begin(self, "lock", "%s", "");
    else
        s_begin(self, "notice", "\"text\":\"Ten minutes left.\"");
}

/* ---- their turns ------------------------------------------------------ */

static void s_turn(desk_t *self, bool own)
{
    bool unlock = own && check_policy_model()->locked;
    if (self->busy)
        s_hear(self);
    if (self->busy && !self->asks && world_now() >= self->give_up_at) {
        trace("order %" PRIu32 " is given up", self->key);
        s_end(self);
    }
    if (self->busy && world_now() >= self->send_at)
        s_say(self);
    else if (!self->busy && own && world_now() >= self->next_at &&
             (s_acting || unlock))
        s_begin_some(self);
}

static void s_on_turn(void *object, uint64_t a, uint64_t b)
{
    (void)object, (void)a, (void)b;
    for (unsigned i = 0; i < DESKS; i++)
        s_turn(&s_desks[i], s_enabled && i < ACTING);
    world_at(world_now() + TURN, s_on_turn, NULL, 0, 0);
}

static void s_begin_turns(void)
{
    if (!s_ticking)
        s_on_turn(NULL, 0, 0);
    s_ticking = true;
}

/* ---- all -------------------------------------------------------------- */

void operators_enable(bool on)
{
    s_enabled = on;
}

void operators_reset(uint64_t seed, unsigned users)
{
    process_t *outside = &processes[PROCESS_OUTSIDE];
    *outside = (process_t){.kind = KINDS,
                           .number = PROCESS_OUTSIDE,
                           .name = "operator",
                           .up = true};
    memset(s_desks, 0, sizeof s_desks);
    s_random = seed ^ 0x6f70657261746f72u;
    s_users = users;
    s_keys = 0;
    s_acting = s_there = s_ticking = false;
    s_trims = s_enabled && s_chance(50);
}

bool operators_trim(void)
{
    return s_trims;
}

void operators_act(bool on)
{
    s_acting = on;
    if (s_enabled)
        s_begin_turns();
}

bool operators_are_there(void)
{
    return s_there;
}

bool operators_busy(void)
{
    const model_t *model = check_policy_model();
    for (unsigned i = 0; i < DESKS; i++)
        if (s_desks[i].busy)
            return true;
    return s_there && ((s_enabled && model->locked) || model_open(model));
}

static desk_t *s_free_desk(void)
{
    for (unsigned i = ACTING; i < DESKS; i++)
        if (!s_desks[i].busy)
            return &s_desks[i];
    violation("sim", "no operator is free");
}

static int s_order_box(desk_t *desk, const char *verb, const char *what,
                       const char *more)
{
    unsigned x0, y0, x1, y1;
    if (sscanf(what, "%u,%u,%u,%u", &x0, &y0, &x1, &y1) != 4)
        return -1;
    model_box_t box = {0, (uint16_t)x0, (uint16_t)y0, (uint16_t)x1,
                       (uint16_t)y1};
    s_begin_box(desk, verb, &box, more);
    return 0;
}

int operators_order(const char *verb, const char *what)
{
    const model_t *model = check_policy_model();
    desk_t *desk = s_free_desk();
    bool takes_back = !strcmp(verb, "rollback");
    const char *more = takes_back ? ",\"yes\":true" : "";
    s_begin_turns();
    if (!strcmp(verb, "lock") || !strcmp(verb, "unlock")) {
        s_begin(desk, verb, "%s", "");
        return 0;
    }
    if (!strcmp(verb, "restore") && model->rollback_count) {
        s_begin_restore(desk, model->rollbacks[model->rollback_count - 1].seq);
        return 0;
    }
    if (strchr(what, ','))
        return s_order_box(desk, verb, what, more);
    s_begin_user(desk, verb, (unsigned)strtoul(what, NULL, 10), more);
    return 0;
}

void operators_compare(void)
{
    desk_t *desk = s_free_desk();
    desk->busy = desk->asks = true;
    desk->key = 0;
    snprintf(desk->json, sizeof desk->json, "{\"verb\":\"policy\"}");
    s_call(desk);
    desk->send_at = world_now() + 20 * MS;
    s_begin_turns();
}
