/* SPDX-License-Identifier: GPL-3.0-or-later
 * Another order of a matrix product's sums (linear.permute): the summed index is permuted in both operands,
 * so that the same products are added by the same tree in another order. What changes is rounding that no
 * implementation promises to keep. */
#ifndef CP_MODEL_PERMUTE_H
#define CP_MODEL_PERMUTE_H

#include "base/pool.h"
#include "spec/spec.h"

#include <stdint.h>

/* The seed of a choice's permutation; 0: none. */
static inline uint64_t cp_choice_permutation(const struct cp_choice *choice) {
    return (uint64_t)choice->number[CP_LINEAR_PERMUTE];
}

/* order (k): a permutation of 0 .. k - 1, a function of seed and k alone (Fisher & Yates). */
void cp_permutation(uint64_t seed, size_t k, uint32_t *order);
/* y(rows, k)[r][i] = x[r][order[i]]; pool may be NULL; x and y do not overlap. */
void cp_permute_columns(const float *x, size_t rows, size_t k, const uint32_t *order, float *y,
                        struct cp_pool *pool);
/* y(k, n)[i] = x[order[i]], row by row; x and y do not overlap. */
void cp_permute_rows(const float *x, size_t k, size_t n, const uint32_t *order, float *y);

#endif
