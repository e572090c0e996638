/* SPDX-License-Identifier: GPL-3.0-or-later
 * Butterflies in place for effects, sums over all subsets for Shapley values, and Student's intervals. */
#include "num/factorial.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

/* Of the rows that differ in factor f alone: the sum takes the place of the low one, high minus low that of
 * the high one. */
static void transform(double *low, double *high, size_t inputs) {
    for (size_t i = 0; i < inputs; i++) {
        const double sum = low[i] + high[i], difference = high[i] - low[i];
        low[i] = sum;
        high[i] = difference;
    }
}

void cp_factorial_effects(double *y, size_t k, size_t inputs) {
    const size_t cells = (size_t)1 << k;
    for (size_t bit = 1; bit < cells; bit *= 2)
        for (size_t cell = 0; cell < cells; cell++)
            if (!(cell & bit))
                transform(y + cell * inputs, y + (cell | bit) * inputs, inputs);
    for (size_t at = 0; at < cells * inputs; at++)
        y[at] /= (double)(at < inputs ? cells : cells / 2);
}

/* Half of Student's 95 % interval of a mean, from the standard deviation; NaN of one input. */
static double half_interval(double deviation, size_t inputs) {
    if (inputs < 2)
        return NAN;
    return gsl_cdf_tdist_Pinv(0.975, (double)(inputs - 1)) * deviation / sqrt((double)inputs);
}

struct cp_mean_interval cp_mean_interval(const double *x, size_t inputs) {
    struct cp_mean_interval m = {gsl_stats_mean(x, 1, inputs), NAN, NAN, NAN};
    if (inputs < 2)
        return m;
    const double deviation = gsl_stats_sd_m(x, 1, inputs, m.mean), half = half_interval(deviation, inputs);
    m.error = deviation / sqrt((double)inputs);
    m.low = m.mean - half;
    m.high = m.mean + half;
    return m;
}

static double factorial(size_t n) {
    return n < 2 ? 1 : (double)n * factorial(n - 1);
}

size_t cp_set_size(size_t set) {
    size_t size = 0;
    for (; set; set >>= 1)
        size += set & 1;
    return size;
}

void cp_shapley(const double *v, size_t k, size_t inputs, double *phi) {
    for (size_t at = 0; at < k * inputs; at++)
        phi[at] = 0;
    for (size_t f = 0; f < k; f++)
        for (size_t set = 0; set < (size_t)1 << k; set++) {
            const size_t with = set | (size_t)1 << f, size = cp_set_size(set);
            if (with == set)
                continue;
            const double weight = factorial(size) * factorial(k - size - 1) / factorial(k);
            for (size_t i = 0; i < inputs; i++)
                phi[f * inputs + i] += weight * (v[with * inputs + i] - v[set * inputs + i]);
        }
}

struct cp_shapley_value cp_shapley_value(const double *phi, const double *first, const double *last,
                                         size_t inputs) {
    const double all = gsl_stats_mean(last, 1, inputs) - gsl_stats_mean(first, 1, inputs);
    struct cp_shapley_value v = {cp_mean_interval(phi, inputs), NAN, NAN, NAN};
    double squares = 0;
    if (all == 0)
        return v;
    v.share = v.value.mean / all;
    for (size_t i = 0; i < inputs; i++) {
        const double residual = phi[i] - v.share * (last[i] - first[i]);
        squares += residual * residual;
    }
    const double half = half_interval(sqrt(squares / (double)(inputs - 1)), inputs) / fabs(all);
    v.share_low = v.share - half;
    v.share_high = v.share + half;
    return v;
}
