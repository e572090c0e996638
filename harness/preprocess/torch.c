/* SPDX-License-Identifier: GPL-3.0-or-later
 * torchvision's resize of a tensor of bytes (transforms/functional_tensor.py resize): to float32,
 * interpolated without align_corners (preprocess/torch_axis.h), clamped, rounded half to even, to bytes. */
#include "preprocess/torch_axis.h"
#include "preprocess/variants.h"

static enum cp_status make_antialias(const struct cp_resize_job *job, size_t length,
                                     const struct cp_span *span, struct cp_axis *axis, struct cp_error *err) {
    return cp_torch_axis_antialias(job->filter, length, span, job->path, axis, err);
}

static enum cp_status apply_antialias(const struct cp_resize_job *job, struct cp_error *err) {
    const struct cp_float_resize how = {
        .make = make_antialias, .sum = cp_torch_sum_antialias, .after = cp_round_byte};
    return cp_float_resize(&how, job, err);
}

static enum cp_status make_plain(const struct cp_resize_job *job, size_t length, const struct cp_span *span,
                                 struct cp_axis *axis, struct cp_error *err) {
    return cp_torch_axis_plain(job->filter, length, span, job->path, axis, err);
}

static enum cp_status apply_plain(const struct cp_resize_job *job, struct cp_error *err) {
    const struct cp_float_resize how = {
        .make = make_plain, .sum = cp_torch_sum_plain, .after = cp_round_byte};
    return cp_float_resize(&how, job, err);
}

const struct cp_resize cp_resize_torch_antialias = {
    .info = {.name = "torch_antialias",
             .imitates =
                 "torchvision resize(uint8 tensor, antialias=True), Hugging Face's fast image processors",
             .formula = "sum of x * w in fp32 per pass, a = -0.5, rounded to bytes once at the end",
             .source =
                 "pytorch/pytorch aten/src/ATen/native/cpu/UpSampleKernel.cpp _compute_indices_weights_aa",
             .maths = "resample_antialias"},
    .apply = apply_antialias,
};

const struct cp_resize cp_resize_torch = {
    .info = {.name = "torch",
             .imitates = "torchvision resize(uint8 tensor, antialias=False), F.interpolate",
             .formula = "4 x 4 neighbours with a = -0.75, or 2 x 2, in fp32, however much smaller it becomes",
             .source = "pytorch/pytorch aten/src/ATen/native/cpu/UpSampleKernel.cpp HelperInterpCubic",
             .maths = "interpolate"},
    .apply = apply_plain,
};
