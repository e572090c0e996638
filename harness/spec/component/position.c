/* SPDX-License-Identifier: GPL-3.0-or-later
 * Position embeddings where they are resized. Variants: preprocess/position.h. */
#include "spec/component.h"

#include "preprocess/position.h"

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index < CP_POSITIONS ? &cp_positions[index].info : NULL;
}

static bool acts(const struct cp_clip_config *config) {
    return config->vision.stored_grid != 0;
}

const struct cp_component cp_component_position = {
    .name = "position",
    .what = "position embeddings to another grid of patches, where the file's are resized",
    .variant = variant,
    .initial = "open_clip",
    .reach = CP_BEFORE_IMAGES,
    .acts = acts,
};
