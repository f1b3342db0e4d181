/* SPDX-License-Identifier: Apache-2.0
 *
 * The signer against AWS's own cases (aws-c-auth's aws-signing-test-suite): a
 * few stand here, all 38 are read where the suite lies beside the project
 * (STIPPLE_SHARED, else ../shared).
 */
#include "persister/dynamodb/sigv4.h"

#include <check.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *suite_persister_sigv4(void);

#define CASES 38

static sigv4_signer_t s_example_signer(void)
{
    return (sigv4_signer_t){
        .access_key = "AKIDEXAMPLE",
        .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        .region = "us-east-1",
        .service = "service",
    };
}

/* 2015-08-30T12:36:00Z */
#define EXAMPLE_TIME 1440938160

START_TEST(vanilla_request_has_the_published_signature)
{
    sigv4_signer_t signer = s_example_signer();
    sigv4_header_t host = {"Host", "example.amazonaws.com"};
    sigv4_request_t request = {
        .method = "GET", .path = "/", .headers = &host, .header_count = 1};
    sigv4_result_t result;
    ck_assert_int_eq(sigv4_sign(&signer, &request, EXAMPLE_TIME, &result), 0);
    ck_assert_str_eq(result.date, "20150830T123600Z");
    ck_assert_str_eq(
        result.signature,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}
END_TEST

START_TEST(session_token_is_signed)
{
    sigv4_signer_t signer = s_example_signer();
    signer.session_token =
        "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    sigv4_header_t host = {"Host", "example.amazonaws.com"};
    sigv4_request_t request = {
        .method = "GET", .path = "/", .headers = &host, .header_count = 1};
    sigv4_result_t result;
    ck_assert_int_eq(sigv4_sign(&signer, &request, EXAMPLE_TIME, &result), 0);
    ck_assert_str_eq(
        result.signature,
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
}
END_TEST

START_TEST(oversized_parts_are_refused)
{
    static char path[8192];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    sigv4_signer_t signer = s_example_signer();
    sigv4_header_t host = {"Host", "example.amazonaws.com"};
    sigv4_request_t request = {
        .method = "GET", .path = path, .headers = &host, .header_count = 1};
    static sigv4_result_t result;
    ck_assert_int_eq(sigv4_sign(&signer, &request, EXAMPLE_TIME, &result), -1);
    request.path = "/";
    request.header_count = SIGV4_HEADERS_MAX + 1;
    ck_assert_int_eq(sigv4_sign(&signer, &request, EXAMPLE_TIME, &result), -1);
}
END_TEST

/* ---- AWS's suite --------------------------------------------------------- */

static char *s_read(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    char *text = calloc(1, 65536);
    ck_assert(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

/* The case's request.txt, cut up in place. */
typedef struct {
    char *text, *method, *path, *query, *body;
    sigv4_header_t headers[SIGV4_HEADERS_MAX];
    size_t count;
} case_request_t;

static void s_parse_headers(case_request_t *self, char *line)
{
    while (line && *line) {
        char *end = strchr(line, '\n');
        /* A line that begins with a blank continues the value. */
        while (end && end[1] == ' ') {
            *end = ' ';
            end = strchr(end, '\n');
        }
        if (end)
            *end++ = '\0';
        char *colon = strchr(line, ':');
        ck_assert(colon != NULL);
        *colon = '\0';
        self->headers[self->count++] = (sigv4_header_t){line, colon + 1};
        line = end;
    }
}

static case_request_t s_parse(char *text)
{
    case_request_t self = {.text = text, .method = text};
    self.body = strstr(text, "\n\n");
    if (self.body) {
        *self.body = '\0';
        self.body += 2;
    }
    char *line = strchr(text, '\n');
    *line++ = '\0';
    self.path = strchr(text, ' ');
    *self.path++ = '\0';
    *strrchr(self.path, ' ') = '\0'; /* before HTTP/1.1 */
    self.query = strchr(self.path, '?');
    if (self.query)
        *self.query++ = '\0';
    s_parse_headers(&self, line);
    return self;
}

static void s_expect(const char *folder, const char *name, const char *is)
{
    char *want = s_read(folder, name);
    want[strcspn(want, "\r")] = '\0';
    size_t length = strlen(want);
    while (length > 0 && want[length - 1] == '\n')
        want[--length] = '\0';
    ck_assert_msg(strcmp(want, is) == 0, "%s/%s:\n%s\nis not\n%s", folder, name,
                  want, is);
    free(want);
}

static void s_run_case(const char *folder)
{
    char *context_text = s_read(folder, "context.json");
    json_t *context = json_loads(context_text, 0, NULL);
    json_t *keys = json_object_get(context, "credentials");
    case_request_t parsed = s_parse(s_read(folder, "request.txt"));
    sigv4_signer_t signer = s_example_signer();
    signer.session_token = json_string_value(json_object_get(keys, "token"));
    signer.keep_path = json_is_false(json_object_get(context, "normalize"));
    signer.sign_body = json_is_true(json_object_get(context, "sign_body"));
    signer.late_token =
        json_is_true(json_object_get(context, "omit_session_token"));
    sigv4_request_t request = {.method = parsed.method,
                               .path = parsed.path,
                               .query = parsed.query,
                               .headers = parsed.headers,
                               .header_count = parsed.count,
                               .body = parsed.body,
                               .body_size =
                                   parsed.body ? strlen(parsed.body) : 0};
    sigv4_result_t result;
    ck_assert_int_eq(sigv4_sign(&signer, &request, EXAMPLE_TIME, &result), 0);
    s_expect(folder, "header-canonical-request.txt", result.canonical);
    s_expect(folder, "header-string-to-sign.txt", result.to_sign);
    s_expect(folder, "header-signature.txt", result.signature);
    char *signed_request = s_read(folder, "header-signed-request.txt");
    ck_assert(strstr(signed_request, result.authorization) != NULL);
    free(signed_request);
    json_decref(context);
    free(context_text);
    free(parsed.text);
}

START_TEST(every_case_of_aws_is_met)
{
    const char *shared = getenv("STIPPLE_SHARED");
    char archive[512], command[1200], pattern[256];
    char folder[] = "/tmp/stipple-sigv4-XXXXXX";
    snprintf(archive, sizeof archive, "%s/sigv4/sigv4-v4-suite.tar.xz",
             shared ? shared : "../shared/data");
    if (access(archive, R_OK) != 0) {
        printf("skipped: AWS's SigV4 suite is not at %s\n", archive);
        return;
    }
    ck_assert(mkdtemp(folder) != NULL);
    snprintf(command, sizeof command, "tar -xJf '%s' -C %s", archive, folder);
    ck_assert_int_eq(system(command), 0);
    snprintf(pattern, sizeof pattern,
             "%s/sigv4/tests/aws-signing-test-suite/v4/*", folder);
    glob_t found;
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, CASES);
    for (size_t i = 0; i < found.gl_pathc; i++)
        s_run_case(found.gl_pathv[i]);
    globfree(&found);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

Suite *suite_persister_sigv4(void)
{
    Suite *suite = suite_create("persister/dynamodb/sigv4");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, vanilla_request_has_the_published_signature);
    tcase_add_test(facts, session_token_is_signed);
    tcase_add_test(facts, oversized_parts_are_refused);
    tcase_add_test(facts, every_case_of_aws_is_met);
    suite_add_tcase(suite, facts);
    return suite;
}
