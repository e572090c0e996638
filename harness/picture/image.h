/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tensors in files: IDX (as MNIST is published), NPY (numpy.save). */
#ifndef CP_PICTURE_IMAGE_H
#define CP_PICTURE_IMAGE_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"

#include <stddef.h>

struct cp_array {
    enum cp_dtype dtype;
    int rank;
    size_t shape[4];
    const void *data; /* in the arena, C order */
};

/* unsigned bytes, rank 1 to 3; plain or gzip. */
enum cp_status cp_idx_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err);
/* <f4, <f8, <i4, <i8 or |u1, rank 1 to 4, C order, versions 1.0 and 2.0; not empty. */
enum cp_status cp_npy_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err);

#endif
