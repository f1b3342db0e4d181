/* SPDX-License-Identifier: Apache-2.0
 *
 * See token.h. A token is three base64url parts, header.claims.signature
 * (RFC 7515, compact form). Order of work: the signature first, the claims only
 * of what was signed. Nothing here keeps a token or says why one was refused:
 * to the bearer a bad token is a bad token.
 */
#include "common/token.h"

#include "common/base64url.h"
#include "common/mem.h"
#include "common/token_keys.h"

#include <jansson.h>
#include <math.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 9999-12-31: later expiries are as good as never. */
#define TIME_MAX_S 253402300799.0

/* Of ES256: r and s. HS256's is shorter. */
#define SIGNATURE_MAX_BYTES 64

typedef struct {
    const char *text;
    size_t length;
} part_t;

/* The three parts; -1 where there are more or fewer. */
static int s_split(const char *token, size_t length, part_t parts[3])
{
    for (int i = 0; i < 3; i++) {
        const char *dot = memchr(token, '.', length);
        size_t part = dot ? (size_t)(dot - token) : length;
        parts[i] = (part_t){token, part};
        if (!dot != (i == 2))
            return -1;
        token += part + 1;
        length -= dot ? part + 1 : 0;
    }
    return 0;
}

/* The JSON object in a part; NULL where it is none. The caller's (decref). */
static json_t *s_object(const part_t *part)
{
    uint8_t bytes[BASE64URL_ROOM(TOKEN_MAX_BYTES)];
    ssize_t size = base64url_decode(bytes, part->text, part->length);
    json_t *json = size > 0 ? json_loadb((const char *)bytes, (size_t)size,
                                         JSON_REJECT_DUPLICATES, NULL)
                            : NULL;
    if (json && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static int s_alg(const char *name, token_alg_t *alg)
{
    static const char *const names[] = {
        [TOKEN_HS256] = "HS256",
        [TOKEN_RS256] = "RS256",
        [TOKEN_ES256] = "ES256",
    };
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) {
            *alg = (token_alg_t)i;
            return 0;
        }
    return -1;
}

/* `crit` lists extensions that must be understood: none is, here. */
static bool s_signed(const token_keys_t *keys, const part_t parts[3],
                     token_alg_t *alg, const char **subjects)
{
    uint8_t signature[BASE64URL_ROOM(TOKEN_MAX_BYTES)];
    ssize_t size = base64url_decode(signature, parts[2].text, parts[2].length);
    json_t *header = s_object(&parts[0]);
    const json_t *kid = json_object_get(header, "kid");
    size_t length = parts[0].length + 1 + parts[1].length;
    bool good =
        size > 0 && header && !json_object_get(header, "crit") &&
        (!kid || json_is_string(kid)) &&
        s_alg(json_string_value(json_object_get(header, "alg")), alg) == 0 &&
        token_keys_check(keys, *alg, json_string_value(kid), parts[0].text,
                         length, signature, (size_t)size, subjects);
    json_decref(header);
    return good;
}

/* A NumericDate, whole or with a fraction, as milliseconds. */
static int s_time(const json_t *claim, uint64_t *ms)
{
    if (!json_is_number(claim))
        return -1;
    double seconds = json_number_value(claim);
    if (!(seconds >= 0))
        return -1;
    *ms = (uint64_t)(fmin(seconds, TIME_MAX_S) * 1000);
    return 0;
}

/* The highest role of a word, or of a list of words; `none` if it is neither,
 * or has no role that is known. */
static rank_t s_highest(const json_t *roles, rank_t none)
{
    size_t i;
    const json_t *word;
    rank_t highest = none, rank;
    bool found = false;
    if (json_is_string(roles))
        rank_parse(json_string_value(roles), &highest);
    json_array_foreach(roles, i, word)
    {
        if (json_is_string(word) &&
            rank_parse(json_string_value(word), &rank) &&
            (!found || rank_reaches(rank, highest))) {
            highest = rank;
            found = true;
        }
    }
    return highest;
}

static rank_t s_rank(const json_t *claims, token_alg_t alg)
{
    rank_t rank = s_highest(json_object_get(claims, "roles"), RANK_PLAYER);
    return alg == TOKEN_HS256 && rank_reaches(rank, RANK_PLAYER) ? RANK_PLAYER
                                                                 : rank;
}

static int s_claims(const json_t *claims, const char *subjects, uint64_t now_ms,
                    identity_t *identity)
{
    const json_t *sub = json_object_get(claims, "sub");
    const json_t *nbf = json_object_get(claims, "nbf");
    uint64_t expires_ms, begins_ms = 0;
    if (!json_is_string(sub) || !json_string_length(sub) ||
        strncmp(json_string_value(sub), subjects, strlen(subjects)) ||
        s_time(json_object_get(claims, "exp"), &expires_ms) ||
        (nbf && s_time(nbf, &begins_ms)))
        return -1;
    if (now_ms >= expires_ms + TOKEN_LEEWAY_MS ||
        now_ms + TOKEN_LEEWAY_MS < begins_ms)
        return -1;
    identity->user =
        token_user(json_string_value(sub), json_string_length(sub));
    identity->expires_at_ms = expires_ms;
    return 0;
}

int token_verify(const token_keys_t *self, const char *token, size_t length,
                 uint64_t now_ms, identity_t *identity)
{
    part_t parts[3];
    token_alg_t alg;
    const char *subjects;
    if (length > TOKEN_MAX_BYTES || s_split(token, length, parts) ||
        !s_signed(self, parts, &alg, &subjects))
        return -1;
    json_t *claims = s_object(&parts[1]);
    int result = claims ? s_claims(claims, subjects, now_ms, identity) : -1;
    if (result == 0)
        identity->rank = s_rank(claims, alg);
    json_decref(claims);
    return result;
}

/* "header.claims" with room for a signature behind it; *length. */
static char *s_unsigned(const char *header, const char *sub, const char *role,
                        uint64_t issued_at_ms, uint64_t expires_at_ms,
                        size_t *length)
{
    json_t *object = json_pack("{s:s, s:I, s:I}", "sub", sub, "iat",
                               (json_int_t)(issued_at_ms / 1000), "exp",
                               (json_int_t)(expires_at_ms / 1000));
    if (role)
        json_object_set_new(object, "roles", json_pack("[s]", role));
    char *claims = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    size_t claims_size = claims ? strlen(claims) : 0;
    size_t header_size = strlen(header);
    char *token = mem_alloc(base64url_length(header_size) +
                            base64url_length(claims_size) +
                            base64url_length(SIGNATURE_MAX_BYTES) + 3);
    size_t at = base64url_encode(token, header, header_size);
    token[at++] = '.';
    at += base64url_encode(token + at, claims, claims_size);
    free(claims);
    *length = at;
    return token;
}

static char *s_seal(char *token, size_t length, const uint8_t *signature,
                    size_t size)
{
    token[length++] = '.';
    length += base64url_encode(token + length, signature, size);
    token[length] = '\0';
    return token;
}

char *token_sign(const void *secret, size_t size, const char *sub,
                 uint64_t issued_at_ms, uint64_t expires_at_ms)
{
    size_t length;
    uint8_t mac[32];
    char *token = s_unsigned("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", sub, NULL,
                             issued_at_ms, expires_at_ms, &length);
    token_hmac(secret, size, token, length, mac);
    return s_seal(token, length, mac, sizeof mac);
}

char *token_sign_es256(EVP_PKEY *key, const char *sub, const char *role,
                       uint64_t issued_at_ms, uint64_t expires_at_ms)
{
    size_t length;
    uint8_t signature[SIGNATURE_MAX_BYTES];
    char *token = s_unsigned("{\"alg\":\"ES256\",\"typ\":\"JWT\"}", sub, role,
                             issued_at_ms, expires_at_ms, &length);
    token_ecdsa(key, token, length, signature);
    return s_seal(token, length, signature, sizeof signature);
}

uint64_t token_user(const char *sub, size_t length)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)sub, length, hash);
    uint64_t user = 0;
    for (int i = 0; i < 8; i++)
        user = user << 8 | hash[i];
    return user;
}

void user_to_hex(uint64_t user, char hex[USER_HEX_BYTES])
{
    for (int i = 0; i < 16; i++)
        hex[i] = "0123456789abcdef"[user >> (60 - 4 * i) & 15];
    hex[16] = '\0';
}

int user_from_hex(const char *hex, uint64_t *user)
{
    uint64_t value = 0;
    if (strlen(hex) != 16 || strspn(hex, "0123456789abcdef") != 16)
        return -1;
    for (int i = 0; i < 16; i++)
        value = value << 4 |
                (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    *user = value;
    return 0;
}
