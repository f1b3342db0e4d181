/* SPDX-License-Identifier: Apache-2.0
 *
 * See blob.h. The bytes stand behind the struct, in one allocation.
 */
#include "edge/http/blob.h"

#include "common/mem.h"

#include <assert.h>
#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

blob_t *blob_new(size_t size)
{
    blob_t *self = mem_alloc(sizeof *self + size);
    self->refs = 1;
    self->readers = NULL;
    self->file = -1;
    self->size = size;
    return self;
}

blob_t *blob_of(const void *bytes, size_t size)
{
    blob_t *self = blob_new(size);
    if (size)
        memcpy(self->bytes, bytes, size);
    return self;
}

blob_t *blob_shrink(blob_t *self, size_t size)
{
    assert(self->refs == 1 && size <= self->size);
    self = mem_realloc(self, 1, sizeof *self + size);
    self->size = size;
    return self;
}

blob_t *blob_ref(blob_t *self)
{
    self->refs++;
    return self;
}

void blob_unref(blob_t **self_p)
{
    blob_t *self = *self_p;
    *self_p = NULL;
    if (!self || --self->refs)
        return;
    assert(!self->readers);
    if (self->file >= 0)
        close(self->file);
    free(self);
}

void blob_read(blob_t *self, blob_reader_t *reader)
{
    blob_leave(reader);
    reader->next = self->readers;
    reader->at = &self->readers;
    if (reader->next)
        reader->next->at = &reader->next;
    self->readers = reader;
}

void blob_leave(blob_reader_t *reader)
{
    if (!reader->at)
        return;
    *reader->at = reader->next;
    if (reader->next)
        reader->next->at = reader->at;
    reader->at = NULL;
    reader->next = NULL;
}

void blob_revoke(blob_t *self)
{
    while (self->readers) {
        blob_reader_t *reader = self->readers;
        blob_leave(reader);
        reader->on_revoked(reader);
    }
}

void blob_open_file(blob_t *self)
{
    assert(self->refs == 1 && self->file < 0);
    int file = memfd_create("stipple-answer", MFD_CLOEXEC);
    size_t written = 0;
    while (file >= 0 && written < self->size) {
        ssize_t n = write(file, self->bytes + written, self->size - written);
        if (n > 0) {
            written += (size_t)n;
        } else if (errno != EINTR) {
            close(file);
            file = -1;
        }
    }
    self->file = file;
}

blob_t *blob_gzip(const void *bytes, size_t size, int level)
{
    struct libdeflate_compressor *gzip = libdeflate_alloc_compressor(level);
    assert(gzip);
    blob_t *self = blob_new(size);
    size_t made =
        libdeflate_gzip_compress(gzip, bytes, size, self->bytes, size);
    libdeflate_free_compressor(gzip);
    if (made && made < size)
        return blob_shrink(self, made);
    blob_unref(&self);
    return NULL;
}
