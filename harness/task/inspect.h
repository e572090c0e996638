/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a checkpoint is: its format, architecture, numbers and identity, and which activation it was trained
 * with, where that can be told. */
#ifndef CP_TASK_INSPECT_H
#define CP_TASK_INSPECT_H

#include "base/digest.h"
#include "checkpoint/checkpoint.h"
#include "task/calibrate.h"

enum {
    CP_GROUP_EMBEDDINGS,
    CP_GROUP_ATTENTION,
    CP_GROUP_MLP,
    CP_GROUP_NORMS,
    CP_GROUP_PROJECTIONS,
    CP_GROUP_SCALARS,
    CP_GROUP_COUNT
};
extern const char *const cp_group_names[CP_GROUP_COUNT];

struct cp_group {
    size_t tensors, elements;
    size_t of_dtype[CP_DTYPE_COUNT]; /* elements */
    size_t fp16, bf16;               /* elements that are values of that format */
};

struct cp_inspection {
    const char *path;
    enum cp_checkpoint_format format;
    const char *layout; /* NULL: of no CLIP, because: */
    char no_layout[512];
    size_t files, bytes;
    char sha256[CP_DIGEST_HEX]; /* of the file; "" where there are several */
    const char *published;      /* the name of the published file with that digest, or NULL */
    struct cp_notes notes;
    struct cp_group group[CP_GROUP_COUNT];
    size_t tensors, parameters, vision_parameters, text_parameters;
    size_t nonfinite;
    const char *first_nonfinite; /* NULL: none */
    bool has_scale;
    double logit_scale;
    bool has_config;
    char no_config[512]; /* why shapes alone do not tell one, where nothing else does */
    char misfit[1200];   /* why the tensors make no model of that config; "": they do */
    struct cp_clip_config config;
    const char *config_from; /* in words */
    const char *same_shapes; /* a named config, or NULL */
    /* Who says which activation; -1: nobody. */
    int config_says, file_says, identity_says;
    bool calibrated;
    struct cp_calibration calibration;
};

struct cp_inspect_inputs {
    const char *path, *config, *name; /* config, name: NULL where there are none */
    const char *images, *prompts, *classes, *templates, *labels, *limit; /* NULL: not given */
};

/* Strings live in the arena and in `file`, which stays open until cp_checkpoint_close. */
enum cp_status cp_inspect(const struct cp_inspect_inputs *inputs, struct cp_arena *arena,
                          struct cp_checkpoint **file, struct cp_inspection *inspection,
                          struct cp_error *err);

#endif
