/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/kernels.h"
#include "support/test.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <math.h>
#endif

/* ---- rounding, defined anew: exact integers, the two neighbours compared ---- */

struct format {
    enum cp_dtype dtype;
    int fraction; /* stored significand bits */
    int emin;     /* exponent of the smallest normal */
    int emax;     /* of the largest */
    uint16_t (*encode)(float);
    float (*decode)(uint16_t);
    float (*round)(float);
};

static const struct format formats[] = {
    {CP_FP16, 10, -14, 15, cp_fp16_encode, cp_fp16_decode, cp_round_fp16},
    {CP_BF16, 7, -126, 127, cp_bf16_encode, cp_bf16_decode, cp_round_bf16},
};

/* |x| = significand * 2^power, exactly; x is finite. */
static void split(float x, uint64_t *significand, int *power) {
    const uint32_t magnitude = cp_bits(x) & 0x7fffffffu;
    const uint32_t exponent = magnitude >> 23;
    *significand = exponent == 0 ? magnitude : (magnitude & 0x7fffffu) | 0x800000u;
    *power = exponent == 0 ? -149 : (int)exponent - 150;
}

/* The encoding that x rounds to: the largest multiple of the format's spacing not above |x|, or the next,
 * whichever is nearer; on a tie the even one. The encodings of a format are consecutive integers. */
static uint16_t expected_encoding(const struct format *f, float x) {
    const uint16_t sign = (uint16_t)(cp_bits(x) >> 31 << 15);
    const uint16_t infinity = (uint16_t)((uint32_t)(f->emax - f->emin + 2) << f->fraction);
    uint64_t significand;
    int power;
    if (isinf(x))
        return sign | infinity;
    split(x, &significand, &power);
    const int top = significand == 0 ? f->emin : power + 63 - __builtin_clzll(significand);
    const int exponent = top > f->emin ? top : f->emin; /* of the binade whose spacing applies */
    const int spacing = exponent - f->fraction;
    const int shift = spacing - power; /* how many of the significand's bits lie below the spacing */
    uint64_t below = significand;
    bool up = false;
    if (shift > 40) {
        below = 0;
    } else if (shift > 0) {
        below = significand >> shift;
        const uint64_t to_lower = significand - (below << shift);
        const uint64_t to_upper = ((below + 1) << shift) - significand;
        up = to_upper < to_lower || (to_upper == to_lower && (below & 1u) != 0);
    } else {
        below <<= -shift;
    }
    /* An integer count of spacings, 2^fraction of which begin a normal binade. */
    uint64_t encoding = below + ((uint64_t)(exponent - f->emin) << f->fraction) + (up ? 1 : 0);
    if (encoding > infinity)
        encoding = infinity;
    return (uint16_t)(sign | encoding);
}

static bool rounds_as_expected(const struct format *f, float x) {
    if (isnan(x))
        return isnan(f->round(x)) && isnan(f->decode(f->encode(x)));
    const uint16_t expected = expected_encoding(f, x);
    const bool ok = f->encode(x) == expected && cp_bits(f->round(x)) == cp_bits(f->decode(expected)) &&
                    cp_bits(cp_round_to(f->dtype, x)) == cp_bits(f->decode(expected));
    if (!ok)
        print_error("%s: %a rounds to %a (%04x), expected %04x\n", cp_dtype_name(f->dtype), (double)x,
                    (double)f->round(x), f->encode(x), expected);
    return ok;
}

static void test_rounding_of_a_sample(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        uint64_t random = 1;
        for (int i = 0; i < 5000000; i++)
            assert_true(rounds_as_expected(&formats[f], cp_from_bits((uint32_t)random_bits(&random))));
        /* The whole range of fp16, evenly over its binades, as uniform encodings of float32 are mostly beyond
         * it. */
        for (int i = 0; i < 5000000; i++) {
            const uint32_t bits = (uint32_t)random_bits(&random);
            const uint32_t exponent = 127u - 26u + (bits & 0x7fffffffu) % 44u;
            const uint32_t fraction = (uint32_t)random_bits(&random) & 0x7fffffu;
            assert_true(rounds_as_expected(&formats[f],
                                           cp_from_bits((bits & 0x80000000u) | exponent << 23 | fraction)));
        }
    }
}

static void test_halfway_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *const f = &formats[i];
        const uint32_t infinity = (uint32_t)(f->emax - f->emin + 2) << f->fraction;
        for (uint32_t code = 0; code < infinity; code++) {
            const double low = (double)f->decode((uint16_t)code);
            const double step = cp_ulp_at(f->dtype, low);
            const double halfway = low + step / 2;
            const float middle = (float)halfway;
            assert_true((double)middle == halfway);
            const float cases[] = {middle, nextafterf(middle, 0.0f), nextafterf(middle, INFINITY)};
            for (size_t c = 0; c < 3; c++) {
                assert_true(rounds_as_expected(f, cases[c]));
                assert_true(rounds_as_expected(f, -cases[c]));
            }
        }
    }
}

static void test_every_encoding_round_trips(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *const f = &formats[i];
        for (uint32_t code = 0; code < 65536; code++) {
            const float x = f->decode((uint16_t)code);
            if (isnan(x)) {
                assert_true(isnan(f->round(x)));
                assert_true(isnan(f->decode(f->encode(x))));
                continue;
            }
            assert_int_equal(f->encode(x), code);
            assert_int_equal(cp_bits(f->round(x)), cp_bits(x));
        }
    }
    assert_true(cp_fp16_decode(0x0001) == 0x1p-24f);
    assert_true(cp_fp16_decode(0x3555) == 0x1.554p-2f);
    assert_true(cp_fp16_decode(0x7bff) == 65504.0f);
    assert_true(cp_bf16_decode(0x4049) == 3.140625f);
}

#if defined(__x86_64__)
__attribute__((target("f16c"))) static uint16_t hardware_encode(float x) {
    return (uint16_t)_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT), 0);
}

__attribute__((target("f16c"))) static float hardware_decode(uint16_t bits) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}
#endif

static void test_fp16_is_the_processors(void **state) {
    (void)state;
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx;
    if (!__builtin_cpu_supports("avx") || !__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & bit_F16C) == 0)
        skip();
    uint64_t random = 3;
    for (int i = 0; i < 10000000; i++) {
        const uint32_t bits = (uint32_t)random_bits(&random);
        /* Every other one within fp16's range. */
        const float x = cp_from_bits(i % 2 == 0 ? bits : (bits & 0x8fffffffu) + 0x34000000u);
        const uint16_t expected = hardware_encode(x);
        if (cp_fp16_encode(x) != expected || cp_bits(cp_round_fp16(x)) != cp_bits(hardware_decode(expected)))
            fail_msg("%a encodes to %04x, F16C says %04x", (double)x, cp_fp16_encode(x), expected);
    }
#else
    skip();
#endif
}

/* ---- units in the last place ---- */

static void test_ulp_distance(void **state) {
    (void)state;
    const enum cp_dtype dtypes[] = {CP_FP32, CP_FP16, CP_BF16};
    uint64_t random = 4;
    for (size_t i = 0; i < 3; i++) {
        const enum cp_dtype dtype = dtypes[i];
        assert_int_equal(cp_ulp_distance(dtype, 0.0f, -0.0f), 0);
        assert_int_equal(cp_ulp_distance(dtype, NAN, -NAN), 0);
        assert_int_equal(cp_ulp_distance(dtype, NAN, INFINITY), UINT32_MAX);
        assert_int_equal(cp_ulp_distance(dtype, 1.0f, NAN), UINT32_MAX);
        const float least = (float)cp_ulp_at(dtype, 0.0);
        assert_int_equal(cp_ulp_distance(dtype, least, -least), 2);
        for (int sample = 0; sample < 100000; sample++) {
            const float a = cp_round_to(dtype, random_float(&random, -100.0f, 100.0f));
            const double ulp = cp_ulp_at(dtype, (double)a);
            const float away = (float)((double)a + copysign(ulp, (double)a));
            const float b = cp_round_to(dtype, random_float(&random, -100.0f, 100.0f));
            assert_int_equal(cp_ulp_distance(dtype, a, away), 1);
            assert_int_equal(cp_ulp_distance(dtype, a, b), cp_ulp_distance(dtype, b, a));
            assert_int_equal(cp_ulp_distance(dtype, a, b), cp_ulp_distance(dtype, -a, -b));
            if (a < 0.0f && b > 0.0f)
                assert_int_equal(cp_ulp_distance(dtype, a, b),
                                 cp_ulp_distance(dtype, a, 0.0f) + cp_ulp_distance(dtype, 0.0f, b));
        }
    }
    assert_int_equal(cp_ulp_distance(CP_FP32, 1.0f, 2.0f), 1u << 23);
    assert_int_equal(cp_ulp_distance(CP_FP16, 1.0f, 2.0f), 1u << 10);
    assert_int_equal(cp_ulp_distance(CP_BF16, 1.0f, 2.0f), 1u << 7);
    assert_int_equal(cp_ulp_distance(CP_FP16, 65504.0f, INFINITY), 1);
    assert_int_equal(cp_ulp_distance(CP_FP32, -INFINITY, INFINITY), 2u * 0x7f800000u);
    /* Both are rounded first. */
    assert_int_equal(cp_ulp_distance(CP_FP16, 1.0f, 1.0002f), 0);
    assert_int_equal(cp_ulp_distance(CP_FP16, 1.0006f, 1.0f), 1);
    assert_int_equal(cp_ulp_distance(CP_BF16, 1.003f, 1.0f), 0);
    assert_int_equal(cp_ulp_distance(CP_BF16, 1.005f, 1.0f), 1);
}

static void test_ulp_at(void **state) {
    (void)state;
    const struct {
        double x, ulp;
        enum cp_dtype dtype;
    } cases[] = {
        {1.0, 0x1p-23, CP_FP32},       {-1.999, 0x1p-23, CP_FP32},    {0.999, 0x1p-24, CP_FP32},
        {0.0, 0x1p-149, CP_FP32},      {0x1p-126, 0x1p-149, CP_FP32}, {0x1p-140, 0x1p-149, CP_FP32},
        {0x1p-125, 0x1p-148, CP_FP32}, {1.0, 0x1p-10, CP_FP16},       {65504.0, 32.0, CP_FP16},
        {0x1p-14, 0x1p-24, CP_FP16},   {0x1p-20, 0x1p-24, CP_FP16},   {1.0, 0x1p-7, CP_BF16},
        {0x1p-130, 0x1p-133, CP_BF16}, {1.0, 0x1p-52, CP_FP64},       {0.0, 0x1p-1074, CP_FP64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(cp_ulp_at(cases[i].dtype, cases[i].x) == cases[i].ulp);
}

static void test_dtypes(void **state) {
    (void)state;
    const struct {
        const char *name;
        enum cp_dtype dtype;
        unsigned size;
    } cases[] = {{"fp32", CP_FP32, 4},
                 {"fp16", CP_FP16, 2},
                 {"bf16", CP_BF16, 2},
                 {"fp64", CP_FP64, 8},
                 {"int64", CP_INT64, 8},
                 {"int32", CP_INT32, 4},
                 {"uint8", CP_UINT8, 1},
                 {"int16", CP_INT16, 2},
                 {"int8", CP_INT8, 1},
                 {"bool", CP_BOOL, 1},
                 {"uint16", CP_UINT16, 2},
                 {"uint32", CP_UINT32, 4},
                 {"uint64", CP_UINT64, 8},
                 {"float8_e4m3fn", CP_FP8_E4M3, 1},
                 {"float8_e5m2", CP_FP8_E5M2, 1},
                 {"qint8", CP_QINT8, 1},
                 {"quint8", CP_QUINT8, 1},
                 {"qint32", CP_QINT32, 4},
                 {"complex64", CP_COMPLEX64, 8},
                 {"complex128", CP_COMPLEX128, 16}};
    assert_int_equal(sizeof cases / sizeof *cases, CP_DTYPE_COUNT);
    for (size_t i = 0; i < CP_DTYPE_COUNT; i++) {
        assert_string_equal(cp_dtype_name(cases[i].dtype), cases[i].name);
        assert_int_equal(cp_dtype_size(cases[i].dtype), cases[i].size);
    }
    assert_true(cp_unit_roundoff(CP_FP32) == 0x1p-24);
    assert_true(cp_unit_roundoff(CP_FP16) == 0x1p-11);
    assert_true(cp_unit_roundoff(CP_BF16) == 0x1p-8);
    assert_true(cp_unit_roundoff(CP_FP64) == 0x1p-53);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_of_a_sample),
        cmocka_unit_test(test_halfway_cases),
        cmocka_unit_test(test_every_encoding_round_trips),
        cmocka_unit_test(test_fp16_is_the_processors),
        cmocka_unit_test(test_ulp_distance),
        cmocka_unit_test(test_ulp_at),
        cmocka_unit_test(test_dtypes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
