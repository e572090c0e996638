/* SPDX-License-Identifier: GPL-3.0-or-later
 * For LD_PRELOAD: the allocation of number CP_FAIL_AT fails. To the file CP_FAIL_PLACES goes the number of the first allocation
 * of each place, a line each: a place is the functions that lead to it, innermost DEPTH. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum { DEPTH = 6, OWN = 2, SLOTS = 1 << 18 };

static long made, fails_at = -1;
static int places = -1;
static uint64_t seen[SLOTS];
static __thread bool inside;

/* The first backtrace loads a library, which allocates. */
static __attribute__((constructor)) void begin(void) {
    const char *path = getenv("CP_FAIL_PLACES"), *at = getenv("CP_FAIL_AT");
    void *frame[DEPTH];
    inside = true;
    (void)backtrace(frame, DEPTH);
    inside = false;
    fails_at = at ? strtol(at, NULL, 10) : 0;
    made = 0;
    if (path)
        places = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* FNV-1a over return addresses, without ours. */
static bool is_new_place(void) {
    void *frame[DEPTH + OWN];
    const int depth = backtrace(frame, DEPTH + OWN);
    uint64_t hash = 14695981039346656037U;
    for (int f = OWN; f < depth; f++)
        hash = (hash ^ (uint64_t)(uintptr_t)frame[f]) * 1099511628211U;
    size_t slot = hash % SLOTS;
    while (seen[slot] && seen[slot] != hash)
        slot = (slot + 1) % SLOTS;
    const bool is_new = !seen[slot];
    seen[slot] = hash;
    return is_new;
}

/* Also in a child, whose numbers go on from where it began. */
static void note(long number) {
    if (places < 0 || inside)
        return;
    inside = true;
    if (is_new_place())
        (void)dprintf(places, "%ld\n", number);
    inside = false;
}

static int fails(void) {
    if (fails_at < 0)
        return 0;
    const long number = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    note(number);
    if (number != fails_at)
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
