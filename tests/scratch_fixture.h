/* SPDX-License-Identifier: GPL-3.0-or-later
 * One file of a test's making, in memory, and the error line of what reads it. */
#ifndef CP_TESTS_SCRATCH_FIXTURE_H
#define CP_TESTS_SCRATCH_FIXTURE_H

#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch_path[64];
static int scratch_fd = -1;

/* Group setup and teardown: one file in memory, which every test of the group writes anew. It is in no
 * folder, so that nothing is left behind. */
static inline int make_scratch(void **state) {
    (void)state;
    scratch_fd = memfd_create("clip-parity-test", MFD_CLOEXEC);
    (void)snprintf(scratch_path, sizeof scratch_path, "/proc/self/fd/%d", scratch_fd);
    return scratch_fd < 0;
}

static inline int remove_scratch(void **state) {
    (void)state;
    return close(scratch_fd);
}

static inline void write_scratch(const void *bytes, size_t size) {
    assert_int_equal(ftruncate(scratch_fd, 0), 0);
    assert_int_equal(pwrite(scratch_fd, bytes, size, 0), size);
}

/* The error line of status and err, behind the scratch file's path, with which it must begin. */
static inline const char *line_of(enum cp_status status, const struct cp_error *err) {
    static char line[1600];
    assert_int_equal(status, CP_BAD_INPUT);
    assert_int_equal(err->status, CP_BAD_INPUT);
    cp_error_line(err, line, sizeof line);
    for (const char *c = line; *c; c++)
        assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
    assert_ptr_equal(strstr(line, scratch_path), line);
    return line + strlen(scratch_path);
}

static inline void assert_line(const char *found, const char *expected, const char *of) {
    if (strcmp(found, expected) != 0)
        fail_msg("%.80s\n  gives    %s\n  expected %s", of, found, expected);
}

#endif
