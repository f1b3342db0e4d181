/* SPDX-License-Identifier: Apache-2.0
 *
 * See assets.h. A sorted array; symbolic links are followed to files but not to
 * directories (fts's rule), which keeps the walk finite.
 */
#include "edge/http/assets.h"

#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <fts.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GZIP_LEVEL 9

#define VERSION_PREFIX "/_/"
#define VERSION_SIZE 16

struct assets {
    asset_t *files;
    size_t count;
    size_t bytes;
    char version[VERSION_SIZE + 1]; /* of all of them */
};

/* By the name's end; text is gzipped. */
static const struct {
    const char *suffix, *content_type;
    bool text;
} types[] = {
    {".html", "text/html; charset=utf-8", true},
    {".js", "text/javascript; charset=utf-8", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".css", "text/css; charset=utf-8", true},
    {".json", "application/json", true},
    {".webmanifest", "application/manifest+json", true},
    {".svg", "image/svg+xml", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".md", "text/plain; charset=utf-8", true},
    {".wasm", "application/wasm", true},
    {".png", "image/png", false},
    {".jpg", "image/jpeg", false},
    {".webp", "image/webp", false},
    {".ico", "image/x-icon", false},
    {".woff2", "font/woff2", false},
    {"", "application/octet-stream", false},
};

static size_t s_type(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0;; i++) {
        size_t suffix = strlen(types[i].suffix);
        if (length >= suffix &&
            !strcmp(path + length - suffix, types[i].suffix))
            return i;
    }
}

static void s_hash(char hex[VERSION_SIZE + 1], const void *bytes, size_t size)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256(bytes, size, hash);
    for (int i = 0; i < VERSION_SIZE / 2; i++)
        sprintf(hex + 2 * i, "%02x", hash[i]);
}

static void s_etag(asset_t *file)
{
    const blob_t *body = file->body[ENCODING_IDENTITY];
    char hex[VERSION_SIZE + 1];
    s_hash(hex, body->bytes, body->size);
    snprintf(file->etag, sizeof file->etag, "\"%s\"", hex);
}

/* The whole file; NULL where it cannot be read or is larger than `most`. */
static blob_t *s_read(const char *path, size_t size, size_t most)
{
    FILE *file = size <= most ? fopen(path, "rbe") : NULL;
    if (!file)
        return NULL;
    blob_t *body = blob_new(size);
    size_t got = fread(body->bytes, 1, size, file);
    bool whole = got == size && !ferror(file);
    fclose(file);
    if (!whole)
        blob_unref(&body);
    return body;
}

static int s_add(assets_t *self, const char *path, const char *url, size_t size)
{
    blob_t *body = s_read(path, size, ASSETS_BYTES_MAX - self->bytes);
    if (!body)
        return -1;
    self->files =
        mem_realloc(self->files, self->count + 1, sizeof *self->files);
    asset_t *file = &self->files[self->count++];
    size_t type = s_type(url);
    memset(file, 0, sizeof *file);
    file->path = mem_strdup(url);
    file->content_type = types[type].content_type;
    file->body[ENCODING_IDENTITY] = body;
    file->text = types[type].text;
    s_etag(file);
    self->bytes += size;
    return 0;
}

static int s_visit(assets_t *self, FTS *walk, const FTSENT *entry, size_t root)
{
    FTSENT *mutable = (FTSENT *)entry;
    bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';
    switch (entry->fts_info) {
    case FTS_D:
        if (hidden)
            fts_set(walk, mutable, FTS_SKIP);
        return 0;
    case FTS_SL:
        fts_set(walk, mutable, FTS_FOLLOW);
        return 0;
    case FTS_F:
        if (hidden)
            return 0;
        return s_add(self, entry->fts_accpath, entry->fts_path + root,
                     (size_t)entry->fts_statp->st_size);
    case FTS_DNR:
    case FTS_NS:
    case FTS_ERR:
        errno = entry->fts_errno;
        return -1;
    default:
        return 0;
    }
}

static int s_compare(const void *a, const void *b)
{
    return strcmp(((const asset_t *)a)->path, ((const asset_t *)b)->path);
}

/* --- Versions ---------------------------------------------------------------
 */

static int s_compare_path(const void *path, const void *file)
{
    return strcmp(path, ((const asset_t *)file)->path);
}

static const asset_t *s_find(const assets_t *self, const char *path)
{
    return self->count ? bsearch(path, self->files, self->count,
                                 sizeof *self->files, s_compare_path)
                       : NULL;
}

/* Of names and contents; the files are in order. */
static void s_set_version(assets_t *self)
{
    size_t size = 0;
    char *all = NULL;
    for (size_t i = 0; i < self->count; i++) {
        const asset_t *file = &self->files[i];
        size_t path = strlen(file->path) + 1, etag = strlen(file->etag) + 1;
        all = mem_realloc(all, size + path + etag, 1);
        memcpy(all + size, file->path, path);
        memcpy(all + size + path, file->etag, etag);
        size += path + etag;
    }
    s_hash(self->version, all ? all : "", size);
    free(all);
}

/* Whether the name up to its closing quote is that of a script or a style
 * sheet of ours. */
static bool s_is_versioned(const assets_t *self, const char *name, size_t size)
{
    static const char *const suffixes[] = {".js", ".mjs", ".css"};
    char path[256] = "/";
    if (size > sizeof path - 2)
        return false;
    memcpy(path + 1, name, size);
    path[1 + size] = '\0';
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (size > suffix && !strcmp(path + 1 + size - suffix, suffixes[i]))
            return s_find(self, path);
    }
    return false;
}

/* The page with src="app.js" as src="_/VERSION/app.js". */
static blob_t *s_versioned(const assets_t *self, const blob_t *page)
{
    static const char *const names[] = {"src=\"", "href=\""};
    char prefix[VERSION_SIZE + 8];
    size_t added = (size_t)snprintf(prefix, sizeof prefix, "%s%s/",
                                    &VERSION_PREFIX[1], self->version);
    blob_t *made = blob_new(page->size * 4 + 1); /* "a.js" is the shortest */
    uint8_t *out = made->bytes;
    const char *at = (const char *)page->bytes, *end = at + page->size;
    while (at < end) {
        size_t name = 0;
        for (size_t i = 0; i < sizeof names / sizeof *names && !name; i++)
            if ((size_t)(end - at) > strlen(names[i]) &&
                !memcmp(at, names[i], strlen(names[i])))
                name = strlen(names[i]);
        const char *quote =
            name ? memchr(at + name, '"', (size_t)(end - at) - name) : NULL;
        size_t take = name ? name : 1;
        memcpy(out, at, take);
        out += take;
        at += take;
        if (quote && s_is_versioned(self, at, (size_t)(quote - at))) {
            memcpy(out, prefix, added);
            out += added;
        }
    }
    return blob_shrink(made, (size_t)(out - made->bytes));
}

static bool s_is_page(const asset_t *file)
{
    return !strncmp(file->content_type, "text/html", 9) &&
           !strchr(file->path + 1, '/');
}

/* Once all are there and in order. */
static void s_finish(assets_t *self)
{
    s_set_version(self);
    for (size_t i = 0; i < self->count; i++) {
        asset_t *file = &self->files[i];
        blob_t **body = &file->body[ENCODING_IDENTITY];
        if (s_is_page(file)) {
            blob_t *page = s_versioned(self, *body);
            blob_unref(body);
            *body = page;
            s_etag(file);
        }
        if (file->text)
            file->body[ENCODING_GZIP] =
                blob_gzip((*body)->bytes, (*body)->size, GZIP_LEVEL);
    }
}

static int s_load(assets_t *self, char *web_dir)
{
    char *roots[] = {web_dir, NULL};
    FTS *walk =
        fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    const FTSENT *entry;
    int result = walk ? 0 : -1;
    errno = 0;
    while (!result && (entry = fts_read(walk)))
        result = s_visit(self, walk, entry, strlen(web_dir));
    if (walk)
        fts_close(walk);
    if (self->count)
        qsort(self->files, self->count, sizeof *self->files, s_compare);
    s_finish(self);
    return result;
}

assets_t *assets_new(const char *web_dir)
{
    assets_t *self = mem_zalloc(1, sizeof *self);
    if (!web_dir || !*web_dir)
        return self;
    char *root = mem_strdup(web_dir);
    for (size_t i = strlen(root); i > 1 && root[i - 1] == '/'; i--)
        root[i - 1] = '\0';
    if (s_load(self, root) < 0) {
        char quoted[256];
        log_error("web_dir_unusable", "path=%s reason=\"%s\"",
                  log_quote(quoted, sizeof quoted, web_dir),
                  errno ? strerror(errno) : "too large");
        assets_destroy(&self);
    }
    free(root);
    return self;
}

void assets_destroy(assets_t **self_p)
{
    assets_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        free(self->files[i].path);
        for (int e = 0; e < ENCODING_COUNT; e++)
            blob_unref(&self->files[i].body[e]);
    }
    free(self->files);
    free(self);
}

const asset_t *assets_find(const assets_t *self, const char *path,
                           bool *forever)
{
    size_t prefix = strlen(VERSION_PREFIX);
    *forever = false;
    if (!strncmp(path, VERSION_PREFIX, prefix)) {
        const char *version = path + prefix, *name = strchr(version, '/');
        *forever = name && (size_t)(name - version) == VERSION_SIZE &&
                   !strncmp(version, self->version, VERSION_SIZE);
        return name ? s_find(self, name) : NULL;
    }
    return s_find(self, strcmp(path, "/") ? path : "/index.html");
}
