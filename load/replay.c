/* SPDX-License-Identifier: Apache-2.0
 *
 * See replay.h. Entries are grouped by placer with one counting sort, which
 * keeps their order. Files are unpacked by `xz -dc`.
 */
#include "load/replay.h"

#include "common/board.h"
#include "common/cursor.h"
#include "common/log.h"
#include "common/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLAY_BYTES_MAX (512u << 20)
#define STEP_HEAD_BYTES 12

/* Starts `xz -dc` on the file; its output end, or -1. */
static int s_xz_start(const char *path, pid_t *pid)
{
    int ends[2];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || pipe(ends) < 0) {
        close(file);
        return -1;
    }
    *pid = fork();
    if (!*pid) {
        dup2(file, 0);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execlp("xz", "xz", "-dc", (char *)NULL);
        _exit(127);
    }
    close(file);
    close(ends[1]);
    if (*pid < 0) {
        close(ends[0]);
        return -1;
    }
    return ends[0];
}

uint8_t *xz_read(const char *path, size_t max, size_t *size)
{
    pid_t pid;
    int from = s_xz_start(path, &pid);
    if (from < 0)
        return NULL;
    size_t room = 1u << 20;
    uint8_t *bytes = mem_alloc(room);
    ssize_t got;
    *size = 0;
    while (*size <= max &&
           (got = read(from, bytes + *size, room - *size)) > 0) {
        *size += (size_t)got;
        if (*size == room)
            bytes = mem_realloc(bytes, room *= 2, 1);
    }
    close(from);
    int status;
    if (waitpid(pid, &status, 0) < 0 || status || *size > max) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* Neighbours go to different placers, so that all have work all the time. */
static uint32_t s_placer(uint32_t offset, uint32_t placers)
{
    return (uint32_t)((uint64_t)fmix32(offset + 1) * placers >> 32);
}

/* All entries of the record in its order; NULL where it is malformed. */
static uint32_t *s_flatten(const uint8_t *bytes, size_t size, uint32_t limit,
                           uint32_t *count)
{
    uint32_t *entries = mem_alloc(size + sizeof(uint32_t));
    reader_t r = reader_of(bytes, size);
    *count = 0;
    while (reader_left(&r) && !r.bad) {
        read_bytes(&r, STEP_HEAD_BYTES - 4);
        uint32_t n = read_u32(&r);
        if (reader_left(&r) / 4 < n)
            r.bad = true;
        for (uint32_t i = 0; i < n && !r.bad; i++) {
            uint32_t entry = read_u32(&r);
            if (!limit || *count < limit)
                entries[(*count)++] = entry;
        }
    }
    if (!r.bad)
        return entries;
    free(entries);
    return NULL;
}

int replay_parse(replay_t *self, const uint8_t *bytes, size_t size,
                 uint32_t placers, uint32_t limit)
{
    memset(self, 0, sizeof *self);
    uint32_t *flat = s_flatten(bytes, size, limit, &self->count);
    if (!flat)
        return -1;
    self->placers = placers;
    self->entries = mem_alloc(self->count * sizeof(uint32_t) + 4);
    self->starts = mem_zalloc(placers + 2, sizeof(uint32_t));
    self->final = mem_zalloc(REPLAY_PIXELS, 1);
    /* starts[p + 1] ends as the end of p's group, having been its fill mark. */
    uint32_t *marks = self->starts + 1;
    for (uint32_t i = 0; i < self->count; i++)
        marks[s_placer(flat[i] % REPLAY_PIXELS, placers)]++;
    uint32_t sum = 0;
    for (uint32_t p = 0; p < placers; p++) {
        uint32_t here = marks[p];
        marks[p] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        uint32_t offset = flat[i] % REPLAY_PIXELS;
        self->entries[marks[s_placer(offset, placers)]++] = flat[i];
        self->final[offset] = (uint8_t)(flat[i] >> 20);
    }
    free(flat);
    return 0;
}

int replay_load(replay_t *self, const char *path, uint32_t placers,
                uint32_t limit)
{
    size_t size;
    uint8_t *bytes = xz_read(path, REPLAY_BYTES_MAX, &size);
    if (!bytes) {
        log_error("replay_unreadable", NULL);
        return -1;
    }
    int result = replay_parse(self, bytes, size, placers, limit);
    free(bytes);
    if (result < 0)
        log_error("replay_malformed", NULL);
    return result;
}

void replay_free(replay_t *self)
{
    free(self->entries);
    free(self->starts);
    free(self->final);
    memset(self, 0, sizeof *self);
}
