/* SPDX-License-Identifier: GPL-3.0-or-later
 * x sigmoid(1.702 x), OpenAI's approximation of GELU, and a bound on its error. */
#include "ops/activation/bound.h"
#include "ops/activation/variants.h"
#include "ops/map.h"
#include "ops/math.h"

#include <float.h>

/* The constant stays float32 in every compute type, as in PyTorch's mul on CUDA (its CPU kernel of 1.13
 * rounds 1.702 to the type first); sigmoid is float32 inside. */
CP_INLINE float quick(float x, enum cp_dtype compute) {
    const float t = cp_round_to(compute, 1.702f * x);
    const float sigmoid = cp_round_to(compute, 1.0f / (1.0f + cp_expf(-t)));
    return cp_round_to(compute, x * sigmoid);
}

static void apply(const float *x, float *y, size_t n, enum cp_dtype compute) {
    cp_map(x, y, n, compute, quick);
}

/* The error that rounding through float32 to compute adds. */
static double rounding(enum cp_dtype compute, double magnitude) {
    const double error = cp_half_ulp(CP_FP32, magnitude);
    return compute == CP_FP32 ? error : error + cp_half_ulp(compute, magnitude + error);
}

static double error_bound(double x, enum cp_dtype compute) {
    const double t = 1.702 * x;
    const double t_error = fabs(x) * fabs((double)1.702f - 1.702) + rounding(compute, t);
    /* sigmoid' = s (1 - s) falls with |t|: its largest value in t +- t_error is at the end nearer 0. */
    const double nearest = fmax(fabs(t) - t_error, 0.0);
    const double slope = 1.0 / (2.0 + exp(nearest) + exp(-nearest));
    const double e = exp(-t + t_error);
    const double sigmoid = 1.0 / (1.0 + exp(-t));
    const double largest = 1.0 / (1.0 + exp(-t - t_error));
    double error = slope * t_error;
    if (1.0 + e > FLT_MAX) /* the sum may overflow, and the quotient be 0 */
        error += largest;
    else
        error += largest * largest * (CP_EXP_ULP * cp_ulp_at(CP_FP32, e) + cp_half_ulp(CP_FP32, 1.0 + e));
    error += rounding(compute, sigmoid + error);
    const double y = fabs(x) * sigmoid;
    const double y_error = fabs(x) * error;
    return (y_error + rounding(compute, y + y_error)) * CP_BOUND_MARGIN;
}

const struct cp_activation CP_KERNEL(cp_activation_quick) = {
    .info = {.name = "quick",
             .imitates = "OpenAI CLIP, and every port that honours quick_gelu",
             .formula = "x * sigmoid(1.702 * x); half types round after each of the three operations",
             .source =
                 "Hendrycks and Gimpel, arXiv:1606.08415, section 2; openai/CLIP clip/model.py QuickGELU",
             .maths = "quick_gelu",
             .aliases = "quick_gelu quickgelu QuickGELU gelu_quick"},
    .apply = apply,
    .error_bound = error_bound,
};
