/* SPDX-License-Identifier: GPL-3.0-or-later
 * NumPy .npy files, versions 1 and 2 (numpy/numpy doc/neps/nep-0001-npy-format.rst), C order, little-endian:
 * <f4, <f8, <i4, <i8, |u1. The header must be spelled as NumPy writes it. */
#ifndef CP_IO_NPY_H
#define CP_IO_NPY_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"

#include <stddef.h>

enum { CP_NPY_RANK = 8, CP_NPY_BYTES = 1 << 27 }; /* limits: axes; bytes of a file */

struct cp_npy {
    enum cp_dtype dtype; /* FP32, FP64, INT32, INT64 or UINT8 */
    int rank;            /* 0: a scalar */
    size_t shape[CP_NPY_RANK];
    size_t count;       /* elements */
    const void *values; /* row-major, aligned for dtype, in the arena */
};

enum cp_status cp_npy_load(const char *path, struct cp_arena *arena, struct cp_npy *npy,
                           struct cp_error *err);

#endif
