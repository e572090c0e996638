/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the norm table for accuracy: a new row is tested here without a new line, unless its maths id is new.
 */
#include "support/norm.h"
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double bound_of(const struct cp_norm *norm, const struct cp_norm_args *args, const struct row *row) {
    return norm->error_bound(args, row->mean, sqrt(row->variance + row->eps), row->spread_max,
                             row->weight_max, row->bias_max);
}

/* The largest error of one row as a share of its bound; 0 where the bound is infinite. */
static double share_of_bound(const struct cp_norm *norm, const struct row *row, enum cp_dtype stats,
                             enum cp_dtype output) {
    float y[MAX_WIDTH];
    const struct cp_norm_args args = norm_arguments(row, y, stats, output);
    const double bound = bound_of(norm, &args, row);
    double worst = 0.0;
    assert_true(!isnan(bound));
    assert_true(bound > 0.0);
    if (isinf(bound))
        return 0.0;
    norm->apply(&args);
    for (size_t i = 0; i < row->width; i++) {
        const double error = fabs((double)y[i] - ideal_norm(norm->info.maths, row, i));
        if (!(error <= bound))
            fail_msg("%s, stats %s, output %s, width %zu: error %g above the bound %g", norm->info.name,
                     cp_dtype_name(stats), cp_dtype_name(output), row->width, error, bound);
        worst = fmax(worst, error / bound);
    }
    return worst;
}

static void test_error_bounds_hold_and_are_tight(void **state) {
    (void)state;
    struct row row;
    for (const struct cp_norm *const *norm = cp_ops_find("auto")->norms; *norm != NULL; norm++)
        for (size_t stats = 0; stats < TYPES; stats++)
            for (size_t output = 0; output < TYPES; output++) {
                uint64_t random = 5;
                double worst = 0.0;
                for (size_t w = 0; w < WIDTHS; w++)
                    for (int kind = 0; kind < KINDS; kind++)
                        for (size_t sample = 0; sample < 40; sample++) {
                            fill_row(&row, norm_widths[w], kind, norm_epsilons[sample % EPSILONS], &random);
                            find_facts(&row);
                            worst = fmax(worst,
                                         share_of_bound(*norm, &row, norm_types[stats], norm_types[output]));
                        }
                print_message("%s, stats %s, output %s: largest error %.0f %% of the bound\n",
                              (*norm)->info.name, cp_dtype_name(norm_types[stats]),
                              cp_dtype_name(norm_types[output]), 100.0 * worst);
                assert_true(worst >= 0.25);
            }
}

/* At the widths and statistics of CLIP, float32 statistics always have a finite bound and a useful one. */
static void test_bounds_are_useful(void **state) {
    (void)state;
    struct row row;
    uint64_t random = 6;
    fill_row(&row, 768, 0, 1e-5, &random);
    find_facts(&row);
    for (const struct cp_norm *const *norm = cp_ops_find("auto")->norms; *norm != NULL; norm++) {
        const struct cp_norm_args fp32 = norm_arguments(&row, NULL, CP_FP32, CP_FP32);
        assert_true(bound_of(*norm, &fp32, &row) < 1e-3);
        const struct cp_norm_args fp16 = norm_arguments(&row, NULL, CP_FP16, CP_FP32);
        assert_true(bound_of(*norm, &fp16, &row) > bound_of(*norm, &fp32, &row));
    }
}

static void test_golden_values(void **state) {
    (void)state;
    static const size_t golden_widths[] = {1, 7, 64, 128, 768};
    struct row row;
    float y[MAX_WIDTH];
    for (const struct cp_norm *const *norm = cp_ops_find("auto")->norms; *norm != NULL; norm++)
        for (size_t file = 0; file < 10; file++) {
            char path[512];
            row.width = golden_widths[file / 2];
            row.eps = norm_epsilons[file % 2];
            (void)snprintf(path, sizeof path, "%s/reference/golden/maths/%s-%zu-%s.npy", CP_SOURCE_DIR,
                           (*norm)->info.maths, row.width, file % 2 == 0 ? "1e-05" : "1e-06");
            struct table table = read_table(path);
            assert_non_null(table.values);
            assert_int_equal(table.rows, 10);
            assert_int_equal(table.columns, row.width);
            for (size_t line = 2; line < table.rows; line += 2) {
                const double *const x = table.values + line * row.width, *const expected = x + row.width;
                for (size_t i = 0; i < row.width; i++) {
                    row.weight[i] = (float)table.values[i];
                    row.bias[i] = (float)table.values[row.width + i];
                    row.x[i] = (float)x[i];
                }
                find_facts(&row);
                const struct cp_norm_args args = norm_arguments(&row, y, CP_FP32, CP_FP32);
                (*norm)->apply(&args);
                for (size_t i = 0; i < row.width; i++)
                    assert_true(fabs((double)y[i] - expected[i]) <= bound_of(*norm, &args, &row));
            }
            free(table.values);
        }
}

/* ---- what each variant is for ---- */

/* Far off centre, E[x^2] - E[x]^2 has no correct digit left; the others lose nothing. */
static void test_one_pass_cancels(void **state) {
    (void)state;
    struct row row;
    float y[MAX_WIDTH];
    uint64_t random = 10;
    fill_row(&row, 768, 0, 1e-6, &random);
    for (size_t i = 0; i < row.width; i++)
        row.x[i] = 1000.0f + 0.01f * row.x[i];
    find_facts(&row);
    const char *const names[] = {"two_pass", "welford", "one_pass"};
    for (size_t n = 0; n < 3; n++) {
        const struct cp_norm_args args = norm_arguments(&row, y, CP_FP32, CP_FP32);
        double worst = 0.0;
        norm_named(names[n])->apply(&args);
        for (size_t i = 0; i < row.width; i++) {
            assert_true(isfinite(y[i]));
            worst = fmax(worst, fabs((double)y[i] - ideal_norm("layer_norm", &row, i)));
        }
        assert_true(n == 2 ? worst > 0.5 : worst < 0.1);
    }
}

static void test_half_statistics_are_half(void **state) {
    (void)state;
    struct row row;
    float fp32[MAX_WIDTH], half[MAX_WIDTH];
    uint64_t random = 12;
    fill_row(&row, 768, 2, 1e-5, &random);
    find_facts(&row);
    for (const struct cp_norm *const *norm = cp_ops_find("scalar")->norms; *norm != NULL; norm++) {
        struct cp_norm_args args = norm_arguments(&row, fp32, CP_FP32, CP_FP32);
        (*norm)->apply(&args);
        for (size_t t = 1; t < TYPES; t++) {
            double worst = 0.0;
            args = norm_arguments(&row, half, norm_types[t], CP_FP32);
            (*norm)->apply(&args);
            for (size_t i = 0; i < row.width; i++)
                worst = fmax(worst, fabs((double)half[i] - (double)fp32[i]));
            assert_true(worst > cp_unit_roundoff(norm_types[t]) / 4.0 && worst < 1.0);
        }
        /* 768 squares of 20 add up to more than fp16 holds. */
        for (size_t i = 0; i < row.width; i++)
            row.x[i] = i % 2 == 0 ? 20.0f : -20.0f;
        args = norm_arguments(&row, half, CP_FP16, CP_FP32);
        (*norm)->apply(&args);
        assert_true(cp_bits(half[0]) == cp_bits(row.bias[0]));
        fill_row(&row, 768, 2, 1e-5, &random);
    }
}

static void test_one_element_is_the_bias(void **state) {
    (void)state;
    const float x = 3.25f, weight = 2.0f, bias = 0.75f;
    for (const char *const *name = cp_ops_available(); *name != NULL; name++)
        for (const struct cp_norm *const *norm = cp_ops_find(*name)->norms; *norm != NULL; norm++) {
            float y;
            const struct cp_norm_args args = {&x, &weight, &bias, &y, 1, 1, 1e-5, CP_FP32, CP_FP32};
            (*norm)->apply(&args);
            if (strcmp((*norm)->info.maths, "layer_norm") == 0)
                assert_true(y == bias);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_bounds_hold_and_are_tight),
        cmocka_unit_test(test_bounds_are_useful),
        cmocka_unit_test(test_golden_values),
        cmocka_unit_test(test_one_pass_cancels),
        cmocka_unit_test(test_half_statistics_are_half),
        cmocka_unit_test(test_one_element_is_the_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
