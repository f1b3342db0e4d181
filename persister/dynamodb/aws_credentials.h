/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials as the AWS SDKs find them, the first of
 *
 *     1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *     2. the shared credentials and config files (aws_profile.h)
 *     3. the container agent of ECS or EKS (aws_metadata.h)
 *     4. the EC2 instance, unless AWS_EC2_METADATA_DISABLED is "true"
 *
 * Those with an end are fetched anew five minutes before it; while that fails
 * the old ones serve until they end.
 */
#ifndef PERSISTER_DYNAMODB_AWS_CREDENTIALS_H
#define PERSISTER_DYNAMODB_AWS_CREDENTIALS_H

#include "persister/dynamodb/aws_metadata.h"

#include <stdbool.h>

typedef struct aws_credentials aws_credentials_t;

/* `fetch` NULL: over the network, blocking a few seconds at most. */
aws_credentials_t *aws_credentials_new(aws_fetch_fn fetch, void *context);
void aws_credentials_destroy(aws_credentials_t **self_p);

/* Keys to sign with, borrowed until the next call; NULL where there are none
 * (aws_credentials_error). May block while it asks the machine. */
const aws_keys_t *aws_credentials_get(aws_credentials_t *self);

/* The service called them expired: looks for others at once. False where the
 * same were found. */
bool aws_credentials_renew(aws_credentials_t *self);

/* One sentence about why there are none. Never holds a secret. */
const char *aws_credentials_error(const aws_credentials_t *self);

/* The region from AWS_REGION, AWS_DEFAULT_REGION or the profile; the caller
 * owns it. NULL where none is set. */
char *aws_region(void);

#endif
