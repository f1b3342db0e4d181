/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials that the machine itself hands out: by the container agent (ECS,
 * EKS Pod Identity) or by EC2's instance metadata, version 2. Both answer the
 * same JSON.
 */
#ifndef PERSISTER_DYNAMODB_AWS_METADATA_H
#define PERSISTER_DYNAMODB_AWS_METADATA_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *access_key, *secret_key;
    char *session_token;    /* NULL: none */
    uint64_t expires_at_ms; /* wall clock; 0: never */
} aws_keys_t;

void aws_keys_fini(aws_keys_t *self);

/* One GET or PUT: the status, 0 where nothing answered; the body's copy is the
 * caller's. `header` may be NULL. A seam for tests. */
typedef int (*aws_fetch_fn)(void *context, const char *method, const char *url,
                            const char *header, char **body);

/* 0 with keys; else -1, keys untouched, and one sentence in `why`. */
int aws_container_keys(aws_keys_t *keys, aws_fetch_fn fetch, void *context,
                       char *why, size_t why_size);
int aws_instance_keys(aws_keys_t *keys, aws_fetch_fn fetch, void *context,
                      char *why, size_t why_size);

/* The answer's JSON: AccessKeyId, SecretAccessKey, Token, Expiration. -1 where
 * it is not that. */
int aws_keys_from_json(aws_keys_t *keys, const char *json);

#endif
