/* SPDX-License-Identifier: GPL-3.0-or-later
 * clip.cpp's resize (monatis/clip.cpp clip.cpp clip_image_preprocess). Bicubic: Pillow's weights, their
 * centres divided last, sums in double, float32 clamped to 0 to 255 after each pass. Bilinear is that of
 * ggml's examples (examples/sam sam_image_preprocess), with which such ports began: the 2 x 2 neighbours in
 * float32, rounded to bytes. Both round the longer side half up: preprocess.long_side: round is the same but
 * for exact halves. */
#include "preprocess/float_axes.h"
#include "preprocess/variants.h"

#include <math.h>

static double cubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static void fill_cubic(struct cp_axis *axis, size_t o, double centre, double scale, size_t length) {
    const double support = 2.0 * scale;
    const long low = (long)(centre - support + 0.5), high = (long)(centre + support + 0.5);
    const size_t first = low < 0 ? 0 : (size_t)low, end = high > (long)length ? length : (size_t)high;
    double total = 0.0, *weight = axis->weight + o * axis->taps;
    for (size_t t = 0; t < end - first; t++) {
        axis->at[o * axis->taps + t] = first + t;
        weight[t] = cubic(((double)(t + first) - centre + 0.5) * (1.0 / scale));
        total += weight[t];
    }
    for (size_t t = 0; t < end - first && total != 0.0; t++)
        weight[t] /= total;
}

static enum cp_status make_cubic(const struct cp_resize_job *job, size_t length, const struct cp_span *span,
                                 struct cp_axis *axis, struct cp_error *err) {
    const double scale = (double)length / (double)span->length, wide = scale < 1.0 ? 1.0 : scale;
    CP_TRY(cp_axis_alloc(axis, span->count, (size_t)ceil(2.0 * wide) * 2 + 1, job->path, err));
    for (size_t o = 0; o < span->count; o++)
        fill_cubic(axis, o, ((double)(o + span->first) + 0.5) * (double)length / (double)span->length, wide,
                   length);
    return CP_OK;
}

static enum cp_status make_linear(const struct cp_resize_job *job, size_t length, const struct cp_span *span,
                                  struct cp_axis *axis, struct cp_error *err) {
    const float scale = (float)length / (float)span->length;
    CP_TRY(cp_axis_alloc(axis, span->count, 2, job->path, err));
    for (size_t o = 0; o < span->count; o++) {
        const float at = ((float)(o + span->first) + 0.5f) * scale - 0.5f;
        const size_t low = at < 0.0f ? 0 : (size_t)at;
        const float rest = at - (float)low; /* below 0 at the first edge: it extrapolates there */
        axis->at[2 * o] = low < length ? low : length - 1;
        axis->at[2 * o + 1] = low + 1 < length ? low + 1 : length - 1;
        axis->weight[2 * o] = (double)(1.0f - rest);
        axis->weight[2 * o + 1] = (double)rest;
    }
    return CP_OK;
}

/* std::round: halves away from zero. */
static float round_byte(float value) {
    return roundf(cp_clamp_byte(value));
}

static enum cp_status apply(const struct cp_resize_job *job, struct cp_error *err) {
    const struct cp_float_resize bicubic = {make_cubic, NULL, cp_clamp_byte, cp_clamp_byte};
    const struct cp_float_resize bilinear = {make_linear, cp_sum_fused, NULL, round_byte};
    return cp_float_resize(job->filter == CP_BICUBIC ? &bicubic : &bilinear, job, err);
}

const struct cp_resize cp_resize_clip_cpp = {
    .info = {.name = "clip_cpp",
             .imitates = "clip.cpp; bilinear: the linear resize of ggml's examples",
             .formula =
                 "bicubic: Pillow's weights, clamped to bytes, not rounded; bilinear: 2 x 2 neighbours",
             .source = "monatis/clip.cpp clip.cpp clip_image_preprocess",
             .maths = "resample_antialias"},
    .bilinear_maths = "clip_cpp_bilinear",
    .apply = apply,
};
