/* SPDX-License-Identifier: GPL-3.0-or-later
 * The exact GELU, 0.5 x (1 + erf(x / sqrt 2)), and a bound on its error. */
#include "ops/activation/bound.h"
#include "ops/activation/variants.h"
#include "ops/map.h"
#include "ops/math.h"

#define SQRT_HALF 0.70710678118654752440

CP_INLINE float gelu_erf(float x, enum cp_dtype compute) {
    return cp_round_to(compute, (0.5f * x) * (1.0f + cp_erff(x * (float)SQRT_HALF)));
}

static void apply(const float *x, float *y, size_t n, enum cp_dtype compute) {
    cp_map(x, y, n, compute, gelu_erf);
}

static double error_bound(double x, enum cp_dtype compute) {
    const double t = x * SQRT_HALF;
    const double t_error = fabs(x) * fabs((double)(float)SQRT_HALF - SQRT_HALF) + cp_half_ulp(CP_FP32, t);
    const double nearest = fmax(fabs(t) - t_error, 0.0);
    const double tail = erfc(nearest);
    double error = tail;  /* below 2^-26, erf rounds to 1 or -1 */
    if (tail > 0x1p-26) { /* erf' = 2 / sqrt(pi) exp(-t^2) */
        error = 1.12837916709551257390 * exp(-nearest * nearest) * t_error;
        error += CP_ERF_ULP * cp_ulp_at(CP_FP32, fmin(erf(fabs(t) + t_error), 1.0 - 0x1p-25));
    }
    return cp_gelu_bound(x, compute, erfc(-t), error);
}

const struct cp_activation CP_KERNEL(cp_activation_erf) = {
    .info = {.name = "erf",
             .imitates = "PyTorch nn.GELU(), the default of open_clip and Hugging Face's \"gelu\"",
             .formula = "(0.5 * x) * (1 + erf(x * sqrt(1/2))) in float32, one rounding at the end",
             .source = "Hendrycks and Gimpel, arXiv:1606.08415; pytorch/pytorch "
                       "aten/src/ATen/native/cpu/Activation.cpp GeluKernelImpl",
             .maths = "gelu_erf",
             .aliases = "gelu GELU gelu_erf"},
    .apply = apply,
    .error_bound = error_bound,
};
