/* SPDX-License-Identifier: GPL-3.0-or-later
 * IDX files, plain or gzip, as MNIST and Fashion-MNIST are published (LeCun, Cortes & Burges, "The MNIST
 * database of handwritten digits", file formats): labels (count) or images (count, rows, columns), unsigned
 * bytes. */
#ifndef CP_IO_IDX_H
#define CP_IO_IDX_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { CP_IDX_BYTES = 1 << 26 }; /* of a file, expanded */

struct cp_idx {
    int rank; /* 1 or 3 */
    size_t shape[3];
    const uint8_t *values; /* row-major, in the arena */
};

enum cp_status cp_idx_load(const char *path, struct cp_arena *arena, struct cp_idx *idx,
                           struct cp_error *err);

#endif
