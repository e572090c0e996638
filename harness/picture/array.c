/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads IDX and NPY files as inputs, their size checked against the header before anything is used. */
#include "format/file.h"
#include "format/npy.h"
#include "picture/image.h"

#include <string.h>

enum { IDX_HEADER_MAX = 4 + 3 * 4 };
static const size_t ARRAY_MAX = (size_t)1 << 32;

/* Bytes of an array; 0 if it has no elements or more than ARRAY_MAX bytes. */
static size_t array_bytes(const struct cp_array *array) {
    size_t bytes = (size_t)cp_dtype_size(array->dtype);
    for (int d = 0; d < array->rank; d++)
        if (__builtin_mul_overflow(bytes, array->shape[d], &bytes))
            return 0;
    return bytes <= ARRAY_MAX ? bytes : 0;
}

static enum cp_status bad_shape(const char *path, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, path, "its shape has no elements, or too many"),
           cp_expected(err, "1 to %zu bytes of data", ARRAY_MAX);
}

static enum cp_status wrong_size(const char *path, size_t bytes, size_t want, struct cp_error *err) {
    if (bytes < want)
        return cp_fail(err, CP_BAD_INPUT, path, "ends after %zu bytes of data", bytes),
               cp_expected(err, "%zu bytes, by the shape in its header", want);
    return cp_fail(err, CP_BAD_INPUT, path, "has bytes after the data"),
           cp_expected(err, "%zu bytes of data, by the shape in its header", want);
}

enum cp_status cp_idx_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_read_start(path, IDX_HEADER_MAX, arena, &file, err));
    if (file.size < 4 || file.bytes[0] || file.bytes[1] || file.bytes[2] != 8 || file.bytes[3] < 1 ||
        file.bytes[3] > 3)
        return cp_fail(err, CP_BAD_INPUT, path, "no IDX file of unsigned bytes"),
               cp_expected(err, "the magic number 00 00 08 and a rank of 1 to 3");
    *array = (struct cp_array){.dtype = CP_UINT8, .rank = file.bytes[3]};
    const size_t header = 4 + 4 * (size_t)array->rank;
    if (file.size < header)
        return cp_fail(err, CP_BAD_INPUT, path, "truncated IDX header of %zu bytes", file.size),
               cp_expected(err, "%zu bytes", header);
    for (int d = 0; d < array->rank; d++) {
        const unsigned char *b = file.bytes + 4 + 4 * (size_t)d;
        array->shape[d] = ((size_t)b[0] << 24) | ((size_t)b[1] << 16) | ((size_t)b[2] << 8) | b[3];
    }
    const size_t want = array_bytes(array);
    if (want == 0)
        return bad_shape(path, err);
    CP_TRY(cp_file_read_start(path, header + want + 1, arena, &file, err));
    array->data = file.bytes + header;
    return file.size - header == want ? CP_OK : wrong_size(path, file.size - header, want, err);
}

/* ---- NPY ---- */

static enum cp_status load_npy(const char *path, const struct cp_file *file, struct cp_arena *arena,
                               struct cp_array *array, struct cp_error *err) {
    struct cp_npy npy;
    CP_TRY(cp_npy_header_read(path, file->bytes, file->size, CP_NPY_INPUTS, &npy, err));
    *array = (struct cp_array){.dtype = npy.dtype, .rank = npy.rank};
    memcpy(array->shape, npy.shape, sizeof array->shape);
    const size_t start = npy.data, want = array_bytes(array);
    if (want == 0)
        return bad_shape(path, err);
    if (file->size - start != want)
        return wrong_size(path, file->size - start, want, err);
    void *aligned = cp_arena_alloc(arena, want, 1);
    CP_TRY(CP_CHECK_ALLOC(aligned, err, path, "an array"));
    array->data = memcpy(aligned, file->bytes + start, want);
    return CP_OK;
}

enum cp_status cp_npy_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_map(path, &file, err));
    const enum cp_status status = load_npy(path, &file, arena, array, err);
    cp_file_unmap(&file);
    return status;
}
