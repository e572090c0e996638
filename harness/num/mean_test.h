/* SPDX-License-Identifier: GPL-3.0-or-later
 * A t test of a mean over values of which some may belong together: prompts that share a template or a class.
 * The standard error is cluster-robust in both ways (Cameron, Gelbach & Miller 2011), with Satterthwaite's
 * degrees of freedom; its tail is analytic, so any level can be reached. And limits of a share (Clopper &
 * Pearson 1934). */
#ifndef CP_NUM_MEAN_TEST_H
#define CP_NUM_MEAN_TEST_H

#include <stdbool.h>
#include <stddef.h>

/* Two ways in which n values belong together, the groups counted from 0. */
struct cp_grouping {
    const size_t *row, *column; /* [n] the group of each value; NULL: none */
    size_t rows, columns;       /* how many groups there may be */
};

struct cp_mean_test {
    double mean, error; /* the mean and its standard error */
    double df;          /* degrees of freedom of the error */
    double independent; /* as many independent values would have this error; at most n */
};

/* Of n >= 2 finite values. sums: room for rows + columns. */
struct cp_mean_test cp_mean_test(const double *x, size_t n, const struct cp_grouping *grouping, double *sums);

/* p-values of "the mean is not above limit" and "the mean is not below limit".
 *
 * The first is Student's. The second also holds for values as skewed as a lognormal with sigma 1: a sample
 * that lacks the rare large values of its distribution shows too low a mean and too small an error, so its t
 * is divided by a factor that makes the level hold there (reference/golden/statistics/make_skewed.py). */
double cp_mean_p_above(const struct cp_mean_test *test, double limit);
double cp_mean_p_below(const struct cp_mean_test *test, double limit);
/* One-sided bounds that agree with them, each wrong with probability alpha. */
double cp_mean_low(const struct cp_mean_test *test, double alpha);
double cp_mean_high(const struct cp_mean_test *test, double alpha);

/* About how many independent values would show on which side of limit a mean lies that `mean` and the
 * standard deviation `deviation` of some values suggest. SIZE_MAX: more than can be counted. */
size_t cp_values_to_decide(double mean, double deviation, double limit, double alpha);

/* A share of which x of n (numbers of independent values, not necessarily whole) were seen: its one-sided
 * limits, and the p-value of "the share is at most this". */
double cp_share_low(double x, double n, double alpha);
double cp_share_high(double x, double n, double alpha);
double cp_share_p_above(double x, double n, double share);
/* The share of ratios above k of the RMS of m normal values to that of m others: P(F(m, m) > k^2). */
double cp_share_of_ratios(double k, double m);

#endif
