/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an operation's recorded result amounts to beside its ideal function on its own operands: the verdict
 * of one operation of one system on one input.
 *
 *   unchecked     an operand, or the weight, is not there
 *   exact         the ideal result rounded to the result's type
 *   explained     within the bound, and not coarse
 *   coarse        within the bound, but more than CP_COARSE times the error of a plain evaluation: more
 *                 rounding than its declared arithmetic has
 *   contradicted  beyond the bound: no rounding can be that large, so it does not compute what its settings
 *                 say
 *   nonfinite     NaN or infinity in the result, or in the ideal one
 *
 * The basis is a bound, or empirical: of a composite operation, whose operands in between were not recorded,
 * the yardstick is the largest error of CP_RERUNS legitimate evaluations. It is coarse beyond CP_COARSE times
 * that, and contradicted where a bfloat16 evaluation would not be that far off. */
#ifndef CP_LEDGER_RESIDUAL_H
#define CP_LEDGER_RESIDUAL_H

#include "ledger/case.h"

#define CP_COARSE 4.0
enum { CP_RERUNS = 8 };

enum cp_ledger_verdict {
    CP_LEDGER_UNCHECKED,
    CP_LEDGER_EXACT,
    CP_LEDGER_EXPLAINED,
    CP_LEDGER_COARSE,
    CP_LEDGER_CONTRADICTED,
    CP_LEDGER_NONFINITE,
    CP_LEDGER_VERDICTS
};
extern const char *const cp_ledger_verdict_names[CP_LEDGER_VERDICTS];
enum cp_ledger_basis { CP_BASIS_BOUND, CP_BASIS_EMPIRICAL, CP_BASIS_COUNT };
extern const char *const cp_ledger_basis_names[CP_BASIS_COUNT];

/* One input's residual. rms are over the elements that count. */
struct cp_residual {
    size_t elements;       /* 0: nothing counted */
    double rms, reference; /* of r, and of the ideal result */
    double flushed;        /* of elements that are 0 where the ideal result is no normal number */
    double bound;          /* largest |r| / bound; 0 without a bound */
    size_t row, column;    /* there, or where |r| is largest; row counts groups as well */
    double y, f;           /* the two values */
    bool exact, finite;
    bool operands_finite; /* else what is not finite was inherited */
    bool masked;          /* scores recorded behind a mask: hidden keys were passed over */
};

/* y, f, bound of the whole case; bound NULL: none. x: the operands, for operands_finite. */
struct cp_residual cp_residual(const struct cp_case *c, const double *const x[CP_OPERANDS], const float *y,
                               const double *f, const double *bound, size_t input);

/* Root mean square of plain evaluations' errors for each input: the largest of several seeds (order, operands
 * perturbed by what their recording lost), at least the least that a rounded result has, and what flushing
 * subnormals took of y. rms: [inputs]. At most `rows` rows of an input are evaluated, evenly spaced (0: all),
 * and share[input] is the residual's rms over these rows. */
enum cp_status cp_plain_rms(const struct cp_case *c, const float *const x[CP_OPERANDS], const float *y,
                            const double *f, size_t rows, double *rms, double *share, struct cp_error *err);

/* The least rms that rounding a result to its type leaves: u / (2 sqrt 3) of the reference. */
double cp_rounding_rms(const struct cp_case *c, double reference);

/* y moved up or down by a unit in the last place of `type`, each with probability 1/24: what recording a
 * wider value lost has the same variance. x, y: (inputs, each); every input draws the same, so that none
 * depends on its place in a batch. */
void cp_perturb(const float *x, size_t inputs, size_t each, enum cp_dtype type, uint64_t seed, float *y);

#endif
