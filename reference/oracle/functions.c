/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ideal elementwise and rowwise functions. Constants are the exact decimals of the definitions. */
#include "oracle/oracle.h"

#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <string.h>

/* Hendrycks & Gimpel 2016, the sigmoid approximation; openai/CLIP clip/model.py QuickGELU. */
static double quick_gelu(double x) {
    return x / (1 + exp(-1.702 * x));
}

/* x Phi(x); Phi through erfc keeps the left tail's digits. */
static double gelu_erf(double x) {
    return 0.5 * x * gsl_sf_erfc(-x * M_SQRT1_2);
}

/* Hendrycks & Gimpel 2016, the tanh approximation; torch.nn.GELU(approximate="tanh"). */
static double gelu_tanh(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

cp_oracle_activation cp_oracle_find_activation(const char *maths) {
    static const struct {
        const char *maths;
        cp_oracle_activation function;
    } table[] = {{"quick_gelu", quick_gelu}, {"gelu_erf", gelu_erf}, {"gelu_tanh", gelu_tanh}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].maths, maths) == 0)
            return table[i].function;
    return NULL;
}

/* Ba, Kiros & Hinton 2016, with the biased variance, as torch.nn.functional.layer_norm. */
static void layer_norm(const double *x, const float *weight, const float *bias, size_t n, double eps,
                       double *y) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean);
    variance /= (double)n;
    const double sigma = sqrt(variance + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sigma * (double)weight[i] + (double)bias[i];
}

/* Zhang & Sennrich 2019, with LayerNorm's bias kept: an ablation of the mean alone. */
static void rms_norm(const double *x, const float *weight, const float *bias, size_t n, double eps,
                     double *y) {
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += x[i] * x[i];
    const double rms = sqrt(square / (double)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] / rms * (double)weight[i] + (double)bias[i];
}

cp_oracle_norm cp_oracle_find_norm(const char *maths) {
    if (strcmp(maths, "layer_norm") == 0)
        return layer_norm;
    return strcmp(maths, "rms_norm") == 0 ? rms_norm : NULL;
}
