/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decisions and Wilson's interval against SciPy (reference/golden/metrics), edge cases included: one column,
 * certainty, ties, NaN, probabilities whose sum rounding has taken from 1. */
#include "support/golden.h"
#include "support/test.h"

#include "num/metrics.h"

#include <math.h>

enum { COLUMNS = 128 };

static void test_decisions(void **state) {
    size_t cases;
    const double *length = golden("metrics/decisions.lengths", &cases, 1);
    const double *p = golden("metrics/decisions.p", NULL, 1), *q = golden("metrics/decisions.q", NULL, 1);
    const double *expected = golden("metrics/decisions.expected", NULL, CP_MARGIN_LOGIT);
    (void)state;
    for (size_t i = 0; i < cases; i++, expected += CP_MARGIN_LOGIT) {
        const size_t n = (size_t)length[i];
        float candidate[COLUMNS], reference[COLUMNS];
        double work[4 * COLUMNS], d[CP_DECISION_COUNT];
        assert_true(n <= COLUMNS);
        for (size_t k = 0; k < n; k++) {
            candidate[k] = (float)*p++;
            reference[k] = (float)*q++;
        }
        cp_decide(candidate, reference, n, work, d);
        for (size_t k = 0; k < CP_MARGIN_LOGIT; k++)
            assert_golden(i, cp_decision_names[k], d[k], expected[k]);
        assert_false(d[CP_KL] < 0 || d[CP_JS] < 0);
    }
    assert_true(cases >= 20);
}

/* KL is the small number it is: neither the rounding of logarithms next to 1 nor that of a sum which is not 1
 * shows in it. */
static void test_small_divergence_keeps_its_digits(void **state) {
    const float q[] = {0.5f, 0.375f, 0.125f}, off = 0x1p-24f, scale = 1 + 0x1p-10f;
    const float p[] = {q[0] + 3 * off, q[1] + 5 * off, q[2] - 8 * off};
    const float scaled[] = {q[0] * scale, q[1] * scale, q[2] * scale};
    const double expected = 1.0598951567802965e-12; /* in 50 decimal digits */
    double work[4 * 3], d[CP_DECISION_COUNT];
    (void)state;
    cp_decide(p, q, 3, work, d);
    assert_true(fabs(d[CP_KL] / expected - 1) < 1e-9);
    cp_decide(scaled, q, 3, work, d);
    assert_true(d[CP_KL] >= 0 && d[CP_KL] < 1e-15);
    assert_true(d[CP_JS] >= 0 && d[CP_JS] < 1e-15);
}

static void test_argmax(void **state) {
    const float x[] = {NAN, 1, 3, NAN, 3, -INFINITY}, none[] = {NAN, NAN}, low[] = {NAN, -INFINITY};
    (void)state;
    assert_int_equal(cp_argmax(x, 6), 2);
    assert_int_equal(cp_argmax(x, 1), 0);
    assert_int_equal(cp_argmax(none, 2), 0);
    assert_int_equal(cp_argmax(low, 2), 1);
}

static void test_wilson(void **state) {
    size_t cases;
    const double *line = golden("metrics/wilson", &cases, 4);
    double low, high;
    (void)state;
    for (size_t i = 0; i < cases; i++, line += 4) {
        cp_wilson((size_t)line[0], (size_t)line[1], &low, &high);
        assert_golden(i, "low", low, line[2]);
        assert_golden(i, "high", high, line[3]);
        assert_true(!signbit(low) && high <= 1);
    }
    for (size_t n = 1; n <= 10000; n++) { /* prints as 0.00 and 100.00, not as -0.00 */
        cp_wilson(0, n, &low, &high);
        assert_true(low == 0 && !signbit(low) && high > 0);
        cp_wilson(n, n, &low, &high);
        assert_true(low < 1 && high == 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_small_divergence_keeps_its_digits),
        cmocka_unit_test(test_argmax),
        cmocka_unit_test(test_wilson),
    };
    return cmocka_run_group_tests(tests, NULL, free_goldens);
}
