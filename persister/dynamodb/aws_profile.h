/* SPDX-License-Identifier: Apache-2.0
 *
 * The two shared files of the AWS tools: credentials (sections "name") and
 * config (sections "profile name"; "default" stands alone in both). Found by
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, else in ~/.aws; the profile
 * by AWS_PROFILE, else "default".
 */
#ifndef PERSISTER_DYNAMODB_AWS_PROFILE_H
#define PERSISTER_DYNAMODB_AWS_PROFILE_H

#include <stddef.h>

/* The profile in force. */
const char *aws_profile_name(void);

/* The value of `key` in the profile in force: first of the credentials file,
 * then of the config file. The caller owns it; NULL where it is in neither. */
char *aws_profile_get(const char *key);

/* The value of `key` in [section] of an INI text; NULL where there is none. */
char *aws_ini_get(const char *text, const char *section, const char *key);

#endif
