/* SPDX-License-Identifier: GPL-3.0-or-later
 * Allocations that fill the error. */
#include "base/arena.h"
#include "base/status.h"

#include "support/test.h"

#include <stdint.h>
#include <string.h>

static void one_report(void **state) {
    struct cp_error err = {.expected = "of an earlier error"};
    char line[2048];
    (void)state;
    assert_int_equal(cp_no_memory(&err, "model.pt", "%d tensors of %s", 3, "float"), CP_INTERNAL);
    assert_int_equal(err.status, CP_INTERNAL);
    cp_error_line(&err, line, sizeof line);
    assert_string_equal(line, "model.pt: out of memory for 3 tensors of float");
}

static void long_names_are_cut(void **state) {
    struct cp_error err;
    char name[2048];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(cp_no_memory(&err, "", "%s", name), CP_INTERNAL);
    assert_memory_equal(err.what, "out of memory for xxx", strlen("out of memory for xxx"));
    assert_true(strlen(err.what) < sizeof err.what);
}

static void memory_is_asked_for_once(void **state) {
    struct cp_error err = {.what = "untouched"};
    char bytes[4], *next = bytes;
    const char *got;
    (void)state;
    assert_int_equal(CP_CHECK_ALLOC(got = next++, &err, "", "a byte"), CP_OK);
    assert_ptr_equal(got, bytes);
    assert_ptr_equal(next, bytes + 1);
    assert_string_equal(err.what, "untouched");
    assert_int_equal(CP_CHECK_ALLOC(got = NULL, &err, "file", "a byte"), CP_INTERNAL);
    assert_string_equal(err.where, "file");
    assert_string_equal(err.what, "out of memory for a byte");
}

static void batches_are_to_be_smaller(void **state) {
    struct cp_error err;
    const void *none = NULL;
    (void)state;
    assert_int_equal(CP_CHECK_BATCH_ALLOC(none, &err, "", "a batch of %d", 32), CP_INTERNAL);
    assert_string_equal(err.what, "out of memory for a batch of 32");
    assert_string_equal(err.expected, "a smaller batch");
}

static enum cp_status two_lists(struct cp_arena *arena, size_t count, const double **list,
                                struct cp_error *err) {
    double *cleared;
    CP_TRY(CP_ARENA_ALLOC(arena, *list, 2, err, "", "a list"));
    CP_TRY(CP_ARENA_CALLOC(arena, cleared, count, err, "", "%zu numbers", count));
    for (size_t i = 0; i < count; i++)
        assert_true(cleared[i] == 0);
    return CP_OK;
}

static void pointers_give_the_size(void **state) {
    struct cp_arena arena = {0};
    struct cp_error err;
    const double *list = NULL;
    (void)state;
    assert_int_equal(two_lists(&arena, 100000, &list, &err), CP_OK);
    assert_non_null(list);
    assert_true(arena.total >= 100000 * sizeof(double));
    assert_int_equal(two_lists(&arena, SIZE_MAX / 8, &list, &err), CP_INTERNAL);
    assert_memory_equal(err.what, "out of memory for 23", strlen("out of memory for 23"));
    cp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_report),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(memory_is_asked_for_once),
        cmocka_unit_test(batches_are_to_be_smaller),
        cmocka_unit_test(pointers_give_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
