/* SPDX-License-Identifier: GPL-3.0-or-later
 * A mapped file that somebody shortens: the program ends in one line with exit code 3; other SIGBUS is as ever. */
#include "support/result.h"
#include "support/test.h"

#include "format/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 3 * 4096 };

static const char *write_file(void) {
    static const char zeros[BYTES];
    const char *path = in_folder("weights");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(zeros, 1, BYTES, file), BYTES);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* In a child, whose standard error goes to text: reads the last byte of the mapped file after it was cut, or
 * of another mapping of it. */
static int read_after_cut(int guarded, char *text, size_t size) {
    const char *path = write_file();
    int ends[2], outcome = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct cp_file file;
        const int fd = open(path, O_RDWR);
        (void)dup2(ends[1], STDERR_FILENO);
        if (cp_file_map(path, &file, &result_error) != CP_OK || fd < 0)
            _exit(99);
        const char *other = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
        if (ftruncate(fd, 100) != 0)
            _exit(99);
        const volatile char *from = guarded ? file.text : other;
        _exit(from[BYTES - 1]);
    }
    (void)close(ends[1]);
    const ssize_t got = read(ends[0], text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    return outcome;
}

static void test_shortened(void **state) {
    char text[4096], expected[4096];
    (void)state;
    const int outcome = read_after_cut(1, text, sizeof text);
    assert_true(WIFEXITED(outcome));
    assert_int_equal(WEXITSTATUS(outcome), CP_BAD_INPUT);
    (void)snprintf(expected, sizeof expected,
                   "clip-parity: %s: was shortened while it was read (expected a file that nobody changes "
                   "meanwhile)\n",
                   in_folder("weights"));
    assert_string_equal(text, expected);
}

static void test_others(void **state) {
    char text[4096];
    (void)state;
    const int outcome = read_after_cut(0, text, sizeof text);
#ifdef __SANITIZE_ADDRESS__ /* which reports it itself */
    assert_false(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
#else
    assert_true(WIFSIGNALED(outcome));
    assert_int_equal(WTERMSIG(outcome), SIGBUS);
    assert_string_equal(text, "");
#endif
}

static void test_released(void **state) {
    struct cp_file file;
    (void)state;
    for (int i = 0; i < 3000; i++) { /* more than are guarded at a time */
        assert_int_equal(cp_file_map(write_file(), &file, &result_error), CP_OK);
        cp_file_unmap(&file);
    }
    test_shortened(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shortened),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_released),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
