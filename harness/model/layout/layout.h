/* SPDX-License-Identifier: GPL-3.0-or-later
 * Under which names, and in which form, a checkpoint holds the tensors of a model. The model's own names and
 * shapes are those of OpenAI's and open_clip's class CLIP (model/model.h); a layout is a table of rules from
 * them to the names in the file, so that another layout is another file of
 * model/layouts and a row in layout.c. */
#ifndef CP_MODEL_LAYOUT_H
#define CP_MODEL_LAYOUT_H

#include "checkpoint/checkpoint.h"

#include <stdbool.h>

enum cp_layout_form {
    CP_LAYOUT_WHOLE,      /* as the model has it */
    CP_LAYOUT_TRANSPOSED, /* nn.Linear's (out, in) where the model has (in, out) */
    CP_LAYOUT_QKV,        /* rows q, k and v of the model's tensor are three tensors; % in the file's name */
    CP_LAYOUT_IGNORED     /* no part of the model; the rule has no name of the model */
};

/* In both names # is a number and * at the end is any rest. Where several rules fit a name, the first whose
 * tensor is in the file holds, else the first. */
struct cp_layout_rule {
    const char *model, *file;
    enum cp_layout_form form;
};

/* How a tower saved by itself is told: its tensors lack the layout's word for it ("visual."). */
struct cp_layout_tower {
    const char *signature, *word; /* NULL: no more */
};

struct cp_layout {
    const char *name;         /* "OpenAI CLIP", ... */
    const char *signature[3]; /* a file with a tensor of one of these names has the layout; NULL: no more */
    const struct cp_layout_rule *rules; /* up to one without names */
    struct cp_layout_tower tower[3];
    bool transformers; /* the names are transformers', and open_clip does not load them */
};

enum { CP_LAYOUT_NAME = 256 };

/* The layout of a file; CP_BAD_INPUT where it has none of them, with what it seems to be. */
enum cp_status cp_layout_of(const struct cp_checkpoint *file, const char *path,
                            const struct cp_layout **layout, struct cp_error *err);

/* Whether a name ends with the signature of a layout or of a tower, behind a prefix of `length` bytes. *word: what a
 * tower lacks, or "". */
bool cp_layout_signature(const char *name, size_t *length, const char **word);

/* Where one tensor of the model is. */
struct cp_layout_source {
    enum cp_layout_form form;
    size_t parts; /* 1, or 3 with CP_LAYOUT_QKV */
    const struct cp_checkpoint_tensor *part[3];
    char name[CP_LAYOUT_NAME]; /* in the file: of the first that is missing, else the first */
};

/* False where a part is missing: source->name then says which. */
bool cp_layout_find(const struct cp_layout *layout, const struct cp_checkpoint *file, const char *model,
                    struct cp_layout_source *source);
/* Whether the file has anything of a tower of the model. */
bool cp_layout_has_vision(const struct cp_layout *layout, const struct cp_checkpoint *file);
bool cp_layout_has_text(const struct cp_layout *layout, const struct cp_checkpoint *file);

/* Whether the file has one tower alone and not its projection, as CLIPTextModel and CLIPVisionModel are saved: then that
 * tower's features are what was pooled. */
bool cp_layout_lacks_projection(const struct cp_layout *layout, const struct cp_checkpoint *file);

/* Whether a tensor of the file is no part of any model, such as position_ids or a loss. */
bool cp_layout_ignores(const struct cp_layout *layout, const struct cp_checkpoint_tensor *tensor);

/* The shape that each part has in the file where the model's tensor has this one. */
void cp_layout_file_shape(const struct cp_layout_source *source, int rank, const size_t *shape,
                          size_t *in_file);

/* The model's tensor, row-major, as float32; the parts have that shape. */
enum cp_status cp_layout_widen(const struct cp_checkpoint *file, const struct cp_layout_source *source,
                               float *values, struct cp_error *err);

#endif
