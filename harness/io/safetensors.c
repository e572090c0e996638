/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/safetensors.h"

#include "base/arena.h"
#include "io/file.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100000000, NAME_MAX_BYTES = 1024, TENSORS_MAX = 100000 };

struct cp_safetensors {
    char *path;
    struct cp_file map;
    const unsigned char *data;
    size_t data_size, count;
    struct cp_safetensor *tensors;
    struct cp_arena arena;
};

static enum cp_status bad_tensor(const struct cp_safetensors *file, const char *name, const char *what,
                                 const char *expected, struct cp_error *err) {
    char where[512];
    (void)snprintf(where, sizeof where, "%s: tensor %.200s", file->path, name);
    (void)cp_fail(err, CP_BAD_INPUT, where, "%s", what);
    return cp_expected(err, "%s", expected);
}

static int known_dtype(const char *name, enum cp_dtype *dtype) {
    static const struct {
        const char *name;
        enum cp_dtype dtype;
    } table[] = {{"F64", CP_FP64},  {"F32", CP_FP32},  {"F16", CP_FP16}, {"BF16", CP_BF16},
                 {"I64", CP_INT64}, {"I32", CP_INT32}, {"U8", CP_UINT8}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (name && strcmp(table[i].name, name) == 0) {
            *dtype = table[i].dtype;
            return 1;
        }
    return 0;
}

/* A JSON integer that is a size; jansson keeps 1.0 apart from 1. */
static int read_size(const json_t *value, size_t *size) {
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *size = (size_t)json_integer_value(value);
    return 1;
}

static enum cp_status read_shape(const struct cp_safetensors *file, const json_t *shape,
                                 struct cp_safetensor *t, struct cp_error *err) {
    size_t bytes = cp_dtype_size(t->dtype);
    if (!json_is_array(shape) || json_array_size(shape) > CP_SAFETENSORS_RANK)
        return bad_tensor(file, t->name, "shape is no list or its rank is too high", "at most 8 sizes", err);
    t->rank = (int)json_array_size(shape);
    for (int d = 0; d < t->rank; d++)
        if (!read_size(json_array_get(shape, (size_t)d), &t->shape[d]))
            return bad_tensor(file, t->name, "shape holds something that is no size", "whole numbers from 0",
                              err);
    for (int d = 0; d < t->rank; d++)
        if (__builtin_mul_overflow(bytes, t->shape[d], &bytes))
            return bad_tensor(file, t->name, "the product of its shape overflows", "a size in memory", err);
    if (bytes != t->end - t->begin)
        return bad_tensor(file, t->name, "data_offsets do not fit its shape and dtype", "shape x dtype bytes",
                          err);
    return CP_OK;
}

static enum cp_status read_tensor(const struct cp_safetensors *file, const char *name, const json_t *entry,
                                  struct cp_safetensor *t, struct cp_error *err) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (strlen(name) > NAME_MAX_BYTES || strchr(name, '/') || strstr(name, ".."))
        return bad_tensor(file, name, "malformed name", "at most 1 KiB, without '/' and '..'", err);
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !offsets ||
        !json_object_get(entry, "shape"))
        return bad_tensor(file, name, "a field is missing or unknown", "dtype, shape, data_offsets", err);
    t->name = name;
    if (!known_dtype(json_string_value(json_object_get(entry, "dtype")), &t->dtype))
        return bad_tensor(file, name, "unknown dtype", "one of F64, F32, F16, BF16, I64, I32, U8", err);
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &t->begin) ||
        !read_size(json_array_get(offsets, 1), &t->end))
        return bad_tensor(file, name, "malformed data_offsets", "two whole numbers from 0", err);
    if (t->begin > t->end || t->end > file->data_size)
        return bad_tensor(file, name, "data_offsets are reversed or past the end of the file",
                          "begin <= end <= bytes of data", err);
    return read_shape(file, json_object_get(entry, "shape"), t, err);
}

static int by_offset(const void *a, const void *b) {
    const struct cp_safetensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static enum cp_status check_cover(const struct cp_safetensors *file, struct cp_error *err) {
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct cp_safetensor *t = &file->tensors[i];
        if (t->begin != at)
            return bad_tensor(file, t->name,
                              t->begin < at ? "overlaps the tensor before it" : "leaves a hole before it",
                              "tensors end to end", err);
        at = t->end;
    }
    if (at != file->data_size)
        return cp_fail(err, CP_BAD_INPUT, file->path, "%zu bytes follow the last tensor",
                       file->data_size - at),
               cp_expected(err, "none");
    return CP_OK;
}

static enum cp_status read_metadata(const struct cp_safetensors *file, const json_t *metadata,
                                    struct cp_error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return bad_tensor(file, "__metadata__", "is no object", "names and strings", err);
    json_object_foreach(
        (json_t *)(uintptr_t)metadata, key,
        value) if (!json_is_string(value)) return bad_tensor(file, "__metadata__",
                                                             "holds something that is no string", "strings",
                                                             err);
    return CP_OK;
}

static enum cp_status read_header(struct cp_safetensors *file, const json_t *root, struct cp_error *err) {
    const char *key;
    json_t *value;
    if (json_object_size(root) > TENSORS_MAX)
        return cp_fail(err, CP_BAD_INPUT, file->path, "too many tensors: %zu", json_object_size(root)),
               cp_expected(err, "at most %d", TENSORS_MAX);
    file->tensors = cp_arena_calloc(&file->arena, json_object_size(root), sizeof *file->tensors);
    if (!file->tensors)
        return cp_fail(err, CP_INTERNAL, file->path, "out of memory");
    json_object_foreach((json_t *)(uintptr_t)root, key, value) {
        if (strcmp(key, "__metadata__") == 0) {
            CP_TRY(read_metadata(file, value, err));
            continue;
        }
        const char *name = cp_arena_strdup(&file->arena, key);
        if (!name)
            return cp_fail(err, CP_INTERNAL, file->path, "out of memory");
        CP_TRY(read_tensor(file, name, value, &file->tensors[file->count++], err));
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, by_offset);
    return check_cover(file, err);
}

static enum cp_status read_all(struct cp_safetensors *file, struct cp_error *err) {
    uint64_t length = 0;
    if (file->map.size < sizeof length)
        return cp_fail(err, CP_BAD_INPUT, file->path, "%zu bytes are too few for a safetensors file",
                       file->map.size),
               cp_expected(err, "8 bytes of header length first");
    memcpy(&length, file->map.bytes, sizeof length);
    if (length > HEADER_MAX || length < 2 || length > file->map.size - sizeof length)
        return cp_fail(err, CP_BAD_INPUT, file->path, "a header of %llu bytes does not fit",
                       (unsigned long long)length),
               cp_expected(err, "2 to 100000000, and no more than the file's %zu bytes", file->map.size);
    const char *header = (const char *)file->map.bytes + sizeof length;
    if (header[0] != '{')
        return cp_fail(err, CP_BAD_INPUT, file->path, "the header does not begin with '{'"),
               cp_expected(err, "a JSON object");
    file->data = file->map.bytes + sizeof length + length;
    file->data_size = file->map.size - sizeof length - (size_t)length;
    json_error_t where;
    json_t *root = json_loadb(header, (size_t)length, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return cp_fail(err, CP_BAD_INPUT, file->path, "header byte %d: %s", where.position, where.text),
               cp_expected(err, "a JSON object of tensors");
    const enum cp_status status = read_header(file, root, err);
    json_decref(root);
    return status;
}

enum cp_status cp_safetensors_open(const char *path, struct cp_safetensors **out, struct cp_error *err) {
    struct cp_safetensors *file = calloc(1, sizeof *file);
    if (!file)
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    file->path = cp_arena_strdup(&file->arena, path);
    enum cp_status status = file->path ? cp_file_map(path, &file->map, err) : CP_INTERNAL;
    if (status == CP_OK)
        status = read_all(file, err);
    if (status == CP_OK)
        *out = file;
    else
        cp_safetensors_close(file);
    return status;
}

size_t cp_safetensors_count(const struct cp_safetensors *file) {
    return file->count;
}

const struct cp_safetensor *cp_safetensors_at(const struct cp_safetensors *file, size_t index) {
    return &file->tensors[index];
}

const struct cp_safetensor *cp_safetensors_find(const struct cp_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

enum cp_status cp_safetensors_widen(const struct cp_safetensors *file, const struct cp_safetensor *t,
                                    float *values, struct cp_error *err) {
    const unsigned char *data = file->data + t->begin;
    const size_t count = (t->end - t->begin) / cp_dtype_size(t->dtype);
    if (t->dtype == CP_FP32) {
        memcpy(values, data, count * sizeof *values);
        return CP_OK;
    }
    if (t->dtype != CP_FP16 && t->dtype != CP_BF16)
        return bad_tensor(file, t->name, "its dtype is no floating-point type for weights",
                          "F32, F16 or BF16", err);
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, data + 2 * i, sizeof bits);
        values[i] = t->dtype == CP_FP16 ? cp_fp16_decode(bits) : cp_bf16_decode(bits);
    }
    return CP_OK;
}

void cp_safetensors_close(struct cp_safetensors *file) {
    if (!file)
        return;
    cp_file_unmap(&file->map);
    cp_arena_free(&file->arena);
    free(file);
}
