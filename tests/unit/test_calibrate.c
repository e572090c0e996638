/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a calibration concludes from losses, gradients and scales: planted ones, where the truth is known. */
#include "support/test.h"

#include "base/hash.h"
#include "task/calibrate.h"
#include "task/calibrate_loss.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 400, BLOCKS = CP_GRADIENT_TEST_BLOCKS, SIZE = 6 };

/* Of each activation: how much its loss is above, and its mean gradient, which has SIZE numbers; of all: how
 * much both scatter, and what is known beforehand. */
struct plan {
    double above[CP_CONFIG_ACTIVATIONS], gradient[CP_CONFIG_ACTIVATIONS][SIZE];
    double scatter;
    bool few; /* no gradients */
    struct cp_calibration known;
};

static const struct cp_fitted_scale least_at_2 = {true, 2, 0.01};

/* Quick is at a minimum, and the two others are 0.05 above it and have a gradient of 1. */
static struct plan quick_is_right(void) {
    struct plan plan = {.above = {0, 0.05, 0.05}, .scatter = 0.1};
    plan.gradient[CP_CONFIG_ERF][0] = plan.gradient[CP_CONFIG_TANH][0] = 1;
    plan.known = (struct cp_calibration){.accuracy = {0.9, 0.9, 0.9},
                                         .chance = 0.1,
                                         .stored_scale = 2,
                                         .scale = {least_at_2, least_at_2, least_at_2}};
    return plan;
}

/* Images and blocks have a scatter of their own around one that all activations share. */
static struct cp_calibration judge(const struct plan *plan, uint64_t seed) {
    static double losses[CP_CONFIG_ACTIVATIONS][IMAGES], gradients[CP_CONFIG_ACTIVATIONS][BLOCKS * SIZE];
    struct cp_calibration_data data = {.images = IMAGES, .size = SIZE};
    struct cp_calibration k = plan->known;
    struct cp_error err = {0};
    for (size_t a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        for (size_t i = 0; i < IMAGES; i++)
            losses[a][i] = 1 + cp_counter_unit(seed, 99, i) + plan->above[a] +
                           plan->scatter * cp_counter_unit(seed, a, i);
        for (size_t i = 0; i < (size_t)BLOCKS * SIZE; i++)
            gradients[a][i] = plan->gradient[a][i % SIZE] + plan->scatter * cp_counter_unit(seed, 10 + a, i);
        data.loss[a] = losses[a];
        data.gradient[a] = plan->few ? NULL : gradients[a];
    }
    assert_int_equal(cp_calibration_judge(&data, &k, &err), CP_OK);
    return k;
}

static void assert_doubt(const struct plan *plan, enum cp_doubt doubt) {
    const struct cp_calibration k = judge(plan, 5);
    if (k.doubt != doubt)
        fail_msg("doubt %d instead of %d", (int)k.doubt, (int)doubt);
}

static void a_clear_minimum_is_named(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    for (int truth = 0; truth < CP_CONFIG_ACTIVATIONS; truth++) {
        for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
            plan.above[a] = a == truth ? 0 : 0.05;
            memset(plan.gradient[a], 0, sizeof plan.gradient[a]);
            plan.gradient[a][a] = a == truth ? 0 : 1;
        }
        const struct cp_calibration k = judge(&plan, 5);
        assert_int_equal(k.best, truth);
        assert_true(k.doubt == CP_DOUBT_NONE && k.named_confidence == 0.99);
        for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
            assert_true(a == truth || (k.excluded[a] && k.low[a] < 0.05 && k.high[a] > 0.05));
    }
}

/* erf and its approximation need not be told from each other: their gradients all but coincide. */
static void two_of_one_kind_are_no_doubt(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    plan.above[CP_CONFIG_QUICK] = 0.05;
    plan.above[CP_CONFIG_ERF] = plan.above[CP_CONFIG_TANH] = 0;
    plan.gradient[CP_CONFIG_QUICK][0] = 2;
    const struct cp_calibration k = judge(&plan, 6);
    assert_true(k.doubt == CP_DOUBT_NONE && k.best != CP_CONFIG_QUICK);
    assert_false(k.excluded[k.best == CP_CONFIG_ERF ? CP_CONFIG_TANH : CP_CONFIG_ERF]);
}

/* Nor are they where either test alone parts them, or where their gradients differ, but by far less than what
 * is left of them. */
static void two_of_one_kind_are_seldom_told_apart(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    memcpy(plan.above, (double[]){0.05, 0, 0.02}, sizeof plan.above);
    plan.gradient[CP_CONFIG_QUICK][0] = 2;
    plan.gradient[CP_CONFIG_ERF][0] = 0;
    assert_true(judge(&plan, 6).excluded[CP_CONFIG_TANH]);
    plan.above[CP_CONFIG_TANH] = 0;
    assert_false(judge(&plan, 6).excluded[CP_CONFIG_TANH]);
    plan.above[CP_CONFIG_TANH] = 0.02;
    plan.scatter = 0.01;
    plan.gradient[CP_CONFIG_ERF][0] = 1;
    plan.gradient[CP_CONFIG_TANH][0] = 1.1;
    const struct cp_calibration k = judge(&plan, 6);
    assert_true(k.best == CP_CONFIG_ERF && k.confidence[CP_CONFIG_TANH] > 0.99);
    assert_false(k.excluded[CP_CONFIG_TANH]);
}

/* Without any difference, an activation is named at most at the rate that the level allows. */
static void chance_is_not_named(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    int named = 0;
    memset(plan.above, 0, sizeof plan.above);
    memset(plan.gradient, 0, sizeof plan.gradient);
    for (uint64_t seed = 0; seed < 100; seed++)
        named += judge(&plan, seed).doubt == CP_DOUBT_NONE;
    assert_true(named <= 5);
}

/* That erf is worse, where the loss and the gradient (of one number) scatter over the same blocks, together
 * or against each other. */
static double confidence_of(double shared) {
    static double losses[CP_CONFIG_ACTIVATIONS][IMAGES], gradients[CP_CONFIG_ACTIVATIONS][BLOCKS];
    uint32_t order[IMAGES];
    struct cp_calibration k = quick_is_right().known;
    struct cp_calibration_data data = {.images = IMAGES, .size = 1};
    struct cp_error err = {0};
    cp_gradient_test_order(IMAGES, order);
    for (size_t a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        for (size_t i = 0; i < IMAGES; i++)
            losses[a][order[i]] =
                a == CP_CONFIG_QUICK ? 0 : 0.5 + shared * cp_counter_unit(1, 2, i * BLOCKS / IMAGES);
        for (size_t j = 0; j < BLOCKS; j++)
            gradients[a][j] = a == CP_CONFIG_QUICK ? 0.01 : 0.5 + cp_counter_unit(1, 2, j);
        data.loss[a] = losses[a];
        data.gradient[a] = gradients[a];
    }
    assert_int_equal(cp_calibration_judge(&data, &k, &err), CP_OK);
    return k.confidence[CP_CONFIG_ERF];
}

static void what_both_tests_share_counts_once(void **state) {
    (void)state;
    const double alike = confidence_of(1), opposite = confidence_of(-1);
    print_message("confidence %g where blocks are alike, %g where they are opposite\n", alike, opposite);
    assert_true(alike < 0.999 && opposite > 0.9999);
}

/* A difference near what can be seen at all: named by some samples, with the confidence that it takes. */
static void weak_differences_are_named_when_sure(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    int named = 0, unsure = 0;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        for (int i = 0; i < SIZE; i++)
            plan.gradient[a][i] = a == CP_CONFIG_QUICK ? 0 : 0.02;
    plan.above[CP_CONFIG_ERF] = plan.above[CP_CONFIG_TANH] = 0.008;
    for (uint64_t seed = 0; seed < 100; seed++) {
        const struct cp_calibration k = judge(&plan, seed);
        named += k.doubt == CP_DOUBT_NONE;
        unsure += k.doubt == CP_DOUBT_CONFIDENCE && k.named_confidence > 0.9;
        assert_true(k.doubt != CP_DOUBT_NONE || k.named_confidence >= 0.975);
    }
    print_message("named %d times of 100, nearly %d times\n", named, unsure);
    assert_true(named >= 20 && unsure >= 3);
}

/* Wrong labels can move the loss far beyond chance, towards the wrong one. */
static void loss_and_gradient_must_agree(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    plan.above[CP_CONFIG_QUICK] = 0.1;
    assert_doubt(&plan, CP_DOUBT_LOSS);
}

/* However clear the gradient: 20 % for each of two rivals. */
static void losses_by_chance_confirm_nothing(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    int named = 0;
    memset(plan.above, 0, sizeof plan.above);
    for (uint64_t seed = 0; seed < 100; seed++)
        named += judge(&plan, seed).doubt == CP_DOUBT_NONE;
    assert_true(named <= 20);
}

static void gradients_alone_must_tell(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    memset(plan.gradient, 0, sizeof plan.gradient);
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        plan.gradient[a][a] = 1; /* equally long */
    assert_true(judge(&plan, 5).doubt >= CP_DOUBT_LOSS);
}

static void accuracy_must_be_above_chance(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        plan.known.accuracy[a] = 0.13; /* 52 of 400: at least 9.4 % */
    assert_doubt(&plan, CP_DOUBT_CHANCE);
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        plan.known.accuracy[a] = 0.15; /* 60 of 400: at least 11.1 % */
    assert_doubt(&plan, CP_DOUBT_NONE);
    plan.known.chance = 0.12; /* where one class is commoner */
    assert_doubt(&plan, CP_DOUBT_CHANCE);
}

static void scale_must_be_stationary(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    plan.known.stored_scale = 2.04;
    assert_doubt(&plan, CP_DOUBT_NONE);
    plan.known.stored_scale = 2.06;
    assert_doubt(&plan, CP_DOUBT_SCALE);
    plan.known.stored_scale = 1.94;
    assert_doubt(&plan, CP_DOUBT_SCALE);
    plan.known.stored_scale = 2;
    plan.known.scale[CP_CONFIG_ERF].found = false;
    assert_doubt(&plan, CP_DOUBT_SCALE);
}

/* A gradient that all share: what another activation changes is clear, but weights stand at no minimum. */
static void gradient_must_be_small(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        plan.gradient[a][1] = 5;
    assert_doubt(&plan, CP_DOUBT_NONE);
    assert_true(fabs(judge(&plan, 5).worst_rest - 25) < 2);
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        plan.gradient[a][1] = 7;
    assert_doubt(&plan, CP_DOUBT_GRADIENT);
}

static void few_images_name_nothing(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    plan.few = true;
    assert_doubt(&plan, CP_DOUBT_FEW);
}

static void what_is_not_finite_is_not_named(void **state) {
    (void)state;
    struct plan plan = quick_is_right();
    plan.above[CP_CONFIG_ERF] = NAN;
    assert_true(judge(&plan, 5).doubt != CP_DOUBT_NONE);
    plan = quick_is_right();
    plan.gradient[CP_CONFIG_ERF][0] = NAN;
    assert_true(judge(&plan, 5).doubt != CP_DOUBT_NONE);
}

/* Four images with the feature of class 0, of which one is labelled 1: the logits are s and 0, and the loss
 * is least where the probability of class 0 is 3/4, at s = log 3, whatever the stored scale is. */
static void losses_are_at_the_scale_where_they_are_least(void **state) {
    static const float texts[] = {1, 0, 0, 1}, images[] = {1, 0, 1, 0, 1, 0, 1, 0};
    static const int32_t labels[] = {0, 1, 0, 0};
    const struct cp_gradient_test s = {
        .images = images, .texts = texts, .labels = labels, .count = 4, .embed = 2, .each = 1};
    double columns_of[4], loss[4];
    struct cp_fitted_scale scale;
    struct cp_pool *pool;
    struct cp_error err;
    (void)state;
    assert_int_equal(cp_pool_create(1, &pool, &err), CP_OK);
    for (int stored = -1; stored < 4; stored++) {
        assert_true(cp_image_losses(&s, 2, stored, columns_of, pool, loss, &scale) == 0.75);
        assert_true(scale.found && fabs(scale.log_scale - log(log(3))) < 1e-7);
        for (size_t i = 0; i < 4; i++)
            assert_true(fabs(loss[i] - (labels[i] ? log(4) : log(4.0 / 3))) < 1e-7);
    }
    cp_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clear_minimum_is_named),
        cmocka_unit_test(two_of_one_kind_are_no_doubt),
        cmocka_unit_test(two_of_one_kind_are_seldom_told_apart),
        cmocka_unit_test(chance_is_not_named),
        cmocka_unit_test(what_both_tests_share_counts_once),
        cmocka_unit_test(weak_differences_are_named_when_sure),
        cmocka_unit_test(loss_and_gradient_must_agree),
        cmocka_unit_test(losses_by_chance_confirm_nothing),
        cmocka_unit_test(gradients_alone_must_tell),
        cmocka_unit_test(accuracy_must_be_above_chance),
        cmocka_unit_test(scale_must_be_stationary),
        cmocka_unit_test(gradient_must_be_small),
        cmocka_unit_test(few_images_name_nothing),
        cmocka_unit_test(what_is_not_finite_is_not_named),
        cmocka_unit_test(losses_are_at_the_scale_where_they_are_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
