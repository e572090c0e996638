/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening a checkpoint with every allocation of it failing in turn: an internal error in one line each time,
 * that says what the memory was for, and nothing lost (AddressSanitizer counts). The linker puts these
 * functions before the C library's. */
#include "support/test.h"

#include "base/arena.h"
#include "checkpoint/checkpoint.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_cp_arena_alloc(struct cp_arena *arena, size_t count, size_t size);
void *__real_cp_arena_calloc(struct cp_arena *arena, size_t count, size_t size);
char *__real_cp_arena_strdup(struct cp_arena *arena, const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_cp_arena_alloc(struct cp_arena *arena, size_t count, size_t size);
void *__wrap_cp_arena_calloc(struct cp_arena *arena, size_t count, size_t size);
char *__wrap_cp_arena_strdup(struct cp_arena *arena, const char *text);
char *__wrap_cp_arena_printf(struct cp_arena *arena, const char *format, ...);

static size_t until_failure; /* allocations; 0: no failure to come */

static bool fails(void) {
    return until_failure && --until_failure == 0;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_cp_arena_alloc(struct cp_arena *arena, size_t count, size_t size) {
    return fails() ? NULL : __real_cp_arena_alloc(arena, count, size);
}

void *__wrap_cp_arena_calloc(struct cp_arena *arena, size_t count, size_t size) {
    return fails() ? NULL : __real_cp_arena_calloc(arena, count, size);
}

char *__wrap_cp_arena_strdup(struct cp_arena *arena, const char *text) {
    return fails() ? NULL : __real_cp_arena_strdup(arena, text);
}

char *__wrap_cp_arena_printf(struct cp_arena *arena, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fails() ? NULL : __real_cp_arena_strdup(arena, text);
}

static void open_with_failures(const char *path) {
    static const char report[] = "out of memory for ";
    size_t failures = 0;
    for (size_t n = 1;; n++, failures++) {
        struct cp_checkpoint *file = NULL;
        struct cp_error err = {0};
        until_failure = n;
        const enum cp_status status = cp_checkpoint_open(path, &file, &err);
        const bool failed = until_failure == 0;
        until_failure = 0;
        if (status == CP_OK)
            cp_checkpoint_close(file);
        if (!failed)
            break;
        if (status != CP_INTERNAL || file || strncmp(err.what, report, strlen(report)) != 0)
            fail_msg("%s, allocation %zu: %d %s: %s", path, n, status, err.where, err.what);
    }
    assert_true(failures > 3);
}

static void every_form_survives(void **state) {
    static const char *const files[] = {"single.safetensors", "model.safetensors.index.json",
                                        "training.pt",        "script.pt",
                                        "arrays.npz",         "packed.npz"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "reference/golden/checkpoints/%s", files[i]);
        open_with_failures(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
