/* SPDX-License-Identifier: GPL-3.0-or-later
 * What changes in one image's probabilities, and rates over images with their binomial intervals. */
#include "num/metrics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>

const char *const cp_decision_names[CP_DECISION_COUNT] = {
    "top1_baseline",    "top1",    "flip",         "max_dp",      "kl",       "js", "margin",
    "rank_correlation", "dp_top1", "margin_logit", "bound_logit", "certified"};

size_t cp_argmax(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best] || (isnan(x[best]) && !isnan(x[i])))
            best = i;
    return best;
}

/* q log(q / p) - q + p, which is never negative and sums to KL where both sum to 1. Close to 1 the ratio's
 * logarithm is taken of its distance from 1, which keeps the digits that cancel. */
static double divergence_term(double q, double p) {
    const double r = (p - q) / q;
    if (q == 0)
        return p;
    return fabs(r) < 0.5 ? q * (r - log1p(r)) : q * log(q / p) - q + p;
}

static double sum(const double *x, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

/* As indices, but NaN, which agrees with nothing, where no column holds a number. */
static double top(const float *x, size_t n) {
    const size_t best = cp_argmax(x, n);
    return isnan(x[best]) ? NAN : (double)best;
}

/* GSL's ranks need an order, which NaN has none of. */
static double rank_correlation(double *work, size_t n, bool ordered) {
    if (!ordered)
        return NAN;
    return n > 1 ? gsl_stats_spearman(work, 1, work + n, 1, n, work + 2 * n) : 1;
}

static double margin(const float *q, size_t n) {
    const size_t best = cp_argmax(q, n);
    double second = 0;
    for (size_t i = 0; i < n; i++)
        if (i != best && (double)q[i] > second)
            second = (double)q[i];
    return (double)q[best] - second;
}

/* NaN on both sides. */
static bool is_undecided(const double *row) {
    return isnan(row[CP_TOP1]) && isnan(row[CP_TOP1_REFERENCE]);
}

void cp_decide(const float *p, const float *q, size_t n, double *work, double d[CP_DECISION_COUNT]) {
    double kl = 0, js = 0, max_dp = 0;
    for (size_t i = 0; i < n; i++) {
        work[i] = (double)p[i];
        work[n + i] = (double)q[i];
        max_dp = cp_worse(max_dp, fabs(work[i] - work[n + i]));
    }
    const double p_sum = sum(work, n), q_sum = sum(work + n, n);
    for (size_t i = 0; i < n; i++) {
        const double x = work[i] / p_sum, y = work[n + i] / q_sum, middle = (x + y) / 2;
        kl += divergence_term(y, x);
        js += (divergence_term(x, middle) + divergence_term(y, middle)) / 2;
    }
    d[CP_TOP1_REFERENCE] = top(q, n);
    d[CP_TOP1] = top(p, n);
    d[CP_FLIP] = is_undecided(d) ? 0 : !(d[CP_TOP1] == d[CP_TOP1_REFERENCE]);
    d[CP_MAX_DP] = max_dp;
    d[CP_KL] = kl;
    d[CP_JS] = js;
    d[CP_MARGIN] = margin(q, n);
    d[CP_RANK] = rank_correlation(work, n, !isnan(p_sum + q_sum));
    d[CP_DP_TOP1] = work[cp_argmax(q, n)] - work[n + cp_argmax(q, n)];
    d[CP_MARGIN_LOGIT] = d[CP_BOUND_LOGIT] = d[CP_CERTIFIED] = NAN;
}

void cp_wilson(size_t k, size_t n, double *low, double *high) {
    const double z = 1.959963984540054, count = (double)n, p = (double)k / count;
    const double centre = p + z * z / (2 * count), scale = 1 + z * z / count;
    const double half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count));
    *low = k > 0 ? (centre - half) / scale : 0; /* the ends are exact: rounding gives -1e-19 */
    *high = k < n ? (centre + half) / scale : 1;
}

/* The share under which k or more have the probability alpha; halving, since gsl_cdf_beta_Pinv fails for
 * some. */
double cp_clopper_pearson_low(size_t k, size_t n, double alpha) {
    enum { HALVINGS = 60 };
    double low = 0, high = 1;
    for (int i = 0; k > 0 && i < HALVINGS; i++) {
        const double share = (low + high) / 2;
        *(gsl_cdf_beta_P(share, (double)k, (double)(n - k + 1)) < alpha ? &low : &high) = share;
    }
    return low;
}

struct cp_decisions cp_decisions_count(const double *rows, const int32_t *labels, size_t images) {
    struct cp_decisions d = {.images = images, .accuracy = NAN, .accuracy_baseline = NAN};
    size_t right = 0, right_baseline = 0;
    for (size_t i = 0; i < images; i++, rows += CP_DECISION_COUNT) {
        d.decided += is_undecided(rows) ? 0 : 1;
        d.flips += !is_undecided(rows) && rows[CP_FLIP] != 0;
        d.certified += rows[CP_CERTIFIED] == 1;
        d.certifiable += isnan(rows[CP_CERTIFIED]) ? 0 : 1;
        d.max_dp = cp_worse(d.max_dp, rows[CP_MAX_DP]);
        d.kl_worst = cp_worse(d.kl_worst, rows[CP_KL]);
        d.kl_mean += rows[CP_KL] / (double)images;
        right += labels && rows[CP_TOP1] == (double)labels[i];
        right_baseline += labels && rows[CP_TOP1_REFERENCE] == (double)labels[i];
    }
    d.flip_low = d.flip_high = NAN;
    if (d.decided)
        cp_wilson(d.flips, d.decided, &d.flip_low, &d.flip_high);
    if (labels) {
        d.accuracy = (double)right / (double)images;
        d.accuracy_baseline = (double)right_baseline / (double)images;
    }
    return d;
}
