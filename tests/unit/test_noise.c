/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the noise floor and the brackets are made of: stochastic rounding at taps, distances, a-priori bounds
 * against measured products. */
#include "support/test.h"

#include "analysis/bracket.h"
#include "base/hash.h"
#include "ops/ops.h"
#include "tap/stochastic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 8, ROW = 4096 };

static const struct cp_site site = {.name = "visual.transformer.resblocks.0.ln_1",
                                    .tower = CP_VISUAL,
                                    .point = CP_LN_1,
                                    .layer = 0,
                                    .rank = 3,
                                    .shape = {INPUTS, 4, ROW / 4}};

static void fill(float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)cp_counter_unit(1, 2, i);
}

static void visit(struct cp_stochastic *stochastic, size_t first, size_t inputs, float *data) {
    const struct cp_tap tap = cp_stochastic_tap(stochastic);
    const struct cp_tap_event event = {
        .site = &site, .first = first, .inputs = inputs, .dtype = CP_FP32, .data = data};
    struct cp_error err;
    assert_int_equal(tap.visit(tap.self, &event, &err), CP_OK);
}

static void an_eighth_goes_up_and_an_eighth_down(void **state) {
    static const enum cp_dtype types[] = {CP_FP32, CP_FP16, CP_BF16};
    static float before[INPUTS * ROW], after[INPUTS * ROW];
    const double n = INPUTS * ROW, sigma = sqrt(n * (1.0 / 8) * (7.0 / 8));
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        struct cp_stochastic stochastic = {7, &types[t], NULL};
        size_t up = 0, down = 0;
        fill(before, INPUTS * ROW);
        for (size_t i = 0; i < INPUTS * ROW; i++)
            before[i] = cp_round_to(types[t], before[i]);
        memcpy(after, before, sizeof after);
        visit(&stochastic, 0, INPUTS, after);
        for (size_t i = 0; i < INPUTS * ROW; i++) {
            up += after[i] > before[i] ? 1 : 0;
            down += after[i] < before[i] ? 1 : 0;
            assert_true(cp_ulp_distance(types[t], after[i], before[i]) <=
                        2); /* 2: down across a power of two */
        }
        assert_true(fabs((double)up - n / 8) < 5 * sigma && fabs((double)down - n / 8) < 5 * sigma);
    }
}

static void it_replays_whatever_the_batch(void **state) {
    static float whole[INPUTS * ROW], parts[INPUTS * ROW], other[INPUTS * ROW];
    const enum cp_dtype type = CP_FP32;
    struct cp_stochastic stochastic = {7, &type, NULL}, again = {8, &type, NULL};
    (void)state;
    fill(whole, INPUTS * ROW);
    memcpy(parts, whole, sizeof parts);
    memcpy(other, whole, sizeof other);
    visit(&stochastic, 0, INPUTS, whole);
    visit(&stochastic, 0, 3, parts);
    visit(&stochastic, 3, INPUTS - 3, parts + 3 * ROW);
    visit(&again, 0, INPUTS, other);
    assert_memory_equal(whole, parts, sizeof whole);
    assert_memory_not_equal(whole, other, sizeof whole);
}

static void exact_zeros_and_non_finite_values_stay(void **state) {
    static float x[INPUTS * ROW];
    const enum cp_dtype type = CP_FP32;
    struct cp_stochastic stochastic = {7, &type, NULL};
    (void)state;
    for (size_t i = 0; i < INPUTS * ROW; i++)
        x[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? INFINITY : NAN;
    visit(&stochastic, 0, INPUTS, x);
    for (size_t i = 0; i < INPUTS * ROW; i++)
        assert_true(i % 3 == 0 ? x[i] == 0 : i % 3 == 1 ? isinf(x[i]) : isnan(x[i]));
}

static double rms(const float *x, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)x[i] * (double)x[i];
    return sqrt(square / (double)n);
}

/* K = 768 in float32: within the figures of Higham & Mary for |A| |B|, and a measured product below both
 * bounds.
 */
static void a_product_stays_in_its_bracket(void **state) {
    enum { M = 12, N = 64, K = 768 };
    const struct cp_linear *linear = cp_ops_find(NULL)->linears[0];
    float *a = malloc(sizeof(float) * M * K), *w = malloc(sizeof(float) * N * K),
          *c = malloc(sizeof(float) * M * N);
    float *packed = malloc(sizeof(float) * (linear->packed_size(K, N) + 16));
    float *scratch = malloc(sizeof(float) * (linear->scratch_size(M, K) + 16));
    double error = 0, norm = 0, bounds[CP_BOUND_COUNT];
    (void)state;
    assert_true(a && w && c && packed && scratch);
    fill(a, (size_t)M * K);
    for (size_t i = 0; i < (size_t)N * K; i++)
        w[i] = (float)cp_counter_unit(3, 4, i);
    linear->pack_nt(w, K, N, K, packed);
    linear->gemm(&(struct cp_gemm){.a = a, .lda = K, .b = packed, .c = c, .ldc = N, .m = M, .n = N, .k = K},
                 0, M, 0, N / CP_PANEL, scratch);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            long double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += (long double)a[i * K + k] * (long double)w[j * K + k];
            error += pow((double)((long double)c[i * N + j] - sum), 2);
            norm += (double)(sum * sum);
        }
    struct cp_bracket_facts facts = {.kind = CP_OPERATION_LINEAR,
                                     .terms = K,
                                     .heads = 12,
                                     .y = sqrt(norm / (M * N)),
                                     .a = rms(a, (size_t)M * K),
                                     .b = rms(w, (size_t)N * K),
                                     .u = 0x1p-24,
                                     .operand = 0,
                                     .stored = 0x1p-24};
    cp_bracket(&facts, bounds);
    const double measured = sqrt(error / norm);
    assert_true(measured < bounds[CP_BOUND_PROBABLE] && bounds[CP_BOUND_PROBABLE] < bounds[CP_BOUND_WORST]);
    assert_true(measured > bounds[CP_BOUND_PROBABLE] / 1000); /* no bound that says nothing */
    facts.y = facts.a * facts.b * K;                          /* so that |A| |B| / |A B| is 1 */
    cp_bracket(&facts, bounds);
    assert_true(bounds[CP_BOUND_WORST] < 4.6e-5 && bounds[CP_BOUND_PROBABLE] < 4.3e-6);
    facts.operand = 0x1p-11;
    cp_bracket(&facts, bounds);
    assert_true(bounds[CP_BOUND_WORST] > 0x1p-10 && bounds[CP_BOUND_WORST] < 0x1p-9);
    free(a);
    free(w);
    free(c);
    free(packed);
    free(scratch);
}

static void what_is_rounded_once_has_one_roundoff(void **state) {
    struct cp_bracket_facts facts = {CP_OPERATION_ADD, 1, 1, 1, 1, 1, 0x1p-24, 0, 0x1p-11};
    double bounds[CP_BOUND_COUNT];
    (void)state;
    cp_bracket(&facts, bounds);
    assert_true(bounds[CP_BOUND_WORST] == 0x1p-11 && bounds[CP_BOUND_PROBABLE] == 0x1p-11);
    facts.kind = CP_OPERATION_POOL;
    cp_bracket(&facts, bounds);
    assert_true(bounds[CP_BOUND_WORST] == 0);
    facts.terms = 50; /* the mean of a picture's patches */
    cp_bracket(&facts, bounds);
    assert_true(isnan(bounds[CP_BOUND_WORST]));
    facts.kind = CP_OPERATION_NORM;
    cp_bracket(&facts, bounds);
    assert_true(isnan(bounds[CP_BOUND_WORST]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_eighth_goes_up_and_an_eighth_down),
        cmocka_unit_test(it_replays_whatever_the_batch),
        cmocka_unit_test(exact_zeros_and_non_finite_values_stay),
        cmocka_unit_test(a_product_stays_in_its_bracket),
        cmocka_unit_test(what_is_rounded_once_has_one_roundoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
