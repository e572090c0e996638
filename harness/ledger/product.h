/* SPDX-License-Identifier: GPL-3.0-or-later
 * Matrix products for the ledger: y(rows, n) = x(rows, k) W, W packed once. All three have one fixed order of
 * sums, multiply and add apart, so their bits depend on no number of threads and no instruction set. */
#ifndef CP_LEDGER_PRODUCT_H
#define CP_LEDGER_PRODUCT_H

#include "base/number.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CP_PRODUCT_PANEL = 16 };

/* Floats of a packed (k, n) matrix. */
size_t cp_product_size(size_t k, size_t n);
/* W given as (n, k) with row stride ld, or as (k, n) if in_out, each element rounded to `first`, then to
 * `second`. */
void cp_product_pack(const float *w, size_t ld, size_t k, size_t n, bool in_out, enum cp_dtype first,
                     enum cp_dtype second, float *packed);

struct cp_product {
    const float *packed;
    size_t rows, k, n;
    size_t ldx, ldy; /* row strides */
    struct cp_pool *pool;
};
/* In float64, one chain in index order; the error is below (k + 1) 2^-53 |x| |W|. */
void cp_product_ideal(const struct cp_product *p, const double *x, double *y);
/* |x| |W| in float32, one chain; relative error below (k + 2) 2^-24. */
void cp_product_absolute(const struct cp_product *p, const float *x, float *y);

/* An order of the terms 0 to n - 1 of a sum: a linear congruential generator of full period modulo the next
 * power of two (Hull & Dobell 1962, SIAM Rev. 4), whose bits are mixed and whose numbers from n on are passed
 * over. Every `block` terms go to a partial sum of their own. */
struct cp_order {
    uint32_t start, factor, add, mask;
    unsigned shift;
    size_t block;
};
/* Seed 0: as they stand, 1: backwards, then shuffled, since terms that cancel their neighbours hardly round
 * otherwise. n < 2^31. */
struct cp_order cp_order_of(size_t n, uint64_t seed);
/* 5, 7, ...: in 2, 3, ... partial sums, since equal terms are the same in every order. */
static inline size_t cp_order_parts(uint64_t seed) {
    return seed < 5 || seed % 2 == 0 ? 1 : (size_t)(seed - 1) / 2;
}
/* The next term; state starts as `start`. */
static inline size_t cp_order_next(const struct cp_order *order, size_t n, uint32_t *state) {
    uint32_t i;
    do {
        *state = (*state * order->factor + order->add) & order->mask;
        i = *state ^ *state >> order->shift;
    } while (i >= n);
    return i;
}

/* In float32, one chain of rounded products. With parts above 1 the chain is cut into that many, each rounded
 * to `part`, and their sums are rounded to it as well; accumulate: fp32, or fp16, which every sum is rounded
 * to. */
struct cp_product_order {
    struct cp_order order;
    size_t parts;
    enum cp_dtype part, accumulate;
};
void cp_product_plain(const struct cp_product *p, const struct cp_product_order *order, const float *x,
                      float *y);

#endif
