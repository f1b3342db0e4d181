/* SPDX-License-Identifier: Apache-2.0
 *
 * See key_file.h.
 */
#include "common/key_file.h"

#include "common/jwks.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token_keys.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 65536
/* Fewer different bytes than this are no random draw of 32. */
#define SECRET_MIN_DISTINCT 8

static const char s_mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark */

/* At most KEY_FILE_MAX + 1 bytes of the file; -1 with errno set. */
static ssize_t s_read(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return -1;
    size_t got = fread(bytes, 1, KEY_FILE_MAX + 1, file);
    int error = ferror(file) ? errno : 0;
    fclose(file);
    errno = error;
    return error ? -1 : (ssize_t)got;
}

char *secret_read(const char *path, size_t *size, const char **why)
{
    char *bytes = mem_alloc(KEY_FILE_MAX + 2);
    ssize_t got = s_read(path, bytes);
    if (got > 0 && got <= KEY_FILE_MAX && bytes[got - 1] == '\n')
        got--;
    if (got > 0 && got <= KEY_FILE_MAX) {
        bytes[got] = '\0';
        *size = (size_t)got;
        return bytes;
    }
    *why = got < 0 ? strerror(errno)
           : got   ? "it is over 64 KiB"
                   : "it is empty";
    free(bytes);
    return NULL;
}

void key_file_refuse(const char *setting, const char *path, const char *why)
{
    char quoted[256];
    log_error("key_file_unusable", "setting=%s path=%s reason=\"%s\"", setting,
              log_quote(quoted, sizeof quoted, path), why);
}

int key_file_add(token_keys_t *keys, const char *setting, const char *path,
                 key_file_add_fn add)
{
    const char *why;
    if (!path || !*path || add(keys, path, &why) == 0)
        return 0;
    key_file_refuse(setting, path, why);
    return -1;
}

static void s_wipe(char *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
    free(bytes);
}

/* --- secrets ------------------------------------------------------------- */

static bool s_is_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isxdigit(bytes[i]))
            return false;
    return true;
}

static size_t s_distinct(const uint8_t *bytes, size_t size)
{
    bool seen[256] = {false};
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += !seen[bytes[i]];
        seen[bytes[i]] = true;
    }
    return count;
}

/* The whole of the bytes is one DER element that OpenSSL knows. */
static bool s_is_der(const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)size);
    at = bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)size);
    at = bytes;
    EVP_PKEY *private = d2i_AutoPrivateKey(NULL, &at, (long)size);
    bool found = public || certificate || private;
    EVP_PKEY_free(public);
    EVP_PKEY_free(private);
    X509_free(certificate);
    ERR_clear_error();
    return found;
}

/* The same for bytes that ended with the newline that secret_read takes off. */
static bool s_was_der(const uint8_t *bytes, size_t size)
{
    uint8_t *whole = mem_alloc(size + 1);
    memcpy(whole, bytes, size);
    whole[size] = '\n';
    bool found = s_is_der(whole, size + 1);
    s_wipe((char *)whole, size + 1);
    return found;
}

static bool s_is_text(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (iscntrl(bytes[i]) && !isspace(bytes[i]))
            return false;
    return true;
}

/* What is published, or meant to be read by people, is nobody's secret. */
static bool s_is_document(const uint8_t *bytes, size_t size)
{
    static const char *const marks[] = {s_mark, "\xff\xfe", "\xfe\xff"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!memcmp(bytes, marks[i], strlen(marks[i])))
            return true;
    size_t blank = 0;
    while (blank < size && isspace(bytes[blank]))
        blank++;
    bool opens = blank < size && memchr("{[<", bytes[blank], 3);
    return (opens && s_is_text(bytes, size)) ||
           memmem(bytes, size, "-----BEGIN", 10) || s_is_der(bytes, size) ||
           s_was_der(bytes, size);
}

const char *secret_fault(const void *bytes, size_t size)
{
    if (size < SECRET_MIN_BYTES)
        return "it has fewer than 32 bytes";
    if (s_is_hex(bytes, size) && size < 2 * SECRET_MIN_BYTES)
        return "it has fewer than 64 hexadecimal digits";
    if (s_distinct(bytes, size) < SECRET_MIN_DISTINCT)
        return "it is not random";
    if (s_is_document(bytes, size))
        return "it is a document, not a secret";
    return NULL;
}

int key_file_add_secret(token_keys_t *keys, const char *path, const char **why)
{
    size_t size;
    char *bytes = secret_read(path, &size, why);
    if (!bytes)
        return -1;
    *why = secret_fault(bytes, size);
    int result = *why ? -1 : token_keys_add_secret(keys, bytes, size, NULL);
    s_wipe(bytes, size);
    return result;
}

/* --- public keys ---------------------------------------------------------- */

/* The next block's public key, or the certificate's; NULL at the file's end.
 * *bad: there was a block that is neither. */
static EVP_PKEY *s_next_pem(BIO *bio, bool *bad)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *bytes = NULL;
    long size = 0;
    EVP_PKEY *key = NULL;
    if (PEM_read_bio(bio, &name, &header, &bytes, &size) != 1) {
        *bad = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
        return NULL;
    }
    const unsigned char *at = bytes;
    if (!strcmp(name, PEM_STRING_PUBLIC)) {
        key = d2i_PUBKEY(NULL, &at, size);
    } else if (!strcmp(name, PEM_STRING_X509)) {
        X509 *certificate = d2i_X509(NULL, &at, size);
        key = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
    }
    *bad = !key;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, (size_t)size);
    return key;
}

/* Every block must be a usable public key, and there must be one. */
static int s_add_blocks(token_keys_t *keys, BIO *bio, const char **why)
{
    bool bad = false;
    int added = 0;
    for (EVP_PKEY *key; (key = s_next_pem(bio, &bad)); added++)
        if (token_keys_add_public(keys, key, NULL)) {
            *why = "a key in it is neither RSA of 2048 bits nor EC on P-256";
            return -1;
        }
    *why = bad      ? "a block in it is no public key or certificate"
           : !added ? "it is not PEM; a shared secret is set by jwt_secret_file"
                    : NULL;
    return *why ? -1 : 0;
}

int key_file_add_pem(token_keys_t *keys, const char *path, const char **why)
{
    size_t size;
    char *text = secret_read(path, &size, why);
    if (!text)
        return -1;
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    int result = s_add_blocks(keys, bio, why);
    BIO_free(bio);
    ERR_clear_error();
    s_wipe(text, size);
    return result;
}

int key_file_add_jwks(token_keys_t *keys, const char *path, const char **why)
{
    size_t size;
    char *text = secret_read(path, &size, why);
    if (!text)
        return -1;
    size_t skip = strncmp(text, s_mark, 3) ? 0 : 3;
    int result = jwks_add(keys, text + skip, size - skip, why);
    s_wipe(text, size);
    return result;
}

EVP_PKEY *key_file_read_signing(const char *path, const char **why)
{
    size_t size;
    char *text = secret_read(path, &size, why);
    if (!text)
        return NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    s_wipe(text, size);
    *why = "it is no private key on P-256, PEM";
    if (key && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) == 256)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}
