/* SPDX-License-Identifier: GPL-3.0-or-later
 * Images and tensors in files: PNG (libspng), IDX (as MNIST is published), NPY (numpy.save). */
#ifndef CP_IO_IMAGE_H
#define CP_IO_IMAGE_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"

#include <stddef.h>

/* Reads a PNG whose size must be side x side into rgb (side, side, 3): the values of Pillow's
 * Image.open(path).convert('RGB'). Greyscale is replicated, a palette applied, alpha dropped without
 * compositing, gamma and colour profiles ignored; an animation gives the image in IDAT. Refused: 16-bit
 * samples, which Pillow cuts to 8, every checksum error, and a palette index without an entry. */
enum cp_status cp_png_read(const char *path, size_t side, uint8_t *rgb, struct cp_error *err);

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
