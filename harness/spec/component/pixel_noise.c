/* SPDX-License-Identifier: GPL-3.0-or-later
 * Noise in the pixels, one draw over all images of the run, whatever the batch. As sigma is 0 by default, nothing is
 * added. */
#include "spec/component.h"

#include "torch/random.h"

enum { PIECE = 4096 };

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

static bool acts(const struct cp_choice *choice) {
    return choice->number[CP_PIXEL_NOISE_SIGMA] > 0;
}

static void start(const struct cp_choice *choice, size_t total, void *state) {
    cp_torch_normals_start(state, (uint64_t)choice->number[CP_PIXEL_NOISE_SEED], CP_TORCH_AVX2, total);
}

/* Two roundings: of the product, of the sum. */
static void add(const float *noise, float sigma, size_t n, float *x) {
    for (size_t i = 0; i < n; i++)
        x[i] += sigma * noise[i];
}

static void apply(const struct cp_choice *choice, void *state, size_t first, size_t count, float *pixels,
                  float *also) {
    const float sigma = (float)choice->number[CP_PIXEL_NOISE_SIGMA];
    float piece[PIECE];
    for (size_t at = 0; at < count; at += PIECE) {
        const size_t n = count - at < PIECE ? count - at : PIECE;
        cp_torch_normals_read(state, first + at, n, piece);
        add(piece, sigma, n, pixels + at);
        if (also)
            add(piece, sigma, n, also + at);
    }
}

static const struct cp_pixel_kernel kernel = {acts, apply, start, sizeof(struct cp_torch_normals)};

const struct cp_component cp_component_pixel_noise = {
    .name = "pixel_noise",
    .what = "random numbers added to pixels.normalized",
    .variant = variant,
    .initial = "normal",
    .reach = CP_BEFORE_IMAGES,
    .knobs = knobs,
    .pixels = &kernel,
};
