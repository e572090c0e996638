/* SPDX-License-Identifier: GPL-3.0-or-later
 * What checkpoint/checkpoint.c gives the readers of formats, and what they fill in. */
#ifndef CP_CHECKPOINT_INTERNAL_H
#define CP_CHECKPOINT_INTERNAL_H

#include "base/arena.h"
#include "base/notes.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "format/zip_archive.h"

enum { CP_CHECKPOINT_FILES = 1024 };

/* The record of an archive that holds a tensor, whose checksum is compared before it is read; NULL: of no archive. */
struct cp_checkpoint_record {
    struct cp_zip *zip;
    struct cp_zip_record *record;
};

struct cp_checkpoint {
    const char *path;
    enum cp_checkpoint_format format;
    struct cp_checkpoint_tensor *tensors; /* in the file's order */
    struct cp_checkpoint_record *records; /* (count) */
    size_t count, capacity;
    const struct cp_checkpoint_tensor **by_name;
    const char **paths;
    size_t path_count;
    const char *prefix; /* taken from every name; NULL: none was */
    bool wrapped;       /* names had words of PyTorch's wrappers */
    struct cp_notes notes;
    struct cp_safetensors *safetensors;
    struct cp_zip *zip;
    struct cp_checkpoint **shards; /* of an index */
    size_t shard_count;
    struct cp_arena arena;
};

/* The readers. The path is set; the file is one of this format by its first bytes. */
enum cp_status cp_checkpoint_read_safetensors(struct cp_checkpoint *file, struct cp_error *err);
enum cp_status cp_checkpoint_read_index(struct cp_checkpoint *file, struct cp_error *err);
/* Of either kind of archive. */
enum cp_status cp_checkpoint_read_zip(struct cp_checkpoint *file, struct cp_error *err);
/* file->zip is open. */
enum cp_status cp_checkpoint_read_torch(struct cp_checkpoint *file, struct cp_error *err);
enum cp_status cp_checkpoint_read_npz(struct cp_checkpoint *file, struct cp_error *err);
enum cp_status cp_checkpoint_read_hdf5(struct cp_checkpoint *file, struct cp_error *err);

/* The rules for names that safetensors has, for every format: what is expected of a malformed one, or NULL.
 * That they are not too long is the readers'. */
const char *cp_checkpoint_wrong_name(const char *name);

/* Adds a copy of a tensor, its index set and its name checked. record: of file->zip, or NULL. */
enum cp_status cp_checkpoint_add(struct cp_checkpoint *file, const struct cp_checkpoint_tensor *tensor,
                                 struct cp_zip_record *record, struct cp_error *err);
/* Opens a safetensors file and adds all its tensors. */
enum cp_status cp_checkpoint_add_safetensors(struct cp_checkpoint *file, const char *path,
                                             struct cp_error *err);
/* Opens a file of any format but an index, its names as they are. */
enum cp_status cp_checkpoint_open_shard(const char *path, struct cp_checkpoint **shard, struct cp_error *err);
/* What all readers' names go through at last: wrappers stripped, sorted, none twice. */
enum cp_status cp_checkpoint_name(struct cp_checkpoint *file, struct cp_error *err);
/* Sets the strides of elements row by row. */
void cp_checkpoint_row_major(struct cp_checkpoint_tensor *tensor);

/* "FILE: tensor NAME", for errors. */
const char *cp_checkpoint_place(const struct cp_checkpoint *file, const char *name, char where[512]);

#endif
