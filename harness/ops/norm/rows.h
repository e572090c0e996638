/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the norm variants share: everything but how mean and variance are found.
 *
 * Per row: rstd = 1 / sqrt(variance + eps), eps in float32, each operation and operand of the statistics
 * rounded to args->stats; then in float32 without fma y = ((x - mean) * rstd) * weight + bias, four
 * roundings; then y is rounded to args->output. */
#ifndef CP_OPS_NORM_ROWS_H
#define CP_OPS_NORM_ROWS_H

#include "ops/ops.h"
#include "ops/tree.h"

struct cp_moments {
    float mean, variance; /* biased: divided by n */
};

typedef struct cp_moments cp_moments_fn(const float *x, size_t n, enum cp_dtype stats);

CP_INLINE float cp_norm_value(float x, enum cp_dtype dtype) {
    return cp_round_to(dtype, x);
}

CP_INLINE void cp_norm_row(const struct cp_norm_args *args, const float *x, float *y, enum cp_dtype stats,
                           cp_moments_fn *moments) {
    const struct cp_moments m = moments(x, args->width, stats);
    const float shifted = cp_round_to(stats, m.variance + (float)args->eps);
    const float rstd = cp_round_to(stats, 1.0f / cp_round_to(stats, __builtin_sqrtf(shifted)));
    const float *const weight = args->weight, *const bias = args->bias;
    memmove(y, x, args->width * sizeof *y);
    for (size_t i = 0; i < args->width; i++)
        y[i] = ((y[i] - m.mean) * rstd) * weight[i] + bias[i];
    cp_map(y, y, args->width, args->output, cp_norm_value);
}

/* stats is a constant in each loop, so that the sums vectorise. */
CP_INLINE void cp_norm_rows(const struct cp_norm_args *args, cp_moments_fn *moments) {
    for (size_t row = 0; row < args->rows; row++) {
        const float *const x = args->x + row * args->width;
        float *const y = args->y + row * args->width;
        if (args->stats == CP_FP16)
            cp_norm_row(args, x, y, CP_FP16, moments);
        else if (args->stats == CP_BF16)
            cp_norm_row(args, x, y, CP_BF16, moments);
        else
            cp_norm_row(args, x, y, CP_FP32, moments);
    }
}

#endif
