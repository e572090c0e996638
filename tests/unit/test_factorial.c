/* SPDX-License-Identifier: GPL-3.0-or-later
 * Factorial statistics: closed forms of models whose coefficients are known, and random designs against SciPy
 * (reference/golden/factorial). */
#include "support/golden.h"
#include "support/test.h"

#include "num/factorial.h"

#include <math.h>
#include <string.h>

enum { CELLS = 1 << CP_FACTORS_MAX, INPUTS = 64, A = 1, B = 2, C = 4 };

static double y[CELLS * INPUTS], phi[CP_FACTORS_MAX * INPUTS];

static double level(size_t cell, size_t factor) {
    return cell & factor ? 1 : -1;
}

/* y = 10 + 3 a - 2 b + c with levels -1 and 1: effects are twice the coefficients, and there is no
 * interaction.
 */
static void additive_model(void **state) {
    (void)state;
    for (size_t cell = 0; cell < 8; cell++)
        y[cell] = 10 + 3 * level(cell, A) - 2 * level(cell, B) + level(cell, C);
    cp_shapley(y, 3, 1, phi);
    cp_factorial_effects(y, 3, 1);
    static const double effects[] = {10, 6, -4, 0, 2, 0, 0, 0};
    assert_memory_equal(y, effects, sizeof effects);
    assert_true(fabs(phi[0] - 6) < 1e-14 && fabs(phi[1] + 4) < 1e-14 && fabs(phi[2] - 2) < 1e-14);
}

/* y = 1 + a + 4 a b - 0.5 b c + 0.25 a b c. */
static void interacting_model(void **state) {
    (void)state;
    for (size_t cell = 0; cell < 8; cell++) {
        const double a = level(cell, A), b = level(cell, B), c = level(cell, C);
        y[cell] = 1 + a + 4 * a * b - 0.5 * b * c + 0.25 * a * b * c;
    }
    cp_factorial_effects(y, 3, 1);
    static const double effects[] = {1, 2, 0, 8, 0, 0, -1, 0.5};
    assert_memory_equal(y, effects, sizeof effects);
}

/* Two swaps that only do harm together: half the difference of the effect of one between the levels of the
 * other is 1/2, and they share the blame. */
static void harm_of_a_pair(void **state) {
    double v[] = {0, 0, 0, 1}, none = 0, all = 1;
    (void)state;
    cp_shapley(v, 2, 1, phi);
    assert_true(phi[0] == 0.5 && phi[1] == 0.5);
    const struct cp_shapley_value value = cp_shapley_value(phi, &none, &all, 1);
    assert_true(value.value.mean == 0.5 && value.share == 0.5 && isnan(value.value.error));
    assert_true(isnan(value.share_low) && isnan(value.share_high));
    assert_true(isnan(cp_shapley_value(phi, &none, &none, 1).share));
    cp_factorial_effects(v, 2, 1);
    assert_true(v[0] == 0.25 && v[1] == 0.5 && v[2] == 0.5 && v[3] == 0.5);
}

/* Values add up to v(all) - v(none); a factor that changes nothing has none; equal factors share equally. */
static void shapley_axioms(void **state) {
    (void)state;
    for (size_t cell = 0; cell < 16; cell++) { /* factor 3 is idle; 0 and 1 are alike */
        const double both = (double)(cell & 1) + (double)(cell >> 1 & 1);
        y[cell] = both * both + (cell & C ? sqrt(1 + both) : 0);
    }
    cp_shapley(y, 4, 1, phi);
    assert_true(fabs(phi[0] - phi[1]) < 1e-15 && fabs(phi[3]) < 1e-15);
    assert_true(fabs(phi[0] + phi[1] + phi[2] - (y[15] - y[0])) < 1e-14);
}

/* Inputs 1, 2, 3, 4: mean 2.5, s^2 = 5/3, and t of 3 degrees of freedom is 3.1824463 (Student's table). */
static void interval_of_four(void **state) {
    static const double x[] = {1, 2, 3, 4};
    (void)state;
    const struct cp_mean_interval m = cp_mean_interval(x, 4);
    const double error = sqrt(5.0 / 12);
    assert_true(m.mean == 2.5 && fabs(m.error - error) < 1e-15);
    assert_true(fabs(m.low - (2.5 - 3.182446305284263 * error)) < 1e-8);
    assert_true(fabs(m.high - (2.5 + 3.182446305284263 * error)) < 1e-8);
    const struct cp_mean_interval one = cp_mean_interval(x, 1);
    assert_true(one.mean == 1 && isnan(one.error) && isnan(one.low) && isnan(one.high));
}

/* A response that is not a number is not averaged away. */
static void nan_stays(void **state) {
    (void)state;
    for (size_t at = 0; at < 8; at++)
        y[at] = at == 5 ? NAN : 1;
    cp_factorial_effects(y, 2, 2);
    for (size_t effect = 0; effect < 4; effect++)
        assert_true(isnan(cp_mean_interval(y + 2 * effect, 2).mean));
}

/* Within 1e-12 of the largest response: what an effect is the difference of. */
static void assert_close(size_t index, const char *name, double found, double expected, double largest) {
    if (!(isnan(found) && isnan(expected)) && !(fabs(found - expected) <= 1e-12 * largest))
        fail_msg("case %zu: %s is %.17g, expected %.17g", index, name, found, expected);
}

/* GSL and SciPy agree on Student's quantiles to nine digits. */
static void assert_bound(size_t index, double found, double expected, double error, double largest) {
    if (!(isnan(found) && isnan(expected)) && !(fabs(found - expected) <= 1e-8 * error + 1e-12 * largest))
        fail_msg("case %zu: bound is %.17g, expected %.17g", index, found, expected);
}

static double largest_of(const double *response, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(response[i]));
    return largest;
}

static void check_effects(size_t index, const double *response, size_t k, size_t inputs,
                          const double *expected) {
    const double largest = largest_of(response, inputs << k);
    memcpy(y, response, (inputs << k) * sizeof *y);
    cp_factorial_effects(y, k, inputs);
    for (size_t effect = 0; effect < (size_t)1 << k; effect++, expected += 4) {
        const struct cp_mean_interval m = cp_mean_interval(y + effect * inputs, inputs);
        assert_close(index, "effect", m.mean, expected[0], largest);
        assert_close(index, "error", m.error, expected[1], largest);
        assert_bound(index, m.low, expected[2], m.error, largest);
        assert_bound(index, m.high, expected[3], m.error, largest);
    }
}

static void check_shapley(size_t index, const double *response, size_t k, size_t inputs,
                          const double *expected) {
    const double *last = response + (inputs << k) - inputs, largest = largest_of(response, inputs << k);
    double sum = 0;
    cp_shapley(response, k, inputs, phi);
    for (size_t factor = 0; factor < k; factor++, expected += 7) {
        const struct cp_shapley_value s = cp_shapley_value(phi + factor * inputs, response, last, inputs);
        assert_close(index, "value", s.value.mean, expected[0], largest);
        assert_close(index, "error", s.value.error, expected[1], largest);
        assert_bound(index, s.value.low, expected[2], s.value.error, largest);
        assert_bound(index, s.value.high, expected[3], s.value.error, largest);
        assert_golden(index, "share", s.share, expected[4]);
        assert_bound(index, s.share_low, expected[5], s.share_high - s.share, fabs(s.share) + 1);
        assert_bound(index, s.share_high, expected[6], s.share_high - s.share, fabs(s.share) + 1);
        sum += s.share;
    }
    assert_close(index, "sum of shares", sum, 1, 1);
}

static void random_designs(void **state) {
    size_t cases;
    const double *layout = golden("factorial/layouts", &cases, 2),
                 *response = golden("factorial/responses", NULL, 1);
    const double *effects = golden("factorial/effects", NULL, 4),
                 *values = golden("factorial/shapley", NULL, 7);
    (void)state;
    for (size_t i = 0; i < cases; i++, layout += 2) {
        const size_t k = (size_t)layout[0], inputs = (size_t)layout[1];
        assert_true(k <= CP_FACTORS_MAX && inputs <= INPUTS);
        check_effects(i, response, k, inputs, effects);
        check_shapley(i, response, k, inputs, values);
        response += inputs << k;
        effects += (size_t)4 << k;
        values += 7 * k;
    }
    assert_true(cases >= 13);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additive_model),   cmocka_unit_test(interacting_model),
        cmocka_unit_test(harm_of_a_pair),   cmocka_unit_test(shapley_axioms),
        cmocka_unit_test(interval_of_four), cmocka_unit_test(nan_stays),
        cmocka_unit_test(random_designs),
    };
    return cmocka_run_group_tests(tests, NULL, free_goldens);
}
