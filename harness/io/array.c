/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/file.h"
#include "io/image.h"

#include <stdbool.h>
#include <string.h>

enum { IDX_HEADER_MAX = 4 + 3 * 4, NPY_HEADER_MAX = 10000, NPY_RANK_MAX = 4 };
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
    return cp_fail(err, CP_BAD_INPUT, path, "goes on behind the data"),
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

/* ---- NPY: a Python dict in text, then the data (NumPy, numpy/lib/format.py) */

struct scanner {
    const char *at, *end;
};

static void skip_blanks(struct scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n'))
        s->at++;
}

/* Takes text, behind blanks, if it comes next. */
static bool take(struct scanner *s, const char *text) {
    const size_t length = strlen(text);
    skip_blanks(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, text, length) != 0)
        return false;
    s->at += length;
    return true;
}

static bool take_dtype(struct scanner *s, enum cp_dtype *dtype) {
    static const struct {
        const char *descr;
        enum cp_dtype dtype;
    } table[] = {{"'<f4'", CP_FP32},
                 {"'<f8'", CP_FP64},
                 {"'<i4'", CP_INT32},
                 {"'<i8'", CP_INT64},
                 {"'|u1'", CP_UINT8}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (take(s, table[i].descr)) {
            *dtype = table[i].dtype;
            return true;
        }
    return false;
}

/* Decimal digits that a size_t holds. */
static bool take_number(struct scanner *s, size_t *number) {
    skip_blanks(s);
    const char *start = s->at;
    *number = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (__builtin_mul_overflow(*number, (size_t)10, number) ||
            __builtin_add_overflow(*number, (size_t)(*s->at - '0'), number))
            return false;
    return s->at > start;
}

/* A tuple of sizes: (3,) or (3, 4), also with a comma at the end. */
static bool take_shape(struct scanner *s, struct cp_array *array) {
    if (!take(s, "("))
        return false;
    for (;;) {
        if (array->rank == NPY_RANK_MAX || !take_number(s, &array->shape[array->rank]))
            return false;
        array->rank++;
        const bool comma = take(s, ",");
        if (take(s, ")"))
            return comma || array->rank > 1;
        if (!comma)
            return false;
    }
}

/* The value of key 0, 1 or 2 of the dict. */
static bool take_value(struct scanner *s, size_t key, struct cp_array *array) {
    switch (key) {
    case 0:
        return take_dtype(s, &array->dtype);
    case 1:
        return take(s, "False");
    default:
        return take_shape(s, array);
    }
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, in any order. NULL, or what is wrong. */
static const char *take_dict(struct scanner *s, struct cp_array *array) {
    static const char *const keys[] = {"'descr'", "'fortran_order'", "'shape'"};
    bool seen[3] = {false};
    if (!take(s, "{"))
        return "dict";
    for (;;) {
        size_t key = 0;
        while (key < 3 && !take(s, keys[key]))
            key++;
        if (key == 3 || seen[key] || !take(s, ":"))
            return "keys";
        seen[key] = true;
        if (!take_value(s, key, array))
            return keys[key];
        const bool comma = take(s, ",");
        if (take(s, "}"))
            break;
        if (!comma)
            return "dict";
    }
    skip_blanks(s);
    return s->at == s->end && seen[0] && seen[1] && seen[2] ? NULL : "dict";
}

/* Where the data begins, after checking all that precedes it. */
static enum cp_status read_npy_header(const char *path, const struct cp_file *file, struct cp_array *array,
                                      size_t *data, struct cp_error *err) {
    const unsigned char *b = file->bytes;
    if (file->size < 12 || memcmp(b, "\x93NUMPY", 6) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "no NPY file"), cp_expected(err, "numpy.save's format");
    if ((b[6] != 1 && b[6] != 2) || b[7] != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "NPY version %d.%d", b[6], b[7]),
               cp_expected(err, "1.0 or 2.0");
    const size_t start = b[6] == 1 ? 10 : 12;
    const size_t length =
        (size_t)b[8] | ((size_t)b[9] << 8) | (b[6] == 2 ? ((size_t)b[10] << 16) | ((size_t)b[11] << 24) : 0);
    if (length > NPY_HEADER_MAX || length > file->size - start)
        return cp_fail(err, CP_BAD_INPUT, path, "header of %zu bytes in a file of %zu", length, file->size),
               cp_expected(err, "at most %d, and all of them", NPY_HEADER_MAX);
    struct scanner s = {(const char *)b + start, (const char *)b + start + length};
    const char *wrong = take_dict(&s, array);
    if (wrong)
        return cp_fail(err, CP_BAD_INPUT, path, "unsupported NPY header at byte %zu, in its %s",
                       (size_t)(s.at - (const char *)b), wrong),
               cp_expected(err,
                           "{'descr': one of '<f4' '<f8' '<i4' '<i8' '|u1', 'fortran_order': False, "
                           "'shape': 1 to %d sizes}",
                           NPY_RANK_MAX);
    *data = start + length;
    return CP_OK;
}

static enum cp_status load_npy(const char *path, const struct cp_file *file, struct cp_arena *arena,
                               struct cp_array *array, struct cp_error *err) {
    size_t start = 0;
    CP_TRY(read_npy_header(path, file, array, &start, err));
    const size_t want = array_bytes(array);
    if (want == 0)
        return bad_shape(path, err);
    if (file->size - start != want)
        return wrong_size(path, file->size - start, want, err);
    void *aligned = cp_arena_alloc(arena, want, 1);
    if (!aligned)
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    array->data = memcpy(aligned, file->bytes + start, want);
    return CP_OK;
}

enum cp_status cp_npy_read(const char *path, struct cp_arena *arena, struct cp_array *array,
                           struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_map(path, &file, err));
    *array = (struct cp_array){0};
    const enum cp_status status = load_npy(path, &file, arena, array, err);
    cp_file_unmap(&file);
    return status;
}
