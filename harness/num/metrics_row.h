/* SPDX-License-Identifier: GPL-3.0-or-later
 * The inner loops of metrics, a row at a time. Sums are of CP_METRIC_LANES interleaved partial sums, added in
 * a fixed tree, so that they are the same at every vector width. Private to harness/num. */
#ifndef CP_NUM_METRICS_ROW_H
#define CP_NUM_METRICS_ROW_H

#include "num/metrics.h"

enum { CP_METRIC_LANES = 8 };

struct cp_row_sums {
    double abs, square, x_square, y_square, product; /* of differences, of x, of y, of x y */
    double most;                                     /* largest |x - y| */
    double finite, beyond, nonfinite, different;     /* elements */
};

/* Index of a valid row among all rows. */
static inline size_t cp_row_at(const struct cp_compared *c, size_t valid_row) {
    return valid_row / c->rows * c->group_rows + valid_row % c->rows;
}

/* float32 to float64. */
void cp_row_widen(const float *from, size_t n, double *to);
/* Sums over finite values; of no use where a value is not finite, which shows in x_square + y_square. */
struct cp_row_sums cp_row_sum(const double *x, const double *y, size_t n, struct cp_tolerance tolerance);
/* Sums over the finite pairs; the others are counted and become 0 and 0, so that columns can be added. */
struct cp_row_sums cp_row_sum_any(double *x, double *y, size_t n, struct cp_tolerance tolerance);
/* The largest |x - y| in units of last place of y in type (fp32, fp16, bf16), over finite values. */
double cp_row_ulp_error(const double *x, const double *y, size_t n, enum cp_dtype type);
/* Adds (x - y)^2 and y^2 to each column's. */
void cp_row_add_columns(const double *x, const double *y, size_t n, double *square, double *y_square);
/* Counts distances in units of last place in their buckets, and the largest. */
void cp_row_ulp(const float *x, const float *y, size_t n, enum cp_dtype type, uint32_t *most,
                int32_t bins[CP_ULP_BINS]);
/* The same for finite values and float32. */
void cp_row_ulp_fp32(const float *x, const float *y, size_t n, uint32_t *most, int32_t bins[CP_ULP_BINS]);

#endif
