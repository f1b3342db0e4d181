/* SPDX-License-Identifier: Apache-2.0
 *
 * See keygen.h. Every file is written beside its place and renamed, 0600.
 */
#include "ctl/keygen.h"

#include "common/key_file.h"
#include "ctl/derive.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int s_fail(const char *path, const char *why)
{
    fprintf(stderr, "stipplectl: %s: %s\n", path, why);
    return -1;
}

static int s_path(char path[PATH_BYTES], const char *folder, const char *name)
{
    int length = snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    return length < PATH_BYTES - 8 ? 0 : s_fail(folder, "is too long");
}

/* --- files ---------------------------------------------------------------- */

typedef void (*print_fn)(FILE *file, const void *what);

static int s_write(const char *path, print_fn print, const void *what)
{
    char new[PATH_BYTES + 8];
    snprintf(new, sizeof new, "%s.new", path);
    unlink(new);
    int fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return s_fail(new, strerror(errno));
    print(file, what);
    bool bad = fflush(file) || ferror(file) || fsync(fd);
    if (fclose(file) || bad || rename(new, path)) {
        s_fail(path, strerror(errno));
        unlink(new);
        return -1;
    }
    return 0;
}

static void s_print_role(FILE *file, const void *what)
{
    role_keys_print(what, file);
}

static void s_print_tokens(FILE *file, const void *what)
{
    EVP_PKEY *key = derive_tokens(what);
    PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    EVP_PKEY_free(key);
}

static void s_print_generations(FILE *file, const void *what)
{
    const master_t *master = what;
    for (int k = 0; k < KEYS; k++)
        fprintf(file, "%s %u %u\n", keys_words[k],
                master->generations[k].oldest, master->generations[k].newest);
}

static void s_print_secret(FILE *file, const void *what)
{
    const uint8_t *bytes = what;
    for (int i = 0; i < SECRET_MIN_BYTES; i++)
        fprintf(file, "%02x", bytes[i]);
    fputc('\n', file);
}

static int s_write_all(const master_t *master, const char *folder)
{
    char path[PATH_BYTES];
    for (role_t role = 0; role < ROLES; role++) {
        role_keys_t keys;
        char name[32];
        snprintf(name, sizeof name, "%s.key", role_word(role));
        derive_role(master, role, &keys);
        int failed = s_path(path, folder, name) < 0 ||
                     s_write(path, s_print_role, &keys) < 0;
        role_keys_wipe(&keys);
        if (failed)
            return -1;
    }
    return s_path(path, folder, "tokens.key") < 0 ||
                   s_write(path, s_print_tokens, master) < 0 ||
                   s_path(path, folder, "generations") < 0
               ? -1
               : s_write(path, s_print_generations, master);
}

/* --- the secret and its generations --------------------------------------- */

static bool s_exists(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    return s_path(path, folder, name) == 0 && access(path, F_OK) == 0;
}

static int s_draw(const char *path)
{
    uint8_t bytes[SECRET_MIN_BYTES];
    int drawn = RAND_bytes(bytes, sizeof bytes);
    assert(drawn == 1);
    int result = s_write(path, s_print_secret, bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return result;
}

/* The secret's bytes into *master; a new secret if there is none, but never
 * beside key files that another one made. */
static char *s_read_secret(master_t *master, const char *path,
                           const char *folder)
{
    if (access(path, F_OK) && errno == ENOENT) {
        if (s_exists(folder, "broker.key")) {
            s_fail(path, "is missing, and only it makes these key files anew");
            return NULL;
        }
        if (s_draw(path) < 0)
            return NULL;
    }
    const char *why;
    char *bytes = secret_read(path, &master->size, &why);
    if (bytes)
        why = secret_fault(bytes, master->size);
    if (why) {
        s_fail(path, why);
        free(bytes);
        return NULL;
    }
    master->secret = bytes;
    return bytes;
}

static int s_read_generations(master_t *master, const char *folder)
{
    char path[PATH_BYTES], word[32];
    unsigned oldest, newest;
    for (int k = 0; k < KEYS; k++)
        master->generations[k] = (generation_t){1, 1};
    if (s_path(path, folder, "generations") < 0)
        return -1;
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? 0 : s_fail(path, strerror(errno));
    bool bad = false;
    for (int read; !bad && (read = fscanf(file, "%31s %u %u", word, &oldest,
                                          &newest)) != EOF;) {
        int k = 0;
        while (k < KEYS && strcmp(word, keys_words[k]))
            k++;
        bad = read != 3 || k == KEYS || !oldest || newest < oldest ||
              newest - oldest >= GENERATIONS_MAX;
        if (!bad)
            master->generations[k] = (generation_t){oldest, newest};
    }
    fclose(file);
    return bad ? s_fail(path, "is damaged") : 0;
}

/* --- verbs ---------------------------------------------------------------- */

static const char *s_rotate(generation_t *generation)
{
    if (generation->newest - generation->oldest == GENERATIONS_MAX - 1)
        return "too many generations count: retire the old ones first";
    generation->newest++;
    return NULL;
}

static const char *s_retire(generation_t *generation)
{
    generation->oldest = generation->newest;
    return NULL;
}

static const struct {
    const char *word;
    int arguments;
    const char *(*change)(generation_t *generation);
} s_verbs[] = {
    {"keygen", 1, NULL},
    {"rotate", 2, s_rotate},
    {"retire", 2, s_retire},
};

static int s_verb(char **words, int count)
{
    for (size_t i = 0; i < sizeof s_verbs / sizeof *s_verbs; i++)
        if (count && !strcmp(words[0], s_verbs[i].word))
            return (int)i;
    return -1;
}

bool keygen_knows(char **words, int count)
{
    return s_verb(words, count) >= 0;
}

/* 0; 1 or 2 as keygen_run. */
static int s_change(master_t *master, int verb, const char *word)
{
    for (int k = 0; k < KEYS; k++) {
        if (strcmp(word, keys_words[k]))
            continue;
        const char *why = s_verbs[verb].change(&master->generations[k]);
        return why ? s_fail(word, why), 1 : 0;
    }
    s_fail(word, "must be edge, persister, operator, anonymous, tokens or "
                 "servers");
    return 2;
}

static int s_make(int verb, char **words, const char *secret)
{
    master_t master = {0};
    const char *folder = words[1];
    if (mkdir(folder, 0700) && errno != EEXIST) {
        s_fail(folder, strerror(errno));
        return 1;
    }
    char *bytes = s_read_secret(&master, secret, folder);
    if (!bytes)
        return 1;
    int status = s_read_generations(&master, folder) < 0 ? 1 : 0;
    if (!status && s_verbs[verb].change)
        status = s_change(&master, verb, words[2]);
    if (!status)
        status = s_write_all(&master, folder) < 0 ? 1 : 0;
    OPENSSL_cleanse(bytes, master.size);
    free(bytes);
    return status;
}

int keygen_run(char **words, int count, const char *master)
{
    char path[PATH_BYTES];
    int verb = s_verb(words, count);
    assert(verb >= 0);
    if (count - 1 != s_verbs[verb].arguments) {
        fprintf(stderr, "stipplectl: %s DIR%s\n", words[0],
                s_verbs[verb].arguments > 1 ? " KEYS" : "");
        return 2;
    }
    if (s_path(path, words[1], "secret") < 0)
        return 1;
    return s_make(verb, words, master && *master ? master : path);
}
