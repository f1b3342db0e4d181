/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps have the specification's names: canonical request, string to sign,
 * signing key, signature. All text is built in bounded buffers; a `text_t` that
 * overflowed stays so and fails the whole at the end.
 */
#include "persister/dynamodb/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_BYTES 32
#define QUERY_PARAMETERS_MAX 64
#define PATH_MAX_BYTES 2048

/* A string that grows in a fixed buffer; always terminated. */
typedef struct {
    char *bytes;
    size_t size, used;
    bool overflowed;
} text_t;

typedef struct {
    char name[64]; /* lower case */
    const char *value;
    size_t order; /* of appearance: equal names keep it */
} header_t;

typedef struct {
    char *name, *value; /* percent-encoded */
} parameter_t;

static void s_put_n(text_t *text, const char *bytes, size_t count)
{
    if (text->overflowed || count >= text->size - text->used) {
        text->overflowed = true;
        return;
    }
    memcpy(text->bytes + text->used, bytes, count);
    text->used += count;
    text->bytes[text->used] = '\0';
}

static void s_put(text_t *text, const char *string)
{
    s_put_n(text, string, strlen(string));
}

static text_t s_text(char *bytes, size_t size)
{
    bytes[0] = '\0';
    return (text_t){.bytes = bytes, .size = size};
}

static void s_hex(const uint8_t *bytes, size_t count, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
}

static void s_sha256_hex(const void *bytes, size_t size, char *hex)
{
    uint8_t digest[SHA256_BYTES];
    int ok = EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL);
    assert(ok);
    s_hex(digest, sizeof digest, hex);
}

static void s_hmac(const void *key, size_t key_size, const char *text,
                   uint8_t *digest)
{
    unsigned size = SHA256_BYTES;
    const uint8_t *done =
        HMAC(EVP_sha256(), key, (int)key_size, (const uint8_t *)text,
             strlen(text), digest, &size);
    assert(done);
}

/* Percent-encodes what is not unreserved (RFC 3986); `keep` stays as it is. */
static void s_put_encoded(text_t *text, const char *bytes, size_t count,
                          char keep)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char code[4];
        if (isalnum(c) || (c && strchr("-._~", c)) || (keep && c == keep)) {
            s_put_n(text, bytes + i, 1);
        } else {
            snprintf(code, sizeof code, "%%%02X", c);
            s_put(text, code);
        }
    }
}

/* Removes empty and "." segments and resolves ".." (RFC 3986, 5.2.4). */
static void s_normalize_path(const char *path, text_t *out)
{
    size_t stack[128];
    size_t depth = 0;
    const char *at = path;
    bool ends_in_slash = true;
    while (*at) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 0)
            break;
        bool dot = length == 1 && at[0] == '.';
        bool dots = length == 2 && at[0] == '.' && at[1] == '.';
        if (dots && depth > 0) {
            out->used = stack[--depth];
            out->bytes[out->used] = '\0';
        } else if (!dot && !dots) {
            if (depth == sizeof stack / sizeof *stack)
                out->overflowed = true;
            else
                stack[depth++] = out->used;
            s_put(out, "/");
            s_put_n(out, at, length);
        }
        at += length;
        ends_in_slash = *at == '/' || dot || dots;
    }
    if (ends_in_slash || out->used == 0)
        s_put(out, "/");
}

static void s_put_path(text_t *text, const sigv4_signer_t *signer,
                       const char *path)
{
    char buffer[PATH_MAX_BYTES];
    text_t plain = s_text(buffer, sizeof buffer);
    if (signer->keep_path)
        s_put(&plain, *path ? path : "/");
    else
        s_normalize_path(path, &plain);
    s_put_encoded(text, plain.bytes, plain.used, '/');
    text->overflowed |= plain.overflowed;
}

static int s_nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Encodes anew, so that encoded and plain input give the same. Returns the
 * start of the terminated text in `store`. */
static char *s_recode(text_t *store, const char *bytes, size_t count)
{
    char *start = store->bytes + store->used;
    for (size_t i = 0; i < count; i++) {
        char c = bytes[i];
        if (c == '%' && i + 2 < count && s_nibble(bytes[i + 1]) >= 0 &&
            s_nibble(bytes[i + 2]) >= 0) {
            c = (char)(s_nibble(bytes[i + 1]) << 4 | s_nibble(bytes[i + 2]));
            i += 2;
        }
        s_put_encoded(store, &c, 1, 0);
    }
    s_put_n(store, "", 1);
    return start;
}

static int s_parameter_compare(const void *a, const void *b)
{
    const parameter_t *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->value, right->value);
}

static void s_put_query(text_t *text, const char *query)
{
    parameter_t parameters[QUERY_PARAMETERS_MAX];
    char buffer[PATH_MAX_BYTES * 3];
    text_t store = s_text(buffer, sizeof buffer);
    size_t count = 0;
    while (query && *query) {
        size_t length = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        if (count == QUERY_PARAMETERS_MAX) {
            text->overflowed = true;
            return;
        }
        size_t skip = name < length ? name + 1 : length;
        parameters[count].name = s_recode(&store, query, name);
        parameters[count].value = s_recode(&store, query + skip, length - skip);
        count++;
        query += length + (query[length] == '&');
    }
    text->overflowed |= store.overflowed;
    if (text->overflowed)
        return;
    qsort(parameters, count, sizeof *parameters, s_parameter_compare);
    for (size_t i = 0; i < count; i++) {
        s_put(text, i ? "&" : "");
        s_put(text, parameters[i].name);
        s_put(text, "=");
        s_put(text, parameters[i].value);
    }
}

static int s_header_compare(const void *a, const void *b)
{
    const header_t *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    if (order)
        return order;
    return left->order < right->order ? -1 : 1;
}

static void s_header_add(header_t *headers, size_t *count, const char *name,
                         const char *value, text_t *text)
{
    header_t *header = &headers[*count];
    size_t length = strlen(name);
    if (length >= sizeof header->name) {
        text->overflowed = true;
        return;
    }
    for (size_t i = 0; i <= length; i++)
        header->name[i] = (char)tolower((unsigned char)name[i]);
    header->value = value;
    header->order = *count;
    ++*count;
}

/* The value without outer blanks, runs of blanks as one space. */
static void s_put_value(text_t *text, const char *value)
{
    bool blank = false, begun = false;
    for (; *value; value++) {
        if (isspace((unsigned char)*value)) {
            blank = begun;
            continue;
        }
        if (blank)
            s_put(text, " ");
        blank = false;
        begun = true;
        s_put_n(text, value, 1);
    }
}

/* Canonical headers into `text`, their names, joined by ';', into `names`. */
static void s_put_headers(text_t *text, text_t *names, header_t *headers,
                          size_t count)
{
    qsort(headers, count, sizeof *headers, s_header_compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(headers[i].name, headers[i - 1].name) == 0) {
            s_put(text, ",");
        } else {
            s_put(text, i ? "\n" : "");
            s_put(text, headers[i].name);
            s_put(text, ":");
            s_put(names, i ? ";" : "");
            s_put(names, headers[i].name);
        }
        s_put_value(text, headers[i].value);
    }
    s_put(text, "\n");
}

static void s_canonical(const sigv4_signer_t *signer,
                        const sigv4_request_t *request, text_t *text,
                        text_t *names, const sigv4_result_t *result)
{
    header_t headers[SIGV4_HEADERS_MAX + 3];
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        s_header_add(headers, &count, request->headers[i].name,
                     request->headers[i].value, text);
    s_header_add(headers, &count, "x-amz-date", result->date, text);
    if (signer->session_token && !signer->late_token)
        s_header_add(headers, &count, "x-amz-security-token",
                     signer->session_token, text);
    if (signer->sign_body)
        s_header_add(headers, &count, "x-amz-content-sha256",
                     result->body_sha256, text);
    s_put(text, request->method);
    s_put(text, "\n");
    s_put_path(text, signer, request->path);
    s_put(text, "\n");
    s_put_query(text, request->query);
    s_put(text, "\n");
    s_put_headers(text, names, headers, count);
    s_put(text, "\n");
    s_put(text, names->bytes);
    s_put(text, "\n");
    s_put(text, result->body_sha256);
}

static void s_signature(const sigv4_signer_t *signer, sigv4_result_t *result,
                        text_t *overflow)
{
    char day[9];
    char secret[256];
    uint8_t key[SHA256_BYTES], next[SHA256_BYTES];
    memcpy(day, result->date, 8);
    day[8] = '\0';
    int length = snprintf(secret, sizeof secret, "AWS4%s", signer->secret_key);
    if (length >= (int)sizeof secret) {
        overflow->overflowed = true;
        return;
    }
    s_hmac(secret, (size_t)length, day, key);
    s_hmac(key, sizeof key, signer->region, next);
    s_hmac(next, sizeof next, signer->service, key);
    s_hmac(key, sizeof key, "aws4_request", next);
    s_hmac(next, sizeof next, result->to_sign, key);
    s_hex(key, sizeof key, result->signature);
    OPENSSL_cleanse(secret, sizeof secret);
}

int sigv4_sign(const sigv4_signer_t *signer, const sigv4_request_t *request,
               time_t when, sigv4_result_t *result)
{
    if (request->header_count > SIGV4_HEADERS_MAX)
        return -1;
    char names_buffer[SIGV4_HEADERS_MAX * 64];
    char scope_buffer[256];
    char hash[SIGV4_HEX_SIZE];
    struct tm utc;
    gmtime_r(&when, &utc);
    strftime(result->date, sizeof result->date, "%Y%m%dT%H%M%SZ", &utc);
    s_sha256_hex(request->body, request->body_size, result->body_sha256);

    text_t names = s_text(names_buffer, sizeof names_buffer);
    text_t canonical = s_text(result->canonical, sizeof result->canonical);
    s_canonical(signer, request, &canonical, &names, result);
    s_sha256_hex(canonical.bytes, canonical.used, hash);

    text_t scope = s_text(scope_buffer, sizeof scope_buffer);
    s_put_n(&scope, result->date, 8);
    const char *rest[] = {"/", signer->region, "/", signer->service,
                          "/aws4_request"};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        s_put(&scope, rest[i]);

    text_t to_sign = s_text(result->to_sign, sizeof result->to_sign);
    const char *lines[] = {"AWS4-HMAC-SHA256\n", result->date, "\n",
                           scope.bytes,          "\n",         hash};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        s_put(&to_sign, lines[i]);
    s_signature(signer, result, &to_sign);

    text_t header = s_text(result->authorization, sizeof result->authorization);
    const char *parts[] = {"AWS4-HMAC-SHA256 Credential=",
                           signer->access_key,
                           "/",
                           scope.bytes,
                           ", SignedHeaders=",
                           names.bytes,
                           ", Signature=",
                           result->signature};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        s_put(&header, parts[i]);
    bool overflowed = canonical.overflowed || names.overflowed ||
                      scope.overflowed || to_sign.overflowed ||
                      header.overflowed;
    return overflowed ? -1 : 0;
}
