/* SPDX-License-Identifier: GPL-3.0-or-later
 * Why an operation's result is not what its settings say: every alternative of the table is tried on the same
 * operands. */
#ifndef CP_LEDGER_EXPLAIN_H
#define CP_LEDGER_EXPLAIN_H

#include "ledger/alternative.h"
#include "ledger/residual.h"

struct cp_explanation {
    int alternative; /* index; -1: none fits */
    int at; /* the point whose operation it changes, where that is not the one that is explained; -1 */
    size_t tried;
    double after; /* root mean square of the residual against the alternative; NaN: a type, which fits by its
                     size alone */
};

/* The case of inputs [input, input + 1) alone: the case and its operands, as views. */
void cp_case_of_input(const struct cp_case *c, size_t input, struct cp_case *one);
const double *cp_case_operand_of(const struct cp_case *c, int operand, const double *x, size_t input);
const float *cp_case_narrow_of(const struct cp_case *c, int operand, const float *x, size_t input);

/* An operation that is coarse or contradicted at an input. plain: the error of a plain evaluation, beyond
 * CP_COARSE times which an alternative does not fit either. operands as doubles and as recorded. */
enum cp_status cp_explain(const struct cp_case *c, const double *const x[CP_OPERANDS],
                          const float *const narrow[CP_OPERANDS], const float *y, const double *f,
                          double plain, size_t input, struct cp_explanation *explanation,
                          struct cp_error *err);

#endif
