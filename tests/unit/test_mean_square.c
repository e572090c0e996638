/* SPDX-License-Identifier: GPL-3.0-or-later
 * The squared length of a mean: planted vectors with noise. */
#include "support/test.h"

#include "base/hash.h"
#include "num/mean_square.h"

#include <math.h>

enum { BLOCKS = 20, SIZE = 8, TRIALS = 2000 };

/* Products of blocks that are `mean` in each element, plus uniform noise on [-1, 1). */
static void plant(double mean, uint64_t seed, double *products) {
    double block[BLOCKS][SIZE];
    for (size_t j = 0; j < BLOCKS; j++)
        for (size_t i = 0; i < SIZE; i++)
            block[j][i] = mean + cp_counter_unit(seed, j, i);
    for (size_t j = 0; j < BLOCKS; j++)
        for (size_t k = 0; k < BLOCKS; k++) {
            products[j * BLOCKS + k] = 0;
            for (size_t i = 0; i < SIZE; i++)
                products[j * BLOCKS + k] += block[j][i] * block[k][i];
        }
}

static void no_bias_and_an_honest_error(void **state) {
    double sum = 0, square = 0, error = 0;
    const double mean = 0.5, truth = SIZE * mean * mean;
    (void)state;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        double products[BLOCKS * BLOCKS];
        plant(mean, trial, products);
        const struct cp_mean_square u = cp_mean_square(products, BLOCKS);
        sum += u.value;
        square += (u.value - truth) * (u.value - truth);
        error += u.error * u.error;
    }
    const double deviation = sqrt(square / TRIALS);
    print_message("mean %.4f of %.4f, deviation %.4f, stated %.4f\n", sum / TRIALS, truth, deviation,
                  sqrt(error / TRIALS));
    assert_true(fabs(sum / TRIALS - truth) < 4 * deviation / sqrt(TRIALS));
    assert_true(fabs(sqrt(error / TRIALS) / deviation - 1) < 0.1);
}

/* Two tables of the same truth: 2.5 % of the differences may look larger than 0 at that level. */
static void chance_is_rarely_a_difference(void **state) {
    int above = 0;
    (void)state;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        double a[BLOCKS * BLOCKS], b[BLOCKS * BLOCKS];
        plant(0.5, 2 * trial, a);
        plant(0.5, 2 * trial + 1, b);
        for (size_t i = 0; i < sizeof a / sizeof a[0]; i++)
            a[i] -= b[i];
        const struct cp_mean_square u = cp_mean_square(a, BLOCKS);
        above += cp_mean_square_p_above(&u) <= 0.025;
    }
    print_message("%d of %d, 2.5 %% would be %g\n", above, TRIALS, 0.025 * TRIALS);
    assert_in_range(above, 0.015 * TRIALS, 0.035 * TRIALS);
}

/* 2.093024 is the 97.5 % point of Student's t with 19 degrees of freedom, 1.729133 the 95 % point. */
static void p_is_students(void **state) {
    const struct cp_mean_square at[] = {
        {2.093024, 1, 20}, {1.729133, 1, 20}, {0, 1, 20}, {1, 0, 20}, {NAN, 1, 20}};
    const double p[] = {0.025, 0.05, 0.5, 1, 1};
    (void)state;
    for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
        assert_true(fabs(cp_mean_square_p_above(&at[i]) - p[i]) < 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_bias_and_an_honest_error),
                                       cmocka_unit_test(chance_is_rarely_a_difference),
                                       cmocka_unit_test(p_is_students)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
