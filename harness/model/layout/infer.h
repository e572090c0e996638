/* SPDX-License-Identifier: GPL-3.0-or-later
 * The architecture as the shapes of a checkpoint tell it: the rules of OpenAI's build_model (openai/CLIP
 * clip/model.py). */
#ifndef CP_MODEL_INFER_H
#define CP_MODEL_INFER_H

#include "config/clip_config.h"
#include "model/layout/layout.h"

/* Fills config; a tower that is not in the file has no layers. What shapes do not tell: heads are taken to be
 * 64 wide, or left 0 where the width is no multiple of it, the activation is left unknown, pooling, eps and the images' mean and std are OpenAI's.
 * CP_BAD_INPUT where the shapes are those of no CLIP. */
enum cp_status cp_infer_config(const struct cp_layout *layout, const struct cp_checkpoint *file,
                               const char *path, struct cp_clip_config *config, struct cp_error *err);

#endif
