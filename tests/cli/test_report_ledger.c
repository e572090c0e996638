/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reports of what the ledgers contradict, in every form, and of a result that has no ledger. */
#include "support/program.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 20];

static int remove_it(void **state) {
    (void)state;
    return unlink(scratch_output());
}

static void report(const char *arguments) {
    run_expecting(0, arguments, text, sizeof text);
}

/* A diff's result: exit code 1. */
static void lying_capture(const char *a, const char *b, const char *spec) {
    char command[512];
    (void)snprintf(command, sizeof command,
                   "diff reference/golden/captures/%s-fp32.h5 reference/golden/captures/%s-fp32.h5 %s "
                   "activation=quick -o $OUT",
                   a, b, spec);
    run_expecting(1, command, text, sizeof text);
}

#define SAYS "does not compute what its settings, weights and inputs say: no rounding can be that large ("

/* GELU that is said to be QuickGELU is no rounding, in no form. */
static void a_contradicted_capture(void **state) {
    (void)state;
    lying_capture("quick", "erf", "--spec-b");
    report("report $OUT --md -o -");
    assert_non_null(strstr(text, "\n- erf-fp32 at the activation of "));
    assert_non_null(strstr(text, SAYS));
    assert_non_null(strstr(text, "explained by: activation"));
    assert_null(strstr(text, "by rounding alone"));
    assert_non_null(strstr(text, "\n| erf-fp32 | contradicted | candidate | "));
    report("report $OUT --html -o -");
    assert_non_null(strstr(text, "<span class=kind>contradicted</span>"));
    assert_non_null(strstr(text, "<a class=v8 href=#"));
    report("report $OUT --csv -o -");
    assert_non_null(strstr(text, ",contradicted,bound,"));
    report("report $OUT --term");
    assert_non_null(strstr(text, "X contradicted"));
}

/* The other way round it is the reference's fault, which is said first, and nothing is equivalent to it. */
static void a_contradicted_reference(void **state) {
    (void)state;
    lying_capture("erf", "quick", "--spec-a");
    report("report $OUT --md -o -");
    assert_non_null(
        strstr(text, "\n- quick-fp32 is compared with a broken baseline, which at the activation of "));
    assert_non_null(strstr(text, ". Agreeing with it shows nothing. quick-fp32 computes what its own "
                                 "settings, weights and inputs say; "));
    report("report $OUT --csv -o -");
    assert_null(strstr(text, ",equivalent,"));
    report("report $OUT --html -o -");
    assert_non_null(strstr(text, "<span class=kind>broken baseline</span>"));
    assert_non_null(strstr(text, "<a class=\"v8 base\" href=#"));
    assert_non_null(strstr(text, " contradicted by the baseline "));
}

/* As older programs wrote them. */
static void a_result_without_a_ledger(void **state) {
    (void)state;
    assert_int_equal(
        run_program("run experiments/quickgelu-vs-gelu.yaml inputs.limit=1 local=off floor=0 ledger=off "
                    "output=$OUT 'candidates={welford: {norm: welford}}' 'record={\"*\": \"off\", "
                    "\"*_features\": stats}'",
                    text, sizeof text),
        0);
    report("report $OUT --md -o -");
    assert_non_null(strstr(text,
                           "welford declares the function of the baseline (activation: quick); whether it "
                           "computes it was not checked; "));
    report("report $OUT --html -o -");
    report("report $OUT --json -o - | tr -d ' \n'");
    assert_non_null(strstr(text, "\"ledger\":{\"baseline\":null,\"candidate\":null}"));
    assert_non_null(strstr(text, "\"causes\":null"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_contradicted_capture, remove_it),
        cmocka_unit_test_teardown(a_contradicted_reference, remove_it),
        cmocka_unit_test_teardown(a_result_without_a_ledger, remove_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
