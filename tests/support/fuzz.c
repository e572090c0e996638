/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *bytes, size_t size) {
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("clip-parity-fuzz", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (pwrite(fd, bytes, size, 0) != (ssize_t)size || ftruncate(fd, (off_t)size) != 0)
        abort();
    return path;
}

int fuzz_answer(enum cp_status status, const struct cp_error *err) {
    char line[1600];
    if (status == CP_OK)
        return 1;
    cp_error_line(err, line, sizeof line);
    if (status != CP_BAD_INPUT || err->status != status || !err->where[0] || !err->what[0])
        abort();
    for (const char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            abort();
    return 0;
}

void fuzz_checkpoint(const char *path) {
    static float values[1 << 16];
    struct cp_checkpoint *file = NULL;
    struct cp_error err = {0};
    if (!fuzz_answer(cp_checkpoint_open(path, &file, &err), &err))
        return;
    for (size_t i = 0; i < cp_checkpoint_count(file); i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_at(file, i);
        if (cp_checkpoint_find(file, tensor->name) != tensor)
            abort();
        if (cp_checkpoint_elements(tensor) <= sizeof values / sizeof values[0])
            (void)fuzz_answer(cp_checkpoint_widen(file, tensor, values, &err), &err);
    }
    cp_checkpoint_close(file);
}
