/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writing the tensors of a checkpoint as they are stored, with texts beside them. */
#ifndef CP_CHECKPOINT_SAFETENSORS_WRITE_H
#define CP_CHECKPOINT_SAFETENSORS_WRITE_H

#include "checkpoint/checkpoint.h"

#include <stdbool.h>
#include <stdio.h>

struct cp_written_text {
    const char *key, *value;
};

/* Writes what stands before the data of these tensors, which follows in this order. False: out of memory, or
 * it cannot be written. */
bool cp_safetensors_begin(FILE *out, const struct cp_checkpoint_tensor *const *tensors, size_t count,
                          const struct cp_written_text *texts, size_t text_count);

/* PATH is the old file or the whole new one, never a part. */
enum cp_status cp_safetensors_write(const char *path, const struct cp_checkpoint *file,
                                    const struct cp_written_text *texts, size_t count, struct cp_error *err);

#endif
