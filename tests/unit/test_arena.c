/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include "support/test.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef CP_SANITIZED
#include <sanitizer/asan_interface.h>
static bool forbidden(const void *byte) {
    return __asan_address_is_poisoned(byte) != 0;
}
#endif

static void allocations_are_aligned_and_apart(void **state) {
    struct cp_arena arena = {0};
    (void)state;
    char *first = cp_arena_alloc(&arena, 64, 1), *second = cp_arena_calloc(&arena, 3, 1);
    assert_int_equal((uintptr_t)first % 64, 0);
    assert_int_equal((uintptr_t)second % 64, 0);
    assert_true(second >= first + 64);
    assert_null(cp_arena_alloc(&arena, SIZE_MAX / 2, 3));
    cp_arena_reset(&arena);
    assert_ptr_equal(cp_arena_alloc(&arena, 1, 1), first);
    cp_arena_free(&arena);
}

/* What was not given out, or was taken back, is AddressSanitizer's to report. */
static void nothing_else_may_be_touched(void **state) {
    (void)state;
#ifdef CP_SANITIZED
    struct cp_arena arena = {0};
    char *first = cp_arena_alloc(&arena, 64, 1), *second = cp_arena_alloc(&arena, 3, 1);
    memset(first, 1, 64);
    memset(second, 1, 3);
    assert_true(!forbidden(first + 63) && forbidden(first + 64) && forbidden(second - 1));
    assert_true(!forbidden(second + 2) && forbidden(second + 3));
    cp_arena_reset(&arena);
    assert_true(forbidden(first) && forbidden(second));
    assert_ptr_equal(cp_arena_alloc(&arena, 8, 1), first);
    assert_true(!forbidden(first + 7) && forbidden(first + 8));
    cp_arena_free(&arena);
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_are_aligned_and_apart),
                                       cmocka_unit_test(nothing_else_may_be_touched)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
