/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whether a checkpoint's tensors are those that a config calls for: names, shapes and dtypes; no value is read. */
#ifndef CP_MODEL_FIT_H
#define CP_MODEL_FIT_H

#include "model/layout/layout.h"
#include "model/tensors.h"

struct cp_fit {
    const struct cp_checkpoint *file;
    const char *path;
    bool whole;            /* every tower of the config must be there, with all its rows */
    const char *called_by; /* what calls for the tensors: "the config" */
};

/* Narrows the config to what the file has: towers, a lone tower's projection, rows of the text tower's tables
 * (model/model.h); then checks every tensor. CP_BAD_INPUT names the first that does not fit, and counts the others. */
enum cp_status cp_model_fit(const struct cp_fit *fit, struct cp_clip_config *config, struct cp_error *err);

/* The grid that the file's position embeddings have where the model has another; 0: they fit, or are none. */
size_t cp_fit_other_grid(const struct cp_model *model, const struct cp_model_tensor *tensor,
                         const struct cp_layout_source *source);

#endif
