/* SPDX-License-Identifier: GPL-3.0-or-later
 * Subtracts the row's maximum, sums the exponentials in the fixed tree, and rounds after each step. */
#include "ops/softmax/softmax.h"
#include "ops/math.h"
#include "ops/tree.h"

/* By lanes, so that it vectorises; a maximum does not depend on the order. NaN is passed over here and
 * reaches every entry through the sum. */
static float row_max(const float *x, size_t n) {
    float lane[CP_TREE_LANES];
    for (size_t j = 0; j < CP_TREE_LANES; j++)
        lane[j] = -__builtin_inff();
    size_t i = 0;
    for (; i + CP_TREE_LANES <= n; i += CP_TREE_LANES)
        for (size_t j = 0; j < CP_TREE_LANES; j++)
            lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (size_t j = 0; i + j < n; j++)
        lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    float max = lane[0];
    for (size_t j = 1; j < CP_TREE_LANES; j++)
        max = lane[j] > max ? lane[j] : max;
    return max;
}

CP_INLINE float narrowed(float x, enum cp_dtype dtype) {
    return cp_round_to(dtype, x);
}

CP_INLINE void softmax_row(float *x, size_t n, enum cp_dtype compute, enum cp_dtype output) {
    const float max = row_max(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] = cp_round_to(compute, cp_expf(cp_round_to(compute, x[i] - max)));
    const float sum = cp_tree_sum(x, n, compute, cp_term_value, 0.0f);
    for (size_t i = 0; i < n; i++)
        x[i] = cp_round_to(compute, x[i] / sum);
    cp_map(x, x, n, output, narrowed);
}

void CP_KERNEL(cp_softmax)(const struct cp_softmax_args *args) {
    for (size_t row = 0; row < args->rows; row++) {
        float *const x = args->x + row * args->ld;
        const size_t visible = args->first_row + row + 1;
        const size_t n = args->causal && visible < args->n ? visible : args->n;
        if (args->compute == CP_FP16)
            softmax_row(x, n, CP_FP16, args->output);
        else if (args->compute == CP_BF16)
            softmax_row(x, n, CP_BF16, args->output);
        else
            softmax_row(x, n, CP_FP32, args->output);
        for (size_t i = n; i < args->n; i++)
            x[i] = 0.0f;
    }
}
