/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/metrics.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>

const char *const cp_decision_names[CP_DECISION_COUNT] = {
    "top1_baseline", "top1", "flip", "max_dp", "kl", "js", "margin", "rank_correlation"};

size_t cp_argmax(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best] || (isnan(x[best]) && !isnan(x[i])))
            best = i;
    return best;
}

/* a log(a / b), with 0 log 0 = 0; b = 0 < a gives infinity. */
static double divergence_term(double a, double b) {
    return a > 0 ? a * log(a / b) : 0;
}

static double margin(const float *q, size_t n) {
    const size_t best = cp_argmax(q, n);
    double second = 0;
    for (size_t i = 0; i < n; i++)
        if (i != best && (double)q[i] > second)
            second = (double)q[i];
    return (double)q[best] - second;
}

void cp_decide(const float *p, const float *q, size_t n, double *work, double d[CP_DECISION_COUNT]) {
    double kl = 0, js = 0, max_dp = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)p[i], y = (double)q[i], middle = (x + y) / 2;
        work[i] = x;
        work[n + i] = y;
        kl += divergence_term(y, x);
        js += (divergence_term(x, middle) + divergence_term(y, middle)) / 2;
        if (!(fabs(x - y) <= max_dp)) /* so that NaN is kept */
            max_dp = fabs(x - y);
    }
    d[CP_TOP1_REFERENCE] = (double)cp_argmax(q, n);
    d[CP_TOP1] = (double)cp_argmax(p, n);
    d[CP_FLIP] = d[CP_TOP1] != d[CP_TOP1_REFERENCE];
    d[CP_MAX_DP] = max_dp;
    d[CP_KL] = kl;
    d[CP_JS] = js;
    d[CP_MARGIN] = margin(q, n);
    d[CP_RANK] = n > 1 ? gsl_stats_spearman(work, 1, work + n, 1, n, work + 2 * n) : 1;
}

void cp_wilson(size_t k, size_t n, double *low, double *high) {
    const double z = 1.959963984540054, count = (double)n, p = (double)k / count;
    const double centre = p + z * z / (2 * count), scale = 1 + z * z / count;
    const double half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count));
    *low = (centre - half) / scale;
    *high = (centre + half) / scale;
}
