/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/test.h"

#include "num/mean_test.h"

#include <math.h>

/* Values that are all the same leave no doubt; at the limit they show nothing. */
static void no_spread(void **state) {
    static const double x[] = {2, 2, 2};
    double sums[1];
    (void)state;
    const struct cp_mean_test test = cp_mean_test(x, 3, NULL, sums);
    assert_true(test.error == 0 && cp_mean_p_above(&test, 1) == 0 && cp_mean_p_below(&test, 3) == 0);
    assert_true(cp_mean_p_above(&test, 2) == 1 && cp_mean_p_below(&test, 2) == 1);
    assert_true(cp_mean_low(&test, 0.05) == 2 && cp_mean_high(&test, 0.05) == 2);
}

/* Far out the p-value goes on falling, and never the wrong way. */
static void tails_have_no_floor(void **state) {
    double before = 1;
    (void)state;
    for (int doublings = 0; doublings < 27; doublings++) {
        const struct cp_mean_test test = {-ldexp(0.01, doublings), 1, 11, 12};
        const double p = cp_mean_p_below(&test, 0);
        assert_true(p < before);
        before = p;
    }
    assert_true(before < 1e-12 && before > 0);
}

/* One group in all is none. */
static void a_single_group_is_none(void **state) {
    static const double x[] = {1, 2, 4, 8};
    static const size_t same[] = {0, 0, 0, 0}, own[] = {0, 1, 2, 3};
    const struct cp_grouping grouping = {same, own, 1, 4};
    double sums[4];
    (void)state;
    const struct cp_mean_test plain = cp_mean_test(x, 4, NULL, sums),
                              test = cp_mean_test(x, 4, &grouping, sums);
    assert_true(fabs(test.error - plain.error) < 1e-15 && test.df == 3 && fabs(test.independent - 4) < 1e-12);
}

/* 27 by Student's t at 5 % above the limit: t = sqrt(27) 0.1 / 0.3 = 1.732 > 1.706. Below it, where few
 * values hide the rare large ones, more are asked for. */
static void how_many_would_decide(void **state) {
    (void)state;
    const size_t above = cp_values_to_decide(0.7, 0.3, 0.6, 0.05),
                 below = cp_values_to_decide(0.5, 0.3, 0.6, 0.05);
    assert_true(above >= 27 && above <= 29);
    assert_true((double)below > 1.5 * (double)above && (double)below < 4 * (double)above);
    assert_int_equal(cp_values_to_decide(0.5, 0, 0.6, 0.05), 2);
    assert_true(cp_values_to_decide(0.6, 0.3, 0.6, 0.05) == SIZE_MAX);
    assert_true(cp_values_to_decide(NAN, 0.3, 0.6, 0.05) == SIZE_MAX);
}

/* F(1, 1) is the square of a Cauchy value, and of F(2, 2) P(F > x) = 1 / (1 + x). */
static void shares_of_ratios(void **state) {
    (void)state;
    for (int half = 1; half < 10; half++) {
        const double k = half / 2.0;
        assert_true(fabs(cp_share_of_ratios(k, 1) - (1 - 2 / M_PI * atan(k))) < 1e-9);
        assert_true(fabs(cp_share_of_ratios(k, 2) - 1 / (1 + k * k)) < 1e-9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_spread), cmocka_unit_test(tails_have_no_floor),
                                       cmocka_unit_test(a_single_group_is_none),
                                       cmocka_unit_test(how_many_would_decide),
                                       cmocka_unit_test(shares_of_ratios)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
