/* SPDX-License-Identifier: Apache-2.0
 *
 * See dynamodb_client.h. Each call is signed anew for each try, since the time
 * is part of the signature.
 */
#include "persister/dynamodb/dynamodb_client.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/dynamodb/sigv4.h"
#include "persister/http_client.h"

#include <openssl/crypto.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One try takes as long at most, or half the call's time where that is more. */
#define ATTEMPT_MS 4000
#define BACKOFF_BASE_MS 25
#define BACKOFF_CAP_MS 2000
#define SKEW_LEAST_S 30 /* below that the clock is not to blame */
#define REFUSALS_MAX 2
#define API "X-Amz-Target: DynamoDB_20120810."
#define CONTENT_TYPE "application/x-amz-json-1.0"

struct dynamodb_client {
    char *endpoint; /* with a '/' at its end */
    char *host;     /* of the Host header */
    char *region;
    http_client_t *http;
    aws_credentials_t *credentials;
    int64_t skew_s;    /* service's clock − ours */
    unsigned identity; /* counts changes of keys and of skew */
    char error[512];
};

/* The authority of a URL, without the scheme's own port. */
static char *s_host_of(const char *endpoint)
{
    const char *at = strstr(endpoint, "://");
    at = at ? at + 3 : endpoint;
    char *host = mem_strdup(at);
    host[strcspn(host, "/")] = '\0';
    const char *standard = strncmp(endpoint, "https", 5) ? ":80" : ":443";
    size_t length = strlen(host), port = strlen(standard);
    if (length > port && strcmp(host + length - port, standard) == 0)
        host[length - port] = '\0';
    return host;
}

dynamodb_client_t *dynamodb_client_new(const char *endpoint, const char *region,
                                       unsigned in_flight)
{
    dynamodb_client_t *self = mem_zalloc(1, sizeof *self);
    size_t length = strlen(endpoint);
    while (length > 0 && endpoint[length - 1] == '/')
        length--;
    self->endpoint = mem_alloc(length + 2);
    snprintf(self->endpoint, length + 2, "%.*s/", (int)length, endpoint);
    self->host = s_host_of(self->endpoint);
    self->region = mem_strdup(region);
    self->http = http_client_new(in_flight);
    self->credentials = aws_credentials_new(NULL, NULL);
    return self;
}

void dynamodb_client_destroy(dynamodb_client_t **self_p)
{
    dynamodb_client_t *self = *self_p;
    if (!self)
        return;
    http_client_destroy(&self->http);
    aws_credentials_destroy(&self->credentials);
    free(self->endpoint);
    free(self->host);
    free(self->region);
    free(self);
    *self_p = NULL;
    /* What OpenSSL keeps for this thread; the process may end before it does.
     */
    OPENSSL_thread_stop();
}

const char *dynamodb_client_error(const dynamodb_client_t *self)
{
    return self->error;
}

void dynamodb_client_fail(dynamodb_client_t *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->error, sizeof self->error, format, arguments);
    va_end(arguments);
}

static bool s_blames_clock(const char *message)
{
    return strstr(message, "Signature expired") ||
           strstr(message, "Signature not yet current");
}

dynamodb_action_t dynamodb_action(int status, const char *code,
                                  const char *message)
{
    static const struct {
        const char *code;
        dynamodb_action_t action;
    } table[] = {
        {"ProvisionedThroughputExceededException", DYNAMODB_WAIT},
        {"ThrottlingException", DYNAMODB_WAIT},
        {"Throttling", DYNAMODB_WAIT},
        {"RequestLimitExceeded", DYNAMODB_WAIT},
        {"TooManyRequestsException", DYNAMODB_WAIT},
        {"LimitExceededException", DYNAMODB_WAIT},
        {"TransactionInProgressException", DYNAMODB_WAIT},
        {"ReplicatedWriteConflictException", DYNAMODB_WAIT},
        {"InternalServerError", DYNAMODB_WAIT},
        {"ServiceUnavailable", DYNAMODB_WAIT},
        {"ExpiredTokenException", DYNAMODB_RENEW},
        {"ExpiredToken", DYNAMODB_RENEW},
        {"UnrecognizedClientException", DYNAMODB_RENEW},
        {"InvalidClientTokenId", DYNAMODB_RENEW},
        {"RequestExpired", DYNAMODB_CLOCK},
        {"RequestTimeTooSkewed", DYNAMODB_CLOCK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].code, code) == 0)
            return table[i].action;
    }
    /* Else the secret is wrong, or was replaced. */
    if (strcmp(code, "InvalidSignatureException") == 0)
        return s_blames_clock(message) ? DYNAMODB_CLOCK : DYNAMODB_RENEW;
    if (status == 0 || status == 429 || status >= 500)
        return DYNAMODB_WAIT;
    return DYNAMODB_FAIL;
}

static void s_end(dynamodb_call_t *call, store_result_t result)
{
    call->result = result;
    call->on_end(call);
}

static void s_on_response(void *context, const http_response_t *response);

/* The headers that are signed, and those that signing adds. */
static int s_headers(dynamodb_client_t *self, const dynamodb_call_t *call,
                     const aws_keys_t *keys, http_request_t *request,
                     char (*lines)[4352])
{
    char target[128];
    snprintf(target, sizeof target, "DynamoDB_20120810.%s", call->operation);
    sigv4_header_t headers[] = {{"Host", self->host},
                                {"Content-Type", CONTENT_TYPE},
                                {"X-Amz-Target", target}};
    sigv4_request_t plain = {.method = "POST",
                             .path = "/",
                             .headers = headers,
                             .header_count = 3,
                             .body = call->body.bytes,
                             .body_size = call->body.size};
    sigv4_signer_t signer = {.access_key = keys->access_key,
                             .secret_key = keys->secret_key,
                             .session_token = keys->session_token,
                             .region = self->region,
                             .service = "dynamodb"};
    sigv4_result_t result;
    time_t now = (time_t)((int64_t)(clock_wall_ms() / 1000) + self->skew_s);
    if (sigv4_sign(&signer, &plain, now, &result))
        return -1;
    size_t size = sizeof *lines;
    snprintf(lines[0], size, "Host: %s", self->host);
    snprintf(lines[1], size, "Content-Type: " CONTENT_TYPE);
    snprintf(lines[2], size, API "%s", call->operation);
    snprintf(lines[3], size, "X-Amz-Date: %s", result.date);
    snprintf(lines[4], size, "Authorization: %s", result.authorization);
    if (keys->session_token &&
        snprintf(lines[5], size, "X-Amz-Security-Token: %s",
                 keys->session_token) >= (int)size)
        return -1;
    for (size_t i = 0; i < (keys->session_token ? 6 : 5); i++)
        request->headers[i] = lines[i];
    return 0;
}

/* Sends, or ends the call where its time is up or nothing can be signed. */
static void s_send(dynamodb_call_t *call, uint32_t delay_ms)
{
    dynamodb_client_t *self = call->client;
    uint64_t now_ms = clock_mono_ms();
    if (now_ms + delay_ms >= call->deadline_ms) {
        s_end(call, STORE_RETRY);
        return;
    }
    const aws_keys_t *keys = aws_credentials_get(self->credentials);
    if (!keys) {
        dynamodb_client_fail(self, "%s",
                             aws_credentials_error(self->credentials));
        s_end(call, STORE_FAILED);
        return;
    }
    uint64_t left_ms = call->deadline_ms - now_ms - delay_ms;
    uint64_t attempt_ms =
        call->timeout_ms / 2 > ATTEMPT_MS ? call->timeout_ms / 2 : ATTEMPT_MS;
    char lines[6][4352];
    http_request_t request = {
        .method = "POST",
        .url = self->endpoint,
        .body = call->body.bytes,
        .body_size = call->body.size,
        .timeout_ms = (uint32_t)(left_ms < attempt_ms ? left_ms : attempt_ms),
        .delay_ms = delay_ms,
    };
    if (s_headers(self, call, keys, &request, lines)) {
        dynamodb_client_fail(self, "the AWS credentials are too long to use");
        s_end(call, STORE_FAILED);
        return;
    }
    call->identity = self->identity;
    http_client_start(self->http, &request, s_on_response, call);
}

void dynamodb_client_start(dynamodb_client_t *self, dynamodb_call_t *call)
{
    call->client = self;
    call->deadline_ms = clock_mono_ms() + call->timeout_ms;
    call->backoff = backoff_of(BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    call->refusals = 0;
    call->code[0] = '\0';
    s_send(call, 0);
}

void dynamodb_client_run(dynamodb_client_t *self)
{
    http_client_run(self->http);
}

/* The error's code without its namespace, and its message. */
static void s_read_error(dynamodb_call_t *call, const http_response_t *response,
                         char *message, size_t size)
{
    json_t *root = json_loadb(response->body, response->body_size, 0, NULL);
    const char *type = json_string_value(json_object_get(root, "__type"));
    const char *text = json_string_value(json_object_get(root, "message"));
    if (!text)
        text = json_string_value(json_object_get(root, "Message"));
    const char *hash = type ? strrchr(type, '#') : NULL;
    snprintf(call->code, sizeof call->code, "%s",
             hash   ? hash + 1
             : type ? type
                    : "");
    snprintf(message, size, "%s", text ? text : "");
    json_decref(root);
}

static void s_describe(dynamodb_call_t *call, const http_response_t *response,
                       const char *message)
{
    dynamodb_client_t *self = call->client;
    if (response->status == 0)
        dynamodb_client_fail(self, "%s: %s: %s", call->operation, self->host,
                             response->error);
    else if (strcmp(call->code, "ResourceNotFoundException") == 0)
        dynamodb_client_fail(self,
                             "%s: a table is missing, run stipple-persister "
                             "--create-tables (%s)",
                             call->operation, message);
    else
        dynamodb_client_fail(self, "%s: %d %s: %s", call->operation,
                             response->status, call->code, message);
}

/* True where the clock was off and is corrected now. */
static bool s_correct_clock(dynamodb_client_t *self, const char *date)
{
    struct tm utc = {0};
    if (!strptime(date, "%a, %d %b %Y %H:%M:%S", &utc))
        return false;
    int64_t skew_s = (int64_t)timegm(&utc) - (int64_t)(clock_wall_ms() / 1000);
    if (llabs(skew_s - self->skew_s) < SKEW_LEAST_S)
        return false;
    self->skew_s = skew_s;
    log_warn("store_clock_skew", "seconds=%lld", (long long)skew_s);
    return true;
}

/* After a refusal of keys or clock: true where they are others now than when
 * the call was sent. Of several calls in flight the first puts it right. */
static bool s_put_right(dynamodb_call_t *call, dynamodb_action_t action,
                        const char *date)
{
    dynamodb_client_t *self = call->client;
    if (call->refusals++ >= REFUSALS_MAX)
        return false;
    if (call->identity != self->identity)
        return true;
    bool changed = action == DYNAMODB_RENEW
                       ? aws_credentials_renew(self->credentials)
                       : s_correct_clock(self, date);
    self->identity += changed;
    return changed;
}

static void s_on_error(dynamodb_call_t *call, const http_response_t *response)
{
    char message[256];
    s_read_error(call, response, message, sizeof message);
    s_describe(call, response, message);
    dynamodb_action_t action =
        dynamodb_action(response->status, call->code, message);
    if (action == DYNAMODB_WAIT)
        s_send(call, backoff_next_ms(&call->backoff));
    else if (action != DYNAMODB_FAIL &&
             s_put_right(call, action, response->date))
        s_send(call, 0);
    else
        s_end(call, STORE_FAILED);
}

static void s_on_response(void *context, const http_response_t *response)
{
    dynamodb_call_t *call = context;
    if (response->status != 200) {
        s_on_error(call, response);
        return;
    }
    call->code[0] = '\0';
    if (!call->on_answer ||
        call->on_answer(call, response->body, response->body_size)) {
        s_end(call, STORE_OK);
        return;
    }
    dynamodb_client_fail(call->client, "%s: throttled in part",
                         call->operation);
    s_send(call, backoff_next_ms(&call->backoff));
}

/* ---- One call ------------------------------------------------------------ */

static bool s_keep_answer(dynamodb_call_t *call, const char *json, size_t size)
{
    json_t **answer = call->context;
    *answer = json_loadb(json, size, 0, NULL);
    return true;
}

static void s_on_asked(dynamodb_call_t *call)
{
    (void)call;
}

store_result_t dynamodb_client_ask(dynamodb_client_t *self,
                                   const char *operation,
                                   const json_text_t *body, uint32_t timeout_ms,
                                   json_t **answer, char *code)
{
    json_t *kept = NULL;
    dynamodb_call_t call = {
        .operation = operation,
        .body = *body,
        .timeout_ms = timeout_ms,
        .context = &kept,
        .on_answer = s_keep_answer,
        .on_end = s_on_asked,
    };
    dynamodb_client_start(self, &call);
    dynamodb_client_run(self);
    if (call.result == STORE_OK && !kept) {
        dynamodb_client_fail(self, "%s: an answer that is no JSON", operation);
        call.result = STORE_RETRY;
    }
    if (code)
        snprintf(code, DYNAMODB_CODE_SIZE, "%s", call.code);
    if (answer)
        *answer = kept;
    else
        json_decref(kept);
    return call.result;
}
