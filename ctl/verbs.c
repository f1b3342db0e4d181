/* SPDX-License-Identifier: Apache-2.0
 *
 * See verbs.h.
 */
#include "ctl/verbs.h"

#include "ctl/request.h"
#include "ctl/table.h"
#include "ctl/web.h"

#include <inttypes.h>

static const char *s_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "-";
}

static int64_t s_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void s_print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    puts(text ? text : "null");
    free(text);
    json_decref(value);
}

/* ---- status ---------------------------------------------------------- */

static const json_t *s_leader(const brokers_t *brokers)
{
    const json_t *leader = NULL;
    for (size_t i = 0; i < brokers->count; i++) {
        const json_t *answer = brokers->table[i].answer;
        const char *role = s_text(answer, "role");
        bool leads = !strcmp(role, "leader") || !strcmp(role, "away");
        if (leads &&
            (!leader || s_number(answer, "epoch") > s_number(leader, "epoch")))
            leader = answer;
    }
    return leader;
}

/* The leader's members, and `brokers` with every broker's. */
static json_t *s_status_json(const brokers_t *brokers)
{
    json_t *list = json_array();
    for (size_t i = 0; i < brokers->count; i++) {
        const broker_answer_t *broker = &brokers->table[i];
        json_t *row = broker->answer
                          ? json_deep_copy(broker->answer)
                          : json_pack("{s:b, s:s}", "ok", 0, "role", "silent");
        json_object_set_new(row, "endpoint", json_string(broker->base));
        json_array_append_new(list, row);
    }
    const json_t *leader = s_leader(brokers);
    json_t *status =
        leader ? json_deep_copy(leader)
               : json_pack("{s:b, s:s}", "ok", 0, "error", "no broker leads");
    json_object_set_new(status, "brokers", list);
    return status;
}

static void s_print_broker(const broker_answer_t *broker)
{
    const json_t *answer = broker->answer;
    if (!answer) {
        printf("%-28s no answer\n", broker->base);
        return;
    }
    printf("%-28s %-10s epoch %" PRId64 " seq %" PRId64 " redis %s\n",
           broker->base, s_text(answer, "role"), s_number(answer, "epoch"),
           s_number(answer, "seq"), s_text(answer, "redis"));
}

static void s_print_leader(const json_t *leader)
{
    const json_t *canvas = json_object_get(leader, "canvas");
    const json_t *board = json_object_get(canvas, "board");
    const json_t *persister = json_object_get(leader, "persister");
    printf("canvas     %" PRId64 "x%" PRId64 ", %" PRId64 " bits, %zu colours"
           ", cooldown %" PRId64 " ms, tick %" PRId64 " ms%s\n",
           s_number(board, "width"), s_number(board, "height"),
           s_number(board, "bits"),
           json_array_size(json_object_get(canvas, "palette")),
           s_number(canvas, "cooldown_ms"), s_number(canvas, "tick_ms"),
           json_is_true(json_object_get(canvas, "paused")) ? ", paused" : "");
    printf("digest     %08" PRIx64 "\n", (uint64_t)s_number(leader, "digest"));
    printf("viewers    %" PRId64 " on %" PRId64 " edges\n",
           s_number(leader, "viewers"), s_number(leader, "edges"));
    printf("log        %" PRId64 " records, %" PRId64 " not yet persisted\n",
           s_number(leader, "log_records"), s_number(leader, "unconfirmed"));
    if (json_is_object(persister))
        printf("persister  %s at %" PRId64 ", snapshot at %" PRId64 "\n",
               s_text(persister, "instance"), s_number(persister, "checkpoint"),
               s_number(persister, "snapshot_seq"));
    else
        printf("persister  none\n");
}

static int s_show_status(const brokers_t *brokers, bool json)
{
    const json_t *leader = s_leader(brokers);
    if (json) {
        s_print_json(s_status_json(brokers));
        return leader ? 0 : 1;
    }
    for (size_t i = 0; i < brokers->count; i++)
        s_print_broker(&brokers->table[i]);
    if (leader)
        s_print_leader(leader);
    else
        printf("no broker leads\n");
    return leader ? 0 : 1;
}

/* ---- what the leader does --------------------------------------------- */

/* The answer that counts: who did it, else who refused for a reason of its own,
 * else a standby's. */
static json_t *s_decisive(const brokers_t *brokers)
{
    json_t *best = NULL;
    for (size_t i = 0; i < brokers->count; i++) {
        json_t *answer = brokers->table[i].answer;
        if (json_is_true(json_object_get(answer, "ok")))
            return answer;
        if (answer && (!best || !strcmp(s_text(best, "error"), "standby")))
            best = answer;
    }
    return best;
}

/* Prints it by `table` (NULL: as JSON too). */
static int s_show_answer(const brokers_t *brokers, bool json,
                         void (*table)(const json_t *answer))
{
    json_t *answer = s_decisive(brokers);
    bool done = json_is_true(json_object_get(answer, "ok"));
    const char *error = !answer ? "no broker answered"
                        : !strcmp(s_text(answer, "error"), "standby")
                            ? "no broker leads"
                            : s_text(answer, "error");
    if (json)
        s_print_json(done ? json_incref(answer)
                          : json_pack("{s:b, s:s}", "ok", 0, "error", error));
    else if (done)
        table(answer);
    else
        fprintf(stderr, "stipplectl: %s\n", error);
    return done ? 0 : 1;
}

static void s_table_set(const json_t *answer)
{
    (void)answer;
    printf("done\n");
}

static json_t *s_ask_status(const ctl_config_t *config, char **words)
{
    (void)config, (void)words;
    return json_object();
}

static json_t *s_ask_set(const ctl_config_t *config, char **words)
{
    json_t *request = request_none(config, words);
    json_object_set_new(request, "name", json_string(words[0]));
    if (json_object_set_new(request, "value", json_string(words[1])) == 0)
        return request;
    json_decref(request);
    return NULL;
}

/* ---- the table -------------------------------------------------------- */

static const struct {
    const char *word;
    int arguments;
    const char *usage;
    const char *verb; /* the leader's word */
    json_t *(*ask)(const ctl_config_t *config, char **arguments);
    void (*table)(const json_t *answer); /* NULL: of all brokers, status */
} s_verbs[] = {
    {"status", 0, "status", "status", s_ask_status, NULL},
    {"set", 2, "set NAME VALUE", "set", s_ask_set, s_table_set},
    {"ban", 1, "ban USER", "ban", request_user, table_done},
    {"unban", 1, "unban USER", "unban", request_user, table_done},
    {"bans", 0, "bans", "policy", request_none, table_bans},
    {"protect", 4, "protect X0 Y0 X1 Y1", "protect", request_box, table_done},
    {"unprotect", 4, "unprotect X0 Y0 X1 Y1", "unprotect", request_box,
     table_done},
    {"regions", 0, "regions", "policy", request_none, table_regions},
    {"lock", 0, "lock", "lock", request_none, table_done},
    {"unlock", 0, "unlock", "unlock", request_none, table_done},
    {"notice", 1, "notice TEXT", "notice", request_text, table_done},
    {"who", 2, "who X Y", "who", request_who, table_placements},
    {"user", 1, "user USER", "user", request_placements_of, table_placements},
    {"search", 0, "search", "search", request_search, table_placements},
    {"audit", 0, "audit", "audit", request_audit, table_actions},
    {"rollback", 0, "rollback", "rollback", request_rollback, table_rollback},
    {"rollbacks", 0, "rollbacks", "policy", request_none, table_rollbacks},
    {"approve", 1, "approve NUMBER", "approve", request_approve,
     table_rollback},
    {"proposals", 0, "proposals", "policy", request_none, table_proposals},
};
#define VERBS (sizeof s_verbs / sizeof *s_verbs)
/* The leader gives a store so long to say what lies below. */
#define ROLLBACK_MS 65000

static int s_usage(void)
{
    fprintf(stderr, "stipplectl: one of:");
    for (size_t i = 0; i < VERBS; i++)
        fprintf(stderr, "%s %s", i ? "," : "", s_verbs[i].usage);
    fprintf(stderr, "\n");
    return 2;
}

int verbs_run(brokers_t *brokers, const ctl_config_t *config, char **words,
              int count)
{
    size_t i = 0;
    while (i < VERBS && (!count || strcmp(words[0], s_verbs[i].word) ||
                         count - 1 != s_verbs[i].arguments))
        i++;
    if (i == VERBS)
        return s_usage();
    json_t *request = s_verbs[i].ask(config, words + 1);
    if (!request)
        return 2; /* said, or not UTF-8 */
    if (!json_object_get(request, "verb"))
        json_object_set_new(request, "verb", json_string(s_verbs[i].verb));
    int64_t timeout_ms = config->timeout_ms;
    if (s_verbs[i].table == table_rollback && timeout_ms < ROLLBACK_MS)
        timeout_ms = ROLLBACK_MS;
    int failed = 0;
    if (*config->url)
        failed = web_ask(brokers, config, request);
    else
        brokers_ask(brokers, request, timeout_ms, s_verbs[i].table != NULL);
    json_decref(request);
    if (failed)
        return 2;
    return s_verbs[i].table
               ? s_show_answer(brokers, config->json, s_verbs[i].table)
               : s_show_status(brokers, config->json);
}
