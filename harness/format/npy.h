/* SPDX-License-Identifier: GPL-3.0-or-later
 * The header of NPY data: a Python dict in text (NumPy, numpy/lib/format.py). */
#ifndef CP_FORMAT_NPY_H
#define CP_FORMAT_NPY_H

#include "base/number.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { CP_NPY_HEADER = 10000, CP_NPY_RANK = 8 };

/* What is accepted: of images and tokens <f4, <f8, <i4, <i8 and |u1, rank 1 to 4, C order; of weights also
 * <f2 and |b1, rank 0 to 8, Fortran order. */
enum cp_npy_use { CP_NPY_INPUTS, CP_NPY_WEIGHTS };

struct cp_npy {
    enum cp_dtype dtype;
    bool fortran; /* the first index varies fastest */
    int rank;
    size_t shape[CP_NPY_RANK];
    size_t data; /* where it begins */
};

/* From the first bytes of the data; errors name `where`. */
enum cp_status cp_npy_header_read(const char *where, const unsigned char *bytes, size_t size,
                                  enum cp_npy_use use, struct cp_npy *npy, struct cp_error *err);

#endif
