/* SPDX-License-Identifier: GPL-3.0-or-later
 * Safetensors files that a test writes byte by byte, and what opening them says. */
#ifndef CP_TESTS_SAFETENSORS_FIXTURE_H
#define CP_TESTS_SAFETENSORS_FIXTURE_H

#include "io/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Sanitizers cost time and memory: the limits are for a plain build. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { SECONDS_MAX = 20, PLAIN_BUILD = 0 };
#else
enum { SECONDS_MAX = 1, PLAIN_BUILD = 1 };
#endif

#define ENTRY(name, dtype, shape, offsets)                                                                   \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define FOUR_BYTES(name) ENTRY(name, "F32", "[1]", "[0,4]")

static char scratch_path[64];
static int scratch_fd = -1;

/* Group setup and teardown: one file in memory, which every test of the group writes anew. */
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

/* A file of this header, as it is, and of zeros as data. */
static inline void write_header(uint64_t length, const char *header, size_t size, size_t data) {
    assert_int_equal(ftruncate(scratch_fd, 0), 0);
    assert_int_equal(pwrite(scratch_fd, &length, sizeof length, 0), sizeof length);
    assert_int_equal(pwrite(scratch_fd, header, size, sizeof length), size);
    assert_int_equal(ftruncate(scratch_fd, (off_t)(sizeof length + size + data)), 0);
}

/* The error line of status and err; it names the scratch file. */
static inline const char *line_of(enum cp_status status, const struct cp_error *err) {
    static char line[1600];
    assert_int_equal(status, CP_BAD_INPUT);
    assert_int_equal(err->status, CP_BAD_INPUT);
    cp_error_line(err, line, sizeof line);
    for (const char *c = line; *c; c++)
        assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
    assert_ptr_equal(strstr(line, scratch_path), line);
    assert_non_null(strstr(line, " (expected "));
    return line;
}

/* Opens the scratch file: NULL, with the error line behind its path in *line, or the file. Processor time, so
 * that a busy machine cannot fail a test; a hang is ended by the alarm. */
static inline struct cp_safetensors *open_scratch(const char **line) {
    struct cp_safetensors *file = (struct cp_safetensors *)scratch_path; /* must become NULL in a failure */
    struct cp_error err = {0};
    (void)alarm(60);
    const clock_t start = clock();
    const enum cp_status status = cp_safetensors_open(scratch_path, &file, &err);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    (void)alarm(0);
    if (seconds >= SECONDS_MAX)
        fail_msg("opening took %.2f s", seconds);
    *line = "";
    if (status == CP_OK)
        return file;
    assert_null(file);
    *line = line_of(status, &err) + strlen(scratch_path);
    return NULL;
}

/* The line of a header (with its NULs) and data bytes behind it. */
static inline void refused_bytes(const char *header, size_t size, size_t data, const char *expected) {
    const char *line;
    write_header(size, header, size, data);
    if (open_scratch(&line))
        fail_msg("%s: accepted", header);
    if (strcmp(line, expected) != 0)
        fail_msg("%s\n  gives    %s\n  expected %s", header, line, expected);
}

static inline void refused(const char *header, size_t data, const char *expected) {
    refused_bytes(header, strlen(header), data, expected);
}

static inline void accepted(const char *header, size_t data, size_t count) {
    const char *line;
    write_header(strlen(header), header, strlen(header), data);
    struct cp_safetensors *file = open_scratch(&line);
    if (!file)
        fail_msg("%s%s", header, line);
    assert_int_equal(cp_safetensors_count(file), count);
    cp_safetensors_close(file);
}

/* What the whole process, this test included, had at most in memory at a time. */
static inline void assert_small_memory(void) {
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    if (PLAIN_BUILD && usage.ru_maxrss > 256 << 10)
        fail_msg("%ld MiB in memory", usage.ru_maxrss >> 10);
}

#endif
