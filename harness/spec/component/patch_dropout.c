/* SPDX-License-Identifier: GPL-3.0-or-later
 * Patches that are not seen. As prob is 0 by default, none is dropped. The kernel is model/patch_dropout.c. */
#include "spec/component.h"

static const struct cp_variant open_clip = {
    .name = "open_clip",
    .imitates = "open_clip's PatchDropout in training, after torch.manual_seed(seed)",
    .formula = "keys and pooling over the class token and max(1, int(patches (1 - prob))) patches of each "
               "image: topk of one torch.randn(images, patches)",
    .source = "Li et al. 2022, arXiv:2212.00794; mlfoundations/open_clip src/open_clip/transformer.py",
    .maths = "patch_dropout",
};

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index == 0 ? &open_clip : NULL;
}

static const struct cp_knob knobs[] = {
    {.name = "prob",
     .what = "share of the patches that is dropped",
     .initial = "0",
     .maths = true,
     .number = CP_PROBABILITY},
    {.name = "seed",
     .what = "of torch.manual_seed before the choice",
     .initial = "0",
     .maths = true,
     .number = CP_TORCH_SEED},
    {.name = NULL},
};

const struct cp_component cp_component_patch_dropout = {
    .name = "patch_dropout",
    .what = "random patches that the image tower does not see",
    .variant = variant,
    .initial = "open_clip",
    .reach = CP_WHOLE_IMAGE_TOWER,
    .knobs = knobs,
};
