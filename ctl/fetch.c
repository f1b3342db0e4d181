/* SPDX-License-Identifier: Apache-2.0
 *
 * See fetch.h. libcurl follows no redirect, so the token goes nowhere else.
 */
#include "ctl/fetch.h"

#include "common/clock.h"
#include "common/mem.h"

#include <assert.h>
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_MS 10000L
#define ANSWER_MS 60000L
#define PAUSE_MS 200
#define PAUSE_MAX_MS 5000

static size_t s_on_body(char *bytes, size_t one, size_t size, void *context)
{
    fetch_t *self = context;
    assert(one == 1);
    self->body = mem_realloc(self->body, self->size + size + 1, 1);
    memcpy(self->body + self->size, bytes, size);
    self->size += size;
    self->body[self->size] = '\0';
    return size;
}

void fetch_open(fetch_t *self, const char *base, const char *token)
{
    size_t length = strlen(base);
    while (length && base[length - 1] == '/')
        length--;
    *self = (fetch_t){.curl = curl_easy_init(), .base = mem_strdup(base)};
    self->base[length] = '\0';
    if (token) {
        char *bearer = mem_alloc(strlen(token) + 32);
        sprintf(bearer, "Authorization: Bearer %s", token);
        self->fields = curl_slist_append(NULL, bearer);
        OPENSSL_cleanse(bearer, strlen(bearer));
        free(bearer);
    }
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, self->fields);
    curl_easy_setopt(self->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(self->curl, CURLOPT_TIMEOUT_MS, ANSWER_MS);
    curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, s_on_body);
    curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, self);
}

void fetch_close(fetch_t *self)
{
    curl_easy_cleanup(self->curl);
    curl_slist_free_all(self->fields);
    free(self->base);
    free(self->body);
    *self = (fetch_t){0};
}

static void s_get_once(fetch_t *self, const char *path)
{
    char *url = mem_alloc(strlen(self->base) + strlen(path) + 1);
    sprintf(url, "%s%s", self->base, path);
    free(self->body);
    self->body = NULL;
    self->size = 0;
    self->status = 0;
    curl_easy_setopt(self->curl, CURLOPT_URL, url);
    CURLcode code = curl_easy_perform(self->curl);
    self->trouble = code == CURLE_OK ? NULL : curl_easy_strerror(code);
    if (code == CURLE_OK)
        curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &self->status);
    free(url);
}

/* A problem's member; NULL: there is none. The caller's. */
static char *s_member(const fetch_t *self, const char *name)
{
    json_t *problem =
        self->size ? json_loadb(self->body, self->size, 0, NULL) : NULL;
    const json_t *value = json_object_get(problem, name);
    char *text = json_is_string(value) ? mem_strdup(json_string_value(value))
                 : value               ? json_dumps(value, JSON_ENCODE_ANY)
                                       : NULL;
    json_decref(problem);
    return text;
}

static void s_pause(const fetch_t *self)
{
    char *text = s_member(self, "retry_ms");
    long ms = text ? strtol(text, NULL, 10) : PAUSE_MS;
    if (ms < PAUSE_MS)
        ms = PAUSE_MS;
    if (ms > PAUSE_MAX_MS)
        ms = PAUSE_MAX_MS;
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
    free(text);
}

int fetch_get(fetch_t *self, const char *path)
{
    uint64_t until_ms = clock_mono_ms() + FETCH_PATIENCE_MS;
    s_get_once(self, path);
    while ((self->status == 429 || self->status == 503) &&
           clock_mono_ms() < until_ms) {
        s_pause(self);
        s_get_once(self, path);
    }
    return self->status == 200 ? 0 : -1;
}

const char *fetch_why(fetch_t *self)
{
    if (self->trouble)
        return self->trouble;
    char *why = s_member(self, "detail");
    if (!why)
        why = s_member(self, "code");
    if (!why)
        return "this is not the address of an edge";
    free(self->body);
    self->body = why;
    self->size = strlen(why);
    return self->body;
}
