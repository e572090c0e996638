/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the fuzz targets share: a file in memory, and what a refusal must look like. */
#ifndef CP_TESTS_FUZZ_H
#define CP_TESTS_FUZZ_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A file of these bytes, the same one for every call. */
static inline const char *fuzz_file(const uint8_t *bytes, size_t size) {
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

/* Accepted, or refused as bad input with a place, a reason and what was expected, in one line. */
static inline int fuzz_answer(enum cp_status status, const struct cp_error *err) {
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

/* Opens a checkpoint and reads every value of it that is not made up of repetitions. */
static inline void fuzz_checkpoint(const char *path) {
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

#endif
