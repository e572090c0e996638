/* SPDX-License-Identifier: GPL-3.0-or-later
 * torchvision's resize of a tensor of bytes (transforms/functional_tensor.py resize): to float32,
 * interpolated without align_corners, clamped, rounded half to even, to bytes. pytorch/pytorch
 * aten/src/ATen/native/cpu/UpSampleKernel.cpp. A source's place is computed in double from a scale of
 * float32, and products and sums are fused, as its x86 builds do; which of them its compiler fuses is nowhere
 * written, so one byte in some ten thousand, one that lies halfway, comes out one apart. */
#include "preprocess/float_axes.h"
#include "preprocess/variants.h"

#include <math.h>

/* cubic_convolution1, cubic_convolution2 (UpSample.h), |x| < 1 and 1 <= |x| < 2 */
static float inner(float x, float a) {
    return fmaf(fmaf(a + 2, x, -(a + 3)) * x, x, 1);
}

static float outer(float x, float a) {
    return fmaf(fmaf(fmaf(a, x, -5 * a), x, 8 * a), x, -4 * a);
}

static float cubic(float x) {
    x = fabsf(x);
    return x < 1.0f ? inner(x, -0.5f) : x < 2.0f ? outer(x, -0.5f) : 0.0f;
}

static float linear(float x) {
    x = fabsf(x);
    return x < 1.0f ? 1.0f - x : 0.0f;
}

/* ---- antialias=True: _compute_indices_weights_aa ---- */

static void fill_antialias(const struct cp_resize_job *job, struct cp_axis *axis, size_t o, float centre,
                           float support, float inverse, size_t length) {
    const long low = (long)((double)(centre - support) + 0.5),
               high = (long)((double)(centre + support) + 0.5);
    const size_t first = low < 0 ? 0 : (size_t)low, end = high > (long)length ? length : (size_t)high;
    double *weight = axis->weight + o * axis->taps;
    float total = 0.0f;
    for (size_t t = 0; t < end - first; t++) {
        const float x = (float)(((double)((float)(t + first) - centre) + 0.5) * (double)inverse);
        const float w = job->filter == CP_BICUBIC ? cubic(x) : linear(x);
        axis->at[o * axis->taps + t] = first + t;
        weight[t] = (double)w;
        total += w;
    }
    for (size_t t = 0; t < end - first && total != 0.0f; t++)
        weight[t] = (double)((float)weight[t] / total);
}

static enum cp_status make_antialias(const struct cp_resize_job *job, size_t length,
                                     const struct cp_span *span, struct cp_axis *axis, struct cp_error *err) {
    const float scale = (float)length / (float)span->length;
    const float half = job->filter == CP_BICUBIC ? 2.0f : 1.0f;
    const float support = scale >= 1.0f ? half * scale : half, inverse = scale >= 1.0f ? 1.0f / scale : 1.0f;
    CP_TRY(cp_axis_room(axis, span->count, (size_t)ceilf(support) * 2 + 1, job->path, err));
    for (size_t o = 0; o < span->count; o++)
        fill_antialias(job, axis, o, (float)((double)scale * ((double)(o + span->first) + 0.5)), support,
                       inverse, length);
    return CP_OK;
}

static enum cp_status apply_antialias(const struct cp_resize_job *job, struct cp_error *err) {
    const struct cp_float_resize how = {.make = make_antialias, .single = true, .after = cp_round_byte};
    return cp_float_resize(&how, job, err);
}

/* ---- antialias=False: HelperInterpCubic, HelperInterpLinear ---- */

static size_t clamped(double at, size_t length) {
    return at < 0.0 ? 0 : at > (double)(length - 1) ? length - 1 : (size_t)at;
}

static void fill_cubic(struct cp_axis *axis, size_t o, double at, size_t length) {
    const double low = floor(at);
    const float t = (float)(at - low);
    const float weight[4] = {outer(t + 1.0f, -0.75f), inner(t, -0.75f), inner(1.0f - t, -0.75f),
                             outer(2.0f - t, -0.75f)};
    for (size_t i = 0; i < 4; i++) {
        axis->at[o * 4 + i] = clamped(low - 1.0 + (double)i, length);
        axis->weight[o * 4 + i] = (double)weight[i];
    }
}

static void fill_linear(struct cp_axis *axis, size_t o, double at, size_t length) {
    const double from = at < 0.0 ? 0.0 : at, low = floor(from);
    const float t = (float)(from - low);
    axis->at[o * 2] = clamped(low, length);
    axis->at[o * 2 + 1] = clamped(low + 1.0, length);
    axis->weight[o * 2] = (double)(1.0f - t);
    axis->weight[o * 2 + 1] = (double)t;
}

static enum cp_status make_plain(const struct cp_resize_job *job, size_t length, const struct cp_span *span,
                                 struct cp_axis *axis, struct cp_error *err) {
    const bool is_cubic = job->filter == CP_BICUBIC;
    const float scale = (float)length / (float)span->length;
    CP_TRY(cp_axis_room(axis, span->count, is_cubic ? 4 : 2, job->path, err));
    for (size_t o = 0; o < span->count; o++)
        (is_cubic ? fill_cubic
                  : fill_linear)(axis, o, (double)scale * ((double)(o + span->first) + 0.5) - 0.5, length);
    return CP_OK;
}

static enum cp_status apply_plain(const struct cp_resize_job *job, struct cp_error *err) {
    const struct cp_float_resize how = {.make = make_plain, .single = true, .after = cp_round_byte};
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
