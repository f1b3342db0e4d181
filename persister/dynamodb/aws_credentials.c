/* SPDX-License-Identifier: Apache-2.0
 *
 * See aws_credentials.h. What was found is looked up again shortly before it
 * expires.
 */
#include "persister/dynamodb/aws_credentials.h"

#include "common/clock.h"
#include "common/mem.h"
#include "persister/dynamodb/aws_profile.h"
#include "persister/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_BEFORE_MS (5 * 60 * 1000)
/* After a failed look. */
#define RETRY_MS (10 * 1000)
#define FETCH_TIMEOUT_MS 2000

struct aws_credentials {
    aws_fetch_fn fetch;
    void *context;
    http_client_t *client; /* of the standard fetch */
    aws_keys_t keys;       /* access_key NULL: none yet */
    uint64_t look_at_ms;   /* wall clock: not again before */
    char error[256];
};

/* ---- Fetching ------------------------------------------------------------ */

typedef struct {
    int status;
    char *body;
} answer_t;

static void s_on_answer(void *context, const http_response_t *response)
{
    answer_t *answer = context;
    answer->status = response->status;
    answer->body = mem_strdup(response->body);
}

static int s_fetch(void *context, const char *method, const char *url,
                   const char *header, char **body)
{
    aws_credentials_t *self = context;
    answer_t answer = {0};
    http_request_t request = {
        .method = method,
        .url = url,
        .headers = {header},
        .timeout_ms = FETCH_TIMEOUT_MS,
        .direct = true,
    };
    if (!self->client)
        self->client = http_client_new(1);
    http_client_start(self->client, &request, s_on_answer, &answer);
    http_client_run(self->client);
    *body = answer.body;
    return answer.status;
}

/* ---- The chain ----------------------------------------------------------- */

typedef enum { FOUND, ABSENT, BROKEN } search_t;

static search_t s_from_environment(aws_credentials_t *self, aws_keys_t *keys)
{
    (void)self;
    const char *access = getenv("AWS_ACCESS_KEY_ID");
    const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
    const char *token = getenv("AWS_SESSION_TOKEN");
    if (!access || !*access || !secret || !*secret)
        return ABSENT;
    keys->access_key = mem_strdup(access);
    keys->secret_key = mem_strdup(secret);
    keys->session_token = token && *token ? mem_strdup(token) : NULL;
    return FOUND;
}

static search_t s_from_profile(aws_credentials_t *self, aws_keys_t *keys)
{
    keys->access_key = aws_profile_get("aws_access_key_id");
    keys->secret_key = aws_profile_get("aws_secret_access_key");
    keys->session_token = aws_profile_get("aws_session_token");
    if (keys->access_key && keys->secret_key)
        return FOUND;
    search_t result = keys->access_key || keys->secret_key ? BROKEN : ABSENT;
    if (result == BROKEN)
        snprintf(self->error, sizeof self->error,
                 "profile %s has only one of key id and secret",
                 aws_profile_name());
    aws_keys_fini(keys);
    return result;
}

static bool s_is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

static search_t s_from_container(aws_credentials_t *self, aws_keys_t *keys)
{
    if (!s_is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") &&
        !s_is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
        return ABSENT;
    int result = aws_container_keys(keys, self->fetch, self->context,
                                    self->error, sizeof self->error);
    return result ? BROKEN : FOUND;
}

static search_t s_from_instance(aws_credentials_t *self, aws_keys_t *keys)
{
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    char why[128];
    if (!disabled || strcmp(disabled, "true") != 0) {
        if (!aws_instance_keys(keys, self->fetch, self->context, why,
                               sizeof why))
            return FOUND;
        snprintf(self->error, sizeof self->error,
                 "no AWS credentials: none in the environment, in the files "
                 "or from a container, and %s",
                 why);
        return BROKEN;
    }
    snprintf(self->error, sizeof self->error,
             "no AWS credentials in the environment or the files");
    return BROKEN;
}

static int s_search(aws_credentials_t *self, aws_keys_t *keys)
{
    static search_t (*const chain[])(aws_credentials_t *, aws_keys_t *) = {
        s_from_environment,
        s_from_profile,
        s_from_container,
        s_from_instance,
    };
    for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
        search_t result = chain[i](self, keys);
        if (result != ABSENT)
            return result == FOUND ? 0 : -1;
    }
    return -1;
}

aws_credentials_t *aws_credentials_new(aws_fetch_fn fetch, void *context)
{
    aws_credentials_t *self = mem_zalloc(1, sizeof *self);
    self->fetch = fetch ? fetch : s_fetch;
    self->context = fetch ? context : self;
    return self;
}

void aws_credentials_destroy(aws_credentials_t **self_p)
{
    aws_credentials_t *self = *self_p;
    if (!self)
        return;
    http_client_destroy(&self->client);
    aws_keys_fini(&self->keys);
    free(self);
    *self_p = NULL;
}

static void s_look(aws_credentials_t *self)
{
    aws_keys_t found = {0};
    uint64_t now_ms = clock_wall_ms();
    self->look_at_ms = now_ms + RETRY_MS;
    if (s_search(self, &found))
        return;
    aws_keys_fini(&self->keys);
    self->keys = found;
    self->look_at_ms = UINT64_MAX;
    if (found.expires_at_ms > now_ms + REFRESH_BEFORE_MS + RETRY_MS)
        self->look_at_ms = found.expires_at_ms - REFRESH_BEFORE_MS;
    else if (found.expires_at_ms)
        self->look_at_ms = now_ms + RETRY_MS;
}

const aws_keys_t *aws_credentials_get(aws_credentials_t *self)
{
    uint64_t now_ms = clock_wall_ms();
    if (now_ms >= self->look_at_ms)
        s_look(self);
    if (!self->keys.access_key)
        return NULL;
    if (self->keys.expires_at_ms && now_ms >= self->keys.expires_at_ms) {
        snprintf(self->error, sizeof self->error,
                 "the AWS credentials have expired and no new ones are there");
        return NULL;
    }
    return &self->keys;
}

static bool s_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool aws_credentials_renew(aws_credentials_t *self)
{
    aws_keys_t before = self->keys;
    self->keys = (aws_keys_t){0};
    s_look(self);
    if (!self->keys.access_key) {
        self->keys = before;
        return false;
    }
    bool same = s_equal(before.access_key, self->keys.access_key) &&
                s_equal(before.secret_key, self->keys.secret_key) &&
                s_equal(before.session_token, self->keys.session_token);
    aws_keys_fini(&before);
    return !same;
}

const char *aws_credentials_error(const aws_credentials_t *self)
{
    return self->error;
}

char *aws_region(void)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (s_is_set(variables[i]))
            return mem_strdup(getenv(variables[i]));
    }
    return aws_profile_get("region");
}
