/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer in words: what is said of every kind of divergence, that places are named as people name them,
 * and that nothing inconclusive is good news, neither in the words nor in the card's colour. */
#include "support/report.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static void same_bits(void **state) {
    (void)state;
    assert_summary("erf has the bits of the baseline everywhere.");
}

static void other_maths_with_its_causes(void **state) {
    (void)state;
    differ_from(find_tap(CP_VISUAL, CP_MLP_GELU, 0), CP_SEMANTIC_VERDICT, 1e-2, 1e-7);
    differ_from(find_tap(CP_TEXT, CP_MLP_GELU, 0), CP_SEMANTIC_VERDICT, 1e-3, 1e-7);
    for (int layer = 0; layer < LAYERS; layer++)
        find_tap(CP_VISUAL, CP_MLP_GELU, layer)->cause = CP_CAUSE_SEMANTIC;
    find_tap(CP_TEXT, CP_MLP_GELU, 0)->cause = find_tap(CP_TEXT, CP_MLP_GELU, 2)->cause = CP_CAUSE_SEMANTIC;
    find_tap(CP_VISUAL, CP_FEATURES, -1)->floor = 1e-6;
    assert_summary(
        "erf computes a different function from the baseline, from block 0's activation on in both towers, "
        "attributed to its settings at the activation of blocks 0-3 (visual) and 0, 2 (text); "
        "image_features diverge by 10,000 times the noise "
        "floor; rounding explains none of it.");
}

static void one_tower_and_decisions(void **state) {
    (void)state;
    report_candidate.counts = (struct cp_decisions){
        .images = 10000, .decided = 10000, .flips = 214, .certified = 9700, .flip_low = 0.0187};
    report_candidate.counts.flip_high = 0.0245;
    report_candidate.counts.max_dp = 0.0313;
    report_candidate.counts.accuracy_baseline = 0.84;
    report_candidate.counts.accuracy = 0.83;
    report_candidate.certificates = true;
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 2), CP_SEMANTIC_VERDICT, 1e-2, 2e-3);
    assert_summary(
        "erf computes a different function from the baseline, from block 2's norm before attention (visual) "
        "on; its own "
        "error is 20 % as large. 214 of 10,000 decisions change (95 % interval 1.87 to 2.45 %), 9,700 of "
        "10,000 images provably cannot flip, the largest change of a probability is 0.031, accuracy goes "
        "from 84.00 to 83.00 %.");
}

static void rounding_alone(void **state) {
    (void)state;
    differ_from(find_tap(CP_TEXT, CP_LN_1, 1), CP_DEGRADED, 1e-3, 1e-3);
    find_tap(CP_TEXT, CP_LN_1, 1)->cause = CP_CAUSE_ROUNDING;
    find_tap(CP_TEXT, CP_MLP_GELU, 1)->cause = CP_CAUSE_ROUNDING;
    find_tap(CP_TEXT, CP_FEATURES, -1)->cause = CP_CAUSE_ROUNDING;
    find_tap(CP_TEXT, CP_FEATURES, -1)->floor = 4e-4;
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; its error is "
        "above "
        "the limit (2 times the baseline's) at 7 of 20 taps, attributed to the rounding of the norm before "
        "attention and activation of "
        "block 1 (text), the "
        "normalisation of the features (text); text_features diverge by 2.5 times the noise floor.");
    differ_from(find_tap(CP_TEXT, CP_LN_1, 1), CP_EQUIVALENT, 1e-7, 1e-7);
    for (size_t t = 0; t < report_candidate.taps; t++)
        report_taps[t].cause = CP_CAUSE_NONE;
    judge_fields(find_tap(CP_TEXT, CP_LN_1, 1)->verdict, CP_INCONCLUSIVE, 11, 1.5);
    find_tap(CP_TEXT, CP_FEATURES, -1)->floor = NAN;
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; its error is "
        "within "
        "the limit (2 times the baseline's) at 6 of 7 taps that differ; that could not be decided at 1 of 20 "
        "taps: 11 inputs are too few, 12 or more are needed; the error there is 1.5 times the baseline's.");
}

/* A function that differs by less than a verdict shows is another one, also where the bits are the same. */
static void near_functions(void **state) {
    (void)state;
    find_tap(CP_VISUAL, CP_LN_1, 1)->verdict[CP_FIELD_SEMANTIC] = 5.4e-13;
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(
        summary_text, " has the bits of the baseline everywhere, though it declares a different function "
                      "(its reference is 5.4e-13 away at most)"));
    judge_all_taps(CP_EQUIVALENT, 24, 1.1);
    find_tap(CP_VISUAL, CP_LN_1, 1)->verdict[CP_FIELD_SEMANTIC] = 5.4e-13;
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(summary_text,
                           "erf declares a different function from the baseline, whose reference is 5.4e-13 "
                           "away at most"));
}

/* ---- what could not be decided ---- */

/* What counts classes is named, and is no matter of too few inputs; prompts may be many and yet too few. */
static void why_it_is_open(void **state) {
    struct cp_report_tap *of_classes = find_tap(CP_TEXT, CP_FEATURES, -1),
                         *of_prompts = find_tap(CP_TEXT, CP_LN_1, 1);
    (void)state;
    of_classes->point = CP_CLASS_FEATURES;
    judge_fields(of_classes->verdict, CP_INCONCLUSIVE, 10, 1.1);
    judge_fields(of_prompts->verdict, CP_INCONCLUSIVE, 160, 1.1);
    of_classes->over_inputs.different = of_prompts->over_inputs.different = 5;
    of_prompts->verdict[CP_FIELD_DF] = 3;
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(summary_text,
                           " at 2 of 20 taps: at 1 tap the prompts share too few templates or classes, 7 "
                           "or more of each are needed; "
                           "class_features has a value for each of 10 classes, 12 or more are needed; "));
}

static void too_few_inputs(void **state) {
    (void)state;
    judge_all_taps(CP_INCONCLUSIVE, 8, 12.5);
    find_tap(CP_TEXT, CP_LN_1, 1)->verdict[CP_FIELD_RATIO] = 2034.2;
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; whether its "
        "error exceeds the limit could not be decided at 18 of 20 taps: 8 "
        "inputs are too few, 12 or more are needed; the error there is up to 2,034 times the baseline's.");
    assert_card("open", "inconclusive");
    assert_non_null(strstr(summary_card(), "<small>taps: 18 inconclusive, 2 identical</small>"));
    assert_non_null(strstr(summary_card(),
                           "<p>That could not be decided at 18 of 20: 8 inputs are too few, 12 or more "
                           "are needed; the error there is up to 12 times the baseline's.</p>"));
    assert_null(strstr(summary_card(), "within the limit"));
    find_tap(CP_TEXT, CP_LN_1, 1)->verdict[CP_FIELD_DISTINCT] = 1;
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; whether its "
        "error exceeds the limit could not be decided at 18 of 20 taps: 1 to 8 "
        "inputs are too few, 12 or more are needed; the error there is up to 2,034 times the baseline's.");
    find_tap(CP_TEXT, CP_LN_1, 1)->verdict[CP_FIELD_RATIO] = INFINITY;
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(summary_text, "; the error there is beyond any multiple of the baseline's."));
}

static void enough_that_do_not_settle_it(void **state) {
    (void)state;
    judge_all_taps(CP_INCONCLUSIVE, 12, 1.9);
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; whether its "
        "error exceeds the limit could not be decided at 18 of 20 taps: the "
        "inputs do not settle it; the error there is up to 1.9 times the baseline's.");
    assert_card("open", "inconclusive");
}

static void some_taps_inconclusive(void **state) {
    (void)state;
    judge_all_taps(CP_EQUIVALENT, 24, 1.1);
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; its error is "
        "within "
        "the limit (2 times the baseline's) at 18 of 18 taps that differ (of 24 inputs; up to 12 % of "
        "others could exceed the limit).");
    find_tap(CP_TEXT, CP_LN_1, 3)->verdict[CP_FIELD_ABOVE_HIGH] = 0.25; /* the worst is said */
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(summary_text, "up to 25 % of others could exceed the limit"));
    find_tap(CP_TEXT, CP_LN_1, 3)->verdict[CP_FIELD_ABOVE_HIGH] = 1 - pow(0.05, 1.0 / 24);
    assert_card("same", "equivalent");
    assert_non_null(strstr(summary_card(), "<p>Each operation's error by itself is within the limit.</p>"));
    judge_fields(find_tap(CP_TEXT, CP_LN_1, 1)->verdict, CP_INCONCLUSIVE, 10, 1.25);
    judge_fields(find_tap(CP_TEXT, CP_LN_1, 2)->verdict, CP_INCONCLUSIVE, 24, 1.5);
    find_tap(CP_TEXT, CP_LN_1, 2)->verdict[CP_FIELD_K] = 3;
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; its error is "
        "within "
        "the limit (2 to 3 times the baseline's) at 16 of 18 taps that differ (of 24 inputs; up to 12 % "
        "of others could exceed the limit); that could not be decided at "
        "2 of 20 taps: at 1 tap "
        "10 inputs are too few, 12 or more are needed; the error there is up to 1.5 times the "
        "baseline's.");
    assert_card("partly", "partly equivalent");
    judge_fields(find_tap(CP_TEXT, CP_LN_1, 1)->verdict, CP_INCONCLUSIVE, 10, 2.5);
    assert_card("open", "inconclusive");
}

static void causes_inconclusive(void **state) {
    (void)state;
    judge_all_taps(CP_DEGRADED, 24, 300);
    for (size_t t = 0; t < report_candidate.taps; t++)
        if (report_taps[t].point != CP_EMBED)
            judge_fields(report_taps[t].local_verdict, CP_INCONCLUSIVE, 8, 250);
    assert_summary(
        "erf declares the function of the baseline; whether it computes it was not checked; its error is "
        "above "
        "the limit (2 times the baseline's) at 18 of 20 taps; whether the operation by itself is to blame "
        "could not be decided at "
        "18 "
        "of 20 taps: 8 inputs are too few, 12 or more are needed; the error there is up to 250 times the "
        "baseline's.");
    assert_card("degraded", "degraded");
    assert_non_null(strstr(summary_card(), "0 of 20 operations diverge by themselves, 18 inconclusive<"));
    find_tap(CP_TEXT, CP_LN_1, 1)->cause = CP_CAUSE_ROUNDING;
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_null(strstr(summary_text, "to blame"));
    assert_non_null(
        strstr(summary_card(), "<p>Whether others do could not be decided at 18 of 20: 8 inputs"));
}

static void colours_of_the_other_cards(void **state) {
    (void)state;
    assert_card("same", "identical");
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 2), CP_SEMANTIC_VERDICT, 1e-2, 1e-7);
    assert_card("semantic", "different function");
    differ_from(find_tap(CP_TEXT, CP_LN_1, 2), CP_NONFINITE_VERDICT, NAN, NAN);
    assert_card("nonfinite", "NaN or infinity");
    (void)make_report(NULL);
    judge_all_taps(CP_INCONCLUSIVE, 0, NAN);
    report_candidate.judged = false;
    assert_card("open", "differs");
}

static void other_weights(void **state) {
    (void)state;
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 3), CP_SEMANTIC_VERDICT, 1e-2, 1e-7);
    find_tap(CP_VISUAL, CP_LN_1, 3)->cause = CP_CAUSE_WEIGHTS;
    assert_summary(
        "erf uses different weights from the baseline, from block 3's norm before attention (visual) on, "
        "attributed to its weights at the norm before attention of block 3 (visual); rounding explains none "
        "of it.");
    find_tap(CP_VISUAL, CP_MLP_GELU, 3)->cause = CP_CAUSE_SEMANTIC;
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(summary_text, "computes a different function from"));
    assert_non_null(strstr(
        summary_text,
        "attributed to its settings at the activation of block 3 (visual), to its weights at the norm"));
}

static void without_an_oracle(void **state) {
    (void)state;
    report_candidate.judged = false;
    report_candidate.tap = find_tap(CP_VISUAL, CP_FEATURES, -1);
    report_candidate.taps -= (size_t)(report_candidate.tap - report_taps);
    report_candidate.tap->over_inputs.different = 1;
    assert_summary(
        "erf differs from the baseline, from the features (visual) on, the first tap recorded; no oracle "
        "ran, so a different function and rounding are not told apart.");
}

static void not_finite(void **state) {
    (void)state;
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 3), CP_NONFINITE_VERDICT, NAN, NAN);
    assert_summary(
        "erf gives NaN or infinity at 3 of 20 taps, from block 3's norm before attention (visual) on.");
}

/* However much there is to say, it is cut and not written past. */
static void a_small_buffer(void **state) {
    (void)state;
    differ_from(find_tap(CP_VISUAL, CP_MLP_GELU, 0), CP_SEMANTIC_VERDICT, 1e-2, 1e-7);
    memset(summary_text, 'x', sizeof summary_text);
    cp_report_summary(&report_candidate, summary_text, 20);
    assert_string_equal(summary_text, "erf computes a diff");
    assert_int_equal(summary_text[20], 'x');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(same_bits, make_report),
        cmocka_unit_test_setup(other_maths_with_its_causes, make_report),
        cmocka_unit_test_setup(one_tower_and_decisions, make_report),
        cmocka_unit_test_setup(rounding_alone, make_report),
        cmocka_unit_test_setup(near_functions, make_report),
        cmocka_unit_test_setup(why_it_is_open, make_report),
        cmocka_unit_test_setup(too_few_inputs, make_report),
        cmocka_unit_test_setup(enough_that_do_not_settle_it, make_report),
        cmocka_unit_test_setup(some_taps_inconclusive, make_report),
        cmocka_unit_test_setup(causes_inconclusive, make_report),
        cmocka_unit_test_setup(colours_of_the_other_cards, make_report),
        cmocka_unit_test_setup(other_weights, make_report),
        cmocka_unit_test_setup(without_an_oracle, make_report),
        cmocka_unit_test_setup(not_finite, make_report),
        cmocka_unit_test_setup(a_small_buffer, make_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
