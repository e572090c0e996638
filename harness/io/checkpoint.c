/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/checkpoint.h"

#include "base/arena.h"
#include "io/safetensors.h"

#include <stdlib.h>

const char *const cp_checkpoint_format_names[CP_FORMAT_COUNT] = {
    "safetensors", "sharded safetensors", "PyTorch zip archive", "TorchScript archive", "NumPy npz"};

struct cp_checkpoint {
    struct cp_safetensors *file;
    struct cp_checkpoint_tensor *tensors;
    const char *path;
    struct cp_arena arena;
};

static enum cp_status read_tensors(struct cp_checkpoint *file, const char *path, struct cp_error *err) {
    CP_TRY(cp_safetensors_open(path, &file->file, err));
    const size_t count = cp_safetensors_count(file->file);
    file->path = cp_arena_strdup(&file->arena, path);
    file->tensors = cp_arena_calloc(&file->arena, count + 1, sizeof *file->tensors);
    if (!file->tensors || !file->path)
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct cp_safetensor *from = cp_safetensors_at(file->file, i);
        struct cp_checkpoint_tensor *to = &file->tensors[i];
        size_t stride = 1;
        *to = (struct cp_checkpoint_tensor){.name = from->name,
                                            .dtype = from->dtype,
                                            .rank = from->rank,
                                            .data = cp_safetensors_data(file->file, from),
                                            .index = i};
        for (int d = from->rank - 1; d >= 0; d--) {
            to->shape[d] = from->shape[d];
            to->stride[d] = stride;
            if (__builtin_mul_overflow(stride, to->shape[d], &stride))
                stride = 0;
        }
    }
    return CP_OK;
}

enum cp_status cp_checkpoint_open(const char *path, struct cp_checkpoint **out, struct cp_error *err) {
    struct cp_checkpoint *file = calloc(1, sizeof *file);
    const enum cp_status status =
        file ? read_tensors(file, path, err) : cp_fail(err, CP_INTERNAL, path, "out of memory");
    if (status != CP_OK)
        cp_checkpoint_close(file);
    *out = status == CP_OK ? file : NULL;
    return status;
}

void cp_checkpoint_close(struct cp_checkpoint *file) {
    if (!file)
        return;
    cp_safetensors_close(file->file);
    cp_arena_free(&file->arena);
    free(file);
}

enum cp_checkpoint_format cp_checkpoint_format(const struct cp_checkpoint *file) {
    (void)file;
    return CP_FORMAT_SAFETENSORS;
}

size_t cp_checkpoint_count(const struct cp_checkpoint *file) {
    return cp_safetensors_count(file->file);
}

const struct cp_checkpoint_tensor *cp_checkpoint_at(const struct cp_checkpoint *file, size_t index) {
    return &file->tensors[index];
}

const struct cp_checkpoint_tensor *cp_checkpoint_find(const struct cp_checkpoint *file, const char *name) {
    const struct cp_safetensor *found = cp_safetensors_find(file->file, name);
    return found ? &file->tensors[found->index] : NULL;
}

size_t cp_checkpoint_elements(const struct cp_checkpoint_tensor *tensor) {
    size_t count = 1;
    for (int d = 0; d < tensor->rank; d++)
        count *= tensor->shape[d];
    return count;
}

enum cp_status cp_checkpoint_check(const struct cp_checkpoint *file,
                                   const struct cp_checkpoint_tensor *tensor, struct cp_error *err) {
    (void)file;
    (void)tensor;
    (void)err;
    return CP_OK;
}

enum cp_status cp_checkpoint_widen(const struct cp_checkpoint *file,
                                   const struct cp_checkpoint_tensor *tensor, float *values,
                                   struct cp_error *err) {
    return cp_safetensors_widen(file->file, cp_safetensors_at(file->file, tensor->index), values, err);
}

const char *cp_checkpoint_metadata(const struct cp_checkpoint *file, const char *key) {
    return cp_safetensors_metadata(file->file, key);
}

size_t cp_checkpoint_files(const struct cp_checkpoint *file, const char *const **paths) {
    *paths = &file->path;
    return 1;
}

size_t cp_checkpoint_notes(const struct cp_checkpoint *file, const char *const **notes) {
    (void)file;
    *notes = NULL;
    return 0;
}
