/* SPDX-License-Identifier: GPL-3.0-or-later
 * What rounding is expected of an operation before it is run: bounds on the relative L2 error that the tap's
 * own operation makes in the baseline's arithmetic, /bracket/bounds (tap, bound), means over inputs.
 *
 * For sums of n terms, n being the longest chain of additions in the summation tree:
 *
 *   worst     n u               (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1)
 *   probable  sqrt(n log n) u   (Higham & Mary, "A New Approach to Probabilistic Rounding Error Analysis",
 *                               2019)
 *
 * times |A| |B| / |A B| for a product A B, with Frobenius norms, which bound the norm of the products of
 * absolute values. Operands that are rounded to half precision first add 2 u of that type. So an error above
 * `worst` is a bug and not noise. Operations without sums are rounded once: u. A tap for which no bound is
 * stated (norms, softmax, activations, means: the ledger has theirs by element) is NaN. */
#ifndef CP_ANALYSIS_BRACKET_H
#define CP_ANALYSIS_BRACKET_H

#include "run/analysis.h"
#include "tap/family.h"

enum cp_bound { CP_BOUND_WORST, CP_BOUND_PROBABLE, CP_BOUND_COUNT };

/* From root mean squares: of the tap itself (y), and of its operands (a, b; for a linear layer b is the
 * weight's). terms: of one element's sum, 1 where one token is pooled. u: the unit roundoff of the sums;
 * operand: of what the operands are rounded to, 0 where they are not; stored: of what the result is stored
 * in. */
struct cp_bracket_facts {
    enum cp_operation_kind kind;
    double terms, heads;
    double y, a, b;
    double u, operand, stored;
};
void cp_bracket(const struct cp_bracket_facts *facts, double bounds[CP_BOUND_COUNT]);

/* Writes /bracket/bounds from the metrics, after the last batch. */
extern const struct cp_analysis cp_bracket_analysis;

#endif
