/* SPDX-License-Identifier: GPL-3.0-or-later
 * Recognises the format by the first bytes, holds the tensors that its reader lists, and widens values. */
#include "checkpoint/internal.h"

#include "base/utf8.h"
#include "format/file.h"
#include "format/other_format.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const cp_checkpoint_format_names[CP_FORMAT_COUNT] = {"safetensors",
                                                                 "sharded safetensors",
                                                                 "PyTorch zip archive",
                                                                 "sharded PyTorch zip archives",
                                                                 "TorchScript archive",
                                                                 "NumPy npz",
                                                                 "HDF5"};

/* ---- for the readers ---- */

const char *cp_checkpoint_place(const struct cp_checkpoint *file, const char *name, char where[512]) {
    (void)snprintf(where, 512, "%.280s: tensor %.200s", file->path, name);
    return where;
}

const char *cp_checkpoint_wrong_name(const char *name) {
    const size_t length = strlen(name);
    for (size_t i = 0, step; i < length; i += step)
        if ((step = cp_utf8_length((const unsigned char *)name + i, length - i)) == 0 ||
            (unsigned char)name[i] < ' ')
            return "UTF-8 without control characters";
    return strchr(name, '/') || strstr(name, "..") ? "no '/' and no '..'" : NULL;
}

static bool grow(struct cp_checkpoint *file) {
    const size_t capacity = file->capacity ? 2 * file->capacity : 256;
    struct cp_checkpoint_tensor *tensors = realloc(file->tensors, capacity * sizeof *tensors);
    if (tensors)
        file->tensors = tensors;
    struct cp_checkpoint_record *records = realloc(file->records, capacity * sizeof *records);
    if (records)
        file->records = records;
    if (tensors && records)
        file->capacity = capacity;
    return tensors && records;
}

enum cp_status cp_checkpoint_add(struct cp_checkpoint *file, const struct cp_checkpoint_tensor *tensor,
                                 struct cp_zip_record *record, struct cp_error *err) {
    char where[512];
    const char *wrong = cp_checkpoint_wrong_name(tensor->name);
    if (wrong)
        return cp_fail(err, CP_BAD_INPUT, cp_checkpoint_place(file, tensor->name, where), "malformed name"),
               cp_expected(err, "%s", wrong);
    if (file->count == CP_CHECKPOINT_TENSORS)
        return cp_fail(err, CP_BAD_INPUT, file->path, "too many tensors"), cp_expected(err, "at most 65536");
    if (file->count == file->capacity && !grow(file))
        return cp_no_memory(err, file->path, "the checkpoint");
    file->tensors[file->count] = *tensor;
    file->tensors[file->count].index = file->count;
    file->records[file->count++] = (struct cp_checkpoint_record){file->zip, record};
    return CP_OK;
}

enum cp_status cp_checkpoint_note(struct cp_checkpoint *file, struct cp_error *err, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return cp_note(&file->notes, &file->arena, err, "%s", text);
}

/* Tensors without elements have strides too, which nobody follows: they must not overflow. */
void cp_checkpoint_row_major(struct cp_checkpoint_tensor *tensor) {
    size_t stride = 1;
    for (int d = tensor->rank - 1; d >= 0; d--) {
        tensor->stride[d] = stride;
        if (__builtin_mul_overflow(stride, tensor->shape[d], &stride))
            stride = 0;
    }
}

/* ---- opening ---- */

enum kind { KIND_SAFETENSORS, KIND_INDEX, KIND_ZIP, KIND_HDF5, KIND_UNKNOWN };

/* By the first bytes. A safetensors file has its header's length there, whose upper bytes are 0, and then the
 * header; where one of the two is wrong, its reader says so better than this can. */
static enum kind kind_of(const struct cp_file *map) {
    uint64_t length = 0;
    if (map->size >= 4 && (memcmp(map->bytes, "PK\3\4", 4) == 0 || memcmp(map->bytes, "PK\5\6", 4) == 0))
        return KIND_ZIP;
    if (cp_file_is_hdf5(map->bytes, map->size))
        return KIND_HDF5;
    if (map->size < sizeof length)
        return KIND_UNKNOWN;
    memcpy(&length, map->bytes, sizeof length);
    const bool text = map->bytes[0] == '{', small = length <= CP_SAFETENSORS_HEADER;
    if (map->size > sizeof length && map->bytes[sizeof length] == '{' && (small || !text))
        return KIND_SAFETENSORS;
    if (text)
        return KIND_INDEX;
    return small && !cp_is_other_format(map->bytes, map->size) ? KIND_SAFETENSORS : KIND_UNKNOWN;
}

/* numpy.savez's archives hold nothing but arrays. */
static bool is_npz(const struct cp_zip *zip) {
    for (size_t i = 0; i < cp_zip_count(zip); i++) {
        const char *name = cp_zip_at(zip, i)->name, *dot = strrchr(name, '.');
        if (!dot || strcmp(dot, ".npy") != 0)
            return false;
    }
    return cp_zip_count(zip) > 0;
}

enum cp_status cp_checkpoint_read_zip(struct cp_checkpoint *file, struct cp_error *err) {
    CP_TRY(cp_zip_open(file->path, &file->zip, err));
    return is_npz(file->zip) ? cp_checkpoint_read_npz(file, err) : cp_checkpoint_read_torch(file, err);
}

static const char formats[] = "safetensors, its index, a PyTorch zip archive (torch.save since 1.6, "
                              "torch.jit.save), a NumPy npz, or HDF5 of `clip-parity convert`";

/* KIND_UNKNOWN: an error that says what it is. */
static enum cp_status tell_kind(const char *path, enum kind *kind, struct cp_error *err) {
    struct cp_file map;
    CP_TRY(cp_file_map(path, &map, err));
    *kind = kind_of(&map);
    const enum cp_status status =
        *kind == KIND_UNKNOWN ? cp_other_format(path, map.bytes, map.size, formats, err) : CP_OK;
    cp_file_unmap(&map);
    return status;
}

static enum cp_status read_any(struct cp_checkpoint *file, enum kind kind, struct cp_error *err) {
    switch (kind) {
    case KIND_SAFETENSORS:
        return cp_checkpoint_read_safetensors(file, err);
    case KIND_INDEX:
        return cp_checkpoint_read_index(file, err);
    case KIND_ZIP:
        return cp_checkpoint_read_zip(file, err);
    case KIND_HDF5:
        return cp_checkpoint_read_hdf5(file, err);
    default:
        return CP_BAD_INPUT;
    }
}

/* access() of the first `length` bytes of a path. */
static bool may(const char *path, size_t length, int how) {
    char *file = strndup(path, length);
    const bool does = file && access(file, how) == 0;
    free(file);
    return does;
}

const char *cp_checkpoint_key(const char *path) {
    if (access(path, F_OK) == 0)
        return NULL;
    for (const char *hash = strchr(path, '#'); hash; hash = strchr(hash + 1, '#'))
        if (may(path, (size_t)(hash - path), F_OK))
            return hash + 1;
    const char *hash = strrchr(path, '#');
    return hash ? hash + 1 : NULL;
}

bool cp_checkpoint_is_here(const char *path) {
    const char *key = cp_checkpoint_key(path);
    return may(path, key ? (size_t)(key - 1 - path) : strlen(path), R_OK);
}

static enum cp_status start(struct cp_checkpoint *file, const char *path, size_t length, enum kind *kind,
                            struct cp_error *err) {
    file->path = cp_arena_printf(&file->arena, "%.*s", (int)length, path);
    file->paths = cp_arena_alloc(&file->arena, CP_CHECKPOINT_FILES + 1, sizeof *file->paths);
    CP_TRY(CP_CHECK_ALLOC(file->path && file->paths, err, path, "the checkpoint"));
    file->paths[file->path_count++] = file->path;
    return tell_kind(file->path, kind, err);
}

typedef enum cp_status open_one(struct cp_checkpoint *file, const char *path, struct cp_error *err);

static enum cp_status open_file(struct cp_checkpoint *file, const char *path, struct cp_error *err) {
    const char *key = cp_checkpoint_key(path);
    enum kind kind = KIND_UNKNOWN;
    CP_TRY(start(file, path, key ? (size_t)(key - 1 - path) : strlen(path), &kind, err));
    CP_TRY(read_any(file, kind, err));
    return cp_checkpoint_name(file, err);
}

/* An index among its own shards would have no end. */
static enum cp_status open_shard(struct cp_checkpoint *file, const char *path, struct cp_error *err) {
    enum kind kind = KIND_UNKNOWN;
    CP_TRY(start(file, path, strlen(path), &kind, err));
    if (kind == KIND_INDEX)
        return cp_fail(err, CP_BAD_INPUT, path, "is JSON instead of a shard"),
               cp_expected(err, "safetensors or a PyTorch zip archive");
    return read_any(file, kind, err);
}

static enum cp_status open_any(const char *path, open_one *open, struct cp_checkpoint **out,
                               struct cp_error *err) {
    struct cp_checkpoint *file = calloc(1, sizeof *file);
    const enum cp_status status = file ? open(file, path, err) : cp_no_memory(err, path, "the checkpoint");
    if (status != CP_OK)
        cp_checkpoint_close(file);
    *out = status == CP_OK ? file : NULL;
    return status;
}

enum cp_status cp_checkpoint_open(const char *path, struct cp_checkpoint **out, struct cp_error *err) {
    return open_any(path, open_file, out, err);
}

enum cp_status cp_checkpoint_open_shard(const char *path, struct cp_checkpoint **shard,
                                        struct cp_error *err) {
    return open_any(path, open_shard, shard, err);
}

void cp_checkpoint_close(struct cp_checkpoint *file) {
    if (!file)
        return;
    for (size_t i = 0; i < file->shard_count; i++)
        cp_checkpoint_close(file->shards[i]);
    cp_safetensors_close(file->safetensors);
    cp_zip_close(file->zip);
    free(file->tensors);
    free(file->records);
    cp_arena_free(&file->arena);
    free(file);
}

/* ---- what is in it ---- */

enum cp_checkpoint_format cp_checkpoint_format(const struct cp_checkpoint *file) {
    return file->format;
}

size_t cp_checkpoint_count(const struct cp_checkpoint *file) {
    return file->count;
}

const struct cp_checkpoint_tensor *cp_checkpoint_at(const struct cp_checkpoint *file, size_t index) {
    return &file->tensors[index];
}

const char *cp_checkpoint_metadata(const struct cp_checkpoint *file, const char *key) {
    const char *text = file->safetensors ? cp_safetensors_metadata(file->safetensors, key) : NULL;
    for (size_t i = 0; i < file->shard_count && !text; i++)
        text = cp_checkpoint_metadata(file->shards[i], key);
    return text;
}

const char *cp_checkpoint_file(const struct cp_checkpoint *file) {
    return file->path;
}

size_t cp_checkpoint_files(const struct cp_checkpoint *file, const char *const **paths) {
    *paths = file->paths;
    return file->path_count;
}

const struct cp_notes *cp_checkpoint_notes(const struct cp_checkpoint *file) {
    return &file->notes;
}

/* ---- values ---- */

size_t cp_checkpoint_elements(const struct cp_checkpoint_tensor *tensor) {
    size_t count = 1;
    for (int d = 0; d < tensor->rank; d++)
        count *= tensor->shape[d];
    return count;
}

/* One element, from bytes that need not be aligned. False where no float32 is equal to it. */
static bool widen_one(enum cp_dtype dtype, const unsigned char *from, float *value) {
    uint16_t half;
    double wide;
    switch (dtype) {
    case CP_FP16:
        memcpy(&half, from, sizeof half);
        *value = cp_fp16_decode(half);
        return true;
    case CP_BF16:
        memcpy(&half, from, sizeof half);
        *value = cp_bf16_decode(half);
        return true;
    case CP_FP64:
        memcpy(&wide, from, sizeof wide);
        if (fabs(wide) > (double)FLT_MAX && !isinf(wide))
            return false;
        *value = (float)wide;
        return isnan(wide) || (double)*value == wide;
    default:
        memcpy(value, from, sizeof *value);
        return true;
    }
}

/* A row of `count` elements; the first that does not fit, or count. */
static size_t widen_row(const struct cp_checkpoint_tensor *t, const unsigned char *from, size_t count,
                        size_t stride, float *values) {
    const size_t step = stride * cp_dtype_size(t->dtype);
    if (t->dtype == CP_FP32 && stride == 1) {
        memcpy(values, from, count * sizeof *values);
        return count;
    }
    for (size_t i = 0; i < count; i++)
        if (!widen_one(t->dtype, from + i * step, &values[i]))
            return i;
    return count;
}

/* Row by row, `index` counting through all dimensions but the last; the first element that does not fit, or
 * the number of elements. */
static size_t widen_rows(const struct cp_checkpoint_tensor *t, float *values) {
    const size_t count = cp_checkpoint_elements(t), row = t->rank ? t->shape[t->rank - 1] : 1;
    const size_t stride = t->rank ? t->stride[t->rank - 1] : 1;
    size_t index[CP_CHECKPOINT_RANK] = {0};
    for (size_t done = 0, from = 0; done < count; done += row) {
        const unsigned char *start = (const unsigned char *)t->data + from * cp_dtype_size(t->dtype);
        const size_t fitting = widen_row(t, start, row, stride, values + done);
        if (fitting < row)
            return done + fitting;
        for (int d = t->rank - 2; d >= 0; d--) {
            from += t->stride[d];
            if (++index[d] < t->shape[d])
                break;
            from -= t->shape[d] * t->stride[d];
            index[d] = 0;
        }
    }
    return count;
}

enum cp_status cp_checkpoint_check(const struct cp_checkpoint *file,
                                   const struct cp_checkpoint_tensor *tensor, struct cp_error *err) {
    const struct cp_checkpoint_record *of = &file->records[tensor->index];
    return of->record ? cp_zip_check(of->zip, of->record, err) : CP_OK;
}

/* What quantisation makes of weights. */
static bool is_quantised(enum cp_dtype dtype) {
    return dtype != CP_BOOL && (cp_dtype_size(dtype) == 1 || dtype == CP_QINT32);
}

enum cp_status cp_checkpoint_is_weight(const struct cp_checkpoint *file,
                                       const struct cp_checkpoint_tensor *tensor, struct cp_error *err) {
    char where[512];
    if (tensor->dtype <= CP_FP64)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, cp_checkpoint_place(file, tensor->name, where),
                   "%s is not a dtype of weights", cp_dtype_name(tensor->dtype)),
           cp_expected(err, "fp64, fp32, fp16 or bf16%s",
                       is_quantised(tensor->dtype) ? "; quantised weights must be dequantised first" : "");
}

enum cp_status cp_checkpoint_widen(const struct cp_checkpoint *file,
                                   const struct cp_checkpoint_tensor *tensor, float *values,
                                   struct cp_error *err) {
    char where[512];
    CP_TRY(cp_checkpoint_is_weight(file, tensor, err));
    CP_TRY(cp_checkpoint_check(file, tensor, err));
    const size_t fitting = widen_rows(tensor, values);
    if (fitting < cp_checkpoint_elements(tensor))
        return cp_fail(err, CP_BAD_INPUT, cp_checkpoint_place(file, tensor->name, where),
                       "element %zu, an fp64, is not an fp32 value", fitting),
               cp_expected(err, "weights that were fp32 or narrower before they were saved");
    return CP_OK;
}
