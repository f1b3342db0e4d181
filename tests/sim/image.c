/* SPDX-License-Identifier: Apache-2.0
 *
 * See image.h. The loader takes each file once, so every copy is a file of its
 * own in memory.
 */
#include "tests/sim/image.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 8

typedef struct {
    uint8_t *at;
    size_t size;
    uint8_t *first;
} segment_t;

struct image {
    void *handle;
    int (*main)(int argc, char **argv);
    volatile int *interrupted;
    segment_t segments[SEGMENTS_MAX];
    unsigned count;
    uintptr_t base;
    char path[64];
};

static void s_die(const char *what, const char *path)
{
    const char *why = dlerror();
    fprintf(stderr, "sim: %s %s: %s\n", what, path, why ? why : "");
    exit(2);
}

/* Writable, and not made read-only after relocation. */
static void s_keep(image_t *self, struct dl_phdr_info *info)
{
    uintptr_t relro = 0, relro_end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO) {
            relro = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            relro_end = (relro + info->dlpi_phdr[i].p_memsz) & ~(uintptr_t)4095;
        }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + p->p_vaddr, end = at + p->p_memsz;
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_W))
            continue;
        if (relro_end > at && relro <= at)
            at = relro_end;
        if (at >= end || self->count == SEGMENTS_MAX)
            continue;
        segment_t *segment = &self->segments[self->count++];
        *segment = (segment_t){(uint8_t *)at, end - at, malloc(end - at)};
        memcpy(segment->first, segment->at, segment->size);
    }
}

static int s_look(struct dl_phdr_info *info, size_t size, void *arg)
{
    image_t *self = arg;
    (void)size;
    if (info->dlpi_addr == self->base)
        s_keep(self, info);
    return 0;
}

static int s_copy(const char *path)
{
    int from = open(path, O_RDONLY), to = memfd_create("image", 0);
    struct stat about;
    if (from < 0 || to < 0 || fstat(from, &about) < 0)
        s_die("cannot open", path);
    void *bytes =
        mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, from, 0);
    if (bytes == MAP_FAILED ||
        write(to, bytes, (size_t)about.st_size) != about.st_size)
        s_die("cannot copy", path);
    munmap(bytes, (size_t)about.st_size);
    close(from);
    return to;
}

image_t *image_load(const char *path)
{
    image_t *self = calloc(1, sizeof *self);
    snprintf(self->path, sizeof self->path, "/proc/self/fd/%d", s_copy(path));
    self->handle = dlopen(self->path, RTLD_NOW | RTLD_LOCAL);
    if (!self->handle)
        s_die("cannot load", path);
    self->main = (int (*)(int, char **))dlsym(self->handle, "sim_main");
    self->interrupted = dlsym(self->handle, "zsys_interrupted");
    struct link_map *map = NULL;
    if (!self->main || dlinfo(self->handle, RTLD_DI_LINKMAP, &map) < 0)
        s_die("no sim_main in", path);
    self->base = map->l_addr;
    dl_iterate_phdr(s_look, self);
    return self;
}

void image_reset(image_t *self)
{
    for (unsigned i = 0; i < self->count; i++)
        memcpy(self->segments[i].at, self->segments[i].first,
               self->segments[i].size);
}

int image_main(image_t *self, int argc, char **argv)
{
    return self->main(argc, argv);
}

volatile int *image_interrupted(image_t *self)
{
    return self->interrupted;
}
