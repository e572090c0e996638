/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of a mean and limits of a share against NumPy and SciPy (reference/golden/statistics). */
#include "support/golden.h"
#include "support/test.h"

#include "num/mean_test.h"

#include <math.h>

enum { VALUES = 60, MEAN_COLUMNS = 6, SHARE_COLUMNS = 5 };

static void means_of_clusters(void **state) {
    size_t cases, rows;
    const double *expected = golden("statistics/means", &cases, MEAN_COLUMNS),
                 *values = golden("statistics/clusters", &rows, 3);
    (void)state;
    assert_int_equal(rows, cases * VALUES);
    for (size_t c = 0; c < cases; c++, values += 3 * VALUES, expected += MEAN_COLUMNS) {
        double x[VALUES], sums[VALUES];
        size_t row[VALUES], column[VALUES];
        for (size_t i = 0; i < VALUES; i++) {
            x[i] = values[3 * i];
            row[i] = (size_t)values[3 * i + 1];
            column[i] = (size_t)values[3 * i + 2];
        }
        const struct cp_grouping grouping = {row, column, VALUES, VALUES};
        const struct cp_mean_test test = cp_mean_test(x, VALUES, &grouping, sums);
        assert_golden(c, "mean", test.mean, expected[0]);
        assert_golden(c, "error", test.error, expected[1]);
        assert_golden(c, "df", test.df, expected[2]);
        assert_golden(c, "independent", test.independent, expected[3]);
        assert_true(fabs(cp_mean_p_above(&test, 0.1) - expected[4]) <= 1e-9 * expected[4]);
        assert_true(fabs(cp_mean_low(&test, 1e-3) - expected[5]) <= 1e-8);
    }
}

static void limits_of_shares(void **state) {
    size_t cases;
    const double *row = golden("statistics/shares", &cases, SHARE_COLUMNS);
    (void)state;
    for (size_t c = 0; c < cases; c++, row += SHARE_COLUMNS) {
        assert_true(fabs(cp_share_low(row[0], row[1], 0.05) - row[2]) <= 1e-8);
        assert_true(fabs(cp_share_high(row[0], row[1], 0.05) - row[3]) <= 1e-8);
        assert_true(fabs(cp_share_p_above(row[0], row[1], 0.02) - row[4]) <= 1e-9 * row[4]);
    }
}

/* At the quantiles of the t statistic, which were drawn from a lognormal and from one with outliers, the
 * p-value is never less than nine tenths of what was drawn, nor six times that of the law that needs more. */
static void skewed_values(void **state) {
    size_t cases;
    const double *row = golden("statistics/skewed", &cases, 4);
    (void)state;
    for (size_t c = 0; c < cases; c++, row += 4) {
        const struct cp_mean_test test = {-fmax(row[2], row[3]), 1, row[0] - 1, row[0]};
        const double p = cp_mean_p_below(&test, 0);
        if (!(p >= 0.9 * row[1] && p <= 6 * row[1]))
            fail_msg("n = %g, t = %g: p is %g, drawn %g", row[0], test.mean, p, row[1]);
        assert_true(fabs(cp_mean_p_below(&test, cp_mean_high(&test, row[1])) - row[1]) <= 1e-6 * row[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(means_of_clusters),
                                       cmocka_unit_test(limits_of_shares), cmocka_unit_test(skewed_values)};
    return cmocka_run_group_tests(tests, NULL, free_goldens);
}
