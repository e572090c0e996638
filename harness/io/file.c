/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/file.h"

#include "base/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* O_NONBLOCK, so that opening a FIFO does not wait for a writer. */
static enum cp_status open_regular(const char *path, int *fd, size_t *size, struct cp_error *err) {
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: %s", strerror(errno));
    if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(*fd);
        return cp_fail(err, CP_BAD_INPUT, path, "is not a regular file"),
               cp_expected(err, "a file with contents");
    }
    *size = (size_t)info.st_size;
    return CP_OK;
}

enum cp_status cp_file_map(const char *path, struct cp_file *file, struct cp_error *err) {
    int fd;
    *file = (struct cp_file){0};
    CP_TRY(open_regular(path, &fd, &file->size, err));
    void *map = file->size ? mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    (void)close(fd);
    if (map == MAP_FAILED)
        return cp_fail(err, CP_INTERNAL, path, "cannot be mapped: %s", strerror(errno));
    file->text = map;
    file->bytes = map;
    return CP_OK;
}

void cp_file_unmap(struct cp_file *file) {
    if (file->bytes)
        (void)munmap(file->text, file->size);
    *file = (struct cp_file){0};
}

enum cp_status cp_file_read(const char *path, size_t limit, struct cp_arena *arena, struct cp_file *file,
                            struct cp_error *err) {
    int fd;
    size_t size, capacity = 1 << 16, used = 0;
    CP_TRY(open_regular(path, &fd, &size, err));
    gzFile gz = gzdopen(fd, "rb");
    if (!gz) {
        (void)close(fd);
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    }
    unsigned char *buffer = malloc(capacity);
    int got = 0;
    while (buffer && used <= limit && (got = gzread(gz, buffer + used, (unsigned)(capacity - used))) > 0) {
        used += (size_t)got;
        if (used == capacity) {
            unsigned char *larger = realloc(buffer, capacity *= 2);
            if (!larger)
                free(buffer);
            buffer = larger;
        }
    }
    const int closed = gzclose(gz);
    enum cp_status status = CP_OK;
    char *kept = buffer ? cp_arena_alloc(arena, used + 1, 1) : NULL;
    if (got < 0 || closed != Z_OK)
        status = cp_fail(err, CP_BAD_INPUT, path, "is truncated or damaged gzip data");
    else if (used > limit)
        status = cp_fail(err, CP_BAD_INPUT, path, "is too large"),
        cp_expected(err, "at most %zu bytes", limit);
    else if (!kept)
        status = cp_fail(err, CP_INTERNAL, path, "out of memory");
    if (status == CP_OK) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): cp_fail never returns CP_OK */
        memcpy(kept, buffer, used);
        kept[used] = '\0';
        *file = (struct cp_file){(unsigned char *)kept, kept, used};
    }
    free(buffer);
    return status;
}

const char *cp_data_path(const char *name, struct cp_arena *arena) {
    const char *folder = getenv("CLIP_PARITY_DATA");
    if (folder)
        return cp_arena_printf(arena, "%s/%s", folder, name);
    const char *here = cp_arena_printf(arena, "data/%s", name);
    if (!here || access(here, F_OK) == 0)
        return here;
    return cp_arena_printf(arena, "%s/%s", cp_version_data_dir(), name);
}
