/* SPDX-License-Identifier: GPL-3.0-or-later
 * Statistics of a full 2^k factorial design: responses of every input in every cell, where cell c has factor
 * f at its high level exactly where bit f of c is set.
 *
 * An effect is the mean response at the high level minus the mean at the low one, over all levels of the
 * other factors. An interaction of two factors is half the difference between the effect of one at the high
 * and at the low level of the other, and so on (Box, Hunter & Hunter, "Statistics for Experimenters", 2nd ed.
 * 2005, ch. 5): every effect is its contrast over 2^(k-1), with the sign (-1)^(factors of the effect that are
 * low). In the model y = m + sum over sets T of b_T prod_(f in T) x_f with x = -1, 1 the effect of T is 2
 * b_T. The contrasts are Yates' (Yates, "The design and analysis of factorial experiments", 1937), which is
 * the fast Walsh-Hadamard transform. The replicate is the input: each input has effects of its own, whose
 * variance gives the error. NaN and infinities pass through. */
#ifndef CP_NUM_FACTORIAL_H
#define CP_NUM_FACTORIAL_H

#include <stddef.h>

enum { CP_FACTORS_MAX = 7 };

/* Factors in a set, a bit for each. */
size_t cp_set_size(size_t set);

/* y: (2^k, inputs), overwritten: row 0 by each input's grand mean, row T by its effect of the factors in T,
 * bits as for cells. Sums are in Yates' order: factor 0 first. 1 <= k <= CP_FACTORS_MAX. */
void cp_factorial_effects(double *y, size_t k, size_t inputs);

/* A mean over inputs with its standard error s / sqrt(n) and Student's 95 % interval; of one input all but
 * the mean are NaN. */
struct cp_mean_interval {
    double mean, error, low, high;
};
struct cp_mean_interval cp_mean_interval(const double *x, size_t inputs);

/* Shapley's value of each factor (Shapley, "A value for n-person games", 1953) in the game v(cell), exactly:
 * phi_f = sum over sets S without f of |S|! (k - |S| - 1)! / k! (v(S and f) - v(S)), so that the values of an
 * input add up to v(all) - v(none). v: (2^k, inputs); phi: (k, inputs). */
void cp_shapley(const double *v, size_t k, size_t inputs, double *phi);

/* share: the mean value over the mean of v(all) - v(none), so that the shares of all factors add up to 1; NaN
 * where that mean is 0. Its 95 % interval is that of a ratio of means over inputs (Cochran, "Sampling
 * Techniques", 3rd ed. 1977, ch. 6): Student's, from the residuals phi - share (v(all) - v(none)); NaN of one
 * input. */
struct cp_shapley_value {
    struct cp_mean_interval value;
    double share, share_low, share_high;
};
/* phi: one factor's values (inputs); first, last: v's rows of no factor and of all. */
struct cp_shapley_value cp_shapley_value(const double *phi, const double *first, const double *last,
                                         size_t inputs);

#endif
