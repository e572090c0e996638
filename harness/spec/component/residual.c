/* SPDX-License-Identifier: GPL-3.0-or-later
 * The type of the residual stream. Variants are storage types: the index is enum cp_dtype. */
#include "spec/component.h"

static const struct cp_variant variants[] = {
    {"fp32", "open_clip precision='fp32'", "x + branch, one rounding to fp32", "open_clip model.py",
     "residual", NULL},
    {"fp16", "OpenAI CLIP on GPU", "x + branch, one rounding to fp16", "openai/CLIP clip/model.py",
     "residual", NULL},
    {"bf16", "open_clip precision='bf16'", "x + branch, one rounding to bf16", "open_clip model.py",
     "residual", NULL},
};

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index < 3 ? &variants[index] : NULL;
}

const struct cp_component cp_component_residual = {
    .name = "residual",
    .what = "type of the stream that blocks add to",
    .variant = variant,
    .initial = "fp32",
};
