/* SPDX-License-Identifier: GPL-3.0-or-later
 * trunc_normal_ and kaiming_uniform_ of torch.nn.init, with ATen's inverse error function. */
#include "torch/random.h"

#include <math.h>

/* ---- the inverse error function, calc_erfinv ---- */

static float contracted(float a, float b, float c) {
    return fmaf(a, b, c);
}

static float rounded_twice(float a, float b, float c) {
    return a * b + c;
}

/* The rational approximation, better near 0 or in the tails. */
static float first_guess(float y, float (*madd)(float, float, float)) {
    const float size = fabsf(y);
    if (size <= 0.7f) {
        const float z = y * y;
        const float above =
            madd(madd(madd(-0.140543331f, z, 0.914624893f), z, -1.645349621f), z, 0.886226899f);
        const float below =
            madd(madd(madd(madd(0.012229801f, z, -0.329097515f), z, 1.442710462f), z, -2.118377725f), z, 1);
        return y * above / below;
    }
    const float z = sqrtf(-logf((1 - size) / 2));
    const float above = madd(madd(madd(1.641345311f, z, 3.429567803f), z, -1.624906493f), z, -1.970840454f);
    const float below = madd(madd(1.637067800f, z, 3.543889200f), z, 1);
    return copysignf(above, y) / below;
}

/* Two steps of Newton's method follow. Outside [-1, 1]: NaN. */
static float erfinv(float y, enum cp_torch_capability capability) {
    const float slope = 2.0f / (float)sqrt(M_PI);
    if (!(fabsf(y) <= 1))
        return NAN;
    if (fabsf(y) == 1)
        return copysignf(INFINITY, y);
    float x = first_guess(y, capability == CP_TORCH_AVX2 ? contracted : rounded_twice);
    for (int step = 0; step < 2; step++)
        x = x - (erff(x) - y) / (slope * expf(-x * x));
    return x;
}

/* ---- torch.nn.init ---- */

static double normal_cdf(double x) {
    return (1 + erf(x / sqrt(2.0))) / 2;
}

void cp_torch_trunc_normal(struct cp_torch_random *r, float *x, size_t n, double mean, double std, double a,
                           double b) {
    const double low = normal_cdf((a - mean) / std), high = normal_cdf((b - mean) / std);
    const float spread = (float)(std * sqrt(2.0)), centre = (float)mean;
    cp_torch_uniform(r, x, n, 2 * low - 1, 2 * high - 1);
    for (size_t i = 0; i < n; i++) {
        const float drawn = erfinv(x[i], r->capability) * spread + centre;
        x[i] = fminf(fmaxf(drawn, (float)a), (float)b);
    }
}

void cp_torch_kaiming_uniform(struct cp_torch_random *r, float *x, size_t n, size_t fan_in) {
    const double slope = sqrt(5.0), gain = sqrt(2.0 / (1 + slope * slope));
    const double bound = sqrt(3.0) * (gain / sqrt((double)fan_in));
    cp_torch_uniform(r, x, n, -bound, bound);
}
