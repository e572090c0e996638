/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CP_FORMAT_NPY_WRITE_H
#define CP_FORMAT_NPY_WRITE_H

#include "base/status.h"

#include <stddef.h>

/* float32 values (shape[0], ..., shape[rank - 1]), rank at most 4, as numpy.save writes them; the file is as
 * it was or complete. */
enum cp_status cp_npy_write(const char *path, const float *values, int rank, const size_t *shape,
                            struct cp_error *err);

#endif
