/* SPDX-License-Identifier: GPL-3.0-or-later
 * What checkpoint/checkpoint.c gives the readers of formats, and what they fill in. */
#ifndef CP_CHECKPOINT_INTERNAL_H
#define CP_CHECKPOINT_INTERNAL_H

#include "base/arena.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "format/zip_archive.h"

enum { CP_CHECKPOINT_FILES = 1024 };

struct cp_checkpoint {
    const char *path;
    enum cp_checkpoint_format format;
    struct cp_checkpoint_tensor *tensors; /* in the file's order */
    struct cp_zip_record **records;       /* (count) that hold them; NULL: of no archive */
    size_t count, capacity;
    const struct cp_checkpoint_tensor **by_name;
    const char **paths, **notes;
    size_t path_count, note_count;
    struct cp_safetensors **shards; /* of either safetensors format */
    size_t shard_count;
    struct cp_zip *zip; /* of an archive */
    struct cp_arena arena;
};

/* The readers. The path is set; the file is one of this format by its first bytes. */
enum cp_status cp_checkpoint_read_safetensors(struct cp_checkpoint *file, struct cp_error *err);
enum cp_status cp_checkpoint_read_index(struct cp_checkpoint *file, struct cp_error *err);
/* file->zip is open. */
enum cp_status cp_checkpoint_read_torch(struct cp_checkpoint *file, struct cp_error *err);
enum cp_status cp_checkpoint_read_npz(struct cp_checkpoint *file, struct cp_error *err);
enum cp_status cp_checkpoint_read_hdf5(struct cp_checkpoint *file, struct cp_error *err);

/* The rules for names that safetensors has, for every format: what is expected of a malformed one, or NULL.
 * That they are not too long is the readers'. */
const char *cp_checkpoint_wrong_name(const char *name);

/* Adds a copy of a tensor, its index set and its name checked. record: may be NULL. */
enum cp_status cp_checkpoint_add(struct cp_checkpoint *file, const struct cp_checkpoint_tensor *tensor,
                                 struct cp_zip_record *record, struct cp_error *err);
/* Opens a safetensors file and adds all its tensors. */
enum cp_status cp_checkpoint_add_shard(struct cp_checkpoint *file, const char *path, struct cp_error *err);
enum cp_status cp_checkpoint_note(struct cp_checkpoint *file, struct cp_error *err, const char *format, ...)
    CP_PRINTF(3, 4);
/* Sets the strides of elements row by row. */
void cp_checkpoint_row_major(struct cp_checkpoint_tensor *tensor);

/* "FILE: tensor NAME", for errors. */
const char *cp_checkpoint_place(const struct cp_checkpoint *file, const char *name, char where[512]);

#endif
