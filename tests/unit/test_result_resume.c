/* SPDX-License-Identifier: GPL-3.0-or-later
 * Result files that are continued, and what is refused. */
#include "support/result.h"
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

static void test_resume_reaches_the_same_digest(void **state) {
    (void)state;
    char usual[65];
    char digest[65];
    struct recipe part = USUAL;
    assert_true(write_small(in_folder("whole.h5"), &USUAL, usual));
    for (part.stop = 0; part.stop <= ROWS; part.stop++, part.resume = 1)
        (void)write_small(in_folder("parts.h5"), &part, digest);
    assert_string_equal(digest, usual);
}

static void test_refusals_on_resume(void **state) {
    (void)state;
    struct recipe part = USUAL;
    struct cp_result *result = NULL;
    struct cp_result *other = NULL;
    struct cp_variable variable = value_variable("/captures/quick/z");
    const char *path = in_folder("part.h5");
    int handle = -1;
    part.stop = 2;
    (void)write_small(path, &part, NULL);
    assert_failure(cp_result_create(path, 1, "another", &result, &result_error), CP_BAD_INPUT,
                   "fingerprint differs");
    assert_null(result);
    assert_int_equal(cp_result_create(path, 1, "print", &result, &result_error), CP_OK);
    assert_int_equal(cp_result_resumed(result), 1);
    assert_int_equal(cp_result_progress(result), 2);
    assert_failure(cp_result_create(path, 1, "print", &other, &result_error), CP_BAD_INPUT,
                   "another process is writing it");
    variable.dims[1].length++;
    assert_failure(cp_result_define(result, &variable, &handle, &result_error), CP_BAD_INPUT,
                   "another type or shape");
    cp_result_close(result, 0);
    assert_int_not_equal(access(in_folder("part.h5.partial"), F_OK), 0);
}

static void test_refusals_of_the_caller(void **state) {
    (void)state;
    struct cp_result *result = NULL;
    struct cp_variable variable = value_variable("/g");
    const float row[2 * CHANNELS] = {0};
    int handle = -1;
    assert_int_equal(cp_result_create(in_folder("bad.h5"), 0, "", &result, &result_error), CP_OK);
    assert_int_equal(cp_result_define(result, &variable, &handle, &result_error), CP_OK);
    assert_failure(cp_result_write(result, handle, ROWS - 1, 2, row, &result_error), CP_INTERNAL,
                   "rows 4 to 6");
    variable.name = "second";
    variable.dims[0].length--;
    assert_failure(cp_result_define(result, &variable, &handle, &result_error), CP_INTERNAL, "two lengths");
    cp_result_close(result, 0);
    assert_failure(cp_result_create("/dev/null/x.h5", 0, "", &result, &result_error), CP_BAD_INPUT,
                   "cannot open");
}

static void test_unreadable_partial_starts_afresh(void **state) {
    (void)state;
    static const char *const contents[] = {"", "not HDF5", "\x89HDF\r\n\x1a\n and no more"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct cp_result *result = NULL;
        FILE *file = fopen(in_folder("junk.h5.partial"), "wb");
        assert_non_null(file);
        (void)fputs(contents[i], file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(cp_result_create(in_folder("junk.h5"), 1, "print", &result, &result_error), CP_OK);
        assert_int_equal(cp_result_resumed(result), 0);
        assert_int_equal(cp_result_progress(result), 0);
        cp_result_close(result, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_reaches_the_same_digest),
        cmocka_unit_test(test_refusals_on_resume),
        cmocka_unit_test(test_refusals_of_the_caller),
        cmocka_unit_test(test_unreadable_partial_starts_afresh),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
