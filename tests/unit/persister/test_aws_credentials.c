/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain of credentials, with the environment set here, files in a folder of
 * our own and the machine's endpoints played by a function.
 */
#include "persister/dynamodb/aws_credentials.h"
#include "persister/dynamodb/aws_profile.h"

#include "common/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *suite_persister_aws_credentials(void);

/* 2026-01-02T03:00:00Z */
#define NOW_MS 1767322800000u

static uint64_t now_ms;
static char folder[] = "/tmp/stipple-aws-XXXXXX";

static uint64_t s_now(void)
{
    return now_ms;
}

static const clock_source_t turned = {.wall_ms = s_now, .mono_ms = s_now};

static void s_setup(void)
{
    static const char *const variables[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    strcpy(folder, "/tmp/stipple-aws-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("HOME", folder, 1);
    now_ms = NOW_MS;
    clock_use(&turned);
}

static void s_teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    clock_use(&clock_system);
}

static void s_write(const char *variable, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, variable);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    setenv(variable, path, 1);
}

/* What the machine's endpoints answer: one row for each URL asked, in order. */
typedef struct {
    const char *method, *url, *header; /* header NULL: none is expected */
    int status;
    const char *body;
} answer_t;

typedef struct {
    const answer_t *answers;
    size_t count, asked;
} script_t;

static int s_play(void *context, const char *method, const char *url,
                  const char *header, char **body)
{
    script_t *script = context;
    ck_assert_uint_lt(script->asked, script->count);
    const answer_t *answer = &script->answers[script->asked++];
    ck_assert_str_eq(method, answer->method);
    ck_assert_str_eq(url, answer->url);
    ck_assert_int_eq(header == NULL, answer->header == NULL);
    if (header)
        ck_assert_str_eq(header, answer->header);
    *body = strdup(answer->body);
    return answer->status;
}

START_TEST(environment_comes_first)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    s_write("AWS_SHARED_CREDENTIALS_FILE",
            "[default]\naws_access_key_id=F\naws_secret_access_key=f\n");
    aws_credentials_t *self = aws_credentials_new(s_play, NULL);
    const aws_keys_t *keys = aws_credentials_get(self);
    ck_assert_str_eq(keys->access_key, "AKIA");
    ck_assert_str_eq(keys->secret_key, "secret");
    ck_assert_str_eq(keys->session_token, "token");
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(profile_is_read_from_both_files)
{
    s_write("AWS_SHARED_CREDENTIALS_FILE",
            "# comment\n[default]\naws_access_key_id = D\n\n"
            "[ops]\n aws_access_key_id = AKIAOPS \n"
            "aws_secret_access_key=a/b+c=\n");
    s_write("AWS_CONFIG_FILE", "[default]\nregion=eu-west-1\n"
                               "[profile ops]\nregion = eu-central-1\n");
    setenv("AWS_PROFILE", "ops", 1);
    aws_credentials_t *self = aws_credentials_new(s_play, NULL);
    const aws_keys_t *keys = aws_credentials_get(self);
    ck_assert_str_eq(keys->access_key, "AKIAOPS");
    ck_assert_str_eq(keys->secret_key, "a/b+c=");
    ck_assert_ptr_null(keys->session_token);
    char *region = aws_region();
    ck_assert_str_eq(region, "eu-central-1");
    free(region);
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(half_a_profile_is_named)
{
    s_write("AWS_SHARED_CREDENTIALS_FILE", "[default]\naws_access_key_id=F\n");
    aws_credentials_t *self = aws_credentials_new(s_play, NULL);
    ck_assert_ptr_null(aws_credentials_get(self));
    ck_assert_ptr_nonnull(strstr(aws_credentials_error(self), "default"));
    aws_credentials_destroy(&self);
}
END_TEST

#define KEYS(name, until)                                                      \
    "{\"AccessKeyId\":\"" name "\",\"SecretAccessKey\":\"s\",\"Token\":"       \
    "\"t\",\"Expiration\":\"" until "\"}"

START_TEST(container_is_asked_with_its_token)
{
    static const answer_t answers[] = {
        {"GET", "http://169.254.170.23/v1/credentials", "Authorization: sesame",
         200, KEYS("POD", "2026-01-02T09:00:00Z")},
    };
    script_t script = {answers, 1, 0};
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
           "http://169.254.170.23/v1/credentials", 1);
    s_write("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "sesame\n");
    aws_credentials_t *self = aws_credentials_new(s_play, &script);
    ck_assert_str_eq(aws_credentials_get(self)->access_key, "POD");
    ck_assert_str_eq(aws_credentials_get(self)->session_token, "t");
    ck_assert_uint_eq(script.asked, 1);
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(container_elsewhere_in_plain_http_is_refused)
{
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/x", 1);
    aws_credentials_t *self = aws_credentials_new(s_play, NULL);
    ck_assert_ptr_null(aws_credentials_get(self));
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(instance_is_asked_in_three_steps)
{
    static const answer_t answers[] = {
        {"PUT", "http://169.254.169.254/latest/api/token",
         "X-aws-ec2-metadata-token-ttl-seconds: 21600", 200, "TOKEN"},
        {"GET",
         "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
         "X-aws-ec2-metadata-token: TOKEN", 200, "role\n"},
        {"GET",
         "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
         "role",
         "X-aws-ec2-metadata-token: TOKEN", 200,
         KEYS("EC2", "2026-01-02T09:00:00Z")},
    };
    script_t script = {answers, 3, 0};
    aws_credentials_t *self = aws_credentials_new(s_play, &script);
    ck_assert_str_eq(aws_credentials_get(self)->access_key, "EC2");
    aws_credentials_destroy(&self);
}
END_TEST

#define AGENT "http://127.0.0.1:9/"

START_TEST(keys_are_refreshed_before_they_expire)
{
    static const answer_t answers[] = {
        {"GET", AGENT, NULL, 200, KEYS("ONE", "2026-01-02T04:00:00Z")},
        {"GET", AGENT, NULL, 500, ""},
        {"GET", AGENT, NULL, 200, KEYS("TWO", "2026-01-02T09:00:00Z")},
    };
    script_t script = {answers, 3, 0};
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", AGENT, 1);
    aws_credentials_t *self = aws_credentials_new(s_play, &script);
    ck_assert_str_eq(aws_credentials_get(self)->access_key, "ONE");
    now_ms = NOW_MS + 54 * 60 * 1000; /* not yet */
    ck_assert_str_eq(aws_credentials_get(self)->access_key, "ONE");
    ck_assert_uint_eq(script.asked, 1);
    now_ms = NOW_MS + 56 * 60 * 1000; /* fails: the old ones serve */
    ck_assert_str_eq(aws_credentials_get(self)->access_key, "ONE");
    ck_assert_uint_eq(script.asked, 2);
    now_ms += 11 * 1000;
    ck_assert_str_eq(aws_credentials_get(self)->access_key, "TWO");
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(expired_keys_are_not_handed_out)
{
    static const answer_t answers[] = {
        {"GET", AGENT, NULL, 200, KEYS("ONE", "2026-01-02T04:00:00Z")},
        {"GET", AGENT, NULL, 0, ""},
    };
    script_t script = {answers, 2, 0};
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", AGENT, 1);
    aws_credentials_t *self = aws_credentials_new(s_play, &script);
    ck_assert_ptr_nonnull(aws_credentials_get(self));
    now_ms = NOW_MS + 60 * 60 * 1000;
    ck_assert_ptr_null(aws_credentials_get(self));
    ck_assert_ptr_nonnull(strstr(aws_credentials_error(self), "expired"));
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(renewal_tells_whether_others_were_found)
{
    const char *first =
        "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
        "aws_session_token=one\n";
    const char *second =
        "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
        "aws_session_token=two\n";
    s_write("AWS_SHARED_CREDENTIALS_FILE", first);
    aws_credentials_t *self = aws_credentials_new(s_play, NULL);
    ck_assert_str_eq(aws_credentials_get(self)->session_token, "one");
    ck_assert(!aws_credentials_renew(self));
    s_write("AWS_SHARED_CREDENTIALS_FILE", second);
    ck_assert(aws_credentials_renew(self));
    ck_assert_str_eq(aws_credentials_get(self)->session_token, "two");
    aws_credentials_destroy(&self);
}
END_TEST

START_TEST(corrected_secret_counts_as_others)
{
    s_write("AWS_SHARED_CREDENTIALS_FILE",
            "[default]\naws_access_key_id=A\naws_secret_access_key=mistyped\n");
    aws_credentials_t *self = aws_credentials_new(s_play, NULL);
    ck_assert_str_eq(aws_credentials_get(self)->secret_key, "mistyped");
    ck_assert(!aws_credentials_renew(self));
    s_write("AWS_SHARED_CREDENTIALS_FILE",
            "[default]\naws_access_key_id=A\naws_secret_access_key=right\n");
    ck_assert(aws_credentials_renew(self));
    ck_assert_str_eq(aws_credentials_get(self)->secret_key, "right");
    aws_credentials_destroy(&self);
}
END_TEST

Suite *suite_persister_aws_credentials(void)
{
    Suite *suite = suite_create("persister/dynamodb/aws_credentials");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_setup, s_teardown);
    tcase_add_test(facts, environment_comes_first);
    tcase_add_test(facts, profile_is_read_from_both_files);
    tcase_add_test(facts, half_a_profile_is_named);
    tcase_add_test(facts, container_is_asked_with_its_token);
    tcase_add_test(facts, container_elsewhere_in_plain_http_is_refused);
    tcase_add_test(facts, instance_is_asked_in_three_steps);
    tcase_add_test(facts, keys_are_refreshed_before_they_expire);
    tcase_add_test(facts, expired_keys_are_not_handed_out);
    tcase_add_test(facts, renewal_tells_whether_others_were_found);
    tcase_add_test(facts, corrected_secret_counts_as_others);
    suite_add_tcase(suite, facts);
    return suite;
}
