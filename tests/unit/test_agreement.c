/* SPDX-License-Identifier: GPL-3.0-or-later
 * What sets two passes apart, from rows made by hand: every kind of part, its side and order, what fails, and
 * the words for it. */
#include "support/test.h"

#include "analysis/agreement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TAPS = 8, LAYERS = 4 };

static struct cp_agreement_tap taps[TAPS];
static double rows[TAPS][2][CP_OPERATION_FIELD_COUNT];
static struct cp_agreement found;
static struct cp_arena arena;
static const char *const alternatives[] = {"no causal mask", "activation = erf"};
static const struct cp_agreement_words words = {"A", "B", alternatives, 2, NULL, NULL, 0, 0};
static const struct cp_agreement_options plain = {.strict = false};

/* An operation that its declared arithmetic explains. */
static void explain(double row[CP_OPERATION_FIELD_COUNT]) {
    for (int f = 0; f < CP_OPERATION_FIELD_COUNT; f++)
        row[f] = NAN;
    row[CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_EXPLAINED;
    row[CP_OPERATION_FIELD_BASIS] = CP_BASIS_BOUND;
    row[CP_OPERATION_FIELD_INPUTS] = 3;
    row[CP_OPERATION_FIELD_FAILING] = row[CP_OPERATION_FIELD_WORST] = 0;
    row[CP_OPERATION_FIELD_BOUND] = 0.1;
    row[CP_OPERATION_FIELD_COARSENESS] = 1;
    row[CP_OPERATION_FIELD_RESIDUAL] = row[CP_OPERATION_FIELD_PLAIN] = 1e-7;
    row[CP_OPERATION_FIELD_ROW] = row[CP_OPERATION_FIELD_COLUMN] = 0;
    row[CP_OPERATION_FIELD_HIDDEN] = -1;
    row[CP_OPERATION_FIELD_RECOMPUTED] = 0;
}

/* The activations of LAYERS blocks, then of LAYERS blocks of the other tower: other bits, all explained. */
static int make(void **state) {
    (void)state;
    for (int t = 0; t < TAPS; t++) {
        const bool text = t >= LAYERS;
        taps[t] = (struct cp_agreement_tap){
            .name = "mlp.gelu",
            .place = {text ? CP_TEXT : CP_VISUAL, CP_MLP_GELU, t % LAYERS},
            .compared = true,
            .different = 10,
            .beyond = NAN,
            .relative_l2 = 1e-7,
            .semantic = 0,
            .a = rows[t][0],
            .b = rows[t][1],
        };
        (void)snprintf(taps[t].address, sizeof taps[t].address, "%s.%d.mlp.gelu", text ? "text" : "visual",
                       t % LAYERS);
        explain(rows[t][0]);
        explain(rows[t][1]);
    }
    return 0;
}

static int clear(void **state) {
    (void)state;
    cp_arena_free(&arena);
    return 0;
}

static void fail_side(int tap, int side, enum cp_ledger_verdict verdict) {
    double *row = rows[tap][side];
    row[CP_OPERATION_FIELD_VERDICT] = verdict;
    row[CP_OPERATION_FIELD_FAILING] = 3;
    row[CP_OPERATION_FIELD_BOUND] = verdict == CP_LEDGER_CONTRADICTED ? 30000 : 0.5;
    row[CP_OPERATION_FIELD_COARSENESS] = 40;
    row[CP_OPERATION_FIELD_RESIDUAL] = 0.5;
    row[CP_OPERATION_FIELD_OWN] = 1;
}

static void explained_by(int tap, int side, int alternative) {
    double *row = rows[tap][side];
    row[CP_OPERATION_FIELD_ALTERNATIVE] = alternative;
    row[CP_OPERATION_FIELD_TRIED] = 12;
    row[CP_OPERATION_FIELD_BEFORE] = 0.4; /* of another input than the worst */
    row[CP_OPERATION_FIELD_AFTER] = 6e-8;
}

static void agree(const struct cp_agreement_options *options) {
    struct cp_error err = {0};
    assert_int_equal(cp_agreement(taps, TAPS, options, &arena, &found, &err), CP_OK);
    assert_int_equal(found.taps, TAPS);
}

static const struct cp_own_part *only(enum cp_own_kind kind, enum cp_own_side side) {
    assert_int_equal(found.parts, 1);
    assert_int_equal(found.part[0].kind, kind);
    assert_int_equal(found.part[0].side, side);
    return &found.part[0];
}

/* What is printed, in memory of its own. */
static char *printed(size_t most) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cp_agreement_print(&found, &words, most, out);
    assert_int_equal(fclose(out), 0);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        assert_true(strcspn(line, "\n") <= 80);
    assert_null(strstr(text, "same maths"));
    assert_null(strstr(text, "other maths"));
    return text;
}

static void assert_printed(const char *expected) {
    char *text = printed(20);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- what passes ---- */

static void explained_rounding_passes(void **state) {
    (void)state;
    rows[2][1][CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_EXACT;
    agree(&plain);
    assert_true(found.pass && !found.nothing && !found.shared);
    assert_int_equal(found.parts, 0);
    assert_int_equal(found.compared, TAPS);
    assert_null(cp_agreement_first(&found));
    assert_printed("");
}

/* Unmatched taps fail where that is asked for. */
static void strict(void **state) {
    static const struct cp_agreement_options options = {.strict = true};
    (void)state;
    taps[3].compared = false;
    fail_side(3, 1, CP_LEDGER_CONTRADICTED); /* of nothing that is compared */
    agree(&plain);
    assert_true(found.pass);
    assert_int_equal(found.unmatched, 1);
    assert_int_equal(found.compared, TAPS - 1);
    agree(&options);
    assert_false(found.pass);
    assert_int_equal(found.parts, 0);
    taps[3].compared = true;
    explain(rows[3][1]);
    agree(&options);
    assert_true(found.pass);
}

/* What a capture tool computed afterwards is no evidence, whichever side it is of. */
static void recomputed_taps_are_not_judged(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++) {
        make(state);
        fail_side(1, 1, CP_LEDGER_CONTRADICTED);
        rows[1][side][CP_OPERATION_FIELD_RECOMPUTED] = 1;
        agree(&plain);
        assert_true(found.pass);
        assert_int_equal(found.parts, 0);
        assert_int_equal(found.recomputed, 1);
        assert_int_equal(found.compared, TAPS - 1);
    }
    for (int t = 0; t < TAPS; t++)
        rows[t][0][CP_OPERATION_FIELD_RECOMPUTED] = 1;
    agree(&plain);
    assert_true(found.nothing && !found.pass);
}

/* ---- each kind ---- */

static void a_side_is_contradicted(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++) {
        make(state);
        fail_side(2, side, CP_LEDGER_CONTRADICTED);
        explained_by(2, side, 1);
        agree(&plain);
        const struct cp_own_part *part = only(CP_OWN_CONTRADICTED, side ? CP_SIDE_B : CP_SIDE_A);
        assert_ptr_equal(part->tap, &taps[2]);
        assert_int_equal(part->verdict, CP_LEDGER_CONTRADICTED);
        assert_int_equal(part->basis, CP_BASIS_BOUND);
        assert_true(part->bound == 30000 && part->size == 0.5 && part->before == 0.4 && part->after == 6e-8);
        assert_string_equal(cp_own_explanation(part, &words), "activation = erf");
        assert_true(!found.pass && !found.shared);
    }
    assert_printed("  visual.2.mlp.gelu  B does not compute what its settings, weights and inputs\n"
                   "    say: no rounding can be that large (30,000 times its bound); explained by:\n"
                   "    activation = erf (the residual falls from 0.4 to 6e-08)\n");
    /* Shown by reruns. */
    rows[2][1][CP_OPERATION_FIELD_BASIS] = CP_BASIS_EMPIRICAL;
    rows[2][1][CP_OPERATION_FIELD_ALTERNATIVE] = -1;
    agree(&plain);
    assert_true(found.part[0].bound == 40);
    assert_null(cp_own_explanation(&found.part[0], &words));
    assert_printed("  visual.2.mlp.gelu  B does not compute what its settings, weights and inputs\n"
                   "    say: 40 times what 8 legitimate evaluations show; explained by none of the\n"
                   "    12 alternatives tried\n");
}

/* Both, each in its own way, are two parts; alike, one. */
static void both_sides(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++)
        fail_side(0, side, CP_LEDGER_CONTRADICTED);
    explained_by(0, 0, 0);
    explained_by(0, 1, 1);
    taps[0].relative_l2 = 0.5;
    agree(&plain);
    assert_int_equal(found.parts, 2);
    assert_int_equal(found.part[0].side, CP_SIDE_A);
    assert_int_equal(found.part[1].side, CP_SIDE_B);
    assert_null(found.shared);
    explained_by(0, 0, 1);
    rows[0][0][CP_OPERATION_FIELD_RESIDUAL] = 0.7;
    agree(&plain);
    assert_true(only(CP_OWN_CONTRADICTED, CP_SIDE_BOTH)->size == 0.7);
    assert_null(found.shared); /* they are far apart */
    rows[0][1][CP_OPERATION_FIELD_RESIDUAL] = 0.9;
    agree(&plain);
    assert_true(only(CP_OWN_CONTRADICTED, CP_SIDE_BOTH)->size == 0.9);
}

/* What both contradict alike, while they agree, is held against a model that is not theirs: the first part
 * alone shows it. */
static void a_model_that_is_not_theirs(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++)
        fail_side(4, side, CP_LEDGER_CONTRADICTED);
    agree(&plain);
    assert_ptr_equal(found.shared, only(CP_OWN_CONTRADICTED, CP_SIDE_BOTH));
    taps[4].relative_l2 = 1e-3 * 0.5 * 1.01;
    agree(&plain);
    assert_null(found.shared);
    taps[4].relative_l2 = 0;
    taps[4].different = 0;
    agree(&plain);
    assert_non_null(found.shared);
    fail_side(1, 1, CP_LEDGER_COARSE); /* comes first */
    agree(&plain);
    assert_null(found.shared);
    assert_false(found.pass);
}

static void more_rounding_than_declared(void **state) {
    (void)state;
    fail_side(5, 0, CP_LEDGER_COARSE);
    agree(&plain);
    assert_true(only(CP_OWN_ROUNDING, CP_SIDE_A)->bound == 40);
    assert_false(found.pass);
    char *text = printed(20);
    assert_non_null(strstr(text, "text.1.mlp.gelu  A errs more than its declared arithmetic does: 40 times"));
    free(text);
}

/* Rounding that the declared arithmetic explains is a part only where it is asked for, and more than a's. */
static void times(void **state) {
    static const struct cp_agreement_options twice = {.times = 2};
    (void)state;
    rows[3][1][CP_OPERATION_FIELD_RESIDUAL] = 2.1e-7;
    rows[6][1][CP_OPERATION_FIELD_RESIDUAL] = 1.9e-7;
    agree(&plain);
    assert_int_equal(found.parts, 0);
    agree(&twice);
    const struct cp_own_part *part = only(CP_OWN_ROUNDING, CP_SIDE_B);
    assert_ptr_equal(part->tap, &taps[3]);
    assert_float_equal(part->bound, 2.1, 1e-9);
    assert_printed("  visual.3.mlp.gelu rounds as the declared arithmetic of B does: 2.1 times as\n"
                   "    much as in A\n");
    rows[3][0][CP_OPERATION_FIELD_PLAIN] = 2e-7; /* a got lucky: a plain evaluation errs as much */
    agree(&twice);
    assert_int_equal(found.parts, 0);
}

/* Settings and weights stand beside each other, and beside what is contradicted. */
static void declared_differences(void **state) {
    (void)state;
    rows[1][1][CP_OPERATION_FIELD_SETTINGS] = 0.01;
    rows[1][1][CP_OPERATION_FIELD_WEIGHTS] = 0; /* differ, and are not touched by these inputs */
    fail_side(1, 0, CP_LEDGER_CONTRADICTED);
    agree(&plain);
    static const enum cp_own_kind kinds[] = {CP_OWN_CONTRADICTED, CP_OWN_SETTINGS, CP_OWN_WEIGHTS};
    assert_int_equal(found.parts, 3);
    for (size_t p = 0; p < 3; p++)
        assert_int_equal(found.part[p].kind, kinds[p]);
    assert_true(found.part[1].size == 0.01 && found.part[1].side == CP_SIDE_BOTH);
    assert_true(found.part[2].size == 0 && found.part[2].side == CP_SIDE_BOTH);
    assert_false(found.pass);
    explain(rows[1][0]);
    rows[1][1][CP_OPERATION_FIELD_WEIGHTS] = NAN;
    rows[1][1][CP_OPERATION_FIELD_RESIDUAL] = 2e-3;
    agree(&plain);
    assert_printed("  visual.1.mlp.gelu  the settings declare a different function (0.01, beside\n"
                   "    0.002 that its declared arithmetic rounds)\n");
}

static void differing_inputs(void **state) {
    (void)state;
    taps[0].place = (struct cp_tap_place){CP_VISUAL, CP_PIXELS_CROPPED, -1};
    taps[1].place = (struct cp_tap_place){CP_VISUAL, CP_PIXELS_NORMALIZED, -1};
    taps[4].place = (struct cp_tap_place){CP_TEXT, CP_TOKENS, -1};
    for (int t = 0; t < 5; t += t ? 3 : 1)
        taps[t].relative_l2 = 0.25;
    agree(&plain);
    assert_int_equal(found.parts, 2); /* the next step of pixels inherits */
    assert_ptr_equal(found.part[0].tap, &taps[0]);
    assert_ptr_equal(found.part[1].tap, &taps[4]);
    assert_true(found.part[0].kind == CP_OWN_INPUTS && found.part[1].kind == CP_OWN_INPUTS);
    assert_false(found.pass);
    /* Made otherwise because the settings say so. */
    taps[0].semantic = 0.25;
    agree(&plain);
    assert_int_equal(found.part[0].kind, CP_OWN_SETTINGS);
    /* The same where no reference tells it. */
    taps[0].semantic = NAN;
    rows[0][1][CP_OPERATION_FIELD_SETTINGS] = 0.125;
    agree(&plain);
    assert_int_equal(found.parts, 2);
    assert_int_equal(found.part[0].kind, CP_OWN_SETTINGS);
    assert_true(found.part[0].size == 0.125);
    taps[0].different = taps[1].different = taps[4].different = 0;
    agree(&plain);
    assert_true(found.pass);
}

/* NaN that a side makes of finite operands is its own; what comes of it is inherited. */
static void not_finite(void **state) {
    (void)state;
    fail_side(1, 1, CP_LEDGER_NONFINITE);
    for (int side = 0; side < 2; side++) {
        fail_side(2, side, CP_LEDGER_NONFINITE);
        rows[2][side][CP_OPERATION_FIELD_OWN] = 0;
    }
    agree(&plain);
    (void)only(CP_OWN_NONFINITE, CP_SIDE_B);
    assert_false(found.pass);
    assert_printed("  visual.1.mlp.gelu  B makes NaN or infinity of finite operands at 3 of 3\n"
                   "    images, first at (0, 0) of image 0\n");
    /* The same on both sides is no agreement, identical bits or not. */
    fail_side(1, 0, CP_LEDGER_NONFINITE);
    taps[1].different = taps[2].different = 0;
    agree(&plain);
    (void)only(CP_OWN_NONFINITE, CP_SIDE_BOTH);
    assert_false(found.pass);
}

/* NaN that was in what both started from: said once, at the first tap that has it. */
static void not_finite_from_the_start(void **state) {
    (void)state;
    for (int t = 1; t < 3; t++)
        for (int side = 0; side < 2; side++) {
            fail_side(t, side, CP_LEDGER_NONFINITE);
            rows[t][side][CP_OPERATION_FIELD_OWN] = 0;
            taps[t].different = 0;
        }
    agree(&plain);
    assert_ptr_equal(only(CP_OWN_NONFINITE, CP_SIDE_BOTH)->tap, &taps[1]);
    assert_false(found.pass);
    assert_printed("  visual.1.mlp.gelu  A and B: each holds NaN or infinity\n");
}

/* ---- what could not be checked ---- */

static void unchecked(void **state) {
    (void)state;
    for (int t = 0; t < TAPS; t++)
        for (int side = 0; side < 2; side++)
            rows[t][side][CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_UNCHECKED;
    taps[7].b = NULL;
    agree(&plain);
    assert_int_equal(found.parts, TAPS);
    assert_true(found.nothing && !found.pass);
    assert_int_equal(cp_agreement_first(&found)->kind, CP_OWN_UNCHECKED);
    assert_printed("  8 taps differ, from visual.0.mlp.gelu on, where an operand or a weight to tell\n"
                   "    why is not recorded\n");
    /* What is identical passes all the same. */
    for (int t = 1; t < TAPS; t++)
        taps[t].different = 0;
    agree(&plain);
    (void)only(CP_OWN_UNCHECKED, CP_SIDE_BOTH);
    assert_true(!found.nothing && !found.pass);
    taps[0].different = 0;
    agree(&plain);
    assert_true(found.pass);
    /* One side that is contradicted is known, whatever the other is; and it is the first that counts. */
    fail_side(5, 1, CP_LEDGER_CONTRADICTED);
    taps[0].different = 1;
    agree(&plain);
    assert_int_equal(found.parts, 2);
    assert_int_equal(found.part[0].kind, CP_OWN_UNCHECKED);
    assert_ptr_equal(cp_agreement_first(&found)->tap, &taps[5]);
}

static void nothing_compared(void **state) {
    (void)state;
    for (int t = 0; t < TAPS; t++)
        taps[t].compared = false;
    agree(&plain);
    assert_true(found.nothing && !found.pass);
    assert_int_equal(found.unmatched, TAPS);
}

/* ---- a tolerance in the place of the verdicts ---- */

static void tolerance(void **state) {
    static const struct cp_agreement_options options = {.tolerance = true};
    (void)state;
    for (int t = 0; t < TAPS; t++)
        taps[t].beyond = 0;
    fail_side(2, 1, CP_LEDGER_CONTRADICTED);
    agree(&options);
    assert_true(found.tolerance && found.pass);
    (void)only(CP_OWN_CONTRADICTED, CP_SIDE_B); /* and is told all the same */
    taps[6].beyond = 1;
    agree(&options);
    assert_false(found.pass);
    taps[6].beyond = 0;
    taps[6].nonfinite = 1;
    agree(&options);
    assert_false(found.pass);
    taps[6].nonfinite = 0;
    fail_side(7, 0, CP_LEDGER_NONFINITE); /* NaN on both sides is equal to nothing */
    agree(&options);
    assert_false(found.pass);
    /* It decides of recomputed taps, too. */
    explain(rows[7][0]);
    rows[6][0][CP_OPERATION_FIELD_RECOMPUTED] = 1;
    taps[6].beyond = 2;
    agree(&options);
    assert_false(found.pass);
}

/* ---- words ---- */

/* Neighbouring layers with the same part are one line, with the largest; others stand by themselves. */
static void layers_are_gathered(void **state) {
    (void)state;
    for (int t = 0; t < TAPS; t++)
        if (t != 2) {
            fail_side(t, 1, CP_LEDGER_CONTRADICTED);
            explained_by(t, 1, 1);
        }
    rows[1][1][CP_OPERATION_FIELD_BOUND] = 40000;
    explained_by(7, 1, 0);
    agree(&plain);
    assert_int_equal(found.parts, TAPS - 1);
    char *text = printed(20);
    const char *const lines[] = {"  visual.0-1.mlp.gelu  B does not", "(40,000 times its bound)",
                                 "\n  visual.3.mlp.gelu  B does not", "\n  text.0-2.mlp.gelu  B does not",
                                 "\n  text.3.mlp.gelu  B does not",   "causal"};
    const char *at = text;
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
        at = strstr(at, lines[l]);
        if (!at)
            fail_msg("no '%s' in its place in\n%s", lines[l], text);
    }
    free(text);
    text = printed(2);
    assert_non_null(strstr(text, "\n  and 2 more\n"));
    assert_null(strstr(text, "text."));
    free(text);
}

/* Rounding is said of nothing that no rounding explains: but that none can be that large. */
static void nothing_contradicted_is_called_rounding(void **state) {
    (void)state;
    for (int t = 0; t < TAPS; t++)
        fail_side(t, t % 2, CP_LEDGER_CONTRADICTED);
    agree(&plain);
    for (size_t p = 0; p < found.parts; p++)
        assert_int_not_equal(found.part[p].kind, CP_OWN_ROUNDING);
    char *text = printed(20);
    for (const char *at = text; (at = strstr(at, "rounding")); at++)
        assert_true(at - text >= 3 && strncmp(at - 3, "no rounding can be that", 23) == 0);
    assert_null(strstr(text, "round as"));
    free(text);
}

static void hidden_alternatives(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    for (int t = 0; t < 3; t++) {
        rows[t][1][CP_OPERATION_FIELD_HIDDEN] = 1;
        rows[t][1][CP_OPERATION_FIELD_NEEDS] = t ? 100 - 10 * t : 70;
    }
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cp_agreement_print_hidden(taps, TAPS, &words, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "  activation = erf at 3 taps of B: cannot tell; needs about 70 inputs\n");
    free(text);
}

int main(void) {
#define AGREEMENT(test) cmocka_unit_test_setup_teardown(test, make, clear)
    const struct CMUnitTest tests[] = {
        AGREEMENT(explained_rounding_passes),
        AGREEMENT(strict),
        AGREEMENT(recomputed_taps_are_not_judged),
        AGREEMENT(a_side_is_contradicted),
        AGREEMENT(both_sides),
        AGREEMENT(a_model_that_is_not_theirs),
        AGREEMENT(more_rounding_than_declared),
        AGREEMENT(times),
        AGREEMENT(declared_differences),
        AGREEMENT(differing_inputs),
        AGREEMENT(not_finite),
        AGREEMENT(not_finite_from_the_start),
        AGREEMENT(unchecked),
        AGREEMENT(nothing_compared),
        AGREEMENT(tolerance),
        AGREEMENT(layers_are_gathered),
        AGREEMENT(nothing_contradicted_is_called_rounding),
        AGREEMENT(hidden_alternatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
