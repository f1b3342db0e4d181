/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/blob.h"

#include "common/mem.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

blob_t *blob_new(size_t size)
{
    blob_t *self = mem_alloc(sizeof *self + size);
    self->refs = 1;
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
    if (self && --self->refs == 0)
        free(self);
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
