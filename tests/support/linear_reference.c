/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/linear_reference.h"

#include <math.h>

__extension__ typedef __int128 int128;

/* x / 2^-48 for an x that is fp16, a product of two, or a float32 that is a multiple of 2^-48. */
static int128 fp16_units(double x) {
    const double scaled = x * 0x1p24;
    return (int128)scaled * (1 << 24) + (int128)((scaled - trunc(scaled)) * 0x1p24);
}

/* The integer times 2^-48, rounded to nearest even fp16. */
static float round_units(int128 x) {
    const int128 magnitude = x < 0 ? -x : x;
    int drop = 24; /* a subnormal's last place is 2^-24 */
    while (magnitude >> drop >= 2048)
        drop++;
    int128 kept = magnitude >> drop;
    const int128 rest = magnitude - (kept << drop), half = (int128)1 << (drop - 1);
    kept += rest > half || (rest == half && (kept & 1));
    const float result = ldexpf((float)kept, drop - 48);
    return copysignf(result >= 65520.0f ? INFINITY : result, x < 0 ? -1.0f : 1.0f);
}

static float fp16_fma(float a, float b, float c) {
    if (!isfinite(a) || !isfinite(b) || !isfinite(c))
        return a * b + c;
    const int128 exact = fp16_units((double)a * (double)b) + fp16_units((double)c);
    return exact == 0 ? a * b + c : round_units(exact);
}

static float reference_tree(const struct cp_gemm *g, const float *a, const float *b) {
    float sum = 0.0f;
    for (size_t start = 0; start < g->k; start += 256) {
        float block = 0.0f;
        for (size_t i = start; i < g->k && i < start + 256; i++) {
            const float x = cp_round_to(g->input, a[i]);
            block = g->accumulate == CP_FP16 ? fp16_fma(cp_round_fp16(x), b[i], block) : fmaf(x, b[i], block);
        }
        if (start == 0)
            sum = block;
        else
            sum = g->accumulate == CP_FP16 ? fp16_fma(sum, 1.0f, block) : sum + block;
    }
    return sum;
}

float linear_reference(const struct cp_gemm *g, const float *a, const float *b, const float *bias) {
    float sum = reference_tree(g, a, b);
    if (bias)
        sum = g->accumulate == CP_FP16 ? fp16_fma(sum, 1.0f, *bias) : sum + *bias;
    return cp_round_to(g->output, sum);
}
