/* SPDX-License-Identifier: GPL-3.0-or-later
 * A checkpoint: named tensors in a file of any format that CLIP models come in. Opening checks the whole
 * structure and reads no values, but those that are compressed (npz, HDF5). */
#ifndef CP_CHECKPOINT_CHECKPOINT_H
#define CP_CHECKPOINT_CHECKPOINT_H

#include "base/notes.h"
#include "base/number.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum cp_checkpoint_format {
    CP_FORMAT_SAFETENSORS,
    CP_FORMAT_SAFETENSORS_INDEX,
    CP_FORMAT_TORCH_ZIP,
    CP_FORMAT_TORCH_INDEX,
    CP_FORMAT_TORCHSCRIPT,
    CP_FORMAT_NPZ,
    CP_FORMAT_HDF5,
    CP_FORMAT_COUNT
};

/* "safetensors", "sharded safetensors", "PyTorch zip archive", "sharded PyTorch zip archives", "TorchScript archive",
 * "NumPy npz", "HDF5" */
extern const char *const cp_checkpoint_format_names[CP_FORMAT_COUNT];

enum { CP_CHECKPOINT_RANK = 8, CP_CHECKPOINT_NAME = 1024 /* bytes */, CP_CHECKPOINT_TENSORS = 65536 };

struct cp_checkpoint_tensor {
    const char
        *name; /* as in the file, prefixes included; of nested containers the keys joined by '.'; without
                         the words of PyTorch's wrappers */
    enum cp_dtype dtype;
    int rank;
    size_t shape[CP_CHECKPOINT_RANK];
    size_t stride[CP_CHECKPOINT_RANK]; /* in elements */
    const void *data;                  /* mapped, perhaps unaligned: the first element. Every element that the
                                          strides lead to is inside the file */
    size_t index;                      /* place in the file's order */
};

struct cp_checkpoint;

/* Of FILE#KEY, which names one of several models in a file, the KEY; NULL: the path is a file's own. In path. */
const char *cp_checkpoint_key(const char *path);
/* Whether the file of FILE or FILE#KEY is there and can be read. */
bool cp_checkpoint_is_here(const char *path);

/* By the file's first bytes, never by its name; a KEY is left to others. CP_BAD_INPUT names the file, the place in it and what was
 * expected. Close with cp_checkpoint_close, which may also be given NULL; *file is NULL after a failure. */
enum cp_status cp_checkpoint_open(const char *path, struct cp_checkpoint **file, struct cp_error *err);
void cp_checkpoint_close(struct cp_checkpoint *file);

enum cp_checkpoint_format cp_checkpoint_format(const struct cp_checkpoint *file);
size_t cp_checkpoint_count(const struct cp_checkpoint *file);
/* By index. */
const struct cp_checkpoint_tensor *cp_checkpoint_at(const struct cp_checkpoint *file, size_t index);
/* NULL: none. */
const struct cp_checkpoint_tensor *cp_checkpoint_find(const struct cp_checkpoint *file, const char *name);

/* Leaves the tensors alone that keep (by index) is true of, with `instead` in the place of the first `prefix` bytes of
 * their names. */
enum cp_status cp_checkpoint_select(struct cp_checkpoint *file, const bool *keep, size_t prefix,
                                    const char *instead, struct cp_error *err);
/* What it took from before their names; "": nothing. */
const char *cp_checkpoint_prefix(const struct cp_checkpoint *file);
/* Whether names had words of PyTorch's wrappers in them (_orig_mod., ...), which are gone. */
bool cp_checkpoint_was_wrapped(const struct cp_checkpoint *file);
/* Turns a tensor of four dimensions from (out, y, x, in) to (out, in, y, x). */
void cp_checkpoint_channels_first(struct cp_checkpoint *file, const struct cp_checkpoint_tensor *tensor);

size_t cp_checkpoint_elements(const struct cp_checkpoint_tensor *tensor);

/* CP_BAD_INPUT where its dtype is none of weights, such as a whole number. */
enum cp_status cp_checkpoint_is_weight(const struct cp_checkpoint *file,
                                       const struct cp_checkpoint_tensor *tensor, struct cp_error *err);

/* Elements row-major as float32: exact for F32, F16 and BF16, of F64 only where every value is a float32
 * (else CP_BAD_INPUT names the element); other dtypes are refused. Compares the checksum of the tensor's
 * bytes first, where the format has one. */
enum cp_status cp_checkpoint_widen(const struct cp_checkpoint *file,
                                   const struct cp_checkpoint_tensor *tensor, float *values,
                                   struct cp_error *err);
/* That checksum alone, for those who read tensor->data. */
enum cp_status cp_checkpoint_check(const struct cp_checkpoint *file,
                                   const struct cp_checkpoint_tensor *tensor, struct cp_error *err);

/* Text that the file carries beside its tensors (safetensors' __metadata__): NULL where it has none of that
 * key. */
const char *cp_checkpoint_metadata(const struct cp_checkpoint *file, const char *key);
/* Every file that it is made of, the one that was opened first. */
const char *cp_checkpoint_file(const struct cp_checkpoint *file);
size_t cp_checkpoint_files(const struct cp_checkpoint *file, const char *const **paths);
/* Sentences for people about what was left out or changed, such as "prefix module. stripped from every name". */
enum cp_status cp_checkpoint_note(struct cp_checkpoint *file, struct cp_error *err, const char *format, ...)
    CP_PRINTF(3, 4);
const struct cp_notes *cp_checkpoint_notes(const struct cp_checkpoint *file);

#endif
