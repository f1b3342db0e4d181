/* SPDX-License-Identifier: Apache-2.0
 *
 * See web.h. libcurl follows no redirect, so the token goes nowhere else.
 */
#include "ctl/web.h"

#include "common/clock.h"
#include "common/key_file.h"
#include "common/mem.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define BASE "/api/v1/admin/"
/* An edge asks for so long while brokers fail over. */
#define EDGE_PATIENCE_MS 10000
/* What goes on is asked for so often, … */
#define AGAIN_MS 300
/* … for so long. */
#define FOLLOWING_MS 300000

/* Where each of the leader's verbs stands. `in_path` is the member that ends
 * the path. What is left goes into the body of a POST, else into the query. */
static const struct {
    const char *verb, *method, *path, *in_path;
} s_rows[] = {
    {"status", "GET", "status", NULL},
    {"policy", "GET", "bans", NULL},
    {"ban", "POST", "bans", NULL},
    {"unban", "DELETE", "bans/", "user"},
    {"protect", "POST", "regions", NULL},
    {"unprotect", "DELETE", "regions/", "box"},
    {"lock", "POST", "lock", NULL},
    {"unlock", "POST", "unlock", NULL},
    {"notice", "POST", "notice", NULL},
    {"set", "POST", "settings", NULL},
    {"rollback", "POST", "rollbacks", NULL},
    {"restore", "DELETE", "rollbacks/", "undo"},
    {"approve", "POST", "proposals/", "proposal"},
    {"job", "GET", "jobs/", "job"},
    {"who", "GET", "who", NULL},
    {"user", "GET", "user", NULL},
    {"search", "GET", "search", NULL},
    {"audit", "GET", "audit", NULL},
};
#define ROWS (sizeof s_rows / sizeof *s_rows)

void web_open(brokers_t *self, const char *url)
{
    *self = (brokers_t){.count = 1};
    self->table[0].base = mem_strdup(url);
}

/* ---- what is asked ------------------------------------------------------ */

/* "a", 7, or [1, 2] as "1,2"; the caller's. */
static char *s_word(const json_t *value)
{
    char *text, *at;
    if (json_is_string(value))
        return mem_strdup(json_string_value(value));
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert(text);
    if (*text == '[') {
        at = text + strlen(text) - 1;
        *at = '\0';
        memmove(text, text + 1, strlen(text));
    }
    return text;
}

static void s_append_word(FILE *to, CURL *curl, const json_t *value)
{
    char *word = s_word(value);
    char *escaped = curl_easy_escape(curl, word, (int)strlen(word));
    for (const char *at = escaped; at && *at; at++)
        if (!strncmp(at, "%2C", 3)) { /* a comma may stand */
            fputc(',', to);
            at += 2;
        } else {
            fputc(*at, to);
        }
    curl_free(escaped);
    free(word);
}

/* The request's URL; takes out of `rest` what it says. The caller's. */
static char *s_url(CURL *curl, const char *base, size_t row, json_t *rest)
{
    char *url, separator = '?';
    size_t size;
    const char *name;
    json_t *value;
    FILE *to = open_memstream(&url, &size);
    size_t length = strlen(base);
    while (length && base[length - 1] == '/')
        length--;
    fprintf(to, "%.*s" BASE "%s", (int)length, base, s_rows[row].path);
    if (s_rows[row].in_path) {
        s_append_word(to, curl, json_object_get(rest, s_rows[row].in_path));
        json_object_del(rest, s_rows[row].in_path);
    }
    if (strcmp(s_rows[row].method, "POST"))
        json_object_foreach(rest, name, value)
        {
            fprintf(to, "%c%s=", separator, name);
            s_append_word(to, curl, value);
            separator = '&';
        }
    fclose(to);
    return url;
}

static struct curl_slist *s_fields(const char *token, const json_t *key)
{
    char text[64];
    char *bearer = mem_alloc(strlen(token) + 32);
    sprintf(bearer, "Authorization: Bearer %s", token);
    struct curl_slist *fields = curl_slist_append(NULL, bearer);
    OPENSSL_cleanse(bearer, strlen(bearer));
    free(bearer);
    if (!key)
        return fields;
    snprintf(text, sizeof text, "Idempotency-Key: %lld",
             (long long)json_integer_value(key));
    return curl_slist_append(fields, text);
}

/* ---- what is answered --------------------------------------------------- */

typedef struct {
    char *text;
    size_t size;
} body_t;

static size_t s_on_body(char *bytes, size_t one, size_t size, void *context)
{
    body_t *body = context;
    assert(one == 1);
    body->text = mem_realloc(body->text, body->size + size + 1, 1);
    memcpy(body->text + body->size, bytes, size);
    body->size += size;
    return size;
}

static json_t *s_refusal(const char *code, const char *error)
{
    return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", error);
}

/* The leader's members behind "ok", as over the bus; or the problem. */
static json_t *s_answer(long status, const body_t *body)
{
    json_t *read =
        body->size ? json_loadb(body->text, body->size, 0, NULL) : NULL;
    const char *code = json_string_value(json_object_get(read, "code"));
    const char *detail = json_string_value(json_object_get(read, "detail"));
    json_t *answer;
    if ((status == 200 || status == 202) && json_is_object(read)) {
        answer = json_pack("{s:b}", "ok", 1);
        json_object_update(answer, read);
    } else {
        answer = s_refusal(code ? code : "unavailable",
                           detail ? detail
                           : code ? code
                                  : "this is not the address of an edge");
    }
    json_decref(read);
    return answer;
}

static json_t *s_perform(CURL *curl)
{
    body_t body = {0};
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, s_on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *answer = code == CURLE_OK
                         ? s_answer(status, &body)
                         : s_refusal("unavailable", curl_easy_strerror(code));
    free(body.text);
    return answer;
}

/* ---- asking -------------------------------------------------------------- */

static json_t *s_ask(const ctl_config_t *config, const char *token,
                     const json_t *request)
{
    size_t row = 0;
    const char *verb = json_string_value(json_object_get(request, "verb"));
    while (row < ROWS && strcmp(s_rows[row].verb, verb))
        row++;
    if (row == ROWS)
        return s_refusal("bad_request", "this verb goes over the bus alone");
    CURL *curl = curl_easy_init();
    json_t *rest = json_copy((json_t *)(uintptr_t)request);
    struct curl_slist *fields =
        s_fields(token, json_object_get(request, "key"));
    json_object_del(rest, "verb");
    json_object_del(rest, "key");
    json_object_del(rest, "by"); /* the token says who it is */
    char *url = s_url(curl, config->url, row, rest);
    bool posts = !strcmp(s_rows[row].method, "POST");
    char *body = posts ? json_dumps(rest, JSON_COMPACT) : NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, s_rows[row].method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     (long)config->timeout_ms + EDGE_PATIENCE_MS);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    json_t *answer = s_perform(curl);
    curl_slist_free_all(fields);
    curl_easy_cleanup(curl);
    json_decref(rest);
    free(body);
    free(url);
    return answer;
}

/* A job's answer as if it had been waited for; NULL: it goes on, or is unknown
 * to the next leader and has to be asked for again. */
static json_t *s_ended(json_t *job)
{
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *code = json_string_value(json_object_get(job, "code"));
    const char *error = json_string_value(json_object_get(job, "error"));
    if (!state)
        return code && (!strcmp(code, "not_found") ||
                        !strcmp(code, "unavailable"))
                   ? NULL
                   : json_incref(job);
    if (!strcmp(state, "refused"))
        return s_refusal(code ? code : "unavailable", error ? error : "-");
    if (strcmp(state, "done"))
        return NULL;
    json_object_del(job, "state");
    json_object_del(job, "key");
    return json_incref(job);
}

/* Waits for the end of what an edge answered with 202. */
static json_t *s_follow(const ctl_config_t *config, const char *token,
                        const json_t *request)
{
    json_t *job = json_pack("{s:s, s:O}", "verb", "job", "job",
                            json_object_get(request, "key"));
    uint64_t until_ms = clock_mono_ms() + FOLLOWING_MS;
    json_t *ended = NULL;
    while (!ended && clock_mono_ms() < until_ms) {
        struct timespec pause = {.tv_nsec = AGAIN_MS * 1000000L};
        nanosleep(&pause, NULL);
        json_t *answer = s_ask(config, token, job);
        const char *code = json_string_value(json_object_get(answer, "code"));
        bool unknown = code && !strcmp(code, "not_found");
        if (unknown && !json_object_get(answer, "state")) {
            json_decref(answer);
            answer = s_ask(config, token, request);
        }
        ended = s_ended(answer);
        json_decref(answer);
    }
    json_decref(job);
    return ended ? ended
                 : s_refusal("unavailable", "it goes on: ask again with the "
                                            "same --key");
}

static json_t *s_ask_to_the_end(const ctl_config_t *config, const char *token,
                                const json_t *request)
{
    json_t *answer = s_ask(config, token, request);
    if (!json_object_get(answer, "state"))
        return answer;
    json_decref(answer);
    return s_follow(config, token, request);
}

static bool s_is_loopback(const char *host)
{
    struct in_addr v4;
    return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
           (inet_pton(AF_INET, host, &v4) == 1 &&
            ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* curl takes http where no scheme stands. */
bool web_is_open(const char *text)
{
    char *scheme = NULL, *host = NULL;
    CURLU *url = curl_url();
    bool open = url &&
                !curl_url_set(url, CURLUPART_URL, text, CURLU_GUESS_SCHEME) &&
                !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) &&
                !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
                !strcmp(scheme, "http") && !s_is_loopback(host);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return open;
}

int web_ask(brokers_t *self, const ctl_config_t *config, const json_t *request)
{
    size_t size;
    const char *why = NULL;
    if (!config->insecure && web_is_open(config->url)) {
        fprintf(stderr,
                "stipplectl: url %s: the token could be read on the way: use "
                "https, or --insecure\n",
                config->url);
        return -1;
    }
    char *token = secret_read(config->token_file, &size, &why);
    assert(self->count == 1 && !self->table[0].answer);
    if (token && (strlen(token) < size || strpbrk(token, " \t\r\n")))
        why = "it holds no token";
    if (why)
        fprintf(stderr, "stipplectl: token_file %s: %s\n", config->token_file,
                why);
    else
        self->table[0].answer = s_ask_to_the_end(config, token, request);
    if (token)
        OPENSSL_cleanse(token, size);
    free(token);
    return why ? -1 : 0;
}
