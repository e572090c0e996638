/* SPDX-License-Identifier: GPL-3.0-or-later
 * For LD_PRELOAD: the allocation of number CP_FAIL_AT fails; how many there were goes to the file CP_FAIL_COUNT. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static long made, fails_at = -1;

static int fails(void) {
    if (fails_at < 0) {
        const char *text = getenv("CP_FAIL_AT");
        fails_at = text ? strtol(text, NULL, 10) : 0;
    }
    if (__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED) != fails_at)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = fails() ? NULL : __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

static __attribute__((destructor)) void tell(void) {
    const char *path = getenv("CP_FAIL_COUNT");
    const int file = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        (void)dprintf(file, "%ld\n", made);
        (void)close(file);
    }
}
