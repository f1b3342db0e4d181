/* SPDX-License-Identifier: Apache-2.0
 *
 * The web page's files, read into memory at the start: every regular file under
 * web_dir whose name does not begin with a dot, up to ASSETS_BYTES_MAX in all.
 * What is not in the table does not exist, so no path can lead out of it.
 *
 * Each file is there a second time as "/_/VERSION/name", where VERSION is a
 * hash of all files: never another content, so it may be kept for ever. Pages
 * in web_dir itself have the addresses of their scripts and style sheets
 * changed to that; what those import by relative names comes from there as
 * well.
 */
#ifndef EDGE_HTTP_ASSETS_H
#define EDGE_HTTP_ASSETS_H

#include "edge/http/blob.h"
#include "edge/http/negotiate.h"

#include <stdbool.h>

#define ASSETS_BYTES_MAX (64u << 20)

typedef struct assets assets_t;

typedef struct {
    char *path; /* "/index.html" */
    const char *content_type;
    bool text;                    /* worth gzipping */
    char etag[20];                /* with its quotes: a hash of the content */
    blob_t *body[ENCODING_COUNT]; /* gzip is NULL where it does not pay */
} asset_t;

/* "" or NULL: none. NULL, with a line in the log, where web_dir cannot be read
 * or is too large. */
assets_t *assets_new(const char *web_dir);
void assets_destroy(assets_t **self_p);

/* The file at a URL's path, "/" being "/index.html"; NULL if there is none.
 * `forever`: what that path names never changes; of another version than ours
 * it is the file of today. Borrowed. */
const asset_t *assets_find(const assets_t *self, const char *path,
                           bool *forever);

#endif
