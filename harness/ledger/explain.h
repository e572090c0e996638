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
    double after; /* root mean square of the residual against the alternative */
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

/* Sums for the slope <r, d> / <d, d> of one alternative, d = alternative(x) - f(x): where rounding hides
 * which function was computed, it acts as dither, and the slope tells. `variance` is of <r, d>, robust (White
 * 1980), by element; by row where one rounding of a statistic is common to a row (norms); by the operand's
 * value where that has 16 bits (activations), since equal operands err equally. Activations are weighted by
 * 1 / (f^2 + (x / 64)^2), the size of their rounding. */
struct cp_slope {
    double rd, dd, variance;
};
/* Rows of operands that were seen, by their hash: a row that many inputs share (the class token, the
 * beginning of a prompt) has one rounding error, and counts once. */
struct cp_rows_seen {
    uint64_t *hash; /* [room], 0: free; owned */
    size_t room, count;
};
void cp_rows_seen_free(struct cp_rows_seen *seen);

/* slopes: (inputs, cp_alternative_count); zero where an alternative has none. narrow: the operand as it was
 * recorded. */
enum cp_status cp_slopes(const struct cp_case *c, const double *const x[CP_OPERANDS], const float *narrow,
                         const float *y, const double *f, struct cp_rows_seen *seen, struct cp_slope *slopes,
                         struct cp_error *err);

/* Adds an input's sums. shared: its errors are those of the other inputs (the same function of the same few
 * values), so that more inputs do not average them. */
void cp_slope_add(struct cp_slope *sum, const struct cp_slope *one, bool shared);

/* Slopes count at six standard deviations, corrected for the number that is looked at. */
bool cp_slope_counts(const struct cp_slope *slope, size_t looked_at);
static inline double cp_slope_value(const struct cp_slope *s) {
    return s->rd / s->dd;
}
double cp_slope_error(const struct cp_slope *slope);

#endif
