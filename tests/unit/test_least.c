/* SPDX-License-Identifier: GPL-3.0-or-later
 * cp_least on functions whose least point is known, and Clopper & Pearson's bound against known values. */
#include "support/test.h"

#include "num/least.h"
#include "num/metrics.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* exp(x) - 3 x: least at log 3. */
static struct cp_derivatives convex(void *context, double x) {
    ++*(int *)context;
    return (struct cp_derivatives){exp(x) - 3, exp(x)};
}

/* -exp(-(x - 1)^2): least at 1; bent the wrong way from 1 +- 0.71 on, where Newton's step leads away. */
static struct cp_derivatives bell(void *context, double x) {
    const double d = x - 1, height = exp(-d * d);
    (void)context;
    return (struct cp_derivatives){2 * d * height, (2 - 4 * d * d) * height};
}

static struct cp_derivatives rising(void *context, double x) {
    (void)context;
    return (struct cp_derivatives){exp(x), exp(x)};
}

static struct cp_derivatives undefined(void *context, double x) {
    (void)context;
    return (struct cp_derivatives){x < 1 ? -1 : NAN, 0};
}

static void least_is_found_from_anywhere(void **state) {
    (void)state;
    for (int i = -12; i <= 16; i++) {
        const double start = i / 2.0;
        int calls = 0;
        double x;
        assert_true(cp_least(convex, &calls, start, -6, 8, &x) && fabs(x - log(3)) < 1e-6);
        assert_true(calls < 15);
        if (fabs(start - 1) <= 5)
            assert_true(cp_least(bell, NULL, start, -6, 8, &x) && fabs(x - 1) < 1e-6);
    }
}

static void no_least_is_said(void **state) {
    double x;
    (void)state;
    assert_false(cp_least(rising, NULL, 0, -7, 7, &x));
    assert_false(cp_least(undefined, NULL, 0, -7, 7, &x));
}

/* R: binom.test(k, n, conf.level = 0.95)$conf.int[1]; all of n: alpha^(1 / n). */
static void clopper_pearson(void **state) {
    (void)state;
    assert_true(fabs(cp_clopper_pearson_low(5, 10, 0.025) - 0.1870860) < 1e-7);
    assert_true(fabs(cp_clopper_pearson_low(1, 10, 0.025) - 0.002528579) < 1e-9);
    assert_true(fabs(cp_clopper_pearson_low(20, 20, 0.01) - pow(0.01, 0.05)) < 1e-12);
    assert_true(cp_clopper_pearson_low(0, 10, 0.01) == 0);
    for (unsigned k = 1; k <= 3000; k += 7) {
        const double low = cp_clopper_pearson_low(k, 3000, 0.01);
        assert_true(fabs(gsl_cdf_binomial_Q(k - 1, low, 3000) - 0.01) < 1e-8);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(least_is_found_from_anywhere),
                                       cmocka_unit_test(no_least_is_said), cmocka_unit_test(clopper_pearson)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
