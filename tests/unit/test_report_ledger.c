/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer where the ledgers of both passes are there: one image is enough for it, a broken baseline is
 * said first, nothing contradicted is called rounding, and causes stand beside each other with their sizes.
 */
#include "support/report.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static double rows[MOST][2][CP_OPERATION_FIELD_COUNT];
static const char *alternatives[] = {"no causal mask", "activation = erf", "activation = erf"};

/* An operation of a side as its declared arithmetic explains it. */
static void explain(double row[CP_OPERATION_FIELD_COUNT]) {
    static const enum cp_operation_field unknown[] = {
        CP_OPERATION_FIELD_OWN,      CP_OPERATION_FIELD_ALTERNATIVE, CP_OPERATION_FIELD_AT,
        CP_OPERATION_FIELD_AFTER,    CP_OPERATION_FIELD_SLOPE,       CP_OPERATION_FIELD_SLOPE_ERROR,
        CP_OPERATION_FIELD_SETTINGS, CP_OPERATION_FIELD_WEIGHTS};
    memset(row, 0, CP_OPERATION_FIELD_COUNT * sizeof *row);
    row[CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_EXPLAINED;
    row[CP_OPERATION_FIELD_INPUTS] = 1;
    row[CP_OPERATION_FIELD_BOUND] = 0.1;
    row[CP_OPERATION_FIELD_COARSENESS] = 1;
    row[CP_OPERATION_FIELD_RESIDUAL] = 2e-7;
    row[CP_OPERATION_FIELD_HIDDEN] = -1;
    for (size_t f = 0; f < sizeof unknown / sizeof unknown[0]; f++)
        row[unknown[f]] = NAN;
}

/* One image, every bit different, every operation of both passes explained. */
static int make_ledger(void **state) {
    (void)make_report(state);
    small_report = (struct cp_report){
        .candidates = 1, .candidate = &report_candidate, .alternatives = {3, alternatives}};
    report_candidate.ledger = true;
    for (size_t t = 0; t < report_candidate.taps; t++) {
        report_taps[t].over_inputs.compared = 1;
        report_taps[t].over_inputs.different = 5;
        judge_fields(report_taps[t].verdict, CP_INCONCLUSIVE, 1, 1.2);
        for (int side = 0; side < 2; side++) {
            explain(rows[t][side]);
            report_taps[t].ledger[side] = rows[t][side];
        }
    }
    return 0;
}

static int free_ledger(void **state) {
    (void)state;
    cp_arena_free(&small_report.arena);
    return 0;
}

static double *row_of(const struct cp_report_tap *tap, int side) {
    return rows[tap - report_taps][side];
}

static void contradict(const struct cp_report_tap *tap, int side) {
    double *row = row_of(tap, side);
    row[CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_CONTRADICTED;
    row[CP_OPERATION_FIELD_FAILING] = 1;
    row[CP_OPERATION_FIELD_BOUND] = 30000;
    row[CP_OPERATION_FIELD_COARSENESS] = 1e6;
    row[CP_OPERATION_FIELD_RESIDUAL] = 0.5;
    row[CP_OPERATION_FIELD_ALTERNATIVE] = 1;
    row[CP_OPERATION_FIELD_TRIED] = 12;
    row[CP_OPERATION_FIELD_BEFORE] = 0.5;
    row[CP_OPERATION_FIELD_AFTER] = 6e-8;
}

static void find_difference(void) {
    struct cp_error err = {0};
    assert_int_equal(cp_report_find_difference(&small_report, &report_candidate, &err), CP_OK);
}

/* Never of something that no rounding explains, and no broken baseline's agreement. */
static void never_says(const char *const *words, size_t count) {
    for (size_t w = 0; w < count; w++)
        if (strstr(summary_text, words[w]))
            fail_msg("\"%s\" in: %s", words[w], summary_text);
}

static void one_image_gives_an_answer(void **state) {
    (void)state;
    find_difference();
    assert_summary(
        "erf differs from the baseline by rounding alone; all 20 operations of both passes are explained by "
        "their declared arithmetic; whether its error exceeds the limit could not be decided at 20 of 20 "
        "taps: 1 input is too few, 12 or more are needed; the error there is up to 1.2 times the "
        "baseline's.");
    assert_card("partly", "explained");
}

static void a_contradicted_candidate(void **state) {
    static const char *const wrong[] = {"by rounding alone", "rounding of", "the limit", "rounding there"};
    (void)state;
    for (int layer = 1; layer < 3; layer++)
        contradict(find_tap(CP_TEXT, CP_MLP_GELU, layer), 1);
    row_of(find_tap(CP_TEXT, CP_MLP_GELU, 2), 1)[CP_OPERATION_FIELD_ALTERNATIVE] = 2; /* of the same name */
    find_difference();
    assert_summary(
        "erf at the activation of blocks 1-2 (text) does not compute what its settings, weights and inputs "
        "say: "
        "no rounding can be that large (30,000 times its bound); explained by: activation = erf (the "
        "residual "
        "falls from 0.5 to 6e-08); 18 of 20 operations of both passes are explained by their declared "
        "arithmetic.");
    never_says(wrong, sizeof wrong / sizeof wrong[0]);
    assert_card("contradicted", "contradicted");
    assert_non_null(strstr(summary_card(), "<small>taps: 2 contradicted, 18 inconclusive</small>"));
    assert_non_null(strstr(summary_card(),
                           "<span class=\"verdict v8\">contradicted</span><td class=word>erf<td>0.5<td>0.5"));
}

static void a_broken_baseline_is_said_first(void **state) {
    static const char *const wrong[] = {"by rounding alone", "within the limit", "equivalent", "agrees"};
    (void)state;
    judge_all_taps(CP_EQUIVALENT, 24, 1.1);
    contradict(find_tap(CP_VISUAL, CP_LN_1, 0), 0);
    find_difference();
    assert_summary(
        "erf is compared with a broken baseline, which at the norm before attention of block 0 (visual) "
        "does not "
        "compute what its settings, weights and inputs say: no rounding can be that large (30,000 times its "
        "bound); explained by: activation = erf (the residual falls from 0.5 to 6e-08). Agreeing with it "
        "shows "
        "nothing. erf computes what its own settings, weights and inputs say; 19 of 20 operations of both "
        "passes are explained by their declared arithmetic.");
    never_says(wrong, sizeof wrong / sizeof wrong[0]);
    assert_card("contradicted", "broken baseline");
    assert_null(strstr(summary_card(), "equivalent"));
    assert_string_equal(cp_report_state_side(find_tap(CP_VISUAL, CP_LN_1, 0)), " by the baseline");
    for (size_t t = 0; t < report_candidate.taps; t++)
        assert_int_not_equal((int)report_taps[t].verdict[CP_FIELD_VERDICT], CP_EQUIVALENT);
}

/* Both sides alike: nothing says whose fault it is but that the model may not be theirs. */
static void contradicted_by_both(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++)
        contradict(find_tap(CP_VISUAL, CP_LN_1, 0), side);
    find_tap(CP_VISUAL, CP_LN_1, 0)->over_inputs.mean_rel[CP_TOTAL] = 1e-7;
    find_difference();
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(
        summary_text, "; both contradict it alike, so the model, the config or the seed is not theirs."));
    assert_string_equal(cp_report_state_side(find_tap(CP_VISUAL, CP_LN_1, 0)), " by both");
}

/* Settings, weights and rounding beside each other, each with its size. */
static void causes_are_shares(void **state) {
    (void)state;
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 1), CP_SEMANTIC_VERDICT, 1e-2, 8e-3);
    for (int layer = 1; layer < LAYERS; layer++)
        row_of(find_tap(CP_VISUAL, CP_LN_1, layer), 1)[CP_OPERATION_FIELD_SETTINGS] =
            layer == 1 ? 3e-6 : 1e-7;
    row_of(find_tap(CP_VISUAL, CP_MLP_GELU, 3), 1)[CP_OPERATION_FIELD_WEIGHTS] = 2e-3;
    row_of(find_tap(CP_TEXT, CP_LN_1, 0), 1)[CP_OPERATION_FIELD_WEIGHTS] =
        0; /* no input reads what differs */
    row_of(find_tap(CP_TEXT, CP_MLP_GELU, 0), 1)[CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_COARSE;
    row_of(find_tap(CP_TEXT, CP_MLP_GELU, 0), 1)[CP_OPERATION_FIELD_COARSENESS] = 12;
    find_difference();
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(summary_text,
                           "erf at the activation of block 0 (text) errs more than its declared arithmetic "
                           "does: 12 times a plain evaluation's error; it computes a different"));
    assert_non_null(strstr(summary_text, " function from the baseline, from block 1's norm"));
    assert_non_null(strstr(summary_text,
                           ", attributed to its settings at the norm before attention of blocks 1-3 (visual) "
                           "(up to 3e-06, own error up to 2e-07, the larger at 2 of 3), to its weights at "
                           "the activation of block 3 (visual) (0.002, own error 2e-07); "));
    assert_int_equal(cp_report_state(find_tap(CP_TEXT, CP_MLP_GELU, 0)), CP_STATE_COARSE);
    assert_card("semantic", "different function");
}

/* Different pixels make no error of the candidate's own, and are no rounding. */
static void different_inputs(void **state) {
    static const char *const wrong[] = {"by rounding alone", "the limit", "the error there"};
    struct cp_report_tap *pixels = add_tap(CP_VISUAL, CP_PIXELS_NORMALIZED, -1);
    (void)state;
    pixels->over_inputs.compared = 1;
    pixels->over_inputs.different = 9;
    pixels->over_inputs.mean_rel[CP_TOTAL] = 0.078;
    find_difference();
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(
        strstr(summary_text, "erf gets different inputs from the baseline, attributed to its inputs at "));
    assert_non_null(strstr(summary_text, " (0.078); all 20 operations of both passes"));
    never_says(wrong, sizeof wrong / sizeof wrong[0]);
    assert_card("semantic", "different inputs");
}

/* One image shows what a narrower type rounds, and that its arithmetic explains it. */
static void declared_rounding_is_a_cause(void **state) {
    (void)state;
    for (size_t t = 0; t < report_candidate.taps; t++) {
        row_of(&report_taps[t], 1)[CP_OPERATION_FIELD_RESIDUAL] = 4e-4;
        row_of(&report_taps[t], 0)[CP_OPERATION_FIELD_PLAIN] = 3e-7;
    }
    row_of(find_tap(CP_VISUAL, CP_MLP_GELU, 1), 1)[CP_OPERATION_FIELD_RESIDUAL] = 5e-7; /* below k times */
    find_difference();
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(
        summary_text, "erf differs from the baseline by rounding alone, attributed to its declared "
                      "arithmetic at the position embedding and normalisation of the features in both "
                      "towers, the norm before attention of blocks 0-3 (visual) and 0-3 (text), the "
                      "activation of blocks 0, 2-3 (visual) and 0-3 (text) (rounding up to 0.0004, 1,333 "
                      "times the baseline's); all 20 operations"));
    assert_true(cp_report_has(find_tap(CP_TEXT, CP_LN_1, 2), 1, CP_OWN_LARGER));
    assert_int_equal(cp_report_state(find_tap(CP_TEXT, CP_LN_1, 2)), CP_INCONCLUSIVE);
    assert_non_null(strstr(summary_card(), "; 19 round more than the baseline's, as declared.</p>"));
}

static void single_inputs_that_fail(void **state) {
    static const char *names[] = {"a.png", "b.png", "c.png", "d.png", "e.png", "f.png"};
    static const double one[6][CP_FAILING_FIELDS] = {[1] = {12, 120}},
                        more[6][CP_FAILING_FIELDS] = {{1, 9},    {12, 120}, {1, 10},
                                                      {2, 4000}, {0, 0},    {3, 8.5}};
    (void)state;
    find_difference();
    report_candidate.failing[0] = (struct cp_report_failing){one[0], 6, names};
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(
        strstr(summary_text, "; 1 of 6 images fails by itself: b.png (120 times the limit, at 12 taps)"));
    report_candidate.failing[0].rows = more[0];
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_non_null(strstr(
        summary_text, "; 5 of 6 images fail by themselves: d.png (4,000 times the limit, at 2 taps), "
                      "b.png (120 times the limit, at 12 taps), c.png (10 times the limit, at 1 tap) and "
                      "2 more"));
}

/* Equal NaNs are no agreement. */
static void not_finite_on_both_sides(void **state) {
    (void)state;
    for (size_t t = 0; t < report_candidate.taps; t++) {
        report_taps[t].over_inputs.different = 0;
        judge_fields(report_taps[t].verdict, CP_IDENTICAL, 1, NAN);
    }
    for (int side = 0; side < 2; side++) {
        row_of(find_tap(CP_TEXT, CP_FEATURES, -1), side)[CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_NONFINITE;
        row_of(find_tap(CP_TEXT, CP_FEATURES, -1), side)[CP_OPERATION_FIELD_OWN] = 1;
    }
    find_difference();
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_null(strstr(summary_text, "has the bits"));
    assert_non_null(strstr(summary_text,
                           "broken baseline, which at the normalisation of the features (text) makes NaN or "
                           "infinity of finite operands"));
    assert_non_null(
        strstr(summary_text, " erf gives NaN or infinity at 1 of 20 taps, from the features (text) on"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_image_gives_an_answer, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(a_contradicted_candidate, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(a_broken_baseline_is_said_first, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(contradicted_by_both, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(different_inputs, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(declared_rounding_is_a_cause, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(single_inputs_that_fail, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(causes_are_shares, make_ledger, free_ledger),
        cmocka_unit_test_setup_teardown(not_finite_on_both_sides, make_ledger, free_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
