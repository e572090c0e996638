/* SPDX-License-Identifier: GPL-3.0-or-later
 * Slopes on other functions: an undeclared GELU or epsilon is found behind rounding, and rounding alone has
 * no slope. */
#include "support/ledger_cases.h"
#include "support/ledger_sums.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static void store_other(struct instance *in, bool (*change)(struct cp_case *c)) {
    const size_t count = in->c.inputs * cp_case_elements(&in->c);
    double *f = instance_alloc(in, count, sizeof *f);
    struct cp_case changed = in->c;
    struct cp_error err;
    assert_true(change(&changed));
    assert_int_equal(cp_case_ideal(&changed, ideals_of(in), f, &err), CP_OK);
    for (size_t i = 0; i < count; i++)
        in->y[i] = cp_round_to(in->c.types.output, (float)f[i]);
}

static bool next_activation(struct cp_case *c) {
    c->maths.activation = strcmp(c->maths.activation, "quick_gelu") == 0 ? "gelu_erf" : "gelu_tanh";
    return true;
}

static bool other_eps(struct cp_case *c) {
    c->maths.eps = 1e-6;
    return true;
}

/* An alternative's slope over all inputs. */
static struct cp_slope slope_of(const struct instance *in, const struct cp_slope *slopes, size_t place) {
    const bool shared = in->c.kind == CP_OPERATION_ACTIVATION && in->c.types.output != CP_FP32;
    struct cp_slope all = {0, 0, 0};
    for (size_t n = 0; n < in->c.inputs; n++)
        cp_slope_add(&all, &slopes[n * cp_slope_count(in->c.kind) + place], shared);
    return all;
}

static struct cp_slope *slopes_of(struct instance *in) {
    struct cp_slope *slopes = instance_alloc(in, in->c.inputs * cp_slope_count(in->c.kind), sizeof *slopes);
    int64_t *hashes = instance_alloc(in, in->c.inputs * cp_slope_rows(in->c.rows, in->c.out), sizeof *hashes);
    const struct cp_slope_sums sums = {slopes, hashes};
    struct cp_error err;
    struct cp_rows_seen seen = {NULL, 0, 0};
    const enum cp_status status =
        cp_slopes(&in->c, ideals_of(in), in->recorded[0], in->y, in->f, &seen, &sums, &err);
    assert_int_equal(status, CP_OK);
    cp_rows_seen_free(&seen);
    cp_arena_reset(&in->scratch);
    return slopes;
}

/* Which slope counts; -1: none. */
static int counting_slope(struct instance *in) {
    const struct cp_slope *slopes = slopes_of(in);
    for (size_t i = 0; i < cp_slope_count(in->c.kind); i++) {
        const struct cp_slope all = slope_of(in, slopes, i);
        if (cp_slope_counts(&all, cp_alternative_count))
            return (int)cp_slope_alternative(in->c.kind, i);
    }
    return -1;
}

static bool is_found(struct instance *in) {
    for (size_t n = 0; n < in->c.inputs; n++)
        if (judge_result(in, in->y, n).verdict >= CP_LEDGER_COARSE)
            return true;
    return counting_slope(in) >= 0;
}

static void other_maths(void **state) {
    static const size_t shapes[][2] = {{17, 256}, {50, 3072}};
    (void)state;
    draws = 13;
    for (size_t a = 0; a < PLAIN_TYPES; a++)
        for (size_t s = 0; s < 2; s++)
            for (int activation = 0; activation < 2; activation++)
                for (int trial = 0; trial < 5; trial++) {
                    struct instance in;
                    make_case(&in, CP_OPERATION_ACTIVATION, &arithmetics[a], 1, shapes[s][0], shapes[s][1],
                              activation);
                    store_other(&in, next_activation);
                    if (!is_found(&in))
                        fail_msg("%s for %s in %s is not found on %zu x %zu", activation ? "tanh" : "erf",
                                 in.c.maths.activation, arithmetics[a].name, shapes[s][0], shapes[s][1]);
                    free_instance(&in);
                }
}

static void other_epsilon(void **state) {
    static const size_t widths[] = {64, 768};
    (void)state;
    draws = 14;
    for (size_t w = 0; w < 2; w++)
        for (int trial = 0; trial < 20; trial++) {
            struct instance in;
            make_case(&in, CP_OPERATION_NORM, &arithmetics[0], 16, 17, widths[w], 0);
            scale_operand(&in, 0, 0, 1 + (double)(trial % 3)); /* variance 0.09 to 0.8 */
            prepare_instance(&in);
            store_other(&in, other_eps);
            assert_true(is_found(&in));
            free_instance(&in);
        }
}

/* Instances differ in spread, so that activations are seen in the middle and in the tails. */
static void make_faultless(struct instance *in, size_t i, size_t rows, size_t width) {
    static const double spreads[] = {0.3, 0.5, 0.8, 1.2, 1.8, 2.5, 3.5};
    const bool norm = i % 2;
    struct cp_error err;
    make_case(in, norm ? CP_OPERATION_NORM : CP_OPERATION_ACTIVATION, &arithmetics[i / 2 % ARITHMETICS], 1,
              rows, width, (int)(i / 10 % 3));
    scale_operand(in, 0, norm ? 0.2 : -0.5 * (double)(i % 3), spreads[i / 4 % 7]);
    prepare_instance(in);
    if (i % 7 == 0)
        for (size_t k = 0; k < cp_case_elements(&in->c); k++)
            in->y[k] = cp_round_to(in->c.types.output, (float)in->f[k]);
    else
        assert_int_equal(cp_case_plain(&in->c, (const float *const *)in->recorded, i / 30, in->y, &err),
                         CP_OK);
    cp_arena_reset(&in->scratch);
}

/* A faultless evaluation has no slope of another function. */
static void no_false_slope(void **state) {
    enum { INSTANCES = 10000, LARGE = 280 };
    const double started = seconds();
    size_t false_slopes = 0;
    (void)state;
    draws = 15;
    for (size_t i = 0; i < INSTANCES + LARGE; i++) {
        struct instance in;
        make_faultless(&in, i, i < INSTANCES ? 17 : 50, i < INSTANCES ? 64 : 3072);
        const int found = counting_slope(&in);
        if (found >= 0)
            print_message("%s, %s, %s, eps %g: %s\n", kind_names[in.c.kind],
                          arithmetics[i / 2 % ARITHMETICS].name,
                          in.c.maths.activation ? in.c.maths.activation : "", in.c.maths.eps,
                          cp_alternatives[found].name);
        false_slopes += found >= 0;
        free_instance(&in);
    }
    print_message("%d faultless evaluations in %.1f s: %zu slopes that count\n", INSTANCES + LARGE,
                  seconds() - started, false_slopes);
    assert_int_equal(false_slopes, 0);
}

/* Of ideal results that are rounded once a slope is 0 within its standard error, whatever the alternative. */
static void honest_errors(void **state) {
    double most = 0;
    (void)state;
    draws = 16;
    for (size_t i = 0; i < 7 * 60; i += 7) {
        struct instance in;
        make_faultless(&in, i, 50, 768);
        const struct cp_slope *slopes = slopes_of(&in);
        for (size_t k = 0; k < cp_slope_count(in.c.kind); k++) {
            const struct cp_slope slope = slope_of(&in, slopes, k);
            if (slope.dd > 0)
                most = fmax(most, fabs(cp_slope_value(&slope)) / cp_slope_error(&slope));
        }
        free_instance(&in);
    }
    print_message("the largest slope of rounding is %.2f standard errors\n", most);
    assert_true(most < 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_maths), cmocka_unit_test(other_epsilon),
                                       cmocka_unit_test(no_false_slope), cmocka_unit_test(honest_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
