/* SPDX-License-Identifier: GPL-3.0-or-later
 * How far two tensors of one input are apart, in one pass, in float64, summed in a fixed order. `x` is judged
 * against the reference `y`. Non-finite pairs are counted and left out of every sum; where nothing is left,
 * or the reference is zero, a ratio is NaN or infinite, never silently 0.  */
#ifndef CP_NUM_METRICS_H
#define CP_NUM_METRICS_H

#include "base/number.h"

#include <math.h>
#include <stddef.h>

enum cp_metric {
    CP_MAX_ABS,      /* max |x - y| */
    CP_MEAN_ABS,     /* mean |x - y| */
    CP_RMS,          /* root of the mean of (x - y)^2 */
    CP_RMS_REF,      /* root of the mean of y^2 */
    CP_REL_L2,       /* ||x - y|| / ||y|| */
    CP_COSINE,       /* x . y / (||x|| ||y||) */
    CP_SNR_DB,       /* 20 log10(||y|| / ||x - y||) */
    CP_ULP_MAX,      /* largest distance in units of last place of x's type: whole steps between float32, and
                        |x - y| / ULP(y), a real number, of a float32 x from a float64 y; NaN: x is no
                        float32 */
    CP_WORST_REL_L2, /* largest relative L2 of one row (token) */
    CP_WORST_ROW,    /* index of that row: group * group_rows + row */
    CP_WORST_AT,     /* index inside the input of the element with the largest |x - y| */
    CP_WORST_X,      /* its two values */
    CP_WORST_Y,
    CP_ULP_P50, /* quantiles of the distance in units of last place, as the largest of their bucket below */
    CP_ULP_P99,
    CP_ULP_P999,
    CP_BEYOND,      /* share of elements with |x - y| > atol + rtol |y|: the tolerance given, or
                       torch.testing.assert_close's of x's type */
    CP_WORST_ROW_X, /* the two values where |x - y| is largest in the worst row */
    CP_WORST_ROW_Y,
    CP_WORST_CHANNEL_REL_L2, /* largest relative L2 of one column (channel), over all rows that count */
    CP_WORST_CHANNEL,
    CP_WORST_CHANNEL_X, /* as of the worst row */
    CP_WORST_CHANNEL_Y,
    CP_NONFINITE, /* elements where x or y is not finite and the two are not the same */
    CP_DIFFERENT, /* elements that are not the same: all NaN are one value, +0 and -0 are two */
    CP_METRIC_COUNT
};

/* Names and units in the result file, e.g. "rel_l2" and "1". */
extern const char *const cp_metric_names[CP_METRIC_COUNT];

/* |x - y| <= absolute + relative |y|, as torch.testing.assert_close has it. */
struct cp_tolerance {
    double relative, absolute;
};

struct cp_compared {
    const void *x, *y;            /* float for fp32, double for fp64 */
    enum cp_dtype x_type, y_type; /* CP_FP32 or CP_FP64 */
    enum cp_dtype ulp_type;       /* x's arithmetic type, whose ULPs to count where x is float32 */
    size_t groups, group_rows;    /* laid out as (groups, group_rows, stride) ... */
    size_t rows, width, stride;   /* ... of which the first rows and the first width of each are valid */
    const struct cp_tolerance *tolerance; /* of CP_BEYOND; NULL: that of ulp_type */
};

/* The larger of the worst so far and another; NaN is worse than all and stays. */
static inline double cp_worse(double so_far, double value) {
    return isnan(value) || value > so_far ? value : so_far;
}

/* Buckets of distances in units of last place: 0, then [2^(b-1), 2^b), and last one NaN against a number. */
enum { CP_ULP_BINS = 34 };
extern const char *const cp_ulp_bin_names[CP_ULP_BINS]; /* the bucket's least distance */

/* Doubles of scratch that cp_metrics takes for rows of this stride. */
static inline size_t cp_metrics_work(size_t stride) {
    return 4 * stride;
}

/* Sums are of eight interleaved partial sums a row, then rows in order. ulp (CP_ULP_BINS): elements in each
 * bucket, all zero where ULPs are not counted; NULL: not wanted. */
void cp_metrics(const struct cp_compared *compared, double *work, double metrics[CP_METRIC_COUNT],
                int32_t *ulp);
/* ||x - y|| / ||y|| of float32 tensors alone: 0 where nothing differs, NaN where a value is not finite. */
double cp_relative_l2(const struct cp_compared *compared);

/* Moments, extrema and magnitudes of one input at one tap. */
enum cp_stat { CP_MEAN, CP_VARIANCE, CP_SKEWNESS, CP_KURTOSIS, CP_MIN, CP_MAX, CP_BAD, CP_STAT_COUNT };
extern const char *const cp_stat_names[CP_STAT_COUNT];

/* Histogram of floor(log2 |x|): bin 0 counts zeros, bin 1 everything below 2^-39, the last everything from
 * 2^8 on. */
enum { CP_EXPONENT_FIRST = -40, CP_EXPONENT_BINS = 50 };

void cp_statistics(const void *x, enum cp_dtype type, size_t count, double stats[CP_STAT_COUNT],
                   int32_t histogram[CP_EXPONENT_BINS]);

/* ---- decisions: one image's probabilities over the columns ---- */

enum cp_decision {
    CP_TOP1_REFERENCE, /* first largest column; NaN where all are NaN */
    CP_TOP1,
    CP_FLIP,    /* 1 where they differ; NaN differs from every column, and two NaN decide nothing: 0 */
    CP_MAX_DP,  /* max |dp| */
    CP_KL,      /* KL(reference || x), nats, of both divided by their sums, which rounding takes from 1 */
    CP_JS,      /* Jensen-Shannon divergence, nats, of the same */
    CP_MARGIN,  /* the reference's largest minus its second largest probability */
    CP_RANK,    /* Spearman's rank correlation of the columns; NaN where either has no order */
    CP_DP_TOP1, /* change of the probability of the reference's top-1 column: p - q there */
    /* From the features (num/certificate.h), not from the probabilities: */
    CP_MARGIN_LOGIT, /* the baseline's smallest lead over another column, in logits */
    CP_BOUND_LOGIT,  /* the most that the features' divergence can take of it */
    CP_CERTIFIED,    /* 1 where no decision can change by that */
    CP_DECISION_COUNT
};
extern const char *const cp_decision_names[CP_DECISION_COUNT];

/* All but the certificate, which is NaN. p: x's probabilities, q: the reference's; work: 4 * n doubles
 * (copies, and GSL's ranks). n >= 1. */
void cp_decide(const float *p, const float *q, size_t n, double *work, double decision[CP_DECISION_COUNT]);

/* Decisions over images. */
struct cp_decisions {
    size_t images, flips, certified;
    size_t decided;             /* of the images: not NaN on both sides, where there is nothing to flip */
    size_t certifiable;         /* whose features are known */
    double flip_low, flip_high; /* 95 % interval of the share of those; NaN where there are none */
    double max_dp, kl_mean, kl_worst;
    double accuracy, accuracy_baseline; /* NaN: no labels */
};
/* rows: (images, CP_DECISION_COUNT); labels NULL: none. */
struct cp_decisions cp_decisions_count(const double *rows, const int32_t *labels, size_t images);

/* First largest of n values; NaN never wins. */
size_t cp_argmax(const float *x, size_t n);

/* Wilson's score interval at 95 % for k of n (Wilson 1927). */
void cp_wilson(size_t k, size_t n, double *low, double *high);

/* Lower bound of a share, for k of n, wrong with probability alpha at most (Clopper & Pearson 1934). */
double cp_clopper_pearson_low(size_t k, size_t n, double alpha);

#endif
