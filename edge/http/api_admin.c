/* SPDX-License-Identifier: Apache-2.0
 *
 * What moderators do: each request becomes one of the leader's verbs, goes to
 * the leader with the bearer's token, and comes back as the leader answers. The
 * leader decides; what is refused here spares it the question.
 */
#include "edge/http/api.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/json_input.h"
#include "edge/errands.h"
#include "edge/http/input.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 8
#define DETAIL_MAX 200
#define LOCATION_MAX 80

/* Adds what the path names to the request; false if it makes no sense. */
typedef bool (*take_fn)(json_t *request, const char *text, size_t length);

static bool s_take_user(json_t *request, const char *text, size_t length)
{
    json_object_set_new(request, "user", json_stringn(text, length));
    return true;
}

/* "10,10,19,19"; NULL if something in it is no number. The caller's. */
static json_t *s_box(const char *text, size_t length)
{
    json_t *box = json_array();
    const char *end = text + length;
    bool good = true;
    while (good && text <= end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t size = (size_t)((comma ? comma : end) - text);
        int64_t number;
        good = input_integer(text, size, &number) == 0;
        json_array_append_new(box, good ? json_integer(number) : json_null());
        text += size + 1;
    }
    if (good)
        return box;
    json_decref(box);
    return NULL;
}

static bool s_take_box(json_t *request, const char *text, size_t length)
{
    json_t *box = s_box(text, length);
    bool good = json_array_size(box) == 4;
    return json_object_set_new(request, "box", box) == 0 && good;
}

static bool s_take_number(json_t *request, const char *name, const char *text,
                          size_t length)
{
    int64_t number;
    if (input_integer(text, length, &number) < 0)
        return false;
    return json_object_set_new(request, name, json_integer(number)) == 0;
}

static bool s_take_undo(json_t *request, const char *text, size_t length)
{
    return s_take_number(request, "undo", text, length);
}

static bool s_take_proposal(json_t *request, const char *text, size_t length)
{
    return s_take_number(request, "proposal", text, length);
}

static bool s_take_job(json_t *request, const char *text, size_t length)
{
    return s_take_number(request, "job", text, length);
}

#define PAGE "limit", "before"
#define WISH "yes", "preview"

typedef struct {
    const char *pattern;
    verb_t method;
    const char *verb;                 /* the leader's */
    const char *members[MEMBERS_MAX]; /* of a POST's body, else of the query */
    take_fn take;                     /* what the path names */
} row_t;

static const row_t s_rows[] = {
    {API_ADMIN "status", VERB_GET, "status", {NULL}, NULL},
    {API_ADMIN "bans", VERB_GET, "policy", {NULL}, NULL},
    {API_ADMIN "bans", VERB_POST, "ban", {"user", "until", "reason"}, NULL},
    {API_ADMIN "bans/{}", VERB_DELETE, "unban", {NULL}, s_take_user},
    {API_ADMIN "regions", VERB_GET, "policy", {NULL}, NULL},
    {API_ADMIN "regions", VERB_POST, "protect", {"box", "reason"}, NULL},
    {API_ADMIN "regions/{}", VERB_DELETE, "unprotect", {NULL}, s_take_box},
    {API_ADMIN "rollbacks", VERB_GET, "policy", {NULL}, NULL},
    {API_ADMIN "rollbacks",
     VERB_POST,
     "rollback",
     {"user", "box", "from", "until", "reason", WISH},
     NULL},
    {API_ADMIN "rollbacks/{}", VERB_DELETE, "restore", {WISH}, s_take_undo},
    {API_ADMIN "proposals", VERB_GET, "policy", {NULL}, NULL},
    {API_ADMIN "proposals/{}", VERB_POST, "approve", {NULL}, s_take_proposal},
    {API_ADMIN "jobs/{}", VERB_GET, "job", {NULL}, s_take_job},
    {API_ADMIN "who", VERB_GET, "who", {"x", "y", PAGE}, NULL},
    {API_ADMIN "user", VERB_GET, "user", {"user", PAGE}, NULL},
    {API_ADMIN "search",
     VERB_GET,
     "search",
     {"user", "box", "from", "until", "color", PAGE},
     NULL},
    {API_ADMIN "audit",
     VERB_GET,
     "audit",
     {"operator", "from", "until", PAGE},
     NULL},
    {API_ADMIN "lock", VERB_POST, "lock", {"reason"}, NULL},
    {API_ADMIN "unlock", VERB_POST, "unlock", {"reason"}, NULL},
    {API_ADMIN "notice", VERB_POST, "notice", {"text"}, NULL},
    {API_ADMIN "settings", VERB_POST, "set", {"name", "value"}, NULL},
};

static const row_t *s_row(const exchange_t *exchange)
{
    verb_t method = exchange->verb == VERB_HEAD ? VERB_GET : exchange->verb;
    for (size_t i = 0; i < sizeof s_rows / sizeof *s_rows; i++)
        if (s_rows[i].method == method &&
            !strcmp(s_rows[i].pattern, exchange->route->pattern))
            return &s_rows[i];
    return NULL;
}

/* --- The answer ------------------------------------------------------------
 */

static void s_drop(exchange_t *exchange)
{
    errands_cancel(exchange->edge->errands, exchange->ticket);
}

/* The leader's code as ours, which are the same words. */
static problem_t s_problem(const char *code)
{
    for (int kind = 0; code && kind < PROBLEM_COUNT; kind++)
        if (!strcmp(code, problem_code((problem_t)kind)))
            return (problem_t)kind;
    return PROBLEM_UNAVAILABLE;
}

/* A sentence that stands in a problem as it is; NULL if it cannot. */
static const char *s_detail(const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    return error && strlen(error) < DETAIL_MAX && !strpbrk(error, "\"\\\n")
               ? error
               : NULL;
}

/* Where an action that goes on is asked for; false: it has ended. */
static bool s_goes_on(const exchange_t *exchange, const json_t *answer,
                      char location[LOCATION_MAX])
{
    *location = '\0';
    if (exchange->verb == VERB_GET || exchange->verb == VERB_HEAD ||
        !json_object_get(answer, "state"))
        return false;
    snprintf(location, LOCATION_MAX,
             "Location: " API_ADMIN "jobs/%" JSON_INTEGER_FORMAT "\r\n",
             json_integer_value(json_object_get(answer, "key")));
    return true;
}

static void s_reply(exchange_t *exchange, const json_t *answer)
{
    char location[LOCATION_MAX];
    bool goes_on = s_goes_on(exchange, answer, location);
    json_t *body = json_copy((json_t *)(uintptr_t)answer);
    json_object_del(body, "ok");
    char *text = json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(body);
    exchange_reply(exchange, &(reply_t){
                                 .status = goes_on ? 202 : 200,
                                 .content_type = "application/json",
                                 .fields = location,
                                 .bytes = text,
                                 .size = strlen(text),
                             });
    free(text);
}

static void s_on_done(void *context, const json_t *answer)
{
    exchange_t *exchange = context;
    const char *code = json_string_value(json_object_get(answer, "code"));
    if (!answer)
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "No leader answered: ask again with the same "
                         "Idempotency-Key, and it is done once");
    else if (json_is_true(json_object_get(answer, "ok")))
        s_reply(exchange, answer);
    else
        exchange_problem(exchange, s_problem(code), s_detail(answer));
}

/* --- The request -----------------------------------------------------------
 */

/* The bearer's token; NULL if the exchange is answered. */
static const char *s_bearer(exchange_t *exchange)
{
    if (exchange_query(exchange, "token")) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "A token stands in Authorization here, not in the "
                         "URL");
        return NULL;
    }
    if (exchange_identify(exchange) != AUTH_GOOD) {
        exchange_problem(exchange, PROBLEM_UNAUTHORIZED, NULL);
        return NULL;
    }
    if (!rank_reaches(exchange->identity.rank, RANK_MODERATOR)) {
        exchange_problem(exchange, PROBLEM_ROLE_TOO_LOW, NULL);
        return NULL;
    }
    return exchange->fields[FIELD_AUTHORIZATION];
}

/* 0 and the request's key; -1 if the exchange is answered. */
static int s_put_key(exchange_t *exchange, json_t *request)
{
    const char *text = exchange->fields[FIELD_IDEMPOTENCY_KEY];
    uint32_t key = (uint32_t)random_u64() | 1;
    if (text && (input_u32(text, &key) < 0 || !key)) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "Idempotency-Key is a number from 1 to 4294967295");
        return -1;
    }
    json_object_set_new(request, "key", json_integer(key));
    return 0;
}

/* Hands on the members of the body that the verb has. -1 if it is no object. */
static int s_put_body(const exchange_t *exchange, const row_t *row,
                      json_t *request)
{
    json_t *body = exchange->body
                       ? json_input_load(exchange->body, exchange->body_size,
                                         JSON_REJECT_DUPLICATES)
                       : json_object();
    bool good = json_is_object(body);
    for (size_t i = 0;
         row->method == VERB_POST && i < MEMBERS_MAX && row->members[i]; i++) {
        json_t *member = json_object_get(body, row->members[i]);
        if (member)
            json_object_set(request, row->members[i], member);
    }
    json_decref(body);
    return good ? 0 : -1;
}

/* A text as what the leader takes it for: a number if it is one, a flag, a
 * list if there are commas, else words. The caller's; NULL if it is not UTF-8.
 */
static json_t *s_value(const char *text)
{
    int64_t number;
    if (!strcmp(text, "true") || !strcmp(text, "false"))
        return json_boolean(*text == 't');
    if (strlen(text) < USER_HEX_BYTES - 1 &&
        input_integer(text, strlen(text), &number) == 0)
        return json_integer(number);
    return strchr(text, ',') ? s_box(text, strlen(text)) : json_string(text);
}

static int s_put_query(const exchange_t *exchange, const row_t *row,
                       json_t *request)
{
    for (size_t i = 0;
         row->method != VERB_POST && i < MEMBERS_MAX && row->members[i]; i++) {
        const char *text = exchange_query(exchange, row->members[i]);
        if (text &&
            json_object_set_new(request, row->members[i], s_value(text)) < 0)
            return -1;
    }
    return 0;
}

static int s_put_path(const exchange_t *exchange, const row_t *row,
                      json_t *request)
{
    const route_arguments_t *arguments = &exchange->arguments;
    const char *reason = exchange_query(exchange, "reason");
    if (!row->take)
        return 0;
    if (!row->take(request, arguments->text[0], arguments->length[0]))
        return -1;
    return reason ? json_object_set_new(request, "reason", json_string(reason))
                  : 0;
}

/* The caller's; NULL if the exchange is answered. */
static json_t *s_request(exchange_t *exchange, const row_t *row)
{
    json_t *request = json_pack("{s:s}", "verb", row->verb);
    bool good = s_put_body(exchange, row, request) == 0 &&
                s_put_query(exchange, row, request) == 0 &&
                s_put_path(exchange, row, request) == 0;
    if (!good)
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "The body is a JSON object, the query is UTF-8, a box "
                         "is x0,y0,x1,y1, a rollback, a proposal or a "
                         "job a number");
    if (good && s_put_key(exchange, request) == 0)
        return request;
    json_decref(request);
    return NULL;
}

/* The caller's (free). */
static char *s_token(const char *authorization)
{
    size_t length;
    const char *token = auth_bearer(authorization, &length);
    assert(token); /* it was verified */
    return strndup(token, length);
}

/* Whether the leader may take its time, since it has to ask the store. */
static bool s_looks(const row_t *row)
{
    return row->method == VERB_GET || !strcmp(row->verb, "rollback") ||
           !strcmp(row->verb, "restore") || !strcmp(row->verb, "approve");
}

void api_admin(exchange_t *exchange)
{
    const row_t *row = s_row(exchange);
    const char *authorization = s_bearer(exchange);
    json_t *request = authorization ? s_request(exchange, row) : NULL;
    if (!request)
        return;
    char *token = s_token(authorization);
    exchange->ticket =
        errands_ask(exchange->edge->errands, token, request, s_looks(row),
                    clock_mono_ms(), s_on_done, exchange);
    free(token);
    json_decref(request);
    if (exchange->ticket)
        exchange->drop = s_drop;
    else
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "Too many requests of moderators wait");
}
