/* SPDX-License-Identifier: GPL-3.0-or-later
 * The generator, uniform and normal numbers, also a part of a tensor alone, and permutations. */
#include "torch/random.h"

#include "base/number.h"
#include "base/wide.h"

#include <math.h>
#include <string.h>

/* ---- the generator ---- */

enum { WORDS = 624, SHIFT = 397 };

void cp_torch_seed(struct cp_torch_random *r, uint64_t seed, enum cp_torch_capability capability) {
    r->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < WORDS; i++)
        r->state[i] = 1812433253u * (r->state[i - 1] ^ (r->state[i - 1] >> 30)) + i;
    r->next = WORDS;
    r->has_normal = false;
    r->capability = capability;
}

static void twist(uint32_t state[WORDS]) {
    for (size_t i = 0; i < WORDS; i++) {
        const uint32_t y = (state[i] & 0x80000000u) | (state[(i + 1) % WORDS] & 0x7fffffffu);
        state[i] = state[(i + SHIFT) % WORDS] ^ (y >> 1) ^ (y & 1u ? 0x9908b0dfu : 0);
    }
}

uint32_t cp_torch_next(struct cp_torch_random *r) {
    if (r->next == WORDS) {
        twist(r->state);
        r->next = 0;
    }
    uint32_t y = r->state[r->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static void skip(struct cp_torch_random *r, size_t draws) {
    while (draws > (size_t)(WORDS - r->next)) {
        draws -= (size_t)(WORDS - r->next);
        twist(r->state);
        r->next = 0;
    }
    r->next += (int)draws;
}

/* A float32 in [0, 1) of 24 bits, a float64 of 53. */
static float unit(struct cp_torch_random *r) {
    return (float)(cp_torch_next(r) & 0xffffffu) * 0x1p-24f;
}

static double wide_unit(struct cp_torch_random *r) {
    const uint64_t high = cp_torch_next(r), bits = high << 32 | cp_torch_next(r);
    return (double)(bits & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* ---- uniform ---- */

void cp_torch_uniform(struct cp_torch_random *r, float *x, size_t n, double from, double to) {
    const float low = (float)from, range = (float)to - (float)from;
    for (size_t i = 0; i < n; i++) {
        const float u = unit(r);
        x[i] = r->capability == CP_TORCH_AVX2 ? fmaf(u, range, low) : u * range + low;
    }
}

/* ---- normal, by the method of Box and Muller (1958) ---- */

/* log256_ps of avx_mathfun.h, a lane, with multiplications and additions contracted as GCC does. x > 0. */
static float cephes_log(float x) {
    const uint32_t bits = cp_bits(x < 0x1p-126f ? 0x1p-126f : x);
    const float half = cp_from_bits((bits & ~0x7f800000u) | 0x3f000000u); /* the fraction, in [0.5, 1) */
    const bool low = half < 0.707106781186547524f;
    const float e = (float)((int)(bits >> 23) - 127) + 1.0f - (low ? 1.0f : 0.0f);
    const float f = half - 1.0f + (low ? half : 0.0f);
    const float z = f * f;
    float y = 7.0376836292e-2f;
    y = fmaf(y, f, -1.1514610310e-1f);
    y = fmaf(y, f, 1.1676998740e-1f);
    y = fmaf(y, f, -1.2420140846e-1f);
    y = fmaf(y, f, 1.4249322787e-1f);
    y = fmaf(y, f, -1.6668057665e-1f);
    y = fmaf(y, f, 2.0000714765e-1f);
    y = fmaf(y, f, -2.4999993993e-1f);
    y = fmaf(y, f, 3.3333331174e-1f);
    y = fmaf(y * f, z, e * -2.12194440e-4f);
    y = fmaf(-z, 0.5f, y);
    return fmaf(e, 0.693359375f, f + y);
}

/* sincos256_ps likewise. x >= 0. */
static void cephes_sincos(float x, float *sine, float *cosine) {
    const int octant = ((int)(x * 1.27323954473516f) + 1) & ~1;
    const float y = (float)octant;
    const bool swapped = octant & 2;
    const uint32_t sine_sign = (uint32_t)(octant & 4) << 29, cosine_sign = (uint32_t)(~(octant - 2) & 4)
                                                                           << 29;
    float a = fmaf(y, -0.78515625f, x);
    a = fmaf(y, -2.4187564849853515625e-4f, a);
    a = fmaf(y, -3.77489497744594108e-8f, a);
    const float z = a * a;
    float c = 2.443315711809948e-5f;
    c = fmaf(c, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f);
    c = fmaf(c * z, z, -(z * 0.5f)) + 1.0f;
    float s = -1.9515295891e-4f;
    s = fmaf(s, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f);
    s = fmaf(s * z, a, a);
    *sine = cp_from_bits(cp_bits(swapped ? c : s) ^ sine_sign);
    *cosine = cp_from_bits(cp_bits(swapped ? s : c) ^ cosine_sign);
}

/* Sixteen uniform numbers into normal ones: element j of the first eight with element j of the others. */
CP_WIDE static void fill_avx2(float x[16], float mean, float std) {
    for (int j = 0; j < 8; j++) {
        const float radius = sqrtf(-2.0f * cephes_log(1.0f - x[j]));
        float sine, cosine;
        cephes_sincos((float)(2.0 * M_PI) * x[j + 8], &sine, &cosine);
        x[j] = fmaf(radius * cosine, std, mean);
        x[j + 8] = fmaf(radius * sine, std, mean);
    }
}

static void fill_default(float x[16], float mean, float std) {
    for (int j = 0; j < 8; j++) {
        const float radius = sqrtf(-2.0f * logf(1.0f - x[j]));
        const float angle = (float)(2.0 * M_PI * (double)x[j + 8]);
        x[j] = radius * cosf(angle) * std + mean;
        x[j + 8] = radius * sinf(angle) * std + mean;
    }
}

static double one_normal(struct cp_torch_random *r) {
    if (r->has_normal) {
        r->has_normal = false;
        return r->normal;
    }
    const double u1 = wide_unit(r), u2 = wide_unit(r);
    const double radius = sqrt(-2.0 * log1p(-u2)), angle = 2.0 * M_PI * u1;
    r->normal = radius * sin(angle);
    r->has_normal = true;
    return radius * cos(angle);
}

static void fill(const struct cp_torch_random *r, float x[16], double mean, double std) {
    (r->capability == CP_TORCH_AVX2 ? fill_avx2 : fill_default)(x, (float)mean, (float)std);
}

/* What does not fill sixteen is drawn anew together with what comes before it. */
void cp_torch_normal(struct cp_torch_random *r, float *x, size_t n, double mean, double std) {
    if (n < 16) {
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(one_normal(r) * std + mean);
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = unit(r);
    for (size_t i = 0; i + 16 <= n; i += 16)
        fill(r, x + i, mean, std);
    if (n % 16 == 0)
        return;
    for (size_t i = n - 16; i < n; i++)
        x[i] = unit(r);
    fill(r, x + n - 16, mean, std);
}

/* ---- piece by piece ---- */

void cp_torch_normals_start(struct cp_torch_normals *whole, uint64_t seed,
                            enum cp_torch_capability capability, size_t total) {
    whole->seed = seed;
    whole->total = total;
    whole->drawn = 0;
    whole->start = SIZE_MAX;
    cp_torch_seed(&whole->random, seed, capability);
    if (total >= 16)
        return;
    cp_torch_normal(&whole->random, whole->group, total, 0, 1);
    whole->start = 0;
}

/* The sixteen from number `start` on, out of the draws from `draw` on. */
static void load_group(struct cp_torch_normals *whole, size_t start, size_t draw) {
    if (whole->start == start)
        return;
    if (draw < whole->drawn)
        cp_torch_normals_start(whole, whole->seed, whole->random.capability, whole->total);
    skip(&whole->random, draw - whole->drawn);
    for (int i = 0; i < 16; i++)
        whole->group[i] = unit(&whole->random);
    fill(&whole->random, whole->group, 0, 1);
    whole->drawn = draw + 16;
    whole->start = start;
}

void cp_torch_normals_read(struct cp_torch_normals *whole, size_t first, size_t count, float *x) {
    const size_t total = whole->total, end = first + count;
    const size_t anew = total % 16 && total > 16 ? total - 16 : total; /* from here on */
    for (size_t i = first; i < end;) {
        const size_t start = i < anew ? i / 16 * 16 : anew;
        const size_t stop = i >= anew ? total : start + 16 < anew ? start + 16 : anew;
        const size_t part = (stop < end ? stop : end) - i;
        load_group(whole, start, i < anew ? start : total);
        memcpy(x + (i - first), whole->group + (i - start), part * sizeof *x);
        i += part;
    }
}

void cp_torch_permutation(struct cp_torch_random *r, int64_t *order, size_t n) {
    for (size_t i = 0; i < n; i++)
        order[i] = (int64_t)i;
    for (size_t i = 0; i + 1 < n; i++) {
        const size_t other = i + cp_torch_next(r) % (n - i);
        const int64_t swap = order[i];
        order[i] = order[other];
        order[other] = swap;
    }
}
