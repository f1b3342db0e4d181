/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads from an edge over HTTP, on one connection that is kept. What an edge
 * cannot do now, or not so often (429, 503), is asked for again as it says,
 * until FETCH_PATIENCE_MS have passed.
 */
#ifndef CTL_FETCH_H
#define CTL_FETCH_H

#include <stddef.h>
#include <stdint.h>

#define FETCH_PATIENCE_MS 60000

struct curl_slist;

typedef struct {
    void *curl;
    struct curl_slist *fields; /* with a token, if there is one */
    char *base;
    long status;         /* of the last answer; 0: there was none */
    char *body;          /* of it, with a NUL behind, … */
    size_t size;         /* … which does not count */
    const char *trouble; /* why there was none */
} fetch_t;

/* `token` may be NULL. */
void fetch_open(fetch_t *self, const char *base, const char *token);
void fetch_close(fetch_t *self);

/* GET of a path of our own making. 0 if it was answered by 200; else -1, with
 * status, body or trouble. */
int fetch_get(fetch_t *self, const char *path);
/* Why not, in words: the problem's detail or code, or the trouble. */
const char *fetch_why(fetch_t *self);

#endif
