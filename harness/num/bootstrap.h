/* SPDX-License-Identifier: GPL-3.0-or-later
 * The studentised bootstrap of a mean: t* = (mean* - mean) / error* over resamples of the n values gives the
 * interval [mean - t*_(1-a) error, mean - t*_a error] (Efron & Tibshirani, "An Introduction to the
 * Bootstrap", 1993, section 12.5). And Holm's step-down correction (Holm 1979). */
#ifndef CP_NUM_BOOTSTRAP_H
#define CP_NUM_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

struct cp_bootstrap {
    double mean, error; /* error: the mean's standard error, s / sqrt(n) */
    double *t;          /* [draws], in no order */
    size_t draws;
};

/* Resamples x (n >= 2 finite values) draws times, seeded: equal calls give equal bits. t: room for draws
 * numbers, borrowed by the result; centred: room for n. */
struct cp_bootstrap cp_bootstrap(const double *x, size_t n, uint64_t seed, double *t, size_t draws,
                                 double *centred);

/* One-sided bounds, each wrong with probability alpha. */
double cp_bootstrap_low(const struct cp_bootstrap *bootstrap, double alpha);
double cp_bootstrap_high(const struct cp_bootstrap *bootstrap, double alpha);

/* p-values, at least 1 / (draws + 1): of "the mean is not above limit" and of "the mean is not below limit".
 */
double cp_bootstrap_p_above(const struct cp_bootstrap *bootstrap, double limit);
double cp_bootstrap_p_below(const struct cp_bootstrap *bootstrap, double limit);

/* Adjusts count p-values in place, `stride` apart: rejecting those at or below a keeps the chance of any
 * false rejection at or below a. NaN: no test was made; left alone. order: room for count. */
void cp_holm(double *p, size_t stride, size_t count, size_t *order);

#endif
