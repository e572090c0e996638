/* SPDX-License-Identifier: GPL-3.0-or-later
 * numpy.savez's archives: a record NAME.npy for each array; those of numpy.savez_compressed are expanded. */
#include "checkpoint/internal.h"
#include "format/npy.h"

#include <stdio.h>
#include <string.h>

/* Strides of elements column by column. */
static void column_major(struct cp_checkpoint_tensor *tensor) {
    size_t stride = 1;
    for (int d = 0; d < tensor->rank; d++) {
        tensor->stride[d] = stride;
        if (__builtin_mul_overflow(stride, tensor->shape[d], &stride))
            stride = 0;
    }
}

/* The bytes of a header's shape must be what the record holds behind it. */
static enum cp_status check_size(const char *where, const struct cp_npy *npy, size_t size,
                                 struct cp_error *err) {
    size_t bytes = cp_dtype_size(npy->dtype);
    for (int d = 0; d < npy->rank; d++)
        if (__builtin_mul_overflow(bytes, npy->shape[d], &bytes))
            return cp_fail(err, CP_BAD_INPUT, where, "the product of its shape overflows"),
                   cp_expected(err, "fewer than 2^64 bytes");
    if (bytes != size - npy->data)
        return cp_fail(err, CP_BAD_INPUT, where, "%zu bytes of data", size - npy->data),
               cp_expected(err, "%zu, by the shape in its header", bytes);
    return CP_OK;
}

static enum cp_status add_array(struct cp_checkpoint *file, struct cp_zip_record *record,
                                struct cp_error *err) {
    const unsigned char *bytes = cp_zip_stored(file->zip, record);
    struct cp_npy npy;
    char where[512];
    (void)snprintf(where, sizeof where, "%.280s: record %.200s", file->path, record->name);
    if (record->deflated)
        CP_TRY(cp_zip_read(file->zip, record, record->size, &file->arena, &bytes, err));
    CP_TRY(cp_npy_header_read(where, bytes, record->size, CP_NPY_WEIGHTS, &npy, err));
    CP_TRY(check_size(where, &npy, record->size, err));
    struct cp_checkpoint_tensor tensor = {.dtype = npy.dtype, .rank = npy.rank, .data = bytes + npy.data};
    memcpy(tensor.shape, npy.shape, sizeof tensor.shape);
    (npy.fortran ? column_major : cp_checkpoint_row_major)(&tensor);
    CP_TRY(CP_CHECK_ALLOC(
        tensor.name =
            cp_arena_printf(&file->arena, "%.*s", (int)(strlen(record->name) - strlen(".npy")), record->name),
        err, file->path, "the checkpoint"));
    return cp_checkpoint_add(file, &tensor, record, err);
}

enum cp_status cp_checkpoint_read_npz(struct cp_checkpoint *file, struct cp_error *err) {
    file->format = CP_FORMAT_NPZ;
    for (size_t i = 0; i < cp_zip_count(file->zip); i++)
        CP_TRY(add_array(file, cp_zip_at(file->zip, i), err));
    return CP_OK;
}
