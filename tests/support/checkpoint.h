/* SPDX-License-Identifier: GPL-3.0-or-later
 * PyTorch archives that a test puts together, and what opening and reading them says. */
#ifndef CP_TESTS_SUPPORT_CHECKPOINT_H
#define CP_TESTS_SUPPORT_CHECKPOINT_H

#include "support/malformed.h"
#include "support/zip.h"

#include "checkpoint/checkpoint.h"

#include <stdbool.h>
#include <stddef.h>

/* Opens a checkpoint and reads every value: a file_reader. */
enum cp_status read_checkpoint(const char *path, struct cp_error *err);

const char *written_zip(void);

/* Opcodes of pickles. */
#define GLOBAL(module, name) "c" module "\n" name "\n"

#define KEY(letter) "\x8c\1" letter

#define STORAGE_OF(class, key, count)                                                                        \
    "(\x8c\7storage" GLOBAL("torch", class) KEY(key) "\x8c\3"                                                \
                                                     "cpu" count "tQ"

#define STORAGE STORAGE_OF("FloatStorage", "0", "K\4")

/* Offset, sizes and strides as opcodes. */
#define TENSOR_OF(storage, offset, sizes, strides)                                                           \
    GLOBAL("torch._utils", "_rebuild_tensor_v2")                                                             \
    "(" storage offset sizes strides "\x89" GLOBAL("collections", "OrderedDict") ")RtR"

#define TENSOR TENSOR_OF(STORAGE, "K\0", "K\4\x85", "K\1\x85")

/* A state dict with one entry a. */
#define STATE(value) "\x80\2}(" KEY("a") value "u."

/* An archive of a pickle and storage 0, four floats. */
void begin_archive(const void *pickle, size_t size);

void refused_pickle(const void *pickle, size_t size, bool script, const char *says);

/* A literal with its NULs. */
#define refused(pickle, says) refused_pickle(pickle, sizeof(pickle) - 1, false, says)

#define refused_script(pickle, says) refused_pickle(pickle, sizeof(pickle) - 1, true, says)

void accepted_pickle(const void *pickle, size_t size, bool script);

#define accepted(pickle) accepted_pickle(pickle, sizeof(pickle) - 1, false)
#define accepted_script(pickle) accepted_pickle(pickle, sizeof(pickle) - 1, true)

#endif
