/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/image.h"

#include "io/file.h"

#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX = 1 << 20 };
static const size_t ARRAY_MAX = (size_t)1 << 32;

static enum cp_status decode(spng_ctx *png, const char *path, const struct cp_file *file, size_t side,
                             uint8_t *rgb, struct cp_error *err) {
    struct spng_ihdr header;
    size_t size = 0;
    int code = spng_set_crc_action(png, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    code = code ? code : spng_set_chunk_limits(png, CHUNK_MAX, CHUNK_MAX);
    code = code ? code : spng_set_png_buffer(png, file->bytes, file->size);
    code = code ? code : spng_get_ihdr(png, &header);
    if (code)
        return cp_fail(err, CP_BAD_INPUT, path, "not a valid PNG: %s", spng_strerror(code));
    if (header.width != side || header.height != side)
        return cp_fail(err, CP_BAD_INPUT, path, "image is %u x %u", header.width, header.height),
               cp_expected(err, "%zu x %zu, the model's size", side, side);
    if (header.bit_depth == 16)
        return cp_fail(err, CP_BAD_INPUT, path, "16 bits a channel"), cp_expected(err, "8 bits a channel");
    code = spng_decoded_image_size(png, SPNG_FMT_RGB8, &size);
    if (code == 0 && size != side * side * 3)
        return cp_fail(err, CP_INTERNAL, path, "the decoder wants %zu bytes", size);
    code = code ? code : spng_decode_image(png, rgb, size, SPNG_FMT_RGB8, 0);
    if (code)
        return cp_fail(err, CP_BAD_INPUT, path, "damaged PNG: %s", spng_strerror(code)),
               cp_expected(err, "a complete PNG");
    return CP_OK;
}

enum cp_status cp_png_read(const char *path, size_t side, uint8_t *rgb, struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_map(path, &file, err));
    enum cp_status status;
    spng_ctx *png = spng_ctx_new(0);
    if (!png)
        status = cp_fail(err, CP_INTERNAL, path, "out of memory");
    else if (file.size == 0)
        status = cp_fail(err, CP_BAD_INPUT, path, "is empty"), (void)cp_expected(err, "a PNG");
    else
        status = decode(png, path, &file, side, rgb, err);
    spng_ctx_free(png);
    cp_file_unmap(&file);
    return status;
}

/* Elements of a shape; 0 if the product overflows. */
static size_t product(const struct cp_array *array) {
    size_t n = 1;
    for (int d = 0; d < array->rank; d++)
        if (__builtin_mul_overflow(n, array->shape[d], &n))
            return 0;
    return n;
}

static enum cp_status check_size(const char *path, const struct cp_array *array, size_t bytes,
                                 struct cp_error *err) {
    size_t want;
    if (__builtin_mul_overflow(product(array), (size_t)cp_dtype_size(array->dtype), &want) || want == 0 ||
        want != bytes)
        return cp_fail(err, CP_BAD_INPUT, path, "%zu bytes of data do not fit the shape in its header",
                       bytes),
               cp_expected(err, "%zu bytes", want);
    return CP_OK;
}

enum cp_status cp_idx_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_read(path, ARRAY_MAX, arena, &file, err));
    if (file.size < 8 || file.bytes[0] || file.bytes[1] || file.bytes[2] != 8 || file.bytes[3] < 1 ||
        file.bytes[3] > 3)
        return cp_fail(err, CP_BAD_INPUT, path, "no IDX file of unsigned bytes"),
               cp_expected(err, "the magic number 00 00 08 and a rank of 1 to 3");
    *array = (struct cp_array){.dtype = CP_UINT8, .rank = file.bytes[3]};
    const size_t header = 4 + 4 * (size_t)array->rank;
    if (file.size < header)
        return cp_fail(err, CP_BAD_INPUT, path, "truncated IDX header"),
               cp_expected(err, "%zu bytes", header);
    for (int d = 0; d < array->rank; d++) {
        const unsigned char *b = file.bytes + 4 + 4 * (size_t)d;
        array->shape[d] = ((size_t)b[0] << 24) | ((size_t)b[1] << 16) | ((size_t)b[2] << 8) | b[3];
    }
    array->data = file.bytes + header;
    return check_size(path, array, file.size - header, err);
}

static int npy_dtype(const char *header, enum cp_dtype *dtype) {
    static const struct {
        const char *descr;
        enum cp_dtype dtype;
    } table[] = {{"'<f4'", CP_FP32},
                 {"'<f8'", CP_FP64},
                 {"'<i4'", CP_INT32},
                 {"'<i8'", CP_INT64},
                 {"'|u1'", CP_UINT8}};
    const char *descr = strstr(header, "'descr':");
    for (size_t i = 0; descr && i < sizeof table / sizeof table[0]; i++)
        if (strncmp(descr + 8 + strspn(descr + 8, " "), table[i].descr, 5) == 0) {
            *dtype = table[i].dtype;
            return 1;
        }
    return 0;
}

/* "(3, 4)" or "(3,)" after 'shape': into array. */
static int npy_shape(const char *header, struct cp_array *array) {
    const char *at = strstr(header, "'shape':");
    at = at ? strchr(at, '(') : NULL;
    if (!at)
        return 0;
    for (at++; *at && *at != ')';) {
        char *end;
        const unsigned long long size = strtoull(at, &end, 10);
        if (end == at || array->rank == 4)
            return 0;
        array->shape[array->rank++] = (size_t)size;
        at = end + strspn(end, ", ");
    }
    return *at == ')' && array->rank > 0;
}

enum cp_status cp_npy_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_read(path, ARRAY_MAX, arena, &file, err));
    const unsigned char *b = file.bytes;
    if (file.size < 12 || memcmp(b, "\x93NUMPY", 6) != 0 || (b[6] != 1 && b[6] != 2))
        return cp_fail(err, CP_BAD_INPUT, path, "no NPY file of version 1 or 2"),
               cp_expected(err, "numpy.save's format");
    const size_t start = b[6] == 1 ? 10 : 12;
    const size_t length =
        (size_t)b[8] | ((size_t)b[9] << 8) | (b[6] == 2 ? ((size_t)b[10] << 16) | ((size_t)b[11] << 24) : 0);
    char *header = length <= file.size - start
                       ? cp_arena_printf(arena, "%.*s", (int)length, (const char *)b + start)
                       : NULL;
    *array = (struct cp_array){0};
    if (!header || !npy_dtype(header, &array->dtype) || !strstr(header, "'fortran_order': False") ||
        !npy_shape(header, array))
        return cp_fail(err, CP_BAD_INPUT, path, "unsupported NPY header"),
               cp_expected(err, "C order, rank 1 to 4, of <f4, <f8, <i4, <i8 or |u1");
    const size_t bytes = file.size - start - length;
    CP_TRY(check_size(path, array, bytes, err));
    void *aligned = cp_arena_alloc(arena, bytes, 1);
    if (!aligned)
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    array->data = memcpy(aligned, b + start + length, bytes);
    return CP_OK;
}
