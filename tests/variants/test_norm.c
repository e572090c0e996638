/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the norm table: a new row is tested here without a new line, unless its maths id is new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels_fixture.h"
#include "ops/ops.h"

enum { MAX_WIDTH = 1024, ROWS = 3 };

static const enum cp_dtype types[] = {CP_FP32, CP_FP16, CP_BF16};
static const size_t widths[] = {1, 2, 7, 16, 17, 64, 100, 128, 512, 768, 1024};
static const double epsilons[] = {1e-5, 1e-6};
enum { TYPES = 3, WIDTHS = sizeof widths / sizeof *widths, EPSILONS = 2 };

/* One row's inputs and exact facts; float64 sums err far less than any bound here. */
struct row {
    size_t width;
    double eps;
    float x[MAX_WIDTH], weight[MAX_WIDTH], bias[MAX_WIDTH];
    double mean, variance, spread_max, weight_max, bias_max;
};

/* kind 0: standard; 1: as small as eps; 2: off centre; 3: one outlying channel; 4: far off centre. */
enum { KINDS = 5 };

static void fill_row(struct row *row, size_t width, int kind, double eps, uint64_t *random) {
    static const float centre[KINDS] = {0.0f, 0.0f, 3.0f, 10.0f, 100.0f},
                       scale[KINDS] = {1.0f, 0.005f, 2.0f, 0.5f, 1.0f};
    row->width = width;
    row->eps = eps;
    for (size_t i = 0; i < width; i++) {
        row->x[i] = centre[kind] + scale[kind] * random_normal(random);
        row->weight[i] = 1.0f + 0.2f * random_normal(random);
        row->bias[i] = 0.1f * random_normal(random);
    }
    if (kind == 3)
        row->x[width / 2] += 40.0f;
}

static void find_facts(struct row *row) {
    row->mean = row->variance = row->spread_max = row->weight_max = row->bias_max = 0.0;
    for (size_t i = 0; i < row->width; i++)
        row->mean += (double)row->x[i] / (double)row->width;
    for (size_t i = 0; i < row->width; i++) {
        const double deviation = (double)row->x[i] - row->mean;
        row->variance += deviation * deviation / (double)row->width;
        row->spread_max = fmax(row->spread_max, fabs(deviation));
        row->weight_max = fmax(row->weight_max, fabs((double)row->weight[i]));
        row->bias_max = fmax(row->bias_max, fabs((double)row->bias[i]));
    }
}

/* The ideal function by its maths id. */
static double ideal(const char *maths, const struct row *row, size_t i) {
    double centred = (double)row->x[i], square = row->mean * row->mean + row->variance;
    if (strcmp(maths, "layer_norm") == 0) {
        centred -= row->mean;
        square = row->variance;
    } else if (strcmp(maths, "rms_norm") != 0) {
        fail_msg("no reference for maths id %s", maths);
    }
    return centred / sqrt(square + row->eps) * (double)row->weight[i] + (double)row->bias[i];
}

static struct cp_norm_args arguments(const struct row *row, float *y, enum cp_dtype stats,
                                     enum cp_dtype output) {
    return (struct cp_norm_args){.x = row->x,
                                 .weight = row->weight,
                                 .bias = row->bias,
                                 .y = y,
                                 .rows = 1,
                                 .width = row->width,
                                 .eps = row->eps,
                                 .stats = stats,
                                 .output = output};
}

static double bound_of(const struct cp_norm *norm, const struct cp_norm_args *args, const struct row *row) {
    return norm->error_bound(args, row->mean, sqrt(row->variance + row->eps), row->spread_max,
                             row->weight_max, row->bias_max);
}

/* The largest error of one row as a share of its bound; 0 where the bound is infinite. */
static double share_of_bound(const struct cp_norm *norm, const struct row *row, enum cp_dtype stats,
                             enum cp_dtype output) {
    float y[MAX_WIDTH];
    const struct cp_norm_args args = arguments(row, y, stats, output);
    const double bound = bound_of(norm, &args, row);
    double worst = 0.0;
    assert_true(!isnan(bound));
    assert_true(bound > 0.0);
    if (isinf(bound))
        return 0.0;
    norm->apply(&args);
    for (size_t i = 0; i < row->width; i++) {
        const double error = fabs((double)y[i] - ideal(norm->info.maths, row, i));
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
                        for (size_t sample = 0; sample < 20; sample++) {
                            fill_row(&row, widths[w], kind, epsilons[sample % EPSILONS], &random);
                            find_facts(&row);
                            worst = fmax(worst, share_of_bound(*norm, &row, types[stats], types[output]));
                        }
                print_message("%s, stats %s, output %s: largest error %.0f %% of the bound\n",
                              (*norm)->info.name, cp_dtype_name(types[stats]), cp_dtype_name(types[output]),
                              100.0 * worst);
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
        const struct cp_norm_args fp32 = arguments(&row, NULL, CP_FP32, CP_FP32);
        assert_true(bound_of(*norm, &fp32, &row) < 1e-3);
        const struct cp_norm_args fp16 = arguments(&row, NULL, CP_FP16, CP_FP32);
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
            row.eps = epsilons[file % 2];
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
                const struct cp_norm_args args = arguments(&row, y, CP_FP32, CP_FP32);
                (*norm)->apply(&args);
                for (size_t i = 0; i < row.width; i++)
                    assert_true(fabs((double)y[i] - expected[i]) <= bound_of(*norm, &args, &row));
            }
            free(table.values);
        }
}

/* ---- bits
 * ----------------------------------------------------------------------------------------------------------
 */

struct batch {
    float x[ROWS * MAX_WIDTH], y[ROWS * MAX_WIDTH], weight[MAX_WIDTH], bias[MAX_WIDTH];
};

static struct cp_norm_args batch_arguments(struct batch *batch, size_t width, enum cp_dtype stats,
                                           enum cp_dtype output) {
    return (struct cp_norm_args){batch->x, batch->weight, batch->bias, batch->y, ROWS,
                                 width,    1e-5,          stats,       output};
}

static void fill_batch(struct batch *batch, size_t width, uint64_t *random) {
    struct row row;
    for (size_t r = 0; r < ROWS; r++) {
        fill_row(&row, width, (int)(random_bits(random) % KINDS), 1e-5, random);
        memcpy(batch->x + r * width, row.x, width * sizeof *row.x);
    }
    memcpy(batch->weight, row.weight, width * sizeof *row.weight);
    memcpy(batch->bias, row.bias, width * sizeof *row.bias);
}

static bool same_rows(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!same_bits(a[i], b[i]))
            return false;
    return true;
}

/* Every set, rows together or alone, in place or not: the bits of the scalar set. */
static void check_bits(size_t variant, struct batch *batch, size_t width, enum cp_dtype stats,
                       enum cp_dtype output) {
    static struct batch other;
    struct cp_norm_args args = batch_arguments(batch, width, stats, output);
    cp_ops_find("scalar")->norms[variant]->apply(&args);
    for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
        const struct cp_norm *const norm = cp_ops_find(*name)->norms[variant];
        other = *batch;
        args = batch_arguments(&other, width, stats, output);
        args.y = other.x;
        norm->apply(&args);
        assert_true(same_rows(other.x, batch->y, ROWS * width));
        other = *batch;
        args = batch_arguments(&other, width, stats, output);
        args.rows = 1;
        for (size_t r = ROWS; r-- > 0;) {
            args.x = other.x + r * width;
            args.y = other.y + r * width;
            norm->apply(&args);
        }
        assert_true(same_rows(other.y, batch->y, ROWS * width));
    }
}

static void test_every_set_gives_the_same_bits(void **state) {
    (void)state;
    static struct batch batch;
    uint64_t random = 8;
    for (size_t variant = 0; cp_ops_find("scalar")->norms[variant] != NULL; variant++)
        for (size_t stats = 0; stats < TYPES; stats++)
            for (size_t output = 0; output < TYPES; output++)
                for (size_t w = 0; w < WIDTHS; w++)
                    for (size_t sample = 0; sample < 4; sample++) {
                        fill_batch(&batch, widths[w], &random);
                        check_bits(variant, &batch, widths[w], types[stats], types[output]);
                    }
}

static const struct cp_norm *named(const char *name) {
    const struct cp_norm *const *norm = cp_ops_find("scalar")->norms;
    while (*norm != NULL && strcmp((*norm)->info.name, name) != 0)
        norm++;
    assert_non_null(*norm);
    return *norm;
}

/* The tree of 16 as the contract words it, element by element. */
static float tree_of_16(const float *terms, size_t n) {
    float partial[16] = {0};
    for (size_t i = 0; i < n; i++)
        partial[i % 16] += terms[i];
    for (size_t distance = 8; distance >= 1; distance /= 2)
        for (size_t j = 0; j < distance; j++)
            partial[j] += partial[j + distance];
    return partial[0];
}

static void test_two_pass_sums_by_the_tree_of_16(void **state) {
    (void)state;
    struct row row;
    float y[MAX_WIDTH], squares[MAX_WIDTH];
    uint64_t random = 9;
    for (size_t w = 0; w < WIDTHS; w++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill_row(&row, widths[w], kind, 1e-5, &random);
            const struct cp_norm_args args = arguments(&row, y, CP_FP32, CP_FP32);
            named("two_pass")->apply(&args);
            const float mean = tree_of_16(row.x, row.width) / (float)row.width;
            for (size_t i = 0; i < row.width; i++)
                squares[i] = (row.x[i] - mean) * (row.x[i] - mean);
            const float variance = tree_of_16(squares, row.width) / (float)row.width;
            const float rstd = 1.0f / sqrtf(variance + 1e-5f);
            for (size_t i = 0; i < row.width; i++) {
                const float expected = (row.x[i] - mean) * rstd * row.weight[i] + row.bias[i];
                assert_int_equal(cp_bits(y[i]), cp_bits(expected));
            }
        }
}

/* ---- what each variant is for
 * -------------------------------------------------------------------------------------- */

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
        const struct cp_norm_args args = arguments(&row, y, CP_FP32, CP_FP32);
        double worst = 0.0;
        named(names[n])->apply(&args);
        for (size_t i = 0; i < row.width; i++) {
            assert_true(isfinite(y[i]));
            worst = fmax(worst, fabs((double)y[i] - ideal("layer_norm", &row, i)));
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
        struct cp_norm_args args = arguments(&row, fp32, CP_FP32, CP_FP32);
        (*norm)->apply(&args);
        for (size_t t = 1; t < TYPES; t++) {
            double worst = 0.0;
            args = arguments(&row, half, types[t], CP_FP32);
            (*norm)->apply(&args);
            for (size_t i = 0; i < row.width; i++)
                worst = fmax(worst, fabs((double)half[i] - (double)fp32[i]));
            assert_true(worst > cp_unit_roundoff(types[t]) / 4.0 && worst < 1.0);
        }
        /* 768 squares of 20 add up to more than fp16 holds. */
        for (size_t i = 0; i < row.width; i++)
            row.x[i] = i % 2 == 0 ? 20.0f : -20.0f;
        args = arguments(&row, half, CP_FP16, CP_FP32);
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
        cmocka_unit_test(test_every_set_gives_the_same_bits),
        cmocka_unit_test(test_two_pass_sums_by_the_tree_of_16),
        cmocka_unit_test(test_one_pass_cancels),
        cmocka_unit_test(test_half_statistics_are_half),
        cmocka_unit_test(test_one_element_is_the_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
