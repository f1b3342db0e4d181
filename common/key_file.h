/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that hold keys. What a file is comes from the setting that names it and
 * never from its content: a JWKS that cannot be read is an error, not a secret
 * that everybody knows who knows the document.
 */
#ifndef COMMON_KEY_FILE_H
#define COMMON_KEY_FILE_H

#include "common/token.h"

#include <stddef.h>

/* The least a secret may have: 32 random bytes, or 64 hexadecimal digits. */
#define SECRET_MIN_BYTES 32

/* A file's bytes without one trailing newline, at most 64 KiB and never empty.
 * The caller owns them (free); a NUL follows them. NULL with the reason in *why
 * (static text). */
char *secret_read(const char *path, size_t *size, const char **why);

/* Logs, in one line, that the file of a setting cannot be used, and why. */
void key_file_refuse(const char *setting, const char *path, const char *why);

/* NULL if the bytes can serve as a secret, else the reason (static text):
 * too short, too uniform, or a public document (PEM, DER, JSON, HTML, UTF-16).
 */
const char *secret_fault(const void *bytes, size_t size);

/* Each adds the keys of one kind of file to `keys`. A UTF-8 byte order mark is
 * skipped. 0, or -1 with the reason in *why (static text); then the keys are
 * not to be used. */
int key_file_add_jwks(token_keys_t *keys, const char *path, const char **why);
/* Public keys and certificates, one or several. */
int key_file_add_pem(token_keys_t *keys, const char *path, const char **why);
/* An HS256 secret, shared with whoever signs. */
int key_file_add_secret(token_keys_t *keys, const char *path, const char **why);

typedef int (*key_file_add_fn)(token_keys_t *keys, const char *path,
                               const char **why);
/* Adds the file of a setting by one of those; a path of NULL or "" names none.
 * 0, or -1, and it is logged why (key_file_refuse). */
int key_file_add(token_keys_t *keys, const char *setting, const char *path,
                 key_file_add_fn add);

/* A private key on P-256 that signs tokens; the caller's (EVP_PKEY_free). NULL
 * with the reason in *why. */
struct evp_pkey_st *key_file_read_signing(const char *path, const char **why);

#endif
