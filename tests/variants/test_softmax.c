/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/kernels.h"
#include "support/test.h"

#include "ops/math.h"
#include "ops/ops.h"

#include <math.h>

enum { ROWS = 5, LD = 200, MAX_N = 197, TYPES = 3, SIZES = 9 };

static const enum cp_dtype types[TYPES] = {CP_FP32, CP_FP16, CP_BF16};
static const size_t sizes[SIZES] = {1, 2, 7, 16, 17, 50, 64, 77, 197};
static const float untouched = -7.0f;

struct scores {
    float x[ROWS * LD];
};

/* Each row on its own scale, so that some are flat and one underflows; the padding holds a mark. */
static void fill(struct scores *scores, size_t n, enum cp_dtype dtype, uint64_t *random) {
    static const float scale[ROWS] = {0.0f, 0.1f, 3.0f, 20.0f, 200.0f};
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < LD; i++)
            scores->x[r * LD + i] = i < n ? cp_round_to(dtype, scale[r] * random_normal(random)) : untouched;
}

static struct cp_softmax_args arguments(struct scores *scores, size_t n, enum cp_dtype compute,
                                        enum cp_dtype output) {
    return (struct cp_softmax_args){
        .x = scores->x, .rows = ROWS, .n = n, .ld = LD, .compute = compute, .output = output};
}

/* The definition in ops.h, element by element. */
static void define_row(float *x, size_t n, enum cp_dtype compute, enum cp_dtype output) {
    float max = x[0];
    for (size_t i = 1; i < n; i++)
        max = fmaxf(max, x[i]);
    for (size_t i = 0; i < n; i++)
        x[i] = cp_round_to(compute, cp_expf(cp_round_to(compute, x[i] - max)));
    const float sum = tree_of_16(x, n, compute);
    for (size_t i = 0; i < n; i++)
        x[i] = cp_round_to(output, cp_round_to(compute, x[i] / sum));
}

static void test_every_set_computes_the_definition(void **state) {
    (void)state;
    struct scores expected, actual;
    uint64_t random = 13;
    for (size_t compute = 0; compute < TYPES; compute++)
        for (size_t output = 0; output < TYPES; output++)
            for (size_t s = 0; s < SIZES; s++) {
                struct scores scores;
                fill(&scores, sizes[s], types[compute], &random);
                expected = scores;
                for (size_t r = 0; r < ROWS; r++)
                    define_row(expected.x + r * LD, sizes[s], types[compute], types[output]);
                for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
                    actual = scores;
                    const struct cp_softmax_args args =
                        arguments(&actual, sizes[s], types[compute], types[output]);
                    cp_ops_find(*name)->softmax(&args);
                    assert_memory_equal(&actual, &expected, sizeof actual);
                }
            }
}

/* Against float64: x - max errs by u |x - max|, which exp turns into a relative error; then exp, the sum of
 * terms that err alike, and the division. */
static void test_fp32_against_float64(void **state) {
    (void)state;
    struct scores scores, probs;
    uint64_t random = 14;
    for (size_t s = 0; s < SIZES; s++) {
        const size_t n = sizes[s];
        fill(&scores, n, CP_FP32, &random);
        probs = scores;
        const struct cp_softmax_args args = arguments(&probs, n, CP_FP32, CP_FP32);
        cp_ops_find("auto")->softmax(&args);
        for (size_t r = 0; r < ROWS; r++) {
            const float *const x = scores.x + r * LD;
            double max = -INFINITY, sum = 0.0, spread = 0.0;
            for (size_t i = 0; i < n; i++)
                max = fmax(max, (double)x[i]);
            for (size_t i = 0; i < n; i++) {
                sum += exp((double)x[i] - max);
                spread += exp((double)x[i] - max) * (max - (double)x[i]);
            }
            const double depth = ceil((double)n / 16.0) + 4.0;
            for (size_t i = 0; i < n; i++) {
                const double p = exp((double)x[i] - max) / sum;
                const double units = (max - (double)x[i]) + spread / sum + depth + 4.0;
                const double error = fabs((double)probs.x[r * LD + i] - p);
                assert_true(error <= 1.01 * 0x1p-24 * units * p + 0x1p-148);
            }
        }
    }
}

/* Row r of a causal block sees its first first_row + r + 1 entries, exactly as if the others were not there.
 */
static void test_causal_mask(void **state) {
    (void)state;
    struct scores scores, expected, actual;
    uint64_t random = 15;
    for (const char *const *name = cp_ops_available(); *name != NULL; name++)
        for (size_t compute = 0; compute < TYPES; compute++)
            for (size_t first_row = 0; first_row < 80; first_row += 13) {
                fill(&scores, 77, types[compute], &random);
                expected = scores;
                for (size_t r = 0; r < ROWS; r++) {
                    const size_t visible = first_row + r + 1 < 77 ? first_row + r + 1 : 77;
                    define_row(expected.x + r * LD, visible, types[compute], types[compute]);
                    for (size_t i = visible; i < 77; i++)
                        expected.x[r * LD + i] = 0.0f;
                }
                actual = scores;
                struct cp_softmax_args args = arguments(&actual, 77, types[compute], types[compute]);
                args.causal = 1;
                args.first_row = first_row;
                cp_ops_find(*name)->softmax(&args);
                assert_memory_equal(&actual, &expected, sizeof actual);
            }
}

static void test_special_values(void **state) {
    (void)state;
    for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
        float x[4][20];
        for (size_t i = 0; i < 20; i++) {
            x[0][i] = i == 3 ? NAN : 1.0f;
            x[1][i] = i % 2 == 0 ? -INFINITY : 2.0f; /* an additive mask */
            x[2][i] = i == 19 ? 3e38f : -3e38f;      /* the difference overflows */
            x[3][i] = -INFINITY;                     /* everything masked: NaN, as in PyTorch */
        }
        const struct cp_softmax_args args = {x[0], 4, 20, 20, 0, 0, CP_FP32, CP_FP32};
        cp_ops_find(*name)->softmax(&args);
        for (size_t i = 0; i < 20; i++) {
            assert_true(isnan(x[0][i]) && isnan(x[3][i]));
            assert_true(x[1][i] == (i % 2 == 0 ? 0.0f : 0.1f));
            assert_true(x[2][i] == (i == 19 ? 1.0f : 0.0f));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_set_computes_the_definition),
        cmocka_unit_test(test_fp32_against_float64),
        cmocka_unit_test(test_causal_mask),
        cmocka_unit_test(test_special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
