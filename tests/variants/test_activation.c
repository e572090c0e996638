/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the activation table: a new row is tested here without a new line, unless its maths id is new. */
#include "support/kernels.h"
#include "support/test.h"

#include "ops/math.h"
#include "ops/ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLE = 1 << 20 };

static const enum cp_dtype computes[] = {CP_FP32, CP_FP16, CP_BF16};
enum { COMPUTES = sizeof computes / sizeof *computes };

/* ---- the ideal functions in float64, by libm, in forms that do not cancel ---- */

static double quick_gelu(double x) {
    return x / (1.0 + exp(-1.702 * x));
}

static double gelu_erf(double x) {
    return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double gelu_tanh(double x) {
    return x / (1.0 + exp(-2.0 * 0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static const struct ideal {
    const char *maths;
    double (*f)(double x);
} ideals[] = {{"quick_gelu", quick_gelu}, {"gelu_erf", gelu_erf}, {"gelu_tanh", gelu_tanh}};

static double (*ideal_of(const struct cp_variant *info))(double) {
    for (size_t i = 0; i < sizeof ideals / sizeof *ideals; i++)
        if (strcmp(ideals[i].maths, info->maths) == 0)
            return ideals[i].f;
    fail_msg("%s: no reference for maths id %s", info->name, info->maths);
    return NULL;
}

/* ---- inputs ---- */

static const float edges[] = {0.0f,
                              -0.0f,
                              0x1p-149f,
                              -0x1p-149f,
                              0x1.fffffcp-127f,
                              0x1p-126f,
                              -0x1p-126f,
                              0x1p-14f,
                              0x1p-24f,
                              1.0f,
                              -1.0f,
                              3.92f,
                              4.0f,
                              -4.0f,
                              5.6f,
                              -5.6f,
                              88.72f,
                              88.73f,
                              -88.73f,
                              -87.3f,
                              -103.9f,
                              -104.1f,
                              65504.0f,
                              -65504.0f,
                              -40000.0f,
                              1e13f,
                              -1e13f,
                              0x1.fffffep127f,
                              -0x1.fffffep127f};
enum { EDGES = sizeof edges / sizeof *edges };

/* Half of it uniform in [-12, 12), half uniform over the finite encodings, after the edges; representable. */
static float *sample_inputs(enum cp_dtype compute) {
    float *const x = malloc(SAMPLE * sizeof *x);
    uint64_t random = 7;
    assert_non_null(x);
    for (size_t i = 0; i < SAMPLE; i++) {
        float value = i < EDGES ? edges[i] : random_float(&random, -12.0f, 12.0f);
        if (i % 2 == 0 && i >= EDGES)
            value = cp_from_bits((uint32_t)random_bits(&random));
        const float rounded = cp_round_to(compute, value);
        x[i] = isfinite(rounded) ? rounded : 0.5f;
    }
    return x;
}

/* ---- tests ---- */

/* Largest error as a share of the variant's own bound. */
static double worst_share(const struct cp_activation *variant, const float *x, const float *y,
                          enum cp_dtype compute) {
    double (*const f)(double) = ideal_of(&variant->info);
    double worst = 0.0;
    for (size_t i = 0; i < SAMPLE; i++) {
        const double exact = f((double)x[i]);
        const double error = fabs((double)y[i] - exact) - fabs(exact) * 0x1p-40;
        const double bound = variant->error_bound((double)x[i], compute);
        if (!(error <= bound))
            fail_msg("%s in %s: f(%a) = %a, exact %a, error %g above the bound %g", variant->info.name,
                     cp_dtype_name(compute), (double)x[i], (double)y[i], exact, error, bound);
        /* Near 0 the last rounding is all, in the tail the bound is the value itself: no sign of tightness.
         */
        if (fabs((double)x[i]) > 0.01 && fabs((double)x[i]) < 4.0)
            worst = fmax(worst, error / bound);
    }
    return worst;
}

static void test_error_bounds_hold_and_are_tight(void **state) {
    (void)state;
    float *const y = malloc(SAMPLE * sizeof *y);
    assert_non_null(y);
    const struct cp_ops *const ops = cp_ops_find("auto");
    for (size_t c = 0; c < COMPUTES; c++) {
        float *const x = sample_inputs(computes[c]);
        for (const struct cp_activation *const *row = ops->activations; *row != NULL; row++) {
            (*row)->apply(x, y, SAMPLE, computes[c]);
            const double share = worst_share(*row, x, y, computes[c]);
            print_message("%s %s: largest error %.0f %% of the bound\n", (*row)->info.name,
                          cp_dtype_name(computes[c]), 100.0 * share);
            assert_true(share >= 0.25);
        }
        free(x);
    }
    free(y);
}

static void test_golden_values(void **state) {
    (void)state;
    const struct cp_ops *const ops = cp_ops_find("auto");
    for (const struct cp_activation *const *row = ops->activations; *row != NULL; row++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/reference/golden/maths/%s.npy", CP_SOURCE_DIR,
                       (*row)->info.maths);
        struct table table = read_table(path);
        assert_non_null(table.values);
        assert_int_equal(table.columns, 2);
        assert_true(table.rows >= 2000);
        for (size_t i = 0; i < table.rows; i++) {
            const float x = (float)table.values[2 * i];
            float y;
            (*row)->apply(&x, &y, 1, CP_FP32);
            const double error = fabs((double)y - table.values[2 * i + 1]);
            assert_true(error <= (*row)->error_bound((double)x, CP_FP32));
        }
        free(table.values);
    }
}

static void test_every_set_gives_the_same_bits(void **state) {
    (void)state;
    float *const y = malloc(SAMPLE * sizeof *y), *const z = malloc(SAMPLE * sizeof *z);
    assert_non_null(y);
    assert_non_null(z);
    const struct cp_ops *const scalar = cp_ops_find("scalar");
    for (size_t c = 0; c < COMPUTES; c++) {
        float *const x = sample_inputs(computes[c]);
        for (size_t row = 0; scalar->activations[row] != NULL; row++) {
            scalar->activations[row]->apply(x, y, SAMPLE, computes[c]);
            for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
                cp_ops_find(*name)->activations[row]->apply(x, z, SAMPLE, computes[c]);
                for (size_t i = 0; i < SAMPLE; i++)
                    if (!same_bits(y[i], z[i]))
                        fail_msg("%s %s %s: f(%a) = %a, scalar %a", *name,
                                 scalar->activations[row]->info.name, cp_dtype_name(computes[c]),
                                 (double)x[i], (double)z[i], (double)y[i]);
            }
        }
        free(x);
    }
    free(z);
    free(y);
}

/* Any split of the array, in place or not: the vectors' tails and the aliasing are the compiler's. */
static void test_splits_and_in_place(void **state) {
    (void)state;
    enum { N = 67 };
    uint64_t random = 11;
    float x[N], whole[N], part[N];
    for (size_t i = 0; i < N; i++)
        x[i] = cp_round_to(CP_BF16, random_float(&random, -6.0f, 6.0f));
    for (const char *const *name = cp_ops_available(); *name != NULL; name++)
        for (const struct cp_activation *const *row = cp_ops_find(*name)->activations; *row != NULL; row++)
            for (size_t c = 0; c < COMPUTES; c++) {
                (*row)->apply(x, whole, N, computes[c]);
                for (size_t cut = 0; cut <= N; cut++) {
                    memcpy(part, x, sizeof part);
                    (*row)->apply(part, part, cut, computes[c]);
                    (*row)->apply(part + cut, part + cut, N - cut, computes[c]);
                    assert_memory_equal(part, whole, sizeof whole);
                }
            }
}

static void test_special_values(void **state) {
    (void)state;
    const float x[] = {NAN, -NAN, INFINITY, 0.0f, -0.0f};
    for (const char *const *name = cp_ops_available(); *name != NULL; name++)
        for (const struct cp_activation *const *row = cp_ops_find(*name)->activations; *row != NULL; row++)
            for (size_t c = 0; c < COMPUTES; c++) {
                float y[5];
                (*row)->apply(x, y, 5, computes[c]);
                assert_true(isnan(y[0]) && isnan(y[1]));
                assert_true(y[2] == INFINITY);
                assert_int_equal(cp_bits(y[3]), cp_bits(0.0f));
                assert_int_equal(cp_bits(y[4]), cp_bits(-0.0f));
            }
}

static float quick_in(enum cp_dtype half, float x) {
    const float t = cp_round_to(half, 1.702f * x);
    return cp_round_to(half, x * cp_round_to(half, 1.0f / (1.0f + cp_expf(-t))));
}

/* At every encoding of the half types: quick rounds after each of its three operations, as eager PyTorch
 * does; erf and tanh compute in float32 and round once. */
static void test_where_half_types_round(void **state) {
    (void)state;
    const char *const names[] = {"quick", "erf", "tanh"};
    const struct cp_activation *const *row = cp_ops_find("auto")->activations;
    for (size_t v = 0; v < 3; v++)
        for (uint32_t code = 0; code < 0x20000u; code++) {
            const enum cp_dtype half = code < 0x10000u ? CP_FP16 : CP_BF16;
            const uint16_t bits = (uint16_t)(code & 0xffffu);
            const float x = half == CP_FP16 ? cp_fp16_decode(bits) : cp_bf16_decode(bits);
            float y, fp32;
            assert_string_equal(row[v]->info.name, names[v]);
            row[v]->apply(&x, &y, 1, half);
            row[v]->apply(&x, &fp32, 1, CP_FP32);
            if (!same_bits(y, v == 0 ? quick_in(half, x) : cp_round_to(half, fp32)))
                fail_msg("%s %s: f(%a) = %a", names[v], cp_dtype_name(half), (double)x, (double)y);
        }
}

/* ---- exp, erf, tanh ---- */

static const struct {
    const char *name;
    float (*f)(float);
    double (*libm)(double);
    double bound;
} functions[] = {{"exp", cp_expf, exp, CP_EXP_ULP},
                 {"erf", cp_erff, erf, CP_ERF_ULP},
                 {"tanh", cp_tanhf, tanh, CP_TANH_ULP}};

static void test_functions_within_their_ulp_bounds(void **state) {
    (void)state;
    float *const x = sample_inputs(CP_FP32);
    for (size_t f = 0; f < 3; f++)
        for (size_t i = 0; i < SAMPLE; i++) {
            const double exact = functions[f].libm((double)x[i]);
            const double y = (double)functions[f].f(x[i]);
            const double largest = (double)0x1.fffffep127f;
            const double ulp = cp_ulp_at(CP_FP32, fmin(fabs(exact), largest));
            const double error = fabs((isinf(y) ? 0x1p128 : y) - fmin(exact, 0x1p128)) / ulp;
            if (!(error <= functions[f].bound))
                fail_msg("%s(%a) = %a errs by %g ULP", functions[f].name, (double)x[i], y, error);
        }
    free(x);
}

static void test_functions_at_their_edges(void **state) {
    (void)state;
    for (size_t f = 0; f < 3; f++)
        assert_true(isnan(functions[f].f(NAN)) && isnan(functions[f].f(-NAN)));
    assert_true(cp_expf(INFINITY) == INFINITY && cp_bits(cp_expf(-INFINITY)) == 0);
    assert_true(cp_expf(0.0f) == 1.0f && cp_expf(-0.0f) == 1.0f);
    /* The last argument with a finite value, the last with a nonzero one, and those after them. */
    assert_true(isfinite(cp_expf(0x1.62e42ep6f)) && isinf(cp_expf(0x1.62e43p6f)));
    assert_true(cp_expf(-0x1.9fe368p6f) == 0x1p-149f && cp_expf(-0x1.9fe36ap6f) == 0.0f);
    for (size_t f = 1; f < 3; f++) {
        assert_true(functions[f].f(INFINITY) == 1.0f && functions[f].f(-INFINITY) == -1.0f);
        assert_int_equal(cp_bits(functions[f].f(0.0f)), cp_bits(0.0f));
        assert_int_equal(cp_bits(functions[f].f(-0.0f)), cp_bits(-0.0f));
        assert_true(functions[f].f(0x1p-149f) == 0x1p-149f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_bounds_hold_and_are_tight),
        cmocka_unit_test(test_golden_values),
        cmocka_unit_test(test_every_set_gives_the_same_bits),
        cmocka_unit_test(test_splits_and_in_place),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_where_half_types_round),
        cmocka_unit_test(test_functions_within_their_ulp_bounds),
        cmocka_unit_test(test_functions_at_their_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
