/* SPDX-License-Identifier: GPL-3.0-or-later
 * Memory that a library does not get ends the program in one line: libcrypto, HDF5 and libc's own streams crash, or
 * leave out part of the answer, where malloc fails. These functions stand in the program before the C library's, for all
 * shared libraries. Our own code is linked to the __wrap_ ones (CMakeLists.txt), and handles NULL by itself.
 *
 * More than a file can have a good reason for is refused instead: the size comes from the file, and its reader says so. */
#include "base/status.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CP_SANITIZED

static const size_t most = (size_t)1 << 30;
static pid_t main_process;

struct functions {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
};

/* The first call comes before there are threads. dlsym itself allocates nothing where it finds what it is asked for. */
static const struct functions *next(void) {
    static struct functions f;
    if (f.posix_memalign)
        return &f;
    *(void **)&f.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&f.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&f.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&f.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&f.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    main_process = getpid();
    return &f;
}

/* A child that reads a file ends without a word: its parent has them. */
static void *given(void *memory, size_t size) {
    static const char line[] = "clip-parity: out of memory (expected more of it, or a smaller batch)\n";
    if (memory || size == 0 || size > most)
        return memory;
    if (getpid() == main_process && write(STDERR_FILENO, line, strlen(line)) < 0)
        _exit(CP_INTERNAL); /* nobody reads it */
    _exit(CP_INTERNAL);
}

void *malloc(size_t size) {
    return given(next()->malloc(size), size);
}

void *calloc(size_t count, size_t size) {
    size_t bytes;
    return given(next()->calloc(count, size), __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes);
}

void *realloc(void *memory, size_t size) {
    return given(next()->realloc(memory, size), size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return given(next()->aligned_alloc(alignment, size), size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    const int failed = next()->posix_memalign(memory, alignment, size);
    if (failed == ENOMEM)
        (void)given(NULL, size);
    return failed;
}

/* ---- for our own code ---- */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
    return next()->malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return next()->calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return next()->realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return next()->aligned_alloc(alignment, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#endif
