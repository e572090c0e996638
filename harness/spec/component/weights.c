/* SPDX-License-Identifier: GPL-3.0-or-later
 * The type that weights are rounded to at load. Variants are storage types: the index is enum cp_dtype. */
#include "spec/component.h"

static const struct cp_variant variants[] = {
    {"fp32", "the file's values", "W as stored, widened to fp32", "-", "weights", NULL},
    {"fp16", "convert_weights_to_fp16", "W rounded to fp16 at load",
     "openai/CLIP clip/model.py convert_weights", "weights", NULL},
    {"bf16", "convert_weights_to_lp(bfloat16)", "W rounded to bf16 at load", "open_clip model.py", "weights",
     NULL},
};

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index < 3 ? &variants[index] : NULL;
}

static const char *const scopes[] = {"linear", "all", NULL}; /* enum cp_weights_scope */

static const struct cp_knob knobs[] = {
    {.name = "scope",
     .what = "which weights are rounded: linear (conv, linear, projections) or all (norms, embeddings, "
             "logit_scale too)",
     .options = scopes,
     .initial = "linear"},
    {.name = NULL},
};

const struct cp_component cp_component_weights = {
    .name = "weights",
    .what = "type that weights are rounded to at load",
    .variant = variant,
    .initial = "fp32",
    .knobs = knobs,
};
