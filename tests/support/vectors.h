/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads tests/vectors for C tests: hex text with `# comment` lines, and the
 * JSON beside it. Tests run from the top of the tree.
 */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

#include <assert.h>
#include <ctype.h>
#include <glob.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VECTOR_MAX_BYTES 65536

typedef struct {
    uint8_t bytes[VECTOR_MAX_BYTES];
    size_t size;
    json_t *json;
} vector_t;

/* Loads PATH.hex and PATH.json; `path` is without the ending. */
static inline void vector_load(vector_t *self, const char *path)
{
    char name[512], line[4096];
    snprintf(name, sizeof name, "%s.hex", path);
    FILE *file = fopen(name, "r");
    assert(file);
    self->size = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        for (char *at = line; *at;) {
            unsigned byte;
            if (isspace((unsigned char)*at)) {
                at++;
                continue;
            }
            int got = sscanf(at, "%2x", &byte);
            assert(got == 1 && self->size < VECTOR_MAX_BYTES);
            self->bytes[self->size++] = (uint8_t)byte;
            at += 2;
        }
    }
    fclose(file);
    snprintf(name, sizeof name, "%s.json", path);
    self->json = json_load_file(name, 0, NULL);
    assert(self->json);
}

/* Calls `check` with each vector that matches the pattern (of .hex files);
 * returns how many there were. */
static inline size_t vectors_each(const char *pattern,
                                  void (*check)(const char *path,
                                                vector_t *vector))
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *path = found.gl_pathv[i];
        path[strlen(path) - strlen(".hex")] = '\0';
        static vector_t vector;
        vector_load(&vector, path);
        check(path, &vector);
        json_decref(vector.json);
    }
    size_t count = found.gl_pathc;
    globfree(&found);
    return count;
}

#endif
