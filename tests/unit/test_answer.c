/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answers of a report as rows: their order, what they name, and why. Verdicts: test_report_summary.c. */
#include "report/data/answer.h"
#include "report/term/term.h"
#include "support/report.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 4 };

static struct cp_report_tap taps[CANDIDATES][MOST];
static struct cp_report_candidate candidates[CANDIDATES];
static struct cp_arena arena;

/* `report_candidate` as it is now becomes a candidate of this name. */
static void keep(size_t index, const char *name) {
    candidates[index] = report_candidate;
    candidates[index].name = name;
    memcpy(taps[index], report_taps, sizeof report_taps);
    candidates[index].tap = taps[index];
    (void)make_report(NULL);
}

static int make_candidates(void **state) {
    (void)make_report(state);
    keep(0, "same");
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 2), CP_SEMANTIC_VERDICT, 1e-3, 1e-7);
    keep(1, "near");
    differ_from(find_tap(CP_TEXT, CP_MLP_GELU, 0), CP_SEMANTIC_VERDICT, 1e-2, 1e-7);
    report_candidate.counts = (struct cp_decisions){.images = 10, .decided = 9, .flips = 2, .max_dp = 0.25};
    keep(2, "far");
    differ_from(find_tap(CP_VISUAL, CP_LN_1, 0), CP_NONFINITE_VERDICT, NAN, NAN);
    keep(3, "broken");
    return 0;
}

static struct cp_answer *answers_of(void) {
    struct cp_report report = small_report;
    struct cp_answer *answers;
    struct cp_error err;
    report.candidates = CANDIDATES;
    report.candidate = candidates;
    assert_int_equal(cp_answers(&report, &arena, &answers, &err), CP_OK);
    return answers;
}

/* By verdict, then by size; nothing was decided of the last. */
static void the_worst_is_first(void **state) {
    static const size_t order[CANDIDATES] = {3, 2, 1, 0};
    const struct cp_answer *answers = answers_of();
    (void)state;
    for (size_t i = 0; i < CANDIDATES; i++) {
        assert_int_equal(answers[i].index, order[i]);
        assert_ptr_equal(answers[i].candidate, &candidates[order[i]]);
    }
    assert_true(answers[0].tone == CP_TONE_BAD && answers[1].tone == CP_TONE_WARNING &&
                answers[3].tone == CP_TONE_GOOD);
}

static void rows_say_where_and_how_much(void **state) {
    const struct cp_answer *answers = answers_of();
    (void)state;
    assert_string_equal(answers[1].first, "mlp.gelu");
    assert_string_equal(answers[2].first, "ln_1");
    assert_null(answers[3].first);
    assert_true(answers[1].relative_l2 == 1e-2 && answers[2].relative_l2 == 1e-3 &&
                answers[3].relative_l2 == 0);
    assert_true(answers[1].max_dp == 0.25 && isnan(answers[2].max_dp));
    assert_true(answers[1].flips == 2 && answers[1].decided == 9 && answers[2].decided == 0);
}

/* Without a ledger as the local verdicts have it; where nothing is known, why. */
static void reasons(void **state) {
    char text[256] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    (void)state;
    assert_false(cp_append_reason(&s, &report_candidate));
    find_tap(CP_VISUAL, CP_MLP_GELU, 1)->cause = CP_CAUSE_SEMANTIC;
    find_tap(CP_TEXT, CP_LN_1, 0)->cause = CP_CAUSE_WEIGHTS;
    assert_true(cp_append_reason(&s, &report_candidate));
    assert_string_equal(text, "settings at the activation of block 1 (visual); weights at the norm before "
                              "attention of block 0 (text)");
    (void)make_report(NULL);
    judge_all_taps(CP_INCONCLUSIVE, 8, 1.5);
    s.used = 0;
    assert_true(cp_append_reason(&s, &report_candidate));
    assert_string_equal(text, "8 inputs are too few, 12 or more are needed");
}

/* What a terminal shows of the candidates: names in full, one reason for all that is open, no swaps in layers. */
static void the_table_of_a_terminal(void **state) {
    static const char *const names[CANDIDATES] = {"a", "activation+eps+weights", "activation+eps", "b"};
    static char *text;
    size_t size;
    struct cp_report report = small_report;
    struct cp_error err;
    (void)state;
    for (size_t c = 0; c < CANDIDATES; c++) {
        judge_all_taps(CP_DIFFERS, 0, NAN);
        report_candidate.judged = false;
        report_candidate.layerwise = c == 3;
        keep(c, names[c]);
    }
    report.candidates = CANDIDATES;
    report.candidate = candidates;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(cp_term_answers(&report, true, out, &err), CP_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text,
                        "candidate      verdict            first difference      rel L2    |dp|     flips\n"
                        "a              differs            ln_1                       0       -         -\n"
                        "  no oracle ran, so a different function and rounding are not told apart\n"
                        "activation+eps+weights\n"
                        "               differs            ln_1                       0       -         -\n"
                        "activation+eps differs            ln_1                       0       -         -\n");
    free(text);
    for (size_t c = 0; c < CANDIDATES; c++)
        candidates[c].layerwise = true;
    out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(cp_term_answers(&report, true, out, &err), CP_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "");
    free(text);
}

static int release(void **state) {
    (void)state;
    cp_arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_worst_is_first, make_candidates),
        cmocka_unit_test_setup(rows_say_where_and_how_much, make_candidates),
        cmocka_unit_test_setup(reasons, make_report),
        cmocka_unit_test_setup(the_table_of_a_terminal, make_report),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
