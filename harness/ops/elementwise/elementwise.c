/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rounding, addition, scaling and L2 normalisation: in float32, then rounded to the output's type. */
#include "ops/elementwise/elementwise.h"
#include "ops/tree.h"

CP_INLINE float narrowed(float x, enum cp_dtype dtype) {
    return cp_round_to(dtype, x);
}

void CP_KERNEL(cp_round)(const float *x, float *y, size_t n, enum cp_dtype dtype) {
    cp_map(x, y, n, dtype, narrowed);
}

void CP_KERNEL(cp_add)(const float *x, const float *a, float *y, size_t n, enum cp_dtype output) {
    memmove(y, x, n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] + a[i];
    cp_map(y, y, n, output, narrowed);
}

void CP_KERNEL(cp_scale)(const float *x, float factor, float *y, size_t n, enum cp_dtype output) {
    memmove(y, x, n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] * factor;
    cp_map(y, y, n, output, narrowed);
}

void CP_KERNEL(cp_gain)(const float *x, const float *gain, float *y, size_t rows, size_t width,
                        enum cp_dtype output) {
    memmove(y, x, rows * width * sizeof *y);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++)
            y[row * width + i] = y[row * width + i] * gain[i];
    cp_map(y, y, rows * width, output, narrowed);
}

void CP_KERNEL(cp_normalize)(const float *x, float *y, size_t rows, size_t width, enum cp_dtype output) {
    for (size_t row = 0; row < rows; row++) {
        float *const out = y + row * width;
        memmove(out, x + row * width, width * sizeof *out);
        const float norm =
            cp_round_to(output, __builtin_sqrtf(cp_tree_sum(out, width, CP_FP32, cp_term_square, 0.0f)));
        const float divisor = norm < 1e-12f ? 1e-12f : norm;
        for (size_t i = 0; i < width; i++)
            out[i] = out[i] / divisor;
        cp_map(out, out, width, output, narrowed);
    }
}
