/* SPDX-License-Identifier: GPL-3.0-or-later
 * Filter weights for cubic and linear, with and without antialiasing, and the sums that go with each. */
#include "preprocess/torch_axis.h"

#include <math.h>

/* ---- antialias=True ---- */

/* aa_filter of HelperInterpCubic: its constants are double, so the first branch is computed in double. */
static float cubic_antialias(float x) {
    x = fabsf(x);
    if (x < 1.0f) {
        const double wide = (double)x;
        return (float)((1.5 * wide - 2.5) * wide * wide + 1.0);
    }
    return x < 2.0f ? -0.5f * fmaf(fmaf(x - 5.0f, x, 8.0f), x, -4.0f) : 0.0f;
}

static float linear(float x) {
    x = fabsf(x);
    return x < 1.0f ? 1.0f - x : 0.0f;
}

static void fill_antialias(enum cp_resize_filter filter, struct cp_axis *axis, size_t o, float centre,
                           float support, float inverse, size_t length) {
    const long low = (long)((double)(centre - support) + 0.5),
               high = (long)((double)(centre + support) + 0.5);
    const size_t first = low < 0 ? 0 : (size_t)low, end = high > (long)length ? length : (size_t)high;
    double *weight = axis->weight + o * axis->taps;
    float total = 0.0f;
    axis->count[o] = end - first;
    for (size_t t = 0; t < end - first; t++) {
        const float x = (float)(((double)((float)(t + first) - centre) + 0.5) * (double)inverse);
        const float w = filter == CP_BICUBIC ? cubic_antialias(x) : linear(x);
        axis->at[o * axis->taps + t] = first + t;
        weight[t] = (double)w;
        total += w;
    }
    for (size_t t = 0; t < end - first && total != 0.0f; t++)
        weight[t] = (double)((float)weight[t] / total);
}

enum cp_status cp_torch_axis_antialias(enum cp_resize_filter filter, size_t length,
                                       const struct cp_span *span, const char *path, struct cp_axis *axis,
                                       struct cp_error *err) {
    const float scale = (float)length / (float)span->length;
    const float half = filter == CP_BICUBIC ? 2.0f : 1.0f;
    const float support = scale >= 1.0f ? half * scale : half, inverse = scale >= 1.0f ? 1.0f / scale : 1.0f;
    CP_TRY(cp_axis_alloc(axis, span->count, (size_t)ceilf(support) * 2 + 1, path, err));
    for (size_t o = 0; o < span->count; o++)
        fill_antialias(filter, axis, o, (float)((double)scale * ((double)(o + span->first) + 0.5)), support,
                       inverse, length);
    return CP_OK;
}

/* The compiler multiplies four at a time, and adds these products one by one; what is left is fused. */
float cp_torch_sum_antialias(const struct cp_axis *axis, size_t output, const float *in, size_t stride) {
    const size_t *at = axis->at + output * axis->taps;
    const double *weight = axis->weight + output * axis->taps;
    const size_t rest = axis->count[output] - 1, apart = rest - rest % 4;
    float sum = in[at[0] * stride] * (float)weight[0];
    for (size_t t = 1; t <= rest; t++) {
        const float product = in[at[t] * stride] * (float)weight[t];
        sum = t <= apart ? sum + product : fmaf(in[at[t] * stride], (float)weight[t], sum);
    }
    return sum;
}

/* ---- antialias=False ---- */

static const float A = -0.75f;

/* cubic_convolution1, cubic_convolution2 (UpSample.h), |x| < 1 and 1 <= |x| < 2 */
static float inner(float x) {
    const float product = fmaf(A + 2, x, -(A + 3)) * x;
    return product * x + 1;
}

static float outer(float x) {
    const float product = fmaf(fmaf(A, x, -5 * A), x, 8 * A) * x;
    return product - 4 * A;
}

static size_t clamped(double at, size_t length) {
    return at < 0.0 ? 0 : at > (double)(length - 1) ? length - 1 : (size_t)at;
}

/* A source's place is computed in double from a scale of float32. */
static void fill_cubic(struct cp_axis *axis, size_t o, double at, size_t length) {
    const double low = floor(at);
    const float t = (float)(at - low), left = 1.0f - t;
    const float weight[4] = {outer(t + 1.0f), inner(t), inner(left), outer(left + 1.0f)};
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

enum cp_status cp_torch_axis_plain(enum cp_resize_filter filter, size_t length, const struct cp_span *span,
                                   const char *path, struct cp_axis *axis, struct cp_error *err) {
    const bool is_cubic = filter == CP_BICUBIC;
    const float scale = (float)length / (float)span->length;
    CP_TRY(cp_axis_alloc(axis, span->count, is_cubic ? 4 : 2, path, err));
    for (size_t o = 0; o < span->count; o++)
        (is_cubic ? fill_cubic
                  : fill_linear)(axis, o, (double)scale * ((double)(o + span->first) + 0.5) - 0.5, length);
    return CP_OK;
}

/* The second product alone is rounded. */
float cp_torch_sum_plain(const struct cp_axis *axis, size_t output, const float *in, size_t stride) {
    const size_t *at = axis->at + output * axis->taps;
    const double *weight = axis->weight + output * axis->taps;
    float sum = in[at[1] * stride] * (float)weight[1];
    sum = fmaf(in[at[0] * stride], (float)weight[0], sum);
    for (size_t t = 2; t < axis->taps; t++)
        sum = fmaf(in[at[t] * stride], (float)weight[t], sum);
    return sum;
}
