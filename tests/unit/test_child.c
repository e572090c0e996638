/* SPDX-License-Identifier: GPL-3.0-or-later
 * A child that dies: this process says one line, whatever the child had to say. */
#include "result/child.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY = 1 << 28, MOST_SECONDS = 10 };

/* As glibc does where it finds its heap damaged. */
static void print_and_abort(int socket, const void *context) {
    static const char words[] = "free(): double free detected in tcache 2\n";
    (void)socket;
    (void)context;
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    (void)!write(STDOUT_FILENO, words, sizeof words - 1);
    abort();
}

static void exit_silently(int socket, const void *context) {
    (void)socket;
    (void)context;
    _exit(0);
}

/* What a child's end says, and whether anything came to standard output or error. */
static void end_of(cp_child_work *work, char *line, size_t size, bool *printed) {
    char path[] = "/tmp/clip-parity-XXXXXX";
    struct cp_error err = {0};
    struct cp_child child = {.socket = -1};
    size_t bytes;
    const int file = mkstemp(path), out = dup(STDOUT_FILENO), error = dup(STDERR_FILENO);
    assert_true(file >= 0 && out >= 0 && error >= 0);
    (void)fflush(NULL);
    assert_true(dup2(file, STDOUT_FILENO) >= 0 && dup2(file, STDERR_FILENO) >= 0);
    enum cp_status status = cp_child_start(&child, path, MEMORY, work, NULL, &err);
    if (status == CP_OK)
        status = cp_child_receive_header(&child, 1, 1, MOST_SECONDS, &bytes, &err);
    cp_child_stop(&child);
    (void)fflush(NULL);
    assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(error, STDERR_FILENO) >= 0);
    *printed = lseek(file, 0, SEEK_END) > 0;
    (void)close(out);
    (void)close(error);
    (void)close(file);
    (void)unlink(path);
    assert_int_equal(status, CP_BAD_INPUT);
    cp_error_line(&err, line, size);
}

static void a_library_that_aborts_is_silent(void **state) {
    char line[1024];
    bool printed;
    (void)state;
    end_of(print_and_abort, line, sizeof line, &printed);
    assert_non_null(strstr(line, "/tmp/clip-parity-"));
    assert_non_null(strstr(line, "the HDF5 library"));
    assert_null(strchr(line, '\n'));
#ifndef CP_SANITIZED
    assert_false(printed);
#endif
}

static void a_child_without_an_answer_is_told(void **state) {
    char line[1024];
    bool printed;
    (void)state;
    end_of(exit_silently, line, sizeof line, &printed);
    assert_non_null(strstr(line, "cannot be read: the HDF5 library gave up"));
    assert_false(printed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_that_aborts_is_silent),
        cmocka_unit_test(a_child_without_an_answer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
