/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of formats, and the conversions that no inner loop needs: encoding, decoding, ULP distances. */
#include "base/number.h"

#include <float.h>
#include <math.h>

/* precision p counts the implicit bit; emin is the exponent of the smallest normal, 2^emin. */
static const struct {
    const char *name;
    unsigned size;
    int precision, emin;
} dtypes[CP_DTYPE_COUNT] = {
    [CP_FP32] = {"fp32", 4, 24, -126},
    [CP_FP16] = {"fp16", 2, 11, -14},
    [CP_BF16] = {"bf16", 2, 8, -126},
    [CP_FP64] = {"fp64", 8, 53, -1022},
    [CP_INT64] = {"int64", 8, 64, 0},
    [CP_INT32] = {"int32", 4, 32, 0},
    [CP_UINT8] = {"uint8", 1, 8, 0},
    [CP_INT16] = {"int16", 2, 16, 0},
    [CP_INT8] = {"int8", 1, 8, 0},
    [CP_BOOL] = {"bool", 1, 1, 0},
    [CP_UINT16] = {"uint16", 2, 16, 0},
    [CP_UINT32] = {"uint32", 4, 32, 0},
    [CP_UINT64] = {"uint64", 8, 64, 0},
    [CP_FP8_E4M3] = {"float8_e4m3fn", 1, 4, -6},
    [CP_FP8_E5M2] = {"float8_e5m2", 1, 3, -14},
    [CP_QINT8] = {"qint8", 1, 8, 0},
    [CP_QUINT8] = {"quint8", 1, 8, 0},
    [CP_QINT32] = {"qint32", 4, 32, 0},
    [CP_COMPLEX64] = {"complex64", 8, 24, -126},
    [CP_COMPLEX128] = {"complex128", 16, 53, -1022},
};

const char *cp_dtype_name(enum cp_dtype dtype) {
    return dtypes[dtype].name;
}

unsigned cp_dtype_size(enum cp_dtype dtype) {
    return dtypes[dtype].size;
}

double cp_unit_roundoff(enum cp_dtype dtype) {
    return ldexp(1.0, -dtypes[dtype].precision);
}

uint16_t cp_fp16_encode(float x) {
    const uint32_t bits = cp_bits(cp_round_fp16(x));
    const uint32_t sign = (bits >> 16) & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x7f800000u)
        return (uint16_t)(sign | 0x7c00u | ((magnitude >> 13) & 0x03ffu));
    if (magnitude < 0x38800000u)
        return (uint16_t)(sign | (uint32_t)(cp_from_bits(magnitude) * 0x1p24f));
    return (uint16_t)(sign | ((magnitude - 0x38000000u) >> 13));
}

float cp_fp16_decode(uint16_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
    const uint32_t magnitude = bits & 0x7fffu;
    if (magnitude >= 0x7c00u)
        return cp_from_bits(sign | 0x7f800000u | ((magnitude & 0x03ffu) << 13));
    if (magnitude < 0x0400u)
        return cp_from_bits(sign | cp_bits((float)magnitude * 0x1p-24f));
    return cp_from_bits(sign | ((magnitude << 13) + 0x38000000u));
}

uint16_t cp_bf16_encode(float x) {
    return (uint16_t)(cp_bits(cp_round_bf16(x)) >> 16);
}

float cp_bf16_decode(uint16_t bits) {
    return cp_from_bits((uint32_t)bits << 16);
}

/* The index of a non-NaN value, rounded to dtype, among dtype's values, counted from zero. */
static int64_t ordinal(enum cp_dtype dtype, float x) {
    const float magnitude = fabsf(x);
    int64_t index = cp_bits(magnitude);
    if (dtype == CP_FP16)
        index = cp_fp16_encode(magnitude);
    if (dtype == CP_BF16)
        index = cp_bf16_encode(magnitude);
    return signbit(x) ? -index : index;
}

uint32_t cp_ulp_distance(enum cp_dtype dtype, float a, float b) {
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0 : UINT32_MAX;
    const int64_t distance = ordinal(dtype, a) - ordinal(dtype, b);
    return (uint32_t)(distance < 0 ? -distance : distance);
}

double cp_ulp_at(enum cp_dtype dtype, double x) {
    const double magnitude = fabs(x);
    const int emin = dtypes[dtype].emin;
    int exponent = emin;
    if (magnitude >= ldexp(1.0, emin) && magnitude <= DBL_MAX)
        exponent = ilogb(magnitude);
    return ldexp(1.0, exponent - dtypes[dtype].precision + 1);
}
