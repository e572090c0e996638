/* SPDX-License-Identifier: GPL-3.0-or-later
 * Safetensors files that a test writes byte by byte, and what opening them says. */
#ifndef CP_TESTS_SUPPORT_SAFETENSORS_H
#define CP_TESTS_SUPPORT_SAFETENSORS_H

#include "support/sanitized.h"
#include "support/scratch.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"

#include <stddef.h>
#include <stdint.h>

#define ENTRY(name, dtype, shape, offsets)                                                                   \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

#define FOUR_BYTES(name) ENTRY(name, "F32", "[1]", "[0,4]")

/* A file of this header, as it is, and of zeros as data. */
void write_header(uint64_t length, const char *header, size_t size, size_t data);

/* The scratch file, opened, or NULL with the error line behind its path in *line. */
struct cp_safetensors *open_scratch(const char **line);

/* The line of a header (with its NULs) and data bytes behind it. */
void refused_bytes(const char *header, size_t size, size_t data, const char *expected);

void refused(const char *header, size_t data, const char *expected);

void accepted(const char *header, size_t data, size_t count);

/* A tensor of float32 to write. */
struct stored {
    char name[128];
    int rank;
    size_t shape[4];
    const float *values;
};

size_t stored_bytes(const struct stored *t);

/* A file of these tensors; metadata: a JSON object of strings, or NULL. */
void write_stored(int fd, const struct stored *tensors, size_t count, const char *metadata);

/* What the whole process, this test included, had at most in memory at a time. */
void assert_small_memory(void);

#endif
