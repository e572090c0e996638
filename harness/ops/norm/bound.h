/* SPDX-License-Identifier: GPL-3.0-or-later
 * Error analysis shared by the norm variants, after Higham, Accuracy and Stability of Numerical Algorithms,
 * 2nd ed., section 3.1 (gamma_k) and chapter 4 (sums). A worst case: every rounding errs by a full unit in
 * the same direction, so for wide rows it exceeds what is observed by the square root of their length and
 * more. */
#ifndef CP_OPS_NORM_BOUND_H
#define CP_OPS_NORM_BOUND_H

#include "ops/ops.h"

#include <float.h>
#include <math.h>

/* One row as the bound functions see it, in exact arithmetic. */
struct cp_norm_row_bound {
    double unit;        /* unit roundoff of the statistics */
    double tiny;        /* the absolute error of an operation that underflows */
    double depth;       /* additions an element passes through in the tree of 16 */
    double input;       /* relative error of an x rounded to the statistics' type */
    double mean_abs;    /* >= the mean of |x| */
    double deviation;   /* >= the standard deviation */
    double mean_square; /* >= the mean of x^2 */
    double mean_error;  /* bounds on the errors of the mean, by the tree unless a variant says otherwise, */
    double variance_error; /* and of the variance, which the variants fill in */
};

/* k u / (1 - k u): the relative error of k roundings; infinite once it bounds nothing. */
static inline double cp_gamma(double k, double unit) {
    return k * unit < 1.0 ? k * unit / (1.0 - k * unit) : INFINITY;
}

static inline struct cp_norm_row_bound cp_norm_row_facts(const struct cp_norm_args *args, double mean,
                                                         double sigma) {
    const double width = (double)args->width;
    const double u = cp_unit_roundoff(args->stats);
    const double variance = fmax(sigma * sigma - args->eps, 0.0) + 0x1p-50 * sigma * sigma;
    struct cp_norm_row_bound row = {
        .unit = u,
        .tiny = 0.5 * cp_ulp_at(args->stats, 0.0),
        .depth = ceil(width / 16.0) - 1.0 + fmin(ceil(log2(width)), 4.0),
        .input = args->stats == CP_FP32 ? 0.0 : u,
        .mean_abs = fabs(mean) + sqrt(variance),
        .deviation = sqrt(variance),
        .mean_square = mean * mean + variance,
    };
    row.mean_error = cp_gamma(row.depth + (row.input > 0.0 ? 2.0 : 1.0), u) * row.mean_abs + row.tiny;
    return row;
}

/* What rounding x to the statistics' type does to the variance. */
static inline double cp_norm_input_error(const struct cp_norm_row_bound *row) {
    return row->input * (2.0 * row->deviation * sqrt(row->mean_square) + row->input * row->mean_square);
}

/* The largest partial sum stays finite. */
static inline int cp_norm_in_range(const struct cp_norm_args *args, double mean_of_terms) {
    const double largest = args->stats == CP_FP16 ? 65504.0 : (double)FLT_MAX;
    return mean_of_terms * (double)args->width < 0.5 * largest;
}

/* y = ((x - mean) * rstd) * weight + bias from the errors of mean and variance; sigma^2 = variance + eps. */
static inline double cp_norm_bound(const struct cp_norm_args *args, const struct cp_norm_row_bound *row,
                                   double sigma, double spread_max, double weight_max, double bias_max) {
    const double u = cp_unit_roundoff(CP_FP32);
    const double square = sigma * sigma;
    const double shifted_error =
        row->variance_error + u * args->eps + row->unit * (square + row->variance_error) + row->tiny;
    const double relative = shifted_error / square;
    if (!(relative < 1.0) || !isfinite(row->mean_error))
        return INFINITY;
    const double rstd_error = (1.0 / sqrt(1.0 - relative)) * (1.0 + cp_gamma(2.0, row->unit)) - 1.0;
    const double offset = row->mean_error * (1.0 + rstd_error);
    double error = weight_max / sigma * (spread_max * rstd_error + offset);
    const double scaled = weight_max * spread_max / sigma + error;
    error += cp_gamma(3.0, u) * scaled + u * (scaled * (1.0 + 4.0 * u) + bias_max) + 0x1p-147;
    if (args->output != CP_FP32)
        error += 0.5 * cp_ulp_at(args->output, scaled + bias_max + error);
    return error;
}

#endif
