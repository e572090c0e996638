/* SPDX-License-Identifier: GPL-3.0-or-later
 * NPY and IDX files put together from their parts. */
#ifndef CP_TESTS_SUPPORT_ARRAY_H
#define CP_TESTS_SUPPORT_ARRAY_H

#include "picture/image.h"

#include <stddef.h>
#include <stdint.h>

#define NPY_2_BY_3 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

enum { ARRAY_CAPACITY = 1 << 16 };

extern struct array_file {
    unsigned char bytes[ARRAY_CAPACITY];
    size_t size;
} array_file;

void make_npy(int version, const char *dict, size_t data);

void make_idx(const char *magic, const uint32_t *sizes, int rank, size_t data);

/* The file so far as gzip data. */
void pack_array(void);

enum cp_status read_npy(const char *path, struct cp_error *err);

enum cp_status read_idx(const char *path, struct cp_error *err);

#endif
