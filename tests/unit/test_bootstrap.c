/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/test.h"

#include "base/hash.h"
#include "num/bootstrap.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>

enum { MOST = 100, DRAWS = 1999, STUDIES = 4000 };

static double t[DRAWS], work[MOST];

/* Standard normal by inversion. */
static double normal(uint64_t stream, uint64_t index) {
    return gsl_cdf_ugaussian_Pinv((cp_counter_unit(7, stream, index) + 1 + 0x1p-24) / 2);
}

/* Of 4,000 seeded studies of n normal values with mean 0.3, the share whose 90 % interval holds it, and the
 * share whose one-sided bounds do, are within 1.5 points of what is stated. */
static void intervals_cover(void **state) {
    static const size_t sizes[] = {12, 30, 100};
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        size_t low = 0, high = 0;
        for (uint64_t study = 0; study < STUDIES; study++) {
            double x[MOST];
            for (size_t i = 0; i < sizes[s]; i++)
                x[i] = 0.3 + normal(sizes[s] * STUDIES + study, i);
            const struct cp_bootstrap b = cp_bootstrap(x, sizes[s], study, t, DRAWS, work);
            low += cp_bootstrap_low(&b, 0.05) > 0.3;
            high += cp_bootstrap_high(&b, 0.05) < 0.3;
        }
        const double below = 100.0 * (double)low / STUDIES, above = 100.0 * (double)high / STUDIES;
        print_message("n = %zu: mean missed below %.2f %%, above %.2f %%, stated 5 and 5\n", sizes[s], below,
                      above);
        assert_true(fabs(below - 5) <= 1.5 && fabs(above - 5) <= 1.5 && fabs(below + above - 10) <= 1.5);
    }
}

/* The p-value is at most alpha exactly where the bound at alpha passes the limit. */
static void p_values_agree_with_bounds(void **state) {
    (void)state;
    size_t above = 0, below = 0;
    for (uint64_t study = 0; study < 500; study++) {
        double x[20];
        for (size_t i = 0; i < 20; i++)
            x[i] = 0.4 + normal(study, i);
        const struct cp_bootstrap b = cp_bootstrap(x, 20, study, t, DRAWS, work);
        const double p_above = cp_bootstrap_p_above(&b, 0), p_below = cp_bootstrap_p_below(&b, 0.9);
        if (fabs(p_above - 0.05) > 0.002)
            assert_true((p_above < 0.05) == (cp_bootstrap_low(&b, 0.05) > 0));
        if (fabs(p_below - 0.05) > 0.002)
            assert_true((p_below < 0.05) == (cp_bootstrap_high(&b, 0.05) < 0.9));
        above += p_above < 0.05;
        below += p_below < 0.05;
    }
    assert_true(above > 50 && above < 450);
    assert_true(below > 50 && below < 450);
}

static void equal_calls_give_equal_bits(void **state) {
    double x[30], other[DRAWS];
    (void)state;
    for (size_t i = 0; i < 30; i++)
        x[i] = normal(1, i);
    (void)cp_bootstrap(x, 30, 5, t, DRAWS, work);
    (void)cp_bootstrap(x, 30, 5, other, DRAWS, work);
    assert_memory_equal(t, other, sizeof t);
    (void)cp_bootstrap(x, 30, 6, other, DRAWS, work);
    assert_memory_not_equal(t, other, sizeof t);
}

static void equal_values_have_no_width(void **state) {
    const double x[12] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    (void)state;
    const struct cp_bootstrap b = cp_bootstrap(x, 12, 0, t, DRAWS, work);
    assert_true(cp_bootstrap_low(&b, 0.05) == 2 && cp_bootstrap_high(&b, 0.05) == 2);
    assert_true(cp_bootstrap_p_above(&b, 1.5) == 1.0 / (DRAWS + 1) && cp_bootstrap_p_above(&b, 2) == 1);
    assert_true(cp_bootstrap_p_below(&b, 2.5) == 1.0 / (DRAWS + 1) && cp_bootstrap_p_below(&b, 2) == 1);
}

/* The example of Holm's method in R's documentation form: p.adjust(c(.01, .04, .03, .005), "holm"). */
static void holm_is_that_of_r(void **state) {
    double p[] = {0.01, 0.04, 0.03, 0.005};
    static const double adjusted[] = {0.03, 0.06, 0.06, 0.02};
    double strided[] = {0.01, -1, NAN, -1, 0.5, -1, 0.9, -1};
    size_t order[4];
    (void)state;
    cp_holm(p, 1, 4, order);
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(p[i] - adjusted[i]) < 1e-15);
    cp_holm(strided, 2, 4, order);
    assert_true(fabs(strided[0] - 0.03) < 1e-15 && isnan(strided[2]) && strided[4] == 1 && strided[6] == 1);
    for (size_t i = 1; i < 8; i += 2)
        assert_true(strided[i] == -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_cover),
        cmocka_unit_test(p_values_agree_with_bounds),
        cmocka_unit_test(equal_calls_give_equal_bits),
        cmocka_unit_test(equal_values_have_no_width),
        cmocka_unit_test(holm_is_that_of_r),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
