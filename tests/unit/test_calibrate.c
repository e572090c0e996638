/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a calibration concludes from losses: planted ones, where the truth is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "study/calibrate.h"
#include "study/stationarity.h"

#include <math.h>

enum { IMAGES = 200, BLOCKS = CP_STATIONARITY_BLOCKS };

static double losses[CP_CONFIG_ACTIVATIONS][IMAGES];

/* Each activation's loss is `above` on average, with a scatter of its own around one that all share. */
static struct cp_calibration judge(const double above[CP_CONFIG_ACTIVATIONS], double scatter, uint64_t seed) {
    const double *const pointers[CP_CONFIG_ACTIVATIONS] = {losses[0], losses[1], losses[2]};
    struct cp_calibration k = {0};
    struct cp_error err = {0};
    for (size_t a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        for (size_t i = 0; i < IMAGES; i++)
            losses[a][i] =
                1 + cp_counter_unit(seed, 99, i) + above[a] + scatter * cp_counter_unit(seed, a, i);
    assert_int_equal(cp_calibration_judge(pointers, IMAGES, NULL, &k, &err), CP_OK);
    return k;
}

static void a_clear_minimum_is_told(void **state) {
    (void)state;
    for (int truth = 0; truth < CP_CONFIG_ACTIVATIONS; truth++) {
        double above[CP_CONFIG_ACTIVATIONS] = {0.05, 0.05, 0.05};
        above[truth] = 0;
        const struct cp_calibration k = judge(above, 0.1, 5);
        assert_int_equal(k.best, truth);
        assert_true(k.told && k.told_confidence > 0.999);
        for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
            assert_true(a == truth || (k.excluded[a] && k.low[a] < 0.05 && k.high[a] > 0.05));
    }
}

/* erf and its approximation need not be told from each other. */
static void two_of_one_kind_are_no_doubt(void **state) {
    const double above[CP_CONFIG_ACTIVATIONS] = {0.05, 0, 1e-6};
    (void)state;
    const struct cp_calibration k = judge(above, 0.1, 6);
    assert_true(k.told && k.best != CP_CONFIG_QUICK);
    assert_false(k.excluded[k.best == CP_CONFIG_ERF ? CP_CONFIG_TANH : CP_CONFIG_ERF]);
}

/* Without any difference, "told" is false but for the rate that the interval allows. */
static void chance_is_not_told(void **state) {
    const double above[CP_CONFIG_ACTIVATIONS] = {0, 0, 0};
    int told = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        told += judge(above, 0.1, seed).told;
    assert_true(told <= 8);
}

/* The squared mean gradient of each activation, with noise. */
static struct cp_calibration judge_both(const double above[CP_CONFIG_ACTIVATIONS],
                                        const double gradient[CP_CONFIG_ACTIVATIONS]) {
    static double products[CP_CONFIG_ACTIVATIONS][BLOCKS * BLOCKS];
    const double *const pointers[CP_CONFIG_ACTIVATIONS] = {products[0], products[1], products[2]};
    const double *const of[CP_CONFIG_ACTIVATIONS] = {losses[0], losses[1], losses[2]};
    struct cp_calibration k = {0};
    struct cp_error err = {0};
    (void)judge(above, 0.1, 5);
    for (size_t a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        for (size_t j = 0; j < BLOCKS; j++)
            for (size_t i = 0; i <= j; i++)
                products[a][j * BLOCKS + i] = products[a][i * BLOCKS + j] =
                    gradient[a] + 0.1 * cp_counter_unit(a, i, j);
    assert_int_equal(cp_calibration_judge(of, IMAGES, pointers, &k, &err), CP_OK);
    return k;
}

/* Where losses tell nothing, gradients may, whichever has the least loss by chance. */
static void gradients_tell_too(void **state) {
    (void)state;
    for (int truth = 0; truth < CP_CONFIG_ACTIVATIONS; truth++) {
        double gradient[CP_CONFIG_ACTIVATIONS] = {1.5, 1.5, 1.5};
        gradient[truth] = 1;
        const struct cp_calibration k = judge_both((const double[]){0, 1e-4, 1e-4}, gradient);
        assert_int_equal(cp_same_kind(k.best, (enum cp_config_activation)truth), 1);
        assert_true(k.told && !k.disagree && k.told_confidence > 0.999);
    }
    assert_false(judge_both((const double[]){0, 1e-4, 1e-4}, (const double[]){1, 1, 1}).told);
}

static void tests_that_disagree_tell_nothing(void **state) {
    (void)state;
    const struct cp_calibration k = judge_both((const double[]){0, 0.05, 0.05}, (const double[]){1.5, 1, 1});
    assert_true(k.disagree && !k.told);
    assert_true(judge_both((const double[]){0, 0.05, 0.05}, (const double[]){1, 1, 1}).told);
}

static void what_is_not_finite_is_not_told(void **state) {
    const double above[CP_CONFIG_ACTIVATIONS] = {0, NAN, 0.05};
    (void)state;
    const struct cp_calibration k = judge(above, 0.1, 5);
    assert_false(k.told);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clear_minimum_is_told),
        cmocka_unit_test(two_of_one_kind_are_no_doubt),
        cmocka_unit_test(chance_is_not_told),
        cmocka_unit_test(gradients_tell_too),
        cmocka_unit_test(tests_that_disagree_tell_nothing),
        cmocka_unit_test(what_is_not_finite_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
