/* SPDX-License-Identifier: GPL-3.0-or-later
 * One operation of one pass over a batch, while it is checked: shared by the parts that judge and explain. */
#ifndef CP_ANALYSIS_LEDGER_CHECK_H
#define CP_ANALYSIS_LEDGER_CHECK_H

#include "analysis/ledger/ledger.h"

#include <math.h>

struct cp_ledger_check {
    struct cp_ledger_at *at;
    enum cp_point point;
    struct cp_case c;
    struct cp_ledger_operands operands;
    const float *y;
    double *f, *bound;
    double *plain, *share; /* [inputs] */
    struct cp_residual *residual;
    double *rows; /* (inputs, field) */
};

static inline double *cp_ledger_check_row(const struct cp_ledger_check *check, size_t input) {
    return check->rows + input * CP_LEDGER_FIELDS;
}

/* Of nothing 0, of something over nothing infinity. */
static inline double cp_ledger_ratio(double value, double yardstick) {
    if (value == 0)
        return 0;
    return yardstick > 0 ? value / yardstick : INFINITY;
}

/* Tries the alternatives on the first inputs that are coarse or contradicted. */
enum cp_status cp_ledger_explain(struct cp_ledger_check *check, struct cp_error *err);

#endif
