/* SPDX-License-Identifier: GPL-3.0-or-later
 * The fixed summation tree of the reductions over a row: partial sum j takes the elements j, j + 16, j + 32,
 * ... in that order from 0; then the 16 are added in pairs (j, j + 8), (j, j + 4), (j, j + 2), (j, j + 1).
 * Every addition is rounded to dtype. The order does not depend on the vector width. */
#ifndef CP_OPS_TREE_H
#define CP_OPS_TREE_H

#include "ops/map.h"

enum { CP_TREE_LANES = 16 };

CP_INLINE float cp_tree_combine(float lane[CP_TREE_LANES], enum cp_dtype dtype) {
    for (size_t half = CP_TREE_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lane[j] = cp_round_to(dtype, lane[j] + lane[j + half]);
    return lane[0];
}

/* The sum of term(x[i], parameter, dtype) over i < n. */
CP_INLINE float cp_tree_sum(const float *x, size_t n, enum cp_dtype dtype,
                            float (*term)(float, float, enum cp_dtype), float parameter) {
    float lane[CP_TREE_LANES] = {0};
    size_t i = 0;
    for (; i + CP_TREE_LANES <= n; i += CP_TREE_LANES)
        for (size_t j = 0; j < CP_TREE_LANES; j++)
            lane[j] = cp_round_to(dtype, lane[j] + term(x[i + j], parameter, dtype));
    for (size_t j = 0; i + j < n; j++)
        lane[j] = cp_round_to(dtype, lane[j] + term(x[i + j], parameter, dtype));
    return cp_tree_combine(lane, dtype);
}

/* Terms: x, and (x - centre)^2 with its operations rounded. */
CP_INLINE float cp_term_value(float x, float unused, enum cp_dtype dtype) {
    (void)unused;
    return cp_round_to(dtype, x);
}

CP_INLINE float cp_term_square(float x, float centre, enum cp_dtype dtype) {
    const float deviation = cp_round_to(dtype, cp_round_to(dtype, x) - centre);
    return cp_round_to(dtype, deviation * deviation);
}

#endif
