/* SPDX-License-Identifier: GPL-3.0-or-later
 * Running error analysis shared by the activations: every step carries a bound on |computed - exact|, to
 * which a rounding to nearest adds half an ULP of the largest value it can have been given. Evaluated in
 * float64, whose own error (below 2^-49 relative) CP_BOUND_MARGIN covers. */
#ifndef CP_OPS_ACTIVATION_BOUND_H
#define CP_OPS_ACTIVATION_BOUND_H

#include "base/number.h"

#include <math.h>

#define CP_BOUND_MARGIN (1.0 + 0x1p-40)

/* The error that rounding to dtype adds to a value of at most this magnitude. */
static inline double cp_half_ulp(enum cp_dtype dtype, double magnitude) {
    return 0.5 * cp_ulp_at(dtype, magnitude);
}

/* y = (0.5 x) (1 + g) in float32, then one rounding to compute. `upper` is 1 + g without cancellation,
 * g_error bounds |computed g - g|. 0.5 x is exact unless it is subnormal. */
static inline double cp_gelu_bound(double x, enum cp_dtype compute, double upper, double g_error) {
    const double sum_error = g_error + cp_half_ulp(CP_FP32, upper + g_error);
    const double half_error = fabs(x) < 0x1p-125 ? 0x1p-150 : 0.0;
    const double product = 0.5 * fabs(x) * upper;
    double error = 0.5 * fabs(x) * sum_error + half_error * (upper + sum_error);
    error += cp_half_ulp(CP_FP32, product + error);
    if (compute != CP_FP32)
        error += cp_half_ulp(compute, product + error);
    return error * CP_BOUND_MARGIN;
}

#endif
