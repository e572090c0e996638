/* SPDX-License-Identifier: GPL-3.0-or-later
 * The activation: mlp.gelu. Variants: ops/activation. */
#include "spec/component.h"

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    return ops->activations[index] ? &ops->activations[index]->info : NULL;
}

/* open_clip's quick_gelu flag, else nn.GELU with its approximate= argument. */
static const char *by_config(const struct cp_clip_config *config, enum cp_tower tower) {
    return cp_config_activation_names[cp_tower_shape(config, tower).activation];
}

static const struct cp_knob knobs[] = {
    {.name = "compute",
     .what = "type of each rounding of the activation",
     .options = cp_types,
     .initial = "fp32"},
    {.name = NULL},
};

const struct cp_component cp_component_activation = {
    .name = "activation",
    .what = "mlp.gelu",
    .variant = variant,
    .initial = "auto",
    .automatic = "what the model's config says: quick, erf or tanh",
    .by_config = by_config,
    .knobs = knobs,
};
