/* SPDX-License-Identifier: GPL-3.0-or-later
 * The JSON header of a safetensors file: its form, names and numbers. How the numbers fit each other and the
 * file is checkpoint/safetensors.c's. */
#ifndef CP_CHECKPOINT_SAFETENSORS_HEADER_H
#define CP_CHECKPOINT_SAFETENSORS_HEADER_H

#include "base/arena.h"
#include "checkpoint/safetensors.h"

struct cp_safetensors_text {
    const char *key, *value; /* up to its first NUL */
};

struct cp_safetensors_header {
    struct cp_safetensor *tensors; /* as they stand in the header */
    size_t count;
    struct cp_safetensors_text *metadata; /* by key */
    size_t metadata_count;
};

/* Memory is at most 256 bytes for each tensor and each string of __metadata__, besides their text. */
enum cp_status cp_safetensors_header_read(const char *path, const unsigned char *text, size_t size,
                                          struct cp_arena *arena, struct cp_safetensors_header *header,
                                          struct cp_error *err);

#endif
