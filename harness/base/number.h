/* SPDX-License-Identifier: GPL-3.0-or-later
 * Number formats: which exist, how a float32 is rounded to each, and how far apart two values are in units of
 * last place. fp16 is IEEE 754 binary16, bf16 the upper half of binary32; both are defined here by rounding
 * to nearest, ties to even, with subnormals kept (no flushing). A rounded value is held in a float32 that the
 * narrow format represents exactly. The inline functions are branch-free so that loops over them vectorise.
 */
#ifndef CP_BASE_NUMBER_H
#define CP_BASE_NUMBER_H

#include <stdint.h>
#include <string.h>

/* A dtype of stored tensors, and (the first three) an arithmetic's type in a spec. Those from INT16 on are known by
 * name and size alone: they come in checkpoints, and are no weights. QINT8 and the like are PyTorch's quantised
 * ones. */
enum cp_dtype {
    CP_FP32,
    CP_FP16,
    CP_BF16,
    CP_FP64,
    CP_INT64,
    CP_INT32,
    CP_UINT8,
    CP_INT16,
    CP_INT8,
    CP_BOOL,
    CP_UINT16,
    CP_UINT32,
    CP_UINT64,
    CP_FP8_E4M3,
    CP_FP8_E5M2,
    CP_QINT8,
    CP_QUINT8,
    CP_QINT32,
    CP_COMPLEX64,
    CP_COMPLEX128,
    CP_DTYPE_COUNT
};

/* "fp32", "fp16", ... */
const char *cp_dtype_name(enum cp_dtype dtype);
/* Bytes of one element as stored. */
unsigned cp_dtype_size(enum cp_dtype dtype);
/* Unit roundoff u = 2^-p of fp32, fp16, bf16, fp64 (2^-24, 2^-11, 2^-8, 2^-53). */
double cp_unit_roundoff(enum cp_dtype dtype);

static inline uint32_t cp_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float cp_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x rounded to bf16 precision; NaN stays a NaN, quiet and cut to the payload's upper bits; overflow gives
 * infinity. */
static inline float cp_round_bf16(float x) {
    const uint32_t bits = cp_bits(x);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    return cp_from_bits((bits & 0x7fffffffu) > 0x7f800000u ? (bits | 0x00400000u) & 0xffff0000u : rounded);
}

/* x rounded to fp16 precision, as F16C does; NaN as in cp_round_bf16, |x| >= 65520 gives infinity, subnormals
 * are multiples of 2^-24. */
static inline float cp_round_fp16(float x) {
    const uint32_t bits = cp_bits(x);
    const uint32_t sign = bits & 0x80000000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    /* Normal range: drop 13 bits of the significand, to nearest even, on the encoding. */
    const uint32_t normal = (magnitude + 0x0fffu + ((magnitude >> 13) & 1u)) & 0xffffe000u;
    /* Below 2^-14: 0.5 aligns the significand so that the addition itself rounds to a multiple of 2^-24. */
    const uint32_t small = cp_bits((cp_from_bits(magnitude) + 0.5f) - 0.5f);
    uint32_t result = magnitude < 0x38800000u ? small : normal;
    result = result >= 0x47800000u ? 0x7f800000u : result;
    result = magnitude > 0x7f800000u ? (magnitude | 0x00400000u) & 0xffffe000u : result;
    return cp_from_bits(sign | result);
}

/* x rounded to dtype (fp32: unchanged). */
static inline float cp_round_to(enum cp_dtype dtype, float x) {
    return dtype == CP_FP16 ? cp_round_fp16(x) : dtype == CP_BF16 ? cp_round_bf16(x) : x;
}

/* Storage encoding of x rounded to the format, and back (exact, NaN payloads included). */
uint16_t cp_fp16_encode(float x);
float cp_fp16_decode(uint16_t bits);
uint16_t cp_bf16_encode(float x);
float cp_bf16_decode(uint16_t bits);

/* Distance between a and b counted in representable values of dtype (fp32, fp16, bf16), after rounding both
 * to it; +0 and -0 are 0 apart; 0 if both are NaN; UINT32_MAX if exactly one is NaN. */
uint32_t cp_ulp_distance(enum cp_dtype dtype, float a, float b);

/* One ULP of dtype at |x|: the gap between neighbours in x's binade (that of subnormals below the normals). x
 * is finite; a magnitude beyond dtype's range is taken as if the exponent went on. */
double cp_ulp_at(enum cp_dtype dtype, double x);

#endif
