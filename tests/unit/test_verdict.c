/* SPDX-License-Identifier: GPL-3.0-or-later
 * The order of the verdicts, and what each asks for. */
#include "support/test.h"

#include "analysis/verdict.h"
#include "base/hash.h"

#include <math.h>
#include <string.h>

enum { MOST = 300 };

static double metrics[MOST][CP_PART_COUNT][CP_METRIC_COUNT];
static double d[MOST], sums[MOST], fields[CP_VERDICT_FIELDS];
static double fails[MOST][CP_FAILING_FIELDS];
static size_t group[2 * MOST], first[MOST], template[MOST], class[MOST];
static struct cp_verdict_units units;

static size_t elements = 100;
static double errors[30];
static const double *yardstick;

/* Rounding errors of the candidate `ratio` times the baseline's, scattered by a tenth. */
static void fill(size_t inputs, double ratio) {
    for (size_t i = 0; i < inputs; i++) {
        const double scatter = 0.1 * cp_counter_unit(1, 0, i);
        for (int part = 0; part < CP_PART_COUNT; part++)
            for (int m = 0; m < CP_METRIC_COUNT; m++)
                metrics[i][part][m] = 0;
        metrics[i][CP_TOTAL][CP_DIFFERENT] = 5;
        metrics[i][CP_ROUNDING][CP_RMS] = 1e-3 * ratio * exp(scatter);
        metrics[i][CP_ROUNDING_BASELINE][CP_RMS] = 1e-3;
        metrics[i][CP_ROUNDING][CP_RMS_REF] = metrics[i][CP_ROUNDING_BASELINE][CP_RMS_REF] = 1;
    }
}

static enum cp_verdict judge(size_t inputs) {
    struct cp_verdict_facts facts = {.d = d,
                                     .group = units.template ? group : NULL,
                                     .capacity = MOST,
                                     .k = 2,
                                     .elements = elements,
                                     .units = units};
    size_t order[1];
    facts.fails = memset(fails, 0, sizeof fails);
    cp_verdict_facts(&metrics[0][0][0], inputs, yardstick, &facts);
    cp_verdict_statistics(&facts, 0.05, sums, fields);
    cp_verdict_decide(&facts, fields, 1, 0.05, order);
    return (enum cp_verdict)fields[CP_FIELD_VERDICT];
}

static void rounding_is_weighed_against_k(void **state) {
    (void)state;
    fill(30, 1);
    assert_int_equal(judge(30), CP_EQUIVALENT);
    assert_true(fields[CP_FIELD_LOW] < fields[CP_FIELD_RATIO] &&
                fields[CP_FIELD_RATIO] < fields[CP_FIELD_HIGH]);
    fill(30, 2);
    assert_int_equal(judge(30), CP_INCONCLUSIVE);
    fill(30, 2.2);
    assert_int_equal(judge(30), CP_DEGRADED);
    assert_true(fabs(fields[CP_FIELD_RATIO] - 2.2) < 0.1);
}

/* One input far above k: the mean alone would call the tap equivalent. */
static void one_input_that_fails_is_no_equivalence(void **state) {
    (void)state;
    fill(200, 1);
    metrics[17][CP_ROUNDING][CP_RMS] = 1e-3 * 8 * 2 * 1.01;
    assert_int_equal(judge(200), CP_DEGRADED);
    assert_true(fields[CP_FIELD_FAILING] == 1 && fields[CP_FIELD_WORST] == 17);
    metrics[17][CP_ROUNDING][CP_RMS] = 1e-3 * 8 * 2 * 0.99;
    assert_int_equal(judge(200), CP_EQUIVALENT);
    assert_true(fields[CP_FIELD_FAILING] == 0 && fields[CP_FIELD_WORST] == 17);
    metrics[17][CP_ROUNDING][CP_RMS] = 1;
    elements = 7; /* of so few elements a ratio has no such limit */
    assert_int_equal(judge(200), CP_EQUIVALENT);
    elements = 100;
}

/* A reference that errs less than its type is no better than the yardstick. */
static void a_better_reference_degrades_nobody(void **state) {
    (void)state;
    fill(30, 1);
    for (size_t i = 0; i < 30; i++) {
        metrics[i][CP_ROUNDING_BASELINE][CP_RMS] = 1e-9;
        errors[i] = 1e-3;
    }
    assert_int_equal(judge(30), CP_DEGRADED);
    yardstick = errors;
    assert_int_equal(judge(30), CP_EQUIVALENT);
    for (size_t i = 0; i < 30; i++) /* it excuses nothing, and a worse baseline stays what it is */
        metrics[i][CP_ROUNDING_BASELINE][CP_RMS] = 1;
    assert_int_equal(judge(30), CP_EQUIVALENT);
    assert_true(fields[CP_FIELD_RATIO] < 0.01);
    yardstick = NULL;
}

/* Garbage among many that agree, be it too large for a single input or only more than legitimate errors make.
 */
static void a_mixture_is_no_equivalence(void **state) {
    (void)state;
    for (size_t garbage = 1; garbage <= 5; garbage++) {
        fill(300, 1);
        for (size_t i = 0; i < garbage; i++)
            metrics[17 + i][CP_ROUNDING][CP_RMS] = 100;
        assert_int_equal(judge(300), CP_DEGRADED);
        assert_true(fields[CP_FIELD_FAILING] == (double)garbage);
        assert_true(fails[16][CP_FAILING_TAPS] == 0 && fails[17][CP_FAILING_TAPS] == 1);
        assert_true(fails[17][CP_FAILING_TIMES] > 4e4 && fails[17][CP_FAILING_TIMES] < 6e4);
        assert_true(fabs(fields[CP_FIELD_ABOVE] - (double)garbage / 300) < 1e-15);
        assert_true(fields[CP_FIELD_ABOVE_LOW] < fields[CP_FIELD_ABOVE] &&
                    fields[CP_FIELD_ABOVE] < fields[CP_FIELD_ABOVE_HIGH]);
    }
    fill(300, 1);
    for (size_t i = 0; i < 20; i++) /* 6.7 %, where legitimate errors of ten elements make 2 % */
        metrics[i][CP_ROUNDING][CP_RMS] = 1e-3 * 3;
    assert_int_equal(judge(300), CP_DEGRADED);
    assert_true(fields[CP_FIELD_FAILING] == 0 && fields[CP_FIELD_P_MIXED] < 0.01);
    assert_true(fields[CP_FIELD_P_EQUIVALENT] < 0.01);
    elements = 1; /* where they make 30 % */
    assert_int_equal(judge(300), CP_EQUIVALENT);
    elements = 100;
}

/* A hundred elements of which one carries the whole error count as one: 6.7 % above k are legitimate then,
 * and no single ratio fails. */
static void what_carries_the_error_counts(void **state) {
    (void)state;
    fill(300, 1);
    for (size_t i = 0; i < 20; i++)
        metrics[i][CP_ROUNDING][CP_RMS] = 1e-3 * 3;
    metrics[20][CP_ROUNDING][CP_RMS] = 1;
    for (size_t i = 0; i < 300; i++)
        metrics[i][CP_ROUNDING][CP_MEAN_ABS] = metrics[i][CP_ROUNDING][CP_RMS] / 10;
    assert_int_equal(judge(300), CP_EQUIVALENT);
    assert_true(fields[CP_FIELD_FAILING] == 0);
}

/* Of 12 inputs that agree up to 22 % of others could be above k: 1 - 0.05^(1/12). */
static void equivalence_says_its_limit(void **state) {
    (void)state;
    fill(12, 1);
    assert_int_equal(judge(12), CP_EQUIVALENT);
    assert_true(fields[CP_FIELD_ABOVE] == 0 &&
                fabs(fields[CP_FIELD_ABOVE_HIGH] - (1 - pow(0.05, 1.0 / 12))) < 1e-9);
}

/* Copies of one input are one input. */
static void copies_count_once(void **state) {
    (void)state;
    fill(30, 5);
    for (size_t i = 0; i < 30; i++)
        first[i] = i < 12 ? i : i % 12;
    units = (struct cp_verdict_units){.first = first};
    assert_int_equal(judge(30), CP_DEGRADED);
    assert_true(fields[CP_FIELD_INPUTS] == 30 && fields[CP_FIELD_DISTINCT] == 12 &&
                fields[CP_FIELD_DF] == 11);
    for (size_t i = 0; i < 30; i++)
        first[i] = 0;
    assert_int_equal(judge(30), CP_INCONCLUSIVE);
    assert_true(fields[CP_FIELD_DISTINCT] == 1 && isnan(fields[CP_FIELD_P_DEGRADED]));
    units = (struct cp_verdict_units){.first = NULL};
}

/* Prompts of few templates are few, however many classes there are. */
static void prompts_belong_together(void **state) {
    (void)state;
    fill(160, 1.8);
    for (size_t i = 0; i < 160; i++) {
        template[i] = i % 16;
        class[i] = i / 16;
        metrics[i][CP_ROUNDING][CP_RMS] = 1e-3 * 1.8 * exp(0.3 * (i % 16 < 8));
    }
    assert_int_equal(judge(160), CP_DEGRADED);
    units = (struct cp_verdict_units){NULL, template, class, 16, 10};
    assert_int_equal(judge(160), CP_INCONCLUSIVE);
    assert_true(fields[CP_FIELD_DF] > 14 && fields[CP_FIELD_DF] < 16 && fields[CP_FIELD_INDEPENDENT] < 20);
    for (size_t i = 0; i < 160; i++)
        template[i] = i % 4;
    units.templates = 4;
    assert_int_equal(judge(160), CP_INCONCLUSIVE);
    units = (struct cp_verdict_units){.first = NULL};
}

/* Where the class changes nothing, prompts of 16 templates and 10 classes are 16 values, ten times each. The
 * error of their mean is that of 16 * 150/159 independent values (sums of squares over 159 and over 15),
 * which also limit a share of 0. */
static void classes_without_effect_add_no_inputs(void **state) {
    (void)state;
    const double independent = 16 * 150.0 / 159;
    fill(160, 1);
    for (size_t i = 0; i < 160; i++) {
        template[i] = i % 16;
        class[i] = i / 16;
        metrics[i][CP_ROUNDING][CP_RMS] = 1e-3 * exp(0.01 * (double)(i % 16));
    }
    units = (struct cp_verdict_units){NULL, template, class, 16, 10};
    assert_int_equal(judge(160), CP_EQUIVALENT);
    units = (struct cp_verdict_units){.first = NULL};
    assert_true(fabs(fields[CP_FIELD_DF] - 15) < 1e-9);
    assert_true(fabs(fields[CP_FIELD_INDEPENDENT] - independent) < 1e-9);
    assert_true(fabs(fields[CP_FIELD_ABOVE_HIGH] - (1 - pow(0.05, 1 / independent))) < 1e-9);
}

/* An error where the baseline has none, a black picture: the ratio has no size, but a side. */
static void zeros_enter_by_their_sign(void **state) {
    (void)state;
    fill(30, 16300);
    metrics[3][CP_ROUNDING_BASELINE][CP_RMS] = metrics[3][CP_ROUNDING_BASELINE][CP_RMS_REF] = 0;
    assert_int_equal(judge(30), CP_DEGRADED);
    fill(30, 1);
    metrics[3][CP_ROUNDING][CP_RMS] = metrics[3][CP_ROUNDING][CP_RMS_REF] = 0;
    assert_int_equal(judge(30), CP_EQUIVALENT);
    fill(30, 1);
    metrics[3][CP_ROUNDING_BASELINE][CP_RMS] = metrics[3][CP_ROUNDING_BASELINE][CP_RMS_REF] = 0;
    assert_int_equal(judge(30), CP_DEGRADED);
    assert_true(fields[CP_FIELD_FAILING] == 1 && fields[CP_FIELD_WORST] == 3);
}

/* The statistics of 12 values d: these two, and ten zeros. */
static void weigh_infinite(double one, double other) {
    struct cp_verdict_facts facts = {.inputs = 12, .distinct = 12, .d = d, .k = 2};
    for (size_t i = 0; i < 12; i++)
        d[i] = 0;
    d[4] = one;
    d[7] = other;
    cp_verdict_statistics(&facts, 0.05, sums, fields);
}

/* An infinite d counts as log(8 k) = log 16: the mean is log 16 / 12 = log 2 / 3, and so is its standard
 * error, so t = -2 against log 2; -4 for the other sign. Or as the largest of the others, log 256: in units
 * of log 2 the mean is 4/3, its variance (128 - 64/3) / 11 / 12, and t = 0.3708. P(T > t) with 11 degrees of
 * freedom by the finite sum of Abramowitz & Stegun 26.7.3. */
static void zeros_weigh_as_much_as_what_fails(void **state) {
    (void)state;
    weigh_infinite(INFINITY, 0);
    assert_true(fabs(fields[CP_FIELD_P_DEGRADED] - 0.9645980224659828) < 1e-8);
    weigh_infinite(-INFINITY, 0);
    assert_true(fabs(fields[CP_FIELD_P_DEGRADED] - 0.9989569032165126) < 1e-8);
    weigh_infinite(INFINITY, log(256));
    assert_true(fabs(fields[CP_FIELD_P_DEGRADED] - 0.3589105389495011) < 1e-8);
}

/* Hundreds of taps leave no clear case open: the smallest p-value has no floor. */
static void any_level_can_be_reached(void **state) {
    (void)state;
    fill(12, 29434);
    assert_int_equal(judge(12), CP_DEGRADED);
    assert_true(fields[CP_FIELD_P_DEGRADED] < 0.05 / (20 * 720));
    fill(12, 0.5);
    assert_int_equal(judge(12), CP_EQUIVALENT);
    assert_true(fields[CP_FIELD_P_EQUIVALENT] < 0.05 / (20 * 720));
}

static void few_inputs_decide_nothing(void **state) {
    (void)state;
    fill(12, 5);
    assert_int_equal(judge(12), CP_DEGRADED);
    assert_int_equal(judge(11), CP_INCONCLUSIVE);
    assert_true(fields[CP_FIELD_RATIO] > 4 && isnan(fields[CP_FIELD_LOW]));
    metrics[3][CP_ROUNDING][CP_RMS] = 1;
    assert_int_equal(judge(11), CP_INCONCLUSIVE);
    assert_true(fields[CP_FIELD_FAILING] == 1);
}

/* Holm's correction makes 0.03, 0.06 and 0.06 of 0.01, 0.04 and 0.03; the first alone stays below 0.05. */
static void the_p_values_of_a_family_are_corrected(void **state) {
    static const double p[] = {0.01, 0.04, 0.03}, corrected[] = {0.03, 0.06, 0.06};
    static const struct {
        enum cp_verdict_field field;
        double equivalent; /* unless it is the field */
        enum cp_verdict first, others;
    } cases[] = {{CP_FIELD_P_DEGRADED, 1, CP_DEGRADED, CP_INCONCLUSIVE},
                 {CP_FIELD_P_EQUIVALENT, 1, CP_EQUIVALENT, CP_INCONCLUSIVE},
                 {CP_FIELD_P_MIXED, 1e-9, CP_DEGRADED, CP_EQUIVALENT}};
    struct cp_verdict_facts facts[3] = {{.compared = 12, .inputs = 12, .semantic = NAN}};
    size_t order[3];
    (void)state;
    facts[1] = facts[2] = facts[0];
    for (size_t c = 0; c < 3; c++) {
        double rows[3][CP_VERDICT_FIELDS] = {{0}};
        for (size_t t = 0; t < 3; t++) {
            rows[t][CP_FIELD_P_DEGRADED] = rows[t][CP_FIELD_P_MIXED] = 1;
            rows[t][CP_FIELD_P_EQUIVALENT] = cases[c].equivalent;
            rows[t][cases[c].field] = p[t];
        }
        cp_verdict_decide(facts, rows[0], 3, 0.05, order);
        for (size_t t = 0; t < 3; t++) {
            assert_true(fabs(rows[t][cases[c].field] - corrected[t]) < 1e-12);
            assert_int_equal((int)rows[t][CP_FIELD_VERDICT], t ? cases[c].others : cases[c].first);
        }
    }
}

static void the_first_that_applies(void **state) {
    (void)state;
    fill(30, 5);
    metrics[7][CP_SEMANTIC][CP_REL_L2] = 2e-12;
    assert_int_equal(judge(30), CP_SEMANTIC_VERDICT);
    assert_int_equal((int)fields[CP_FIELD_ROUNDING], CP_DEGRADED);
    metrics[7][CP_SEMANTIC][CP_REL_L2] = 1e-13;
    assert_int_equal(judge(30), CP_DEGRADED);
    metrics[7][CP_SEMANTIC][CP_REL_L2] = 1;
    for (size_t i = 0; i < 30; i++)
        metrics[i][CP_TOTAL][CP_DIFFERENT] = 0;
    assert_int_equal(judge(30), CP_IDENTICAL);
    metrics[29][CP_TOTAL][CP_NONFINITE] = 1;
    assert_int_equal(judge(30), CP_NONFINITE_VERDICT);
}

/* Without an oracle there is nothing to weigh; an infinite error counts as no measurement, not as none. */
static void what_is_missing_is_not_agreement(void **state) {
    (void)state;
    fill(30, 1);
    for (size_t i = 0; i < 30; i++)
        metrics[i][CP_SEMANTIC][CP_REL_L2] = metrics[i][CP_ROUNDING][CP_RMS] = NAN;
    assert_int_equal(judge(30), CP_DIFFERS);
    assert_true(fields[CP_FIELD_INPUTS] == 0 && isnan(fields[CP_FIELD_SEMANTIC]));
    assert_int_equal((int)fields[CP_FIELD_ROUNDING], CP_INCONCLUSIVE);
    for (size_t i = 0; i < 30; i++) /* never written: one side has no such tap */
        metrics[i][CP_TOTAL][CP_DIFFERENT] = metrics[i][CP_TOTAL][CP_NONFINITE] = NAN;
    assert_int_equal(judge(30), CP_UNMATCHED);
    fill(30, 1);
    for (size_t i = 0; i < 25; i++)
        metrics[i][CP_ROUNDING][CP_RMS] = INFINITY;
    assert_int_equal(judge(30), CP_INCONCLUSIVE);
    assert_true(fields[CP_FIELD_INPUTS] == 5);
}

/* Where the baseline's error is 0 the floor 2^-24 RMS(oracle) is what is divided by. */
static void the_floor_carries_exact_baselines(void **state) {
    (void)state;
    fill(30, 1);
    for (size_t i = 0; i < 30; i++) {
        metrics[i][CP_ROUNDING_BASELINE][CP_RMS] = 0;
        metrics[i][CP_ROUNDING][CP_RMS] = 0x1p-24 * (1 + 0.01 * (double)i);
    }
    assert_int_equal(judge(30), CP_DEGRADED);
    assert_true(fabs(fields[CP_FIELD_RATIO] - 2.145) < 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_weighed_against_k),
        cmocka_unit_test(one_input_that_fails_is_no_equivalence),
        cmocka_unit_test(a_better_reference_degrades_nobody),
        cmocka_unit_test(a_mixture_is_no_equivalence),
        cmocka_unit_test(what_carries_the_error_counts),
        cmocka_unit_test(equivalence_says_its_limit),
        cmocka_unit_test(copies_count_once),
        cmocka_unit_test(prompts_belong_together),
        cmocka_unit_test(classes_without_effect_add_no_inputs),
        cmocka_unit_test(zeros_enter_by_their_sign),
        cmocka_unit_test(zeros_weigh_as_much_as_what_fails),
        cmocka_unit_test(any_level_can_be_reached),
        cmocka_unit_test(few_inputs_decide_nothing),
        cmocka_unit_test(the_p_values_of_a_family_are_corrected),
        cmocka_unit_test(the_first_that_applies),
        cmocka_unit_test(what_is_missing_is_not_agreement),
        cmocka_unit_test(the_floor_carries_exact_baselines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
