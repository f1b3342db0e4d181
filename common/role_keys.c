/* SPDX-License-Identifier: Apache-2.0
 *
 * See role_keys.h.
 */
#include "common/role_keys.h"

#include "common/endpoints.h"
#include "common/hkdf.h"
#include "common/key_file.h"
#include "common/log.h"
#include "common/token_keys.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#define WORDS_MAX 5
static const char s_blanks[] = " \t\r";

static const char *const s_roles[] = {
    [ROLE_BROKER] = "broker",
    [ROLE_PERSISTER] = "persister",
    [ROLE_EDGE] = "edge",
    [ROLE_OPERATOR] = "operator",
};

const char *role_word(role_t role)
{
    assert(role < ROLES);
    return s_roles[role];
}

int role_parse(const char *word)
{
    for (int role = 0; role < ROLES; role++)
        if (!strcmp(word, s_roles[role]))
            return role;
    return -1;
}

/* --- reading -------------------------------------------------------------- */

static int s_hex(uint8_t *bytes, size_t size, const char *text)
{
    if (strlen(text) != 2 * size)
        return -1;
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        if (!isxdigit((unsigned char)text[2 * i]) ||
            !isxdigit((unsigned char)text[2 * i + 1]) ||
            sscanf(text + 2 * i, "%2x", &value) != 1)
            return -1;
        bytes[i] = (uint8_t)value;
    }
    return 0;
}

static int s_append(key_list_t *list, const char *text)
{
    if (list->count == GENERATIONS_MAX ||
        s_hex(list->bytes[list->count], KEY_BYTES, text) < 0)
        return -1;
    list->count++;
    return 0;
}

static int s_read_role(role_keys_t *self, char **words)
{
    int role = role_parse(words[0]);
    self->role = role < 0 ? ROLES : (role_t)role;
    return role < 0 ? -1 : 0;
}

static int s_read_serve(role_keys_t *self, char **words)
{
    self->serves = true;
    return s_hex(self->server_secret, KEY_BYTES, words[0]);
}

static int s_read_connect(role_keys_t *self, char **words)
{
    int role = role_parse(words[0]);
    if (role < 0)
        return -1;
    key_peer_t *peer = &self->connect[role];
    uint8_t secret[KEY_BYTES];
    if (s_append(&peer->servers, words[1]) < 0 ||
        s_hex(secret, KEY_BYTES, words[2]) < 0 ||
        (peer->servers.count > 1 &&
         memcmp(secret, peer->client_secret, KEY_BYTES) != 0))
        return -1;
    memcpy(peer->client_secret, secret, KEY_BYTES);
    return 0;
}

static int s_read_accept(role_keys_t *self, char **words)
{
    int role = role_parse(words[0]);
    return role < 0 ? -1 : s_append(&self->accept[role], words[1]);
}

static int s_read_anonymous(role_keys_t *self, char **words)
{
    return s_append(&self->anonymous, words[0]);
}

static int s_read_tokens(role_keys_t *self, char **words)
{
    if (self->token_count == GENERATIONS_MAX ||
        s_hex(self->tokens[self->token_count], POINT_BYTES, words[0]) < 0)
        return -1;
    self->token_count++;
    return 0;
}

static const struct {
    const char *word;
    size_t arguments;
    int (*read)(role_keys_t *self, char **words);
} s_lines[] = {
    {"role", 1, s_read_role},           {"serve", 1, s_read_serve},
    {"connect", 3, s_read_connect},     {"accept", 2, s_read_accept},
    {"anonymous", 1, s_read_anonymous}, {"tokens", 1, s_read_tokens},
};

static int s_read_line(role_keys_t *self, char *line)
{
    char *words[WORDS_MAX], *rest = line;
    size_t count = 0;
    for (char *word; count < WORDS_MAX &&
                     (word = strtok_r(count ? NULL : line, s_blanks, &rest));)
        words[count++] = word;
    if (!count || *words[0] == '#')
        return 0;
    for (size_t i = 0; i < sizeof s_lines / sizeof *s_lines; i++)
        if (!strcmp(words[0], s_lines[i].word))
            return count == s_lines[i].arguments + 1
                       ? s_lines[i].read(self, words + 1)
                       : -1;
    return -1;
}

const char *role_keys_parse(role_keys_t *self, char *text)
{
    *self = (role_keys_t){.role = ROLES};
    for (char *line, *rest = text; (line = strsep(&rest, "\n"));)
        if (s_read_line(self, line) < 0)
            return "it is no key file; stipplectl keygen makes them from the "
                   "cluster's secret";
    return self->role == ROLES ? "it does not say whose keys it holds" : NULL;
}

/* Whoever may read the file has the role. */
static void s_warn_if_open(const char *path)
{
    struct stat status;
    char quoted[256];
    if (stat(path, &status) == 0 && status.st_mode & S_IROTH)
        log_warn("key_file_open_to_all", "path=%s hint=\"chmod 600\"",
                 log_quote(quoted, sizeof quoted, path));
}

int role_keys_load(role_keys_t *self, role_t role, const char *path)
{
    size_t size;
    const char *why;
    char *text = secret_read(path, &size, &why);
    if (text) {
        why = strlen(text) < size ? "it is not text"
                                  : role_keys_parse(self, text);
        OPENSSL_cleanse(text, size);
        free(text);
        if (!why && self->role != role)
            why = "it is another role's";
    }
    if (!why) {
        s_warn_if_open(path);
        return 0;
    }
    key_file_refuse("key_file", path, why);
    role_keys_wipe(self);
    return -1;
}

void role_keys_wipe(role_keys_t *self)
{
    OPENSSL_cleanse(self, sizeof *self);
}

/* --- writing -------------------------------------------------------------- */

static void s_put(FILE *file, const uint8_t *bytes, size_t size)
{
    fputc(' ', file);
    for (size_t i = 0; i < size; i++)
        fprintf(file, "%02x", bytes[i]);
}

static void s_put_list(FILE *file, const char *word, const char *role,
                       const key_list_t *list)
{
    for (size_t i = 0; i < list->count; i++) {
        fprintf(file, "%s%s%s", word, role ? " " : "", role ? role : "");
        s_put(file, list->bytes[i], KEY_BYTES);
        fputc('\n', file);
    }
}

void role_keys_print(const role_keys_t *self, FILE *file)
{
    fprintf(file, "role %s\n", role_word(self->role));
    if (self->serves) {
        fputs("serve", file);
        s_put(file, self->server_secret, KEY_BYTES);
        fputc('\n', file);
    }
    for (int role = 0; role < ROLES; role++) {
        const key_peer_t *peer = &self->connect[role];
        for (size_t i = 0; i < peer->servers.count; i++) {
            fprintf(file, "connect %s", s_roles[role]);
            s_put(file, peer->servers.bytes[i], KEY_BYTES);
            s_put(file, peer->client_secret, KEY_BYTES);
            fputc('\n', file);
        }
    }
    for (int role = 0; role < ROLES; role++)
        s_put_list(file, "accept", s_roles[role], &self->accept[role]);
    s_put_list(file, "anonymous", NULL, &self->anonymous);
    for (size_t i = 0; i < self->token_count; i++) {
        fputs("tokens", file);
        s_put(file, self->tokens[i], POINT_BYTES);
        fputc('\n', file);
    }
}

/* --- using ---------------------------------------------------------------- */

int role_keys_verify_with(const role_keys_t *self, token_keys_t *keys)
{
    for (size_t i = 0; i < self->anonymous.count; i++)
        token_keys_add_secret(keys, self->anonymous.bytes[i], KEY_BYTES,
                              ANONYMOUS_SUBJECTS);
    for (size_t i = 0; i < self->token_count; i++)
        if (token_keys_add_point(keys, self->tokens[i], NULL) < 0)
            return -1;
    return 0;
}

void curve_pair(const uint8_t key[KEY_BYTES], char public[CURVE_TEXT_BYTES],
                char secret[CURVE_TEXT_BYTES])
{
    zmq_z85_encode(secret, key, KEY_BYTES);
    int failed = zmq_curve_public(public, secret);
    assert(!failed);
}

void curve_public(const uint8_t secret[KEY_BYTES], uint8_t public[KEY_BYTES])
{
    char public_text[CURVE_TEXT_BYTES], secret_text[CURVE_TEXT_BYTES];
    curve_pair(secret, public_text, secret_text);
    zmq_z85_decode(public, public_text);
    OPENSSL_cleanse(secret_text, sizeof secret_text);
}

void client_key(uint8_t key[KEY_BYTES], const uint8_t client_secret[KEY_BYTES],
                const char *base)
{
    char info[ENDPOINT_MAX + 32];
    size_t length = (size_t)snprintf(info, sizeof info, "bus 1 %s", base);
    assert(length < sizeof info);
    for (size_t i = 0; i < length; i++)
        info[i] = (char)tolower((unsigned char)info[i]);
    hkdf(key, client_secret, KEY_BYTES, info);
}
