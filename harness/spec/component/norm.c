/* SPDX-License-Identifier: GPL-3.0-or-later
 * The layer norms. Variants: ops/norm. */
#include "spec/component.h"

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    return ops->norms[index] ? &ops->norms[index]->info : NULL;
}

static double config_eps(const struct cp_clip_config *config, enum cp_tower tower) {
    return cp_tower_shape(config, tower).eps;
}

static const struct cp_knob knobs[] = {
    {.name = "eps",
     .what = "added to the variance",
     .number_by_config = config_eps,
     .maths = true,
     .number = CP_POSITIVE},
    {.name = "stats", .what = "type of mean and variance", .options = cp_types, .initial = "fp32"},
    {.name = NULL},
};

const struct cp_component cp_component_norm = {
    .name = "norm",
    .what = "ln_pre, ln_1, ln_2, ln_post, ln_final",
    .variant = variant,
    .initial = "two_pass",
    .knobs = knobs,
};
