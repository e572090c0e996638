/* SPDX-License-Identifier: GPL-3.0-or-later
 * safetensors files: 8 bytes of header length, a JSON header, tensor data, all little-endian
 * (huggingface/safetensors, README.md, "Format"). Opening checks the whole structure: names, dtypes, shapes,
 * every offset, no overlap, no hole, no trailing bytes. Values are not read. */
#ifndef CP_CHECKPOINT_SAFETENSORS_H
#define CP_CHECKPOINT_SAFETENSORS_H

#include "base/number.h"
#include "base/status.h"

#include <stddef.h>

/* The header's limit is the format's own; the others are far above any model's. */
enum {
    CP_SAFETENSORS_HEADER = 100000000, /* bytes */
    CP_SAFETENSORS_TENSORS = 65536,
    CP_SAFETENSORS_RANK = 8,
    CP_SAFETENSORS_NAME = 1024 /* bytes */
};

struct cp_safetensor {
    const char *name; /* UTF-8 without '/', ".." and NUL */
    enum cp_dtype dtype;
    int rank; /* 0: a scalar */
    size_t shape[CP_SAFETENSORS_RANK];
    size_t begin, end; /* in the data section */
    size_t index;      /* in the order of the data */
};

/* The format's name of each dtype: "F32", ...; NULL: it has none. */
extern const char *const cp_safetensors_dtypes[CP_DTYPE_COUNT];

struct cp_safetensors;

/* CP_BAD_INPUT names the file, the header's byte or the tensor, and what was expected. Close with
 * cp_safetensors_close, which may also be given NULL; *file is NULL after a failure. */
enum cp_status cp_safetensors_open(const char *path, struct cp_safetensors **file, struct cp_error *err);
void cp_safetensors_close(struct cp_safetensors *file);

size_t cp_safetensors_count(const struct cp_safetensors *file);
/* By index. */
const struct cp_safetensor *cp_safetensors_at(const struct cp_safetensors *file, size_t index);
/* NULL if there is none. */
const struct cp_safetensor *cp_safetensors_find(const struct cp_safetensors *file, const char *name);

/* The tensor's bytes in the file, mapped: perhaps unaligned. */
const void *cp_safetensors_data(const struct cp_safetensors *file, const struct cp_safetensor *tensor);
/* A text of __metadata__, or NULL. */
const char *cp_safetensors_metadata(const struct cp_safetensors *file, const char *key);

#endif
