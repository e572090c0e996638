/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the inputs of one operation come to, from rows made by hand. */
#include "support/test.h"

#include "analysis/ledger/ledger.h"

#include <math.h>

enum { INPUTS = 5 };

static double rows[INPUTS][CP_LEDGER_FIELDS];
static double fields[CP_OPERATION_FIELD_COUNT];

/* Every input contradicted, each by more than the one before; none explained. */
static int make(void **state) {
    (void)state;
    for (int i = 0; i < INPUTS; i++) {
        for (int f = 0; f < CP_LEDGER_FIELDS; f++)
            rows[i][f] = NAN;
        rows[i][CP_LEDGER_FIELD_VERDICT] = CP_LEDGER_CONTRADICTED;
        rows[i][CP_LEDGER_FIELD_COARSENESS] = 100 * (i + 1);
        rows[i][CP_LEDGER_FIELD_RESIDUAL] = 0.1 * (i + 1);
    }
    return 0;
}

static void explain(int input, double alternative, double after) {
    rows[input][CP_LEDGER_FIELD_ALTERNATIVE] = alternative;
    rows[input][CP_LEDGER_FIELD_TRIED] = 12;
    rows[input][CP_LEDGER_FIELD_AFTER] = after;
}

static void summarise(void) {
    const struct cp_ledger_summary summary = {rows[0], NULL, CP_OPERATION_SOFTMAX, INPUTS, 0, false, fields};
    cp_ledger_summarise(&summary);
    assert_true(fields[CP_OPERATION_FIELD_WORST] == INPUTS - 1);
    assert_true(fields[CP_OPERATION_FIELD_RESIDUAL] == rows[INPUTS - 1][CP_LEDGER_FIELD_RESIDUAL]);
}

static void assert_shown(double alternative, int input) {
    assert_true(fields[CP_OPERATION_FIELD_ALTERNATIVE] == alternative);
    assert_true(fields[CP_OPERATION_FIELD_BEFORE] == rows[input][CP_LEDGER_FIELD_RESIDUAL]);
    assert_true(fields[CP_OPERATION_FIELD_AFTER] == rows[input][CP_LEDGER_FIELD_AFTER]);
}

/* Only some inputs are explained: what the residual falls from and to is of the worst of them. */
static void an_explanation_is_shown_at_one_input(void **state) {
    (void)state;
    explain(0, 3, 1e-8);
    explain(2, 3, 3e-8);
    explain(1, 3, 2e-8);
    summarise();
    assert_shown(3, 2);
    /* A worse input that something else explains does not count, ... */
    explain(3, 7, 4e-8);
    summarise();
    assert_shown(3, 2);
    /* ... until that explains most. */
    explain(4, 7, 5e-8);
    explain(2, 7, 6e-8);
    summarise();
    assert_shown(7, 4);
}

static void nothing_explained_shows_nothing(void **state) {
    (void)state;
    summarise();
    assert_true(isnan(fields[CP_OPERATION_FIELD_ALTERNATIVE]));
    assert_true(isnan(fields[CP_OPERATION_FIELD_BEFORE]) && isnan(fields[CP_OPERATION_FIELD_AFTER]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_explanation_is_shown_at_one_input, make),
        cmocka_unit_test_setup(nothing_explained_shows_nothing, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
