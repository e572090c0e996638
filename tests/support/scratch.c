/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/scratch.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char scratch_path[64];
int scratch_fd = -1;

int make_scratch(void **state) {
    (void)state;
    scratch_fd = memfd_create("clip-parity-test", MFD_CLOEXEC);
    (void)snprintf(scratch_path, sizeof scratch_path, "/proc/self/fd/%d", scratch_fd);
    return scratch_fd < 0;
}

int remove_scratch(void **state) {
    (void)state;
    return close(scratch_fd);
}

void write_scratch(const void *bytes, size_t size) {
    assert_int_equal(ftruncate(scratch_fd, 0), 0);
    assert_int_equal(pwrite(scratch_fd, bytes, size, 0), size);
}

const char *line_of(enum cp_status status, const struct cp_error *err) {
    static char line[1600];
    assert_int_equal(status, CP_BAD_INPUT);
    assert_int_equal(err->status, CP_BAD_INPUT);
    cp_error_line(err, line, sizeof line);
    for (const char *c = line; *c; c++)
        assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
    assert_ptr_equal(strstr(line, scratch_path), line);
    return line + strlen(scratch_path);
}

void assert_line(const char *found, const char *expected, const char *of) {
    if (strcmp(found, expected) != 0)
        fail_msg("%.80s\n  gives    %s\n  expected %s", of, found, expected);
}
