/* SPDX-License-Identifier: Apache-2.0
 *
 * See aws_metadata.h. It says what to ask and reads the answer; the caller
 * fetches.
 */
#include "persister/dynamodb/aws_metadata.h"

#include "common/mem.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONTAINER_HOST "http://169.254.170.2"
#define INSTANCE_HOST "http://169.254.169.254"
#define INSTANCE_PATH "/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL "X-aws-ec2-metadata-token-ttl-seconds: 21600"
#define TOKEN_MAX 4096

void aws_keys_fini(aws_keys_t *self)
{
    free(self->access_key);
    free(self->secret_key);
    free(self->session_token);
    *self = (aws_keys_t){0};
}

/* "2026-01-02T03:04:05Z" in milliseconds; 0 where it is no such time. */
static uint64_t s_time_ms(const char *text)
{
    struct tm utc = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    return rest ? (uint64_t)timegm(&utc) * 1000 : 0;
}

int aws_keys_from_json(aws_keys_t *keys, const char *json)
{
    json_t *root = json_loads(json, 0, NULL);
    const char *access =
        json_string_value(json_object_get(root, "AccessKeyId"));
    const char *secret =
        json_string_value(json_object_get(root, "SecretAccessKey"));
    const char *token = json_string_value(json_object_get(root, "Token"));
    const char *until = json_string_value(json_object_get(root, "Expiration"));
    if (access && secret)
        *keys = (aws_keys_t){
            .access_key = mem_strdup(access),
            .secret_key = mem_strdup(secret),
            .session_token = token ? mem_strdup(token) : NULL,
            .expires_at_ms = s_time_ms(until),
        };
    json_decref(root);
    return access && secret ? 0 : -1;
}

/* Keys out of an answer, which it frees. */
static int s_take(aws_keys_t *keys, int status, char *body, const char *from,
                  char *why, size_t why_size)
{
    int result = -1;
    if (status != 200)
        snprintf(why, why_size, "%s answered %d", from, status);
    else if (aws_keys_from_json(keys, body))
        snprintf(why, why_size, "%s answered no credentials", from);
    else
        result = 0;
    free(body);
    return result;
}

/* Plain http is allowed to the machine itself and to the agents' addresses. */
static bool s_may_ask(const char *url)
{
    static const char *const hosts[] = {
        "127.0.0.1",     "localhost",      "[::1]",
        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    };
    if (strncmp(url, "https://", 8) == 0)
        return true;
    if (strncmp(url, "http://", 7) != 0)
        return false;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t length = strlen(hosts[i]);
        if (strncmp(url + 7, hosts[i], length) == 0 &&
            strchr(":/", url[7 + length]))
            return true;
    }
    return false;
}

/* "Authorization: …" from the variable or the file that another names; "" for
 * none. -1 where the file cannot be read. */
static int s_authorization(char *header, size_t size)
{
    const char *path = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char text[TOKEN_MAX] = "";
    header[0] = '\0';
    if (path && *path) {
        FILE *file = fopen(path, "rb");
        if (!file)
            return -1;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        text[strcspn(text, "\r\n")] = '\0';
        token = text;
    }
    if (token && *token)
        snprintf(header, size, "Authorization: %s", token);
    return 0;
}

int aws_container_keys(aws_keys_t *keys, aws_fetch_fn fetch, void *context,
                       char *why, size_t why_size)
{
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char url[1024], header[TOKEN_MAX + 32];
    if (relative && *relative)
        snprintf(url, sizeof url, CONTAINER_HOST "%s", relative);
    else
        snprintf(url, sizeof url, "%s", full ? full : "");
    if (!s_may_ask(url)) {
        snprintf(why, why_size, "the container's credentials URL is refused");
        return -1;
    }
    if (s_authorization(header, sizeof header)) {
        snprintf(why, why_size, "the container's token file is unreadable");
        return -1;
    }
    char *body = NULL;
    int status = fetch(context, "GET", url, *header ? header : NULL, &body);
    return s_take(keys, status, body, "the container agent", why, why_size);
}

int aws_instance_keys(aws_keys_t *keys, aws_fetch_fn fetch, void *context,
                      char *why, size_t why_size)
{
    const char *given = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *host = given && *given ? given : INSTANCE_HOST;
    int host_length = (int)strlen(host);
    if (host_length > 0 && host[host_length - 1] == '/')
        host_length--;
    char url[1024], header[TOKEN_MAX];
    char *token = NULL, *role = NULL, *body = NULL;
    snprintf(url, sizeof url, "%.*s/latest/api/token", host_length, host);
    int status = fetch(context, "PUT", url, TOKEN_TTL, &token);
    snprintf(header, sizeof header, "X-aws-ec2-metadata-token: %s",
             status == 200 ? token : "");
    free(token);
    if (status != 200) {
        snprintf(why, why_size, "the instance metadata answered %d", status);
        return -1;
    }
    snprintf(url, sizeof url, "%.*s" INSTANCE_PATH, host_length, host);
    status = fetch(context, "GET", url, header, &role);
    if (status != 200 || !role || !*role) {
        snprintf(why, why_size, "the instance has no role (%d)", status);
        free(role);
        return -1;
    }
    role[strcspn(role, "\r\n")] = '\0';
    snprintf(url, sizeof url, "%.*s" INSTANCE_PATH "%s", host_length, host,
             role);
    free(role);
    status = fetch(context, "GET", url, header, &body);
    return s_take(keys, status, body, "the instance metadata", why, why_size);
}
