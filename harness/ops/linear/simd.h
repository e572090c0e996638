/* SPDX-License-Identifier: GPL-3.0-or-later
 * The vector of each instruction set and the six operations the tile kernels are made of. vec holds LANES
 * floats; a tile is at most TILE_ROWS rows by TILE_VECS vectors, as many accumulators as the registers take.
 *
 * fp16 arithmetic: add_fp16 rounds x + y once to fp16, and fma_fp16 rounds a * b + c once for a, b that fp16
 * represents (their product is then exact in float32). Rounding the float32 sum to fp16 would round twice and
 * err near ties; a float32 sum rounded to odd (when inexact, to the neighbour whose last bit is 1) loses
 * nothing that the second rounding needs: Boldo and Melquiond, "Emulation of FMA and correctly rounded sums:
 * proved algorithms using rounding to odd", IEEE Transactions on Computers 57(4), 2008. */
#ifndef CP_OPS_LINEAR_SIMD_H
#define CP_OPS_LINEAR_SIMD_H

#include "base/number.h"
#include "ops/isa.h"

/* One element of add_fp16. The error of the float32 sum comes from TwoSum (Knuth); it is NaN beside an
 * infinity, which compares as exact. */
static inline float cp_add_fp16(float x, float y) {
    const float sum = x + y;
    const float y_part = sum - x;
    const float error = (x - (sum - y_part)) + (y - y_part);
    const uint32_t bits = cp_bits(sum);
    const uint32_t inexact = (uint32_t)(error > 0.0f) | (uint32_t)(error < 0.0f);
    const uint32_t opposite = (bits ^ cp_bits(error)) >> 31; /* the exact sum lies towards zero */
    const uint32_t step = inexact & ~bits & 1u;
    return cp_round_fp16(cp_from_bits(bits + step - 2u * (step & opposite)));
}

#if defined(CP_ISA_avx512)

#include <immintrin.h>

typedef __m512 vec;
enum { LANES = 16, TILE_VECS = 2, TILE_ROWS = 12 };

static inline vec load(const float *x) {
    return _mm512_loadu_ps(x);
}

static inline void store(float *x, vec a) {
    _mm512_storeu_ps(x, a);
}

static inline vec broadcast(float x) {
    return _mm512_set1_ps(x);
}

static inline vec add(vec a, vec b) {
    return _mm512_add_ps(a, b);
}

static inline vec fma_fp32(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
}

/* The two directed roundings differ exactly when the sum is inexact; the smaller encoding is the one towards
 * zero. */
static inline vec fma_fp16(vec a, vec b, vec c) {
    const vec down = _mm512_fmadd_round_ps(a, b, c, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const vec up = _mm512_fmadd_round_ps(a, b, c, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    const __m512i chopped = _mm512_min_epu32(_mm512_castps_si512(down), _mm512_castps_si512(up));
    const __m512i odd = _mm512_mask_or_epi32(chopped, _mm512_cmp_ps_mask(down, up, _CMP_NEQ_OQ), chopped,
                                             _mm512_set1_epi32(1));
    return _mm512_cvtph_ps(
        _mm512_cvtps_ph(_mm512_castsi512_ps(odd), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline vec add_fp16(vec a, vec b) {
    return fma_fp16(a, _mm512_set1_ps(1.0f), b);
}

#elif defined(CP_ISA_avx2)

#include <immintrin.h>

typedef __m256 vec;
enum { LANES = 8, TILE_VECS = 2, TILE_ROWS = 6 };

static inline vec load(const float *x) {
    return _mm256_loadu_ps(x);
}

static inline void store(float *x, vec a) {
    _mm256_storeu_ps(x, a);
}

static inline vec broadcast(float x) {
    return _mm256_set1_ps(x);
}

static inline vec add(vec a, vec b) {
    return _mm256_add_ps(a, b);
}

static inline vec fma_fp32(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
}

/* cp_add_fp16 on eight elements, with masks in place of 0 and 1. */
static inline vec add_fp16(vec a, vec b) {
    const __m256i one = _mm256_set1_epi32(1);
    const vec sum = _mm256_add_ps(a, b);
    const vec b_part = _mm256_sub_ps(sum, a);
    const vec error = _mm256_add_ps(_mm256_sub_ps(a, _mm256_sub_ps(sum, b_part)), _mm256_sub_ps(b, b_part));
    const __m256i inexact = _mm256_castps_si256(_mm256_cmp_ps(error, _mm256_setzero_ps(), _CMP_NEQ_OQ));
    const __m256i bits = _mm256_castps_si256(sum);
    const __m256i even = _mm256_sub_epi32(_mm256_and_si256(bits, one), one);
    const __m256i opposite = _mm256_srai_epi32(_mm256_castps_si256(_mm256_xor_ps(sum, error)), 31);
    const __m256i step = _mm256_and_si256(_mm256_or_si256(opposite, one), _mm256_and_si256(inexact, even));
    const vec odd = _mm256_castsi256_ps(_mm256_add_epi32(bits, step));
    return _mm256_cvtph_ps(_mm256_cvtps_ph(odd, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline vec fma_fp16(vec a, vec b, vec c) {
    return add_fp16(_mm256_mul_ps(a, b), c);
}

#else

typedef float vec;
enum { LANES = 1, TILE_VECS = 32, TILE_ROWS = 2 };

static inline vec load(const float *x) {
    return *x;
}

static inline void store(float *x, vec a) {
    *x = a;
}

static inline vec broadcast(float x) {
    return x;
}

static inline vec add(vec a, vec b) {
    return a + b;
}

static inline vec fma_fp32(vec a, vec b, vec c) {
    return CP_FMA(a, b, c);
}

static inline vec add_fp16(vec a, vec b) {
    return cp_add_fp16(a, b);
}

static inline vec fma_fp16(vec a, vec b, vec c) {
    return cp_add_fp16(a * b, c);
}

#endif

#endif
