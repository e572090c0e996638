/* SPDX-License-Identifier: GPL-3.0-or-later
 * Resamples with indices from a hash; quantiles come by selection, since sorting would cost more. */
#include "num/bootstrap.h"

#include "base/hash.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>

/* (mean* - mean) / error* of one resample of values whose mean is 0. Each hash draws two indices. */
static double resample(const double *centred, size_t n, uint64_t seed, uint64_t draw) {
    double sum = 0, square = 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = i % 2 ? bits >> 32 : cp_counter_hash(seed, draw, i);
        const double x = centred[((bits & 0xffffffffu) * n) >> 32];
        sum += x;
        square += x * x;
    }
    const double count = (double)n, mean = sum / count;
    const double variance = (square - sum * mean) / (count - 1);
    if (variance > 0)
        return mean / sqrt(variance / count);
    return mean == 0 ? 0 : copysign(INFINITY, mean); /* the same value n times */
}

struct cp_bootstrap cp_bootstrap(const double *x, size_t n, uint64_t seed, double *t, size_t draws,
                                 double *centred) {
    const double mean = gsl_stats_mean(x, 1, n);
    for (size_t i = 0; i < n; i++)
        centred[i] = x[i] - mean;
    for (size_t draw = 0; draw < draws; draw++)
        t[draw] = resample(centred, n, seed, draw);
    return (struct cp_bootstrap){mean, gsl_stats_sd_m(x, 1, n, mean) / sqrt((double)n), t, draws};
}

/* As gsl_stats_quantile_from_sorted_data, without the sort: two order statistics are all it needs. */
static double quantile(const struct cp_bootstrap *b, double f) {
    const double index = f * (double)(b->draws - 1);
    const size_t below = (size_t)index;
    const double low = gsl_stats_select(b->t, 1, b->draws, below), rest = index - (double)below;
    double high = INFINITY;
    for (size_t i = below + 1; i < b->draws; i++)
        high = b->t[i] < high ? b->t[i] : high;
    return rest > 0 ? (1 - rest) * low + rest * high : low;
}

double cp_bootstrap_low(const struct cp_bootstrap *b, double alpha) {
    if (b->error == 0)
        return b->mean;
    return b->mean - quantile(b, 1 - alpha) * b->error;
}

double cp_bootstrap_high(const struct cp_bootstrap *b, double alpha) {
    if (b->error == 0)
        return b->mean;
    return b->mean - quantile(b, alpha) * b->error;
}

/* Share of t* in the tail from the observed t on, which itself counts as one draw. */
static double tail(const struct cp_bootstrap *b, double limit, int sign) {
    const double distance = sign * (b->mean - limit);
    if (b->error == 0)
        return distance > 0 ? 1 / (double)(b->draws + 1) : 1;
    size_t beyond = 1;
    for (size_t i = 0; i < b->draws; i++)
        beyond += sign * b->t[i] >= distance / b->error;
    return (double)beyond / (double)(b->draws + 1);
}

double cp_bootstrap_p_above(const struct cp_bootstrap *b, double limit) {
    return tail(b, limit, 1);
}

double cp_bootstrap_p_below(const struct cp_bootstrap *b, double limit) {
    return tail(b, limit, -1);
}

void cp_holm(double *p, size_t stride, size_t count, size_t *order) {
    size_t tests = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(p[i * stride]))
            continue;
        size_t at = tests++; /* insertion: families are taps of a tower, some hundreds */
        for (; at > 0 && p[order[at - 1] * stride] > p[i * stride]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    double least = 0;
    for (size_t rank = 0; rank < tests; rank++) {
        double *value = &p[order[rank] * stride];
        least = fmax(least, fmin(1, *value * (double)(tests - rank)));
        *value = least;
    }
}
