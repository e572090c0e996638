/* SPDX-License-Identifier: GPL-3.0-or-later
 * Matrix products. Variants: ops/linear. */
#include "spec/component.h"

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    return ops->linears[index] ? &ops->linears[index]->info : NULL;
}

static const char *const sums[] = {"fp32", "fp16", NULL};

static const struct cp_knob knobs[] = {
    {.name = "compute",
     .what = "type of the inputs, weights and outputs of matrix products",
     .options = cp_types,
     .initial = "fp32"},
    {.name = "accumulate", .what = "type of the sums in matrix products", .options = sums, .initial = "fp32"},
    {.name = "permute",
     .what = "seed of a permutation of the summed index in the towers' matrix products",
     .initial = "0",
     .number = CP_SEED},
    {.name = NULL},
};

const struct cp_component cp_component_linear = {
    .name = "linear",
    .what = "conv1, in_proj, out_proj, c_fc, c_proj, projections, logits",
    .variant = variant,
    .initial = "tree",
    .knobs = knobs,
};
