/* SPDX-License-Identifier: GPL-3.0-or-later
 * GELU by tanh of a cubic, as nn.GELU(approximate="tanh") computes it, and a bound on its error. */
#include "ops/activation/bound.h"
#include "ops/activation/variants.h"
#include "ops/map.h"
#include "ops/math.h"

#define SQRT_2_OVER_PI 0.79788456080286535588
#define KAPPA 0.044715

CP_INLINE float gelu_tanh(float x, enum cp_dtype compute) {
    const float cube = x * x * x;
    const float inner = (float)SQRT_2_OVER_PI * (x + (float)KAPPA * cube);
    return cp_round_to(compute, (0.5f * x) * (1.0f + cp_tanhf(inner)));
}

static void apply(const float *x, float *y, size_t n, enum cp_dtype compute) {
    cp_map(x, y, n, compute, gelu_tanh);
}

/* The inner argument's exact magnitude, and in *error the bound on its float32 evaluation. */
static double inner_argument(double x, double *error) {
    const double square = x * x;
    const double square_error = cp_half_ulp(CP_FP32, square);
    const double cube = fabs(x) * square;
    double e = fabs(x) * square_error;
    e += cp_half_ulp(CP_FP32, cube + e);
    const double term = KAPPA * cube;
    e = (double)(float)KAPPA * e + fabs((double)(float)KAPPA - KAPPA) * cube;
    e += cp_half_ulp(CP_FP32, term + e);
    const double sum = fabs(x) + term;
    e += cp_half_ulp(CP_FP32, sum + e);
    const double inner = SQRT_2_OVER_PI * sum;
    e = (double)(float)SQRT_2_OVER_PI * e + fabs((double)(float)SQRT_2_OVER_PI - SQRT_2_OVER_PI) * sum;
    *error = e + cp_half_ulp(CP_FP32, inner + e);
    return inner;
}

static double error_bound(double x, enum cp_dtype compute) {
    double inner_error;
    const double inner = inner_argument(x, &inner_error);
    const double nearest = fmax(inner - inner_error, 0.0);
    const double tail = 2.0 / (exp(2.0 * nearest) + 1.0); /* 1 - tanh */
    double error = tail;                                  /* below 2^-26, tanh rounds to 1 or -1 */
    if (tail > 0x1p-26) {                                 /* tanh' = 1 - tanh^2 */
        error = tail * (2.0 - tail) * inner_error;
        error += CP_TANH_ULP * cp_ulp_at(CP_FP32, fmin(tanh(inner + inner_error), 1.0 - 0x1p-25));
    }
    return cp_gelu_bound(x, compute, 2.0 / (1.0 + exp(copysign(2.0 * inner, -x))), error);
}

const struct cp_activation CP_KERNEL(cp_activation_tanh) = {
    .info = {.name = "tanh",
             .imitates =
                 "PyTorch nn.GELU(approximate=\"tanh\"), Hugging Face's \"gelu_new\", JAX's default gelu",
             .formula =
                 "(0.5 * x) * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * (x * x * x)))) in float32, one rounding "
                 "at the end",
             .source = "Hendrycks and Gimpel, arXiv:1606.08415; pytorch/pytorch "
                       "aten/src/ATen/native/cpu/Activation.cpp GeluKernelImpl",
             .maths = "gelu_tanh",
             .aliases = "gelu_tanh gelu_new gelu_fast gelu_pytorch_tanh"},
    .apply = apply,
    .error_bound = error_bound,
};
