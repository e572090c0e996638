/* SPDX-License-Identifier: GPL-3.0-or-later
 * Variances by cluster, tails widened for skewed values, and limits of a share from beta quantiles. */
#include "num/mean_test.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdint.h>

/* ---- the standard error ---- */

struct variance {
    double of_mean, df;
};

/* Where the values of a group belong together; degrees of freedom: groups that have values, less one. */
static struct variance clustered(const double *x, size_t n, double mean, const size_t *group, size_t groups,
                                 double *sums) {
    double total = 0, present = 0;
    for (size_t g = 0; g < groups; g++)
        sums[g] = NAN;
    for (size_t i = 0; i < n; i++)
        sums[group[i]] = (isnan(sums[group[i]]) ? 0 : sums[group[i]]) + x[i] - mean;
    for (size_t g = 0; g < groups; g++) {
        total += isnan(sums[g]) ? 0 : sums[g] * sums[g];
        present += !isnan(sums[g]);
    }
    if (present < 2)
        return (struct variance){0, 0};
    return (struct variance){total / ((double)n * (double)n) * present / (present - 1), present - 1};
}

/* Both ways, less what they share, and never below either; Satterthwaite's degrees of freedom, which are no
 * fewer than the fewer of the two. */
static struct variance both(struct variance rows, struct variance columns, double apart) {
    const double sum = rows.df > 0 && columns.df > 0 ? rows.of_mean + columns.of_mean - apart : 0;
    const double of_mean = fmax(sum, fmax(rows.of_mean, columns.of_mean));
    double spread = 0;
    if (of_mean == 0)
        return (struct variance){0, fmax(rows.df, columns.df)};
    if (rows.df > 0)
        spread += rows.of_mean * rows.of_mean / rows.df;
    if (columns.df > 0)
        spread += columns.of_mean * columns.of_mean / columns.df;
    const double least = rows.df > 0 && columns.df > 0 ? fmin(rows.df, columns.df) : 0;
    return (struct variance){of_mean, fmax(of_mean * of_mean / spread, least)};
}

struct cp_mean_test cp_mean_test(const double *x, size_t n, const struct cp_grouping *grouping,
                                 double *sums) {
    const double mean = gsl_stats_mean(x, 1, n), apart = gsl_stats_variance_m(x, 1, n, mean) / (double)n;
    struct cp_mean_test test = {mean, sqrt(apart), (double)n - 1, (double)n};
    struct variance rows = {0, 0}, columns = {0, 0};
    if (grouping && grouping->row)
        rows = clustered(x, n, mean, grouping->row, grouping->rows, sums);
    if (grouping && grouping->column)
        columns = clustered(x, n, mean, grouping->column, grouping->columns, sums);
    if (rows.df == 0 && columns.df == 0)
        return test;
    const struct variance variance = both(rows, columns, apart);
    test.error = sqrt(variance.of_mean);
    test.df = fmin(test.df, variance.df);
    if (variance.of_mean > apart)
        test.independent = (double)n * apart / variance.of_mean;
    return test;
}

/* ---- the test ---- */

/* How many times wider Student's t must be for a lognormal (sigma 1), and for one outlier in twenty that lies
 * 10 deviations off: it is missing from a fifth of all samples of thirty, which then show no sign of it. */
static double widening(double df, double p) {
    return 1 + (6.5 + 1.5 * fmax(log10(0.05 / p), 0)) / sqrt(df + 1);
}

/* P(T <= t) for t < 0 as the widened distribution has it: the p at which t is its own quantile. */
static double skewed_tail(double t, double df) {
    double low = log(gsl_cdf_tdist_P(t, df)), high = log(0.5);
    if (!isfinite(low))
        return 0;
    for (int step = 0; step < 44; step++) {
        const double middle = (low + high) / 2;
        if (log(gsl_cdf_tdist_P(t / widening(df, exp(middle)), df)) > middle)
            low = middle;
        else
            high = middle;
    }
    return exp(high);
}

double cp_mean_p_above(const struct cp_mean_test *test, double limit) {
    const double distance = test->mean - limit;
    if (test->error == 0)
        return distance > 0 ? 0 : 1;
    return gsl_cdf_tdist_Q(distance / test->error, test->df);
}

double cp_mean_p_below(const struct cp_mean_test *test, double limit) {
    const double distance = test->mean - limit;
    if (test->error == 0)
        return distance < 0 ? 0 : 1;
    if (distance >= 0)
        return gsl_cdf_tdist_P(distance / test->error, test->df);
    return skewed_tail(distance / test->error, test->df);
}

double cp_mean_low(const struct cp_mean_test *test, double alpha) {
    return test->error == 0 ? test->mean : test->mean - gsl_cdf_tdist_Qinv(alpha, test->df) * test->error;
}

double cp_mean_high(const struct cp_mean_test *test, double alpha) {
    if (test->error == 0)
        return test->mean;
    return test->mean + gsl_cdf_tdist_Qinv(alpha, test->df) * widening(test->df, alpha) * test->error;
}

size_t cp_values_to_decide(double mean, double deviation, double limit, double alpha) {
    if (!(fabs(mean - limit) > 0))
        return SIZE_MAX;
    for (size_t count = 2; count < 1000000000; count += 1 + count / 20) {
        const double n = (double)count;
        const struct cp_mean_test test = {mean, deviation / sqrt(n), n - 1, n};
        if (fmin(cp_mean_p_above(&test, limit), cp_mean_p_below(&test, limit)) <= alpha)
            return count;
    }
    return SIZE_MAX;
}

/* ---- a share ---- */

double cp_share_low(double x, double n, double alpha) {
    return x > 0 ? gsl_cdf_beta_Pinv(alpha, x, n - x + 1) : 0;
}

double cp_share_high(double x, double n, double alpha) {
    return x < n ? gsl_cdf_beta_Qinv(alpha, x + 1, n - x) : 1;
}

double cp_share_p_above(double x, double n, double share) {
    return x > 0 ? gsl_cdf_beta_P(share, x, n - x + 1) : 1;
}

double cp_share_of_ratios(double k, double m) {
    return gsl_cdf_fdist_Q(k * k, m, m);
}
