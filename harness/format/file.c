/* SPDX-License-Identifier: GPL-3.0-or-later
 * Maps files or expands gzip up to a limit; also finds the data files that the program came with. */
#include "format/file.h"

#include "base/regular.h"
#include "format/mapping.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const unsigned READ_MAX = 1u << 30; /* of one gzread */

static enum cp_status damaged(const char *path, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, path, "is truncated or damaged gzip data"),
           cp_expected(err, "a complete gzip file");
}

enum cp_status cp_file_map(const char *path, struct cp_file *file, struct cp_error *err) {
    int fd;
    *file = (struct cp_file){0};
    CP_TRY(cp_regular_open(path, &fd, &file->size, err));
    void *map = file->size ? mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    (void)close(fd);
    if (map == MAP_FAILED)
        return cp_fail(err, CP_INTERNAL, path, "cannot be mapped: %s", strerror(errno));
    file->text = map;
    file->bytes = map;
    if (map && cp_mapping_guard(path, map, file->size, err) != CP_OK) {
        cp_file_unmap(file);
        return err->status;
    }
    return CP_OK;
}

void cp_file_unmap(struct cp_file *file) {
    if (file->bytes) {
        cp_mapping_release(file->bytes);
        (void)munmap(file->text, file->size);
    }
    *file = (struct cp_file){0};
}

/* Reads until the end or until `most` bytes are there. *buffer: malloc'ed, also after a failure. */
static enum cp_status expand(gzFile gz, const char *path, size_t most, unsigned char **buffer, size_t *used,
                             struct cp_error *err) {
    size_t capacity = 0;
    int got = 1;
    while (got > 0 && *used < most) {
        if (*used == capacity) {
            capacity = capacity ? 2 * capacity : 1 << 16;
            unsigned char *larger = realloc(*buffer, capacity);
            CP_TRY(CP_CHECK_ALLOC(larger, err, path, "the file"));
            *buffer = larger;
        }
        const size_t space = (capacity < most ? capacity : most) - *used;
        got = gzread(gz, *buffer + *used, space < READ_MAX ? (unsigned)space : READ_MAX);
        *used += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? damaged(path, err) : CP_OK;
}

enum cp_status cp_file_read_start(const char *path, size_t most, struct cp_arena *arena, struct cp_file *file,
                                  struct cp_error *err) {
    int fd;
    size_t size, used = 0;
    unsigned char *buffer = NULL;
    CP_TRY(cp_regular_open(path, &fd, &size, err));
    gzFile gz = gzdopen(fd, "rb");
    if (!gz) {
        (void)close(fd);
        return cp_no_memory(err, path, "the file");
    }
    enum cp_status status = expand(gz, path, most, &buffer, &used, err);
    if (gzclose(gz) != Z_OK && status == CP_OK)
        status = damaged(path, err);
    char *kept = status == CP_OK ? cp_arena_alloc(arena, used + 1, 1) : NULL;
    if (status == CP_OK && !kept)
        status = cp_no_memory(err, path, "the file");
    if (kept) {
        if (used)
            memcpy(kept, buffer, used);
        kept[used] = '\0';
        *file = (struct cp_file){(unsigned char *)kept, kept, used};
    }
    free(buffer);
    return status;
}

enum cp_status cp_file_read(const char *path, size_t limit, struct cp_arena *arena, struct cp_file *file,
                            struct cp_error *err) {
    CP_TRY(cp_file_read_start(path, limit + 1, arena, file, err));
    if (file->size > limit)
        return cp_fail(err, CP_BAD_INPUT, path, "is too large"), cp_expected(err, "at most %zu bytes", limit);
    return CP_OK;
}

/* The file that this code was loaded from: the shared library, or the program; "" where it cannot be told. */
static void own_file(char path[PATH_MAX]) {
    static const char here;
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) && map->l_name[0] &&
        realpath(map->l_name, path))
        return;
    const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
}

/* Of PREFIX/bin/clip-parity, PREFIX/lib/libclip-parity.so or PREFIX/lib/TRIPLET/libclip-parity.so. */
const char *cp_installed_path(const char *name, struct cp_arena *arena) {
    char prefix[PATH_MAX];
    own_file(prefix);
    for (int part = 0; part < 3; part++) {
        char *slash = strrchr(prefix, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
        const char *path = cp_arena_printf(arena, "%s/share/clip-parity/%s", prefix, name);
        if (path && access(path, F_OK) == 0)
            return path;
    }
    return NULL;
}

const char *cp_data_path(const char *name, struct cp_arena *arena) {
    const char *folder = getenv("CLIP_PARITY_DATA");
    if (folder)
        return cp_arena_printf(arena, "%s/%s", folder, name);
    const char *here = cp_arena_printf(arena, "data/%s", name);
    if (!here || access(here, F_OK) == 0)
        return here;
    const char *there = cp_installed_path(here, arena);
    return there ? there : here;
}

bool cp_file_is_hdf5(const void *start, size_t size) {
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    return size >= sizeof signature && memcmp(start, signature, sizeof signature) == 0;
}
