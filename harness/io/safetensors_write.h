/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writing the tensors of a checkpoint as they are stored, with texts beside them. */
#ifndef CP_IO_SAFETENSORS_WRITE_H
#define CP_IO_SAFETENSORS_WRITE_H

#include "io/checkpoint.h"

struct cp_written_text {
    const char *key, *value;
};

/* The header of a file of these tensors' data in this order, blanks behind it included, to be freed; NULL:
 * out of memory. */
char *cp_safetensors_header(const struct cp_checkpoint_tensor *const *tensors, size_t count,
                            const struct cp_written_text *texts, size_t text_count);

/* PATH is the old file or the whole new one, never a part. */
enum cp_status cp_safetensors_write(const char *path, const struct cp_checkpoint *file,
                                    const struct cp_written_text *texts, size_t count, struct cp_error *err);

#endif
