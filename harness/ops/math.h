/* SPDX-License-Identifier: GPL-3.0-or-later
 * exp, erf and tanh of a float32, for every kernel that needs one. Branch-free, no libm, no fma: evaluated in
 * binary64 with separate + - * / and integer operations, then rounded once to binary32, so every instruction
 * set and every vector width gives the same bits (NaN payloads aside). Infinities, NaN, signed zeros,
 * overflow and gradual underflow are those of IEEE 754's functions. Bounds in float32 ULP of the exact
 * result, over all inputs:
 *
 *   cp_expf 0.5001    cp_erff 0.5004    cp_tanhf 0.5003
 *
 * Polynomials: coefficients/math.sollya. Bounds: tests/bench/exhaustive_activation.c, all 2^32 inputs. */
#ifndef CP_OPS_MATH_H
#define CP_OPS_MATH_H

#include "base/number.h"

#define CP_EXP_ULP 0.5001
#define CP_ERF_ULP 0.5004
#define CP_TANH_ULP 0.5003

/* e^x for |x| <= 150, relative error below 2^-39. Reduction by Cody and Waite: x = k ln(2) + r. */
static inline double cp_exp_core(double x) {
    const double shift = 0x1.8p52; /* adding it rounds to an integer, left in the low bits of the encoding */
    const double shifted = x * 0x1.71547652b82fep0 + shift;
    const double k = shifted - shift;
    const double r = (x - k * 0x1.62e42ffp-1) + k * 0x1.718432a1b0e26p-35;
    double p = 0x1.9ef1c36608316p-16;
    p = p * r + 0x1.a1a6239b20da2p-13;
    p = p * r + 0x1.6c188f6c4d4p-10;
    p = p * r + 0x1.111084f8906c1p-7;
    p = p * r + 0x1.5555542bf89c5p-5;
    p = p * r + 0x1.5555559d6d851p-3;
    p = p * r + 0x1.0000000066e22p-1;
    p = p * r + 0x1.ffffffffd9febp-1;
    p = p * r + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023u) << 52; /* 2^k */
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/* Beyond the clamps the result is 0 or infinity; comparisons let NaN through. */
static inline float cp_expf(float x) {
    const float low = x < -104.0f ? -104.0f : x;
    const float clamped = low > 89.0f ? 89.0f : low;
    return (float)cp_exp_core((double)clamped);
}

/* erf(x): x p(x^2) below 1; 1 - exp(-q(|x|)) up to 4, from where erf rounds to 1. */
static inline float cp_erff(float x) {
    const float magnitude = cp_from_bits(cp_bits(x) & 0x7fffffffu);
    const double a = (double)(magnitude > 4.0f ? 4.0f : magnitude);
    const double z = a * a;
    double p = 0x1.1b8c52c0d0b62p-20;
    p = p * z - 0x1.d25cfa53239bap-17;
    p = p * z + 0x1.f56be66f37f66p-14;
    p = p * z - 0x1.bfdf58e28b82ep-11;
    p = p * z + 0x1.56586cda0677fp-8;
    p = p * z - 0x1.b82cb8f1df648p-6;
    p = p * z + 0x1.ce2f20974e0dcp-4;
    p = p * z - 0x1.812746adb209ep-2;
    p = p * z + 0x1.20dd750428b1fp0;
    double q = 0x1.6bd7e0afae759p-16;
    q = q * a - 0x1.cec5fe9f47cc4p-12;
    q = q * a + 0x1.138cbb9301653p-8;
    q = q * a - 0x1.9d030387d13b3p-6;
    q = q * a + 0x1.bc1515dac9dd2p-4;
    q = q * a + 0x1.443566e0cf882p-1;
    q = q * a + 0x1.212c0cef394bep0;
    q = q * a - 0x1.8a574f66fd77cp-13;
    const double y = a < 1.0 ? a * p : 1.0 - cp_exp_core(-q);
    return cp_from_bits(cp_bits((float)y) | (cp_bits(x) & 0x80000000u));
}

/* tanh(x) = 1 - 2 / (exp(2 |x|) + 1), which loses its leading bits near 0: there the Maclaurin series to x^5.
 */
static inline float cp_tanhf(float x) {
    const float magnitude = cp_from_bits(cp_bits(x) & 0x7fffffffu);
    const double a = (double)(magnitude > 10.0f ? 10.0f : magnitude);
    const double z = a * a;
    const double small = a + a * z * (z * (2.0 / 15.0) - 1.0 / 3.0);
    const double large = 1.0 - 2.0 / (cp_exp_core(a + a) + 1.0);
    const double y = a < 0x1p-6 ? small : large;
    return cp_from_bits(cp_bits((float)y) | (cp_bits(x) & 0x80000000u));
}

#endif
