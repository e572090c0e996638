/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/metrics.h"

#include <math.h>
#include <stdbool.h>

const char *const cp_metric_names[CP_METRIC_COUNT] = {
    "max_abs",  "mean_abs",           "rms",         "rms_ref",  "rel_l2",      "cosine",    "snr_db",
    "ulp_max",  "worst_token_rel_l2", "worst_token", "worst_at", "worst_value", "worst_ref", "nonfinite",
    "different"};

const char *const cp_stat_names[CP_STAT_COUNT] = {"mean", "variance", "skewness", "kurtosis",
                                                  "min",  "max",      "nonfinite"};

static double at(const void *values, enum cp_dtype type, size_t i) {
    return type == CP_FP64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

struct sums {
    double abs, square, x_square, y_square, product; /* of differences, of x, of y, of x y */
    size_t finite;
};

struct worst {
    double max_abs, x, y, row_rel;
    size_t index, row;
    bool any;
    uint32_t ulp;
    size_t nonfinite, different;
};

/* Same value: equal bits once all NaN are one; +0 and -0 differ. */
static bool same(double x, double y) {
    return (isnan(x) && isnan(y)) || (x == y && signbit(x) == signbit(y));
}

static void compare_element(const struct cp_compared *c, size_t index, struct sums *row,
                            struct worst *worst) {
    const double x = at(c->x, c->x_type, index), y = at(c->y, c->y_type, index);
    if (!same(x, y))
        worst->different++;
    if (c->x_type == CP_FP32 && c->y_type == CP_FP32) {
        const uint32_t ulp = cp_ulp_distance(c->ulp_type, (float)x, (float)y);
        worst->ulp = ulp > worst->ulp ? ulp : worst->ulp;
    }
    if (!isfinite(x) || !isfinite(y)) {
        worst->nonfinite += !same(x, y);
        return;
    }
    const double difference = x - y, distance = fabs(difference);
    row->finite++;
    row->abs += distance;
    row->square += difference * difference;
    row->x_square += x * x;
    row->y_square += y * y;
    row->product += x * y;
    if (!worst->any || distance > worst->max_abs) {
        worst->any = true;
        worst->max_abs = distance;
        worst->index = index;
        worst->x = x;
        worst->y = y;
    }
}

/* ||d|| / ||y||, and 0 where nothing differs, zeros included. Where all squares underflow it is NaN. */
static double relative(const struct sums *sums) {
    return sums->abs == 0 ? 0 : sqrt(sums->square / sums->y_square);
}

void cp_metrics(const struct cp_compared *c, double m[CP_METRIC_COUNT]) {
    struct sums total = {0};
    struct worst worst = {.row_rel = -1};
    for (size_t judged = 0; judged < c->groups * c->rows; judged++) {
        const size_t r = judged / c->rows * c->group_rows + judged % c->rows;
        struct sums row = {0};
        for (size_t i = 0; i < c->width; i++)
            compare_element(c, r * c->stride + i, &row, &worst);
        const double rel = relative(&row);
        if (row.finite && (isnan(rel) || rel > worst.row_rel)) {
            worst.row_rel = rel;
            worst.row = r;
        }
        total.abs += row.abs;
        total.square += row.square;
        total.x_square += row.x_square;
        total.y_square += row.y_square;
        total.product += row.product;
        total.finite += row.finite;
    }
    const double n = (double)total.finite;
    const bool floats = c->x_type == CP_FP32 && c->y_type == CP_FP32;
    for (int i = 0; i < CP_METRIC_COUNT; i++)
        m[i] = NAN;
    m[CP_NONFINITE] = (double)worst.nonfinite;
    m[CP_DIFFERENT] = (double)worst.different;
    if (floats)
        m[CP_ULP_MAX] = (double)worst.ulp;
    if (!worst.any)
        return;
    m[CP_MAX_ABS] = worst.max_abs;
    m[CP_MEAN_ABS] = total.abs / n;
    m[CP_RMS] = sqrt(total.square / n);
    m[CP_RMS_REF] = sqrt(total.y_square / n);
    m[CP_REL_L2] = relative(&total);
    m[CP_COSINE] = total.abs == 0 ? 1 : total.product / (sqrt(total.x_square) * sqrt(total.y_square));
    m[CP_SNR_DB] = -20 * log10(m[CP_REL_L2]);
    m[CP_WORST_REL_L2] = worst.row_rel;
    m[CP_WORST_ROW] = (double)worst.row;
    m[CP_WORST_AT] = (double)worst.index;
    m[CP_WORST_X] = worst.x;
    m[CP_WORST_Y] = worst.y;
}

double cp_relative_l2(const struct cp_compared *c) {
    double square = 0, y_square = 0;
    for (size_t judged = 0; judged < c->groups * c->rows; judged++) {
        const size_t at = (judged / c->rows * c->group_rows + judged % c->rows) * c->stride;
        const float *x = (const float *)c->x + at, *y = (const float *)c->y + at;
        for (size_t i = 0; i < c->width; i++) {
            const double d = (double)x[i] - (double)y[i];
            square += d * d;
            y_square += (double)y[i] * (double)y[i];
        }
    }
    return square == 0 ? 0 : sqrt(square / y_square);
}

static size_t exponent_bin(double x) {
    if (x == 0)
        return 0;
    const int bin = ilogb(x) - CP_EXPONENT_FIRST + 1;
    return (size_t)(bin < 1 ? 1 : bin >= CP_EXPONENT_BINS ? CP_EXPONENT_BINS - 1 : bin);
}

void cp_statistics(const void *x, enum cp_dtype type, size_t count, double stats[CP_STAT_COUNT],
                   int32_t histogram[CP_EXPONENT_BINS]) {
    double sum = 0, low = INFINITY, high = -INFINITY, m2 = 0, m3 = 0, m4 = 0;
    size_t finite = 0;
    for (size_t i = 0; i < CP_EXPONENT_BINS; i++)
        histogram[i] = 0;
    for (size_t i = 0; i < count; i++) {
        const double value = at(x, type, i);
        if (!isfinite(value))
            continue;
        finite++;
        sum += value;
        low = value < low ? value : low;
        high = value > high ? value : high;
        histogram[exponent_bin(value)]++;
    }
    const double n = (double)finite, mean = sum / n;
    for (size_t i = 0; i < count; i++) {
        const double d = at(x, type, i) - mean;
        if (!isfinite(d))
            continue;
        m2 += d * d;
        m3 += d * d * d;
        m4 += d * d * d * d;
    }
    stats[CP_MEAN] = mean;
    stats[CP_VARIANCE] = m2 / n;
    stats[CP_SKEWNESS] = m3 / n / pow(m2 / n, 1.5);
    stats[CP_KURTOSIS] = m4 / n / ((m2 / n) * (m2 / n));
    stats[CP_MIN] = finite ? low : NAN;
    stats[CP_MAX] = finite ? high : NAN;
    stats[CP_BAD] = (double)(count - finite);
}
