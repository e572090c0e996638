/* SPDX-License-Identifier: GPL-3.0-or-later
 * OpenCV's cv2.resize of bytes, INTER_CUBIC and INTER_LINEAR (opencv/opencv modules/imgproc/src/resize.cpp):
 * weights of 11 bits, sums in int32 across, then down. Cubic down is float32 in groups of eight values and
 * integers in the rest of a row, as its 128-bit vectors do it. Half of each side with INTER_LINEAR is the
 * mean of 2 x 2, as there. */
#include "preprocess/variants.h"

#include <math.h>
#include <stdlib.h>

enum { BITS = 11, ONE = 1 << BITS, GROUP = 8 };

/* One output: the inputs, inside the picture, and their weights. */
struct output {
    size_t at[4];
    int32_t weight[4];
};

/* interpolateCubic; A = -0.75 */
static void cubic(float x, float weight[4]) {
    const float a = -0.75f;
    weight[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
    weight[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
    weight[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
    weight[3] = 1.0f - weight[0] - weight[1] - weight[2];
}

static size_t clamped(long at, size_t length) {
    return at < 0 ? 0 : at >= (long)length ? length - 1 : (size_t)at;
}

/* Linear has two taps, of the four the middle ones. Beyond the edges it takes the last pixel of a row once,
 * but the last row twice. */
static struct output output_of(size_t o, size_t length, const struct cp_span *span, bool is_cubic,
                               bool is_row) {
    const double scale = 1.0 / ((double)span->length / (double)length);
    float at = (float)(((double)o + 0.5) * scale - 0.5), weight[4] = {0};
    long floor = (long)floorf(at);
    struct output out;
    at -= (float)floor;
    if (is_row && !is_cubic && floor < 0) {
        floor = 0;
        at = 0.0f;
    }
    if (is_row && !is_cubic && floor >= (long)length - 1) {
        floor = (long)length - 1;
        at = 0.0f;
    }
    if (is_cubic) {
        cubic(at, weight);
    } else {
        weight[1] = 1.0f - at;
        weight[2] = at;
    }
    for (int i = 0; i < 4; i++) {
        out.at[i] = clamped(floor - 1 + i, length);
        out.weight[i] = (int32_t)lrintf(weight[i] * ONE);
    }
    return out;
}

static uint8_t saturate(long value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* VResizeCubic; in its vectors VResizeCubicVec_32s8u. */
static uint8_t down_cubic(const int32_t sum[4], const int32_t weight[4], bool in_vector) {
    if (!in_vector) {
        const int32_t value =
            sum[0] * weight[0] + sum[1] * weight[1] + sum[2] * weight[2] + sum[3] * weight[3];
        return saturate((value + (1 << (2 * BITS - 1))) >> (2 * BITS));
    }
    const float scale = 1.0f / (ONE * ONE);
    float value = (float)sum[3] * ((float)weight[3] * scale);
    for (int i = 2; i >= 0; i--)
        value = (float)sum[i] * ((float)weight[i] * scale) + value;
    return saturate(lrintf(value));
}

/* VResizeLinear for bytes */
static uint8_t down_linear(const int32_t sum[4], const int32_t weight[4]) {
    return saturate((((weight[1] * (sum[1] >> 4)) >> 16) + ((weight[2] * (sum[2] >> 4)) >> 16) + 2) >> 2);
}

/* The row of sums across, of input row y. */
static int32_t across(const struct cp_picture *from, const struct output *x, size_t y, size_t c) {
    const uint8_t *row = from->bytes + y * from->width * 3 + c;
    int32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum += row[x->at[i] * 3] * x->weight[i];
    return sum;
}

static float value_of(const struct cp_resize_job *job, const struct output *x, const struct output *y,
                      size_t index) {
    const size_t values = job->x.length * 3;
    int32_t sum[4];
    for (int i = 0; i < 4; i++)
        sum[i] = across(job->from, x, y->at[i], index % 3);
    if (job->filter == CP_BICUBIC)
        return down_cubic(sum, y->weight, index < values / GROUP * GROUP);
    return down_linear(sum, y->weight);
}

/* ResizeAreaFast for factors of two. */
static float mean_of_four(const struct cp_picture *from, size_t u, size_t v, size_t c) {
    const uint8_t *at = from->bytes + (2 * v * from->width + 2 * u) * 3 + c, *below = at + from->width * 3;
    return (float)((at[0] + at[3] + below[0] + below[3] + 2) >> 2);
}

static bool is_half(const struct cp_resize_job *job) {
    return job->filter == CP_BILINEAR && job->from->width == 2 * job->x.length &&
           job->from->height == 2 * job->y.length;
}

/* cv2.resize copies a picture that has its size already. */
static bool is_copy(const struct cp_resize_job *job) {
    return job->from->width == job->x.length && job->from->height == job->y.length;
}

static enum cp_status apply(const struct cp_resize_job *job, struct cp_error *err) {
    const bool is_cubic = job->filter == CP_BICUBIC, half = is_half(job), copy = is_copy(job);
    struct output *x = malloc(job->x.count * sizeof *x);
    CP_TRY(CP_CHECK_ALLOC(x, err, job->path, "resizing a picture"));
    for (size_t u = 0; u < job->x.count; u++)
        x[u] = output_of(u + job->x.first, job->from->width, &job->x, is_cubic, true);
    for (size_t v = 0; v < job->y.count; v++) {
        const struct output y = output_of(v + job->y.first, job->from->height, &job->y, is_cubic, false);
        for (size_t i = 0; i < job->x.count * 3; i++) {
            const size_t u = i / 3 + job->x.first, row = v + job->y.first;
            job->rgb[v * job->x.count * 3 + i] =
                copy   ? (float)job->from->bytes[(row * job->from->width + u) * 3 + i % 3]
                : half ? mean_of_four(job->from, u, row, i % 3)
                       : value_of(job, &x[i / 3], &y, u * 3 + i % 3);
        }
    }
    free(x);
    return CP_OK;
}

const struct cp_resize cp_resize_opencv = {
    .info = {.name = "opencv",
             .imitates = "OpenCV 4 cv2.resize, INTER_CUBIC and INTER_LINEAR",
             .formula = "4 x 4 neighbours with a = -0.75, or 2 x 2, weights of 11 bits, rounded to bytes",
             .source = "opencv/opencv modules/imgproc/src/resize.cpp",
             .maths = "interpolate"},
    .apply = apply,
};
