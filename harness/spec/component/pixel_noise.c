/* SPDX-License-Identifier: GPL-3.0-or-later
 * Noise in the pixels. As sigma is 0 by default, nothing is added. The kernel is inputs/noise.c. */
#include "spec/component.h"

static const struct cp_variant normal = {
    .name = "normal",
    .imitates = "pixels + sigma * torch.randn(images, 3, size, size), after torch.manual_seed(seed)",
    .formula = "x + sigma z, z of one draw over all images of the run",
    .source = "pytorch/pytorch v1.13 aten/src/ATen/native/cpu/DistributionTemplates.h",
    .maths = "pixel_noise",
};

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index == 0 ? &normal : NULL;
}

static const struct cp_knob knobs[] = {
    {.name = "sigma",
     .what = "standard deviation of the noise, in normalised units",
     .initial = "0",
     .maths = true,
     .number = CP_NOT_NEGATIVE},
    {.name = "seed",
     .what = "of torch.manual_seed before the noise",
     .initial = "0",
     .maths = true,
     .number = CP_TORCH_SEED},
    {.name = NULL},
};

const struct cp_component cp_component_pixel_noise = {
    .name = "pixel_noise",
    .what = "random numbers added to pixels.normalized",
    .variant = variant,
    .initial = "normal",
    .reach = CP_BEFORE_IMAGES,
    .knobs = knobs,
};
