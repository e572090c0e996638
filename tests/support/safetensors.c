/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/safetensors.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = SANITIZED ? 20 : 1 };

void write_header(uint64_t length, const char *header, size_t size, size_t data) {
    assert_int_equal(ftruncate(scratch_fd, 0), 0);
    assert_int_equal(pwrite(scratch_fd, &length, sizeof length, 0), sizeof length);
    assert_int_equal(pwrite(scratch_fd, header, size, sizeof length), size);
    assert_int_equal(ftruncate(scratch_fd, (off_t)(sizeof length + size + data)), 0);
}

/* Every value of weights is read, every other dtype refused. */
static void widen_all(const struct cp_checkpoint *file) {
    for (size_t i = 0; i < cp_checkpoint_count(file); i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_at(file, i);
        float values[256];
        struct cp_error err = {0};
        if (cp_checkpoint_elements(tensor) > sizeof values / sizeof values[0])
            continue;
        const enum cp_status status = cp_checkpoint_widen(file, tensor, values, &err);
        if (tensor->dtype == CP_FP32 || tensor->dtype == CP_FP16 || tensor->dtype == CP_BF16)
            assert_int_equal(status, CP_OK);
        else if (tensor->dtype != CP_FP64)
            (void)line_of(status, &err);
    }
}

/* The same file by way of checkpoint/checkpoint.h, which finds out what it is: read and closed again, or
 * refused in one line. */
static enum cp_status open_as_checkpoint(struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    const enum cp_status status = cp_checkpoint_open(scratch_path, &file, err);
    if (status != CP_OK)
        assert_non_null(strstr(line_of(status, err), " (expected "));
    assert_true((file != NULL) == (status == CP_OK));
    if (file)
        widen_all(file);
    cp_checkpoint_close(file);
    return status;
}

/* Both ways agree, but for names that cannot be shown. */
static void assert_same_answer(enum cp_status status, enum cp_status checkpoint, const struct cp_error *err) {
    if (checkpoint != status && (status != CP_OK || strcmp(err->what, "malformed name") != 0))
        fail_msg("%d and, as a checkpoint, %d: %s: %s", status, checkpoint, err->where, err->what);
}

/* Opens the scratch file within SECONDS_MAX of processor time, the best of three: a busy machine cannot fail
 * a test, and a hang is ended by the alarm. */
static enum cp_status open_in_time(struct cp_safetensors **file, struct cp_error *err) {
    double seconds = SECONDS_MAX;
    enum cp_status status = CP_INTERNAL;
    (void)alarm(60);
    for (int i = 0; i < 3 && seconds >= SECONDS_MAX; i++) {
        if (i > 0)
            cp_safetensors_close(*file);
        *file = (struct cp_safetensors *)scratch_path; /* must become NULL in a failure */
        const clock_t start = clock();
        status = cp_safetensors_open(scratch_path, file, err);
        seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    }
    (void)alarm(0);
    if (seconds >= SECONDS_MAX)
        fail_msg("opening took %.2f s", seconds);
    return status;
}

struct cp_safetensors *open_scratch(const char **line) {
    struct cp_safetensors *file;
    struct cp_error err = {0}, other = {0};
    const enum cp_status checkpoint = open_as_checkpoint(&other);
    const enum cp_status status = open_in_time(&file, &err);
    *line = "";
    assert_same_answer(status, checkpoint, &other);
    if (status == CP_OK)
        return file;
    assert_null(file);
    *line = line_of(status, &err);
    assert_non_null(strstr(*line, " (expected "));
    return NULL;
}

void refused_bytes(const char *header, size_t size, size_t data, const char *expected) {
    const char *line;
    write_header(size, header, size, data);
    if (open_scratch(&line))
        fail_msg("%.80s: accepted", header);
    assert_line(line, expected, header);
}

void refused(const char *header, size_t data, const char *expected) {
    refused_bytes(header, strlen(header), data, expected);
}

void accepted(const char *header, size_t data, size_t count) {
    const char *line;
    write_header(strlen(header), header, strlen(header), data);
    struct cp_safetensors *file = open_scratch(&line);
    if (!file)
        fail_msg("%s%s", header, line);
    assert_int_equal(cp_safetensors_count(file), count);
    cp_safetensors_close(file);
}

size_t stored_bytes(const struct stored *t) {
    size_t bytes = sizeof(float);
    for (int d = 0; d < t->rank; d++)
        bytes *= t->shape[d];
    return bytes;
}

void write_stored(int fd, const struct stored *tensors, size_t count, const char *metadata) {
    static char header[1 << 16];
    size_t used = (size_t)snprintf(header, sizeof header, "{\"__metadata__\":%s", metadata ? metadata : "{}");
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stored *t = &tensors[i];
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", t->name);
        for (int d = 0; d < t->rank; d++)
            used += (size_t)snprintf(header + used, sizeof header - used, "%s%zu", d ? "," : "", t->shape[d]);
        used += (size_t)snprintf(header + used, sizeof header - used, "],\"data_offsets\":[%zu,%zu]}", at,
                                 at + stored_bytes(t));
        at += stored_bytes(t);
    }
    header[used++] = '}';
    assert_true(used < sizeof header);
    const uint64_t length = used;
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, &length, sizeof length, 0), sizeof length);
    assert_int_equal(pwrite(fd, header, used, sizeof length), used);
    size_t offset = sizeof length + used;
    for (size_t i = 0; i < count; offset += stored_bytes(&tensors[i++]))
        assert_int_equal(pwrite(fd, tensors[i].values, stored_bytes(&tensors[i]), (off_t)offset),
                         stored_bytes(&tensors[i]));
}

void assert_small_memory(void) {
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    if (!SANITIZED && usage.ru_maxrss > 256 << 10)
        fail_msg("%ld MiB in memory", usage.ru_maxrss >> 10);
}
