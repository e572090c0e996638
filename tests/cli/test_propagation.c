/* SPDX-License-Identifier: GPL-3.0-or-later
 * How an error grows, of a swap in one block: nothing before it, its own error in it, only what is inherited
 * behind it; and amplification of the size that the divergence itself grows by. */
#include "support/program.h"
#include "support/test.h"

#include "analysis/teacher_forcing.h"

#include <math.h>
#include <unistd.h>

enum { VISUAL = 8, TEXT = 6, SWAPPED = 4 /* block 3 follows the stem and blocks 0 to 2 */ };

static double table[VISUAL + TEXT][CP_PROPAGATION_FIELDS];
static char text[1 << 15];

static int run_it(void **state) {
    (void)state;
    const int code = run_program("run experiments/quickgelu-vs-gelu.yaml inputs.limit=4 floor=0 local=on "
                                 "'inputs.prompts=[a bag, a dress]' inputs.labels=off "
                                 "'candidates={late: {activation@visual.3: erf}}' 'record={\"*\": digest}' "
                                 "output=$OUT",
                                 text, sizeof text);
    return code != 0 || read_dataset(scratch_output(), "/metrics/late/propagation", H5T_NATIVE_DOUBLE, table,
                                     sizeof table / sizeof(double)) != sizeof table / sizeof(double);
}

static int remove_it(void **state) {
    (void)state;
    return unlink(scratch_output());
}

static int same(double x, double y) {
    return fabs(x - y) <= 1e-12 * fabs(y);
}

static void every_row_adds_up(void **state) {
    (void)state;
    for (size_t s = 0; s < VISUAL + TEXT; s++) {
        const double *row = table[s], *before = s ? table[s - 1] : NULL;
        const int stem = s == 0 || s == VISUAL;
        assert_int_equal(isnan(row[CP_PROPAGATION_KAPPA]), s == VISUAL); /* tokens have no small change */
        assert_true(same(row[CP_PROPAGATION_BEFORE], stem ? 0 : before[CP_PROPAGATION_ERROR]));
        const double amplified = stem ? 0 : row[CP_PROPAGATION_KAPPA] * row[CP_PROPAGATION_BEFORE];
        assert_true(same(row[CP_PROPAGATION_PREDICTED], amplified + row[CP_PROPAGATION_LOCAL]));
        assert_true(row[CP_PROPAGATION_EXPLAINED] >= 0 && row[CP_PROPAGATION_EXPLAINED] <= 1);
        assert_true(
            same(row[CP_PROPAGATION_LEFT], row[CP_PROPAGATION_ERROR] - row[CP_PROPAGATION_PREDICTED]));
    }
}

static void an_error_is_local_where_it_is_made_and_inherited_behind(void **state) {
    (void)state;
    for (size_t s = 0; s < VISUAL + TEXT; s++) {
        const double *row = table[s];
        if (s < SWAPPED || s >= VISUAL) {
            assert_true(row[CP_PROPAGATION_ERROR] == 0 && row[CP_PROPAGATION_LOCAL] == 0);
        } else if (s == SWAPPED) {
            assert_true(row[CP_PROPAGATION_ERROR] > 1e-4 && row[CP_PROPAGATION_INHERITED] == 0);
            assert_true(same(row[CP_PROPAGATION_LOCAL], row[CP_PROPAGATION_ERROR]));
        } else {
            assert_true(row[CP_PROPAGATION_ERROR] > 1e-4 && row[CP_PROPAGATION_LOCAL] == 0);
            assert_true(same(row[CP_PROPAGATION_INHERITED], row[CP_PROPAGATION_ERROR]));
        }
    }
}

/* A residual block keeps most of a small change of its input, and what it adds to it is of the same size:
 * behind the swap the measured growth lies near the probes' amplification. */
static void amplification_is_of_the_size_of_the_measured_growth(void **state) {
    (void)state;
    for (size_t s = SWAPPED + 1; s < VISUAL - 1; s++) {
        const double growth = table[s][CP_PROPAGATION_ERROR] / table[s][CP_PROPAGATION_BEFORE];
        const double ratio = growth / table[s][CP_PROPAGATION_KAPPA];
        assert_true(ratio > 0.5 && ratio < 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_adds_up),
        cmocka_unit_test(an_error_is_local_where_it_is_made_and_inherited_behind),
        cmocka_unit_test(amplification_is_of_the_size_of_the_measured_growth),
    };
    return cmocka_run_group_tests(tests, run_it, remove_it);
}
