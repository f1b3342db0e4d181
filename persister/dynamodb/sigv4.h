/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS Signature Version 4, header variant, as a pure function: request and time
 * in, headers out. Own code rather than CURLOPT_AWS_SIGV4 because libcurl 7.88
 * neither signs with a clock of ours (skew) nor keeps a session token among the
 * signed headers in canonical order; tested with AWS's own 38 cases.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
#ifndef PERSISTER_DYNAMODB_SIGV4_H
#define PERSISTER_DYNAMODB_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define SIGV4_HEADERS_MAX 16
#define SIGV4_DATE_SIZE 17   /* "20150830T123600Z" */
#define SIGV4_HEX_SIZE 65    /* SHA-256 in hex */
#define SIGV4_TEXT_MAX 16384 /* longest canonical request */

typedef struct {
    const char *name;
    const char *value;
} sigv4_header_t;

typedef struct {
    const char *method;
    const char *path;              /* as on the request line, without query */
    const char *query;             /* behind '?', or NULL */
    const sigv4_header_t *headers; /* Host included; duplicates allowed */
    size_t header_count;
    const void *body;
    size_t body_size;
} sigv4_request_t;

typedef struct {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL: none */
    const char *region;
    const char *service;
    bool keep_path;  /* do not remove ".", "..", "//" from the path (S3) */
    bool sign_body;  /* adds and signs x-amz-content-sha256 (S3) */
    bool late_token; /* leaves the session token unsigned, to be added later */
} sigv4_signer_t;

/* What to add to the request: X-Amz-Date, X-Amz-Security-Token (where the
 * signer has a token), X-Amz-Content-Sha256 (where sign_body), Authorization.
 */
typedef struct {
    char date[SIGV4_DATE_SIZE];
    char body_sha256[SIGV4_HEX_SIZE];
    char signature[SIGV4_HEX_SIZE];
    char authorization[1024];
    char canonical[SIGV4_TEXT_MAX]; /* for tests and for error reports */
    char to_sign[512];
} sigv4_result_t;

/* Signs for the instant `when`. -1 where a part is longer than the limits
 * above. */
int sigv4_sign(const sigv4_signer_t *signer, const sigv4_request_t *request,
               time_t when, sigv4_result_t *result);

#endif
