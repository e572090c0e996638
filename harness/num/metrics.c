/* SPDX-License-Identifier: GPL-3.0-or-later
 * Adds up the sums of all rows, then finds the worst element, row and channel in a second look. */
#include "num/metrics.h"

#include "num/metrics_row.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

const char *const cp_metric_names[CP_METRIC_COUNT] = {"max_abs",
                                                      "mean_abs",
                                                      "rms",
                                                      "rms_ref",
                                                      "rel_l2",
                                                      "cosine",
                                                      "snr_db",
                                                      "ulp_max",
                                                      "worst_token_rel_l2",
                                                      "worst_token",
                                                      "worst_at",
                                                      "worst_value",
                                                      "worst_ref",
                                                      "ulp_p50",
                                                      "ulp_p99",
                                                      "ulp_p999",
                                                      "beyond",
                                                      "worst_token_value",
                                                      "worst_token_ref",
                                                      "worst_channel_rel_l2",
                                                      "worst_channel",
                                                      "worst_channel_value",
                                                      "worst_channel_ref",
                                                      "nonfinite",
                                                      "different"};

const char *const cp_ulp_bin_names[CP_ULP_BINS] = {
    "0",         "1",         "2",         "4",          "8",          "16",       "32",
    "64",        "128",       "256",       "512",        "1024",       "2048",     "4096",
    "8192",      "16384",     "32768",     "65536",      "131072",     "262144",   "524288",
    "1048576",   "2097152",   "4194304",   "8388608",    "16777216",   "33554432", "67108864",
    "134217728", "268435456", "536870912", "1073741824", "2147483648", "NaN"};

/* The largest distance of the bucket that holds the q-quantile: the least value with a share q at or below
 * it.
 */
static double ulp_quantile(const int32_t bins[CP_ULP_BINS], double count, double q) {
    double below = 0;
    int bin = 0;
    for (; bin < CP_ULP_BINS - 1; bin++) {
        below += bins[bin];
        if (below >= ceil(q * count))
            break;
    }
    return bin == 0 ? 0 : bin == CP_ULP_BINS - 1 ? (double)UINT32_MAX : ldexp(1, bin) - 1;
}

/* The largest relative L2 so far and whose it is: the first, and the first NaN before all. */
struct worst {
    double rel;
    size_t index;
};

static void judge(struct worst *worst, double rel, size_t index) {
    if (isnan(worst->rel) || rel <= worst->rel)
        return;
    *worst = (struct worst){rel, index};
}

struct walk {
    const struct cp_compared *c;
    double *x, *y, *column_square, *column_y; /* rows of stride doubles */
    struct cp_tolerance tolerance;
    struct cp_row_sums total;
    double most;
    size_t most_row; /* of the largest difference */
    struct worst row;
    bool any;
    uint32_t ulp;
    double ulp_error;
    int32_t bins[CP_ULP_BINS];
};

static void load_row(const struct walk *w, size_t row) {
    const size_t at = row * w->c->stride, n = w->c->width;
    if (w->c->x_type == CP_FP64)
        memcpy(w->x, (const double *)w->c->x + at, n * sizeof *w->x);
    else
        cp_row_widen((const float *)w->c->x + at, n, w->x);
    if (w->c->y_type == CP_FP64)
        memcpy(w->y, (const double *)w->c->y + at, n * sizeof *w->y);
    else
        cp_row_widen((const float *)w->c->y + at, n, w->y);
}

static bool counts_ulp(const struct cp_compared *c) {
    return c->x_type == CP_FP32 && c->y_type == CP_FP32;
}

static bool measures_ulp(const struct cp_compared *c) {
    return c->x_type == CP_FP32 && c->y_type == CP_FP64;
}

/* What is finite on one side alone is infinitely far. */
static void walk_ulp_error(struct walk *w, const struct cp_row_sums *sums) {
    const double error =
        sums->nonfinite > 0 ? INFINITY : cp_row_ulp_error(w->x, w->y, w->c->width, w->c->ulp_type);
    w->ulp_error = fmax(w->ulp_error, error);
}

static void walk_ulp(struct walk *w, size_t row, const struct cp_row_sums *sums, bool finite) {
    const float *x = (const float *)w->c->x + row * w->c->stride;
    const float *y = (const float *)w->c->y + row * w->c->stride;
    if (sums->different == 0)
        w->bins[0] += (int32_t)w->c->width;
    else if (finite && w->c->ulp_type == CP_FP32)
        cp_row_ulp_fp32(x, y, w->c->width, &w->ulp, w->bins);
    else
        cp_row_ulp(x, y, w->c->width, w->c->ulp_type, &w->ulp, w->bins);
}

/* ||d|| / ||y||, and 0 where nothing differs, zeros included. Where all squares underflow it is NaN. */
static double relative(double abs, double square, double y_square) {
    return abs == 0 ? 0 : sqrt(square / y_square);
}

static void walk_row(struct walk *w, size_t row) {
    load_row(w, row);
    struct cp_row_sums sums = cp_row_sum(w->x, w->y, w->c->width, w->tolerance);
    const bool finite = isfinite(sums.x_square + sums.y_square);
    if (!finite)
        sums = cp_row_sum_any(w->x, w->y, w->c->width, w->tolerance);
    if (counts_ulp(w->c))
        walk_ulp(w, row, &sums, finite);
    if (measures_ulp(w->c))
        walk_ulp_error(w, &sums);
    cp_row_add_columns(w->x, w->y, w->c->width, w->column_square, w->column_y);
    const double rel = relative(sums.abs, sums.square, sums.y_square);
    if (sums.finite > 0)
        judge(&w->row, rel, row);
    if (sums.finite > 0 && (!w->any || sums.most > w->most)) {
        w->any = true;
        w->most = sums.most;
        w->most_row = row;
    }
    w->total.abs += sums.abs;
    w->total.square += sums.square;
    w->total.x_square += sums.x_square;
    w->total.y_square += sums.y_square;
    w->total.product += sums.product;
    w->total.finite += sums.finite;
    w->total.beyond += sums.beyond;
    w->total.nonfinite += sums.nonfinite;
    w->total.different += sums.different;
}

/* ---- the worst, found again ---- */

/* First column with the largest |x - y| in a row, among finite pairs; the row is loaded. */
static size_t worst_in_row(const struct walk *w, size_t row) {
    size_t worst = 0;
    double most = -1;
    load_row(w, row);
    for (size_t i = 0; i < w->c->width; i++) {
        const double distance = fabs(w->x[i] - w->y[i]);
        if (isfinite(w->x[i]) && isfinite(w->y[i]) && distance > most) {
            most = distance;
            worst = i;
        }
    }
    return worst;
}

static double at(const void *values, enum cp_dtype type, size_t i) {
    return type == CP_FP64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* The element of a column with the largest |x - y| among finite pairs, the first such; SIZE_MAX: no pair is
 * finite. */
static size_t worst_in_column(const struct cp_compared *c, size_t column, double *most) {
    size_t worst = SIZE_MAX;
    *most = -1;
    for (size_t valid_row = 0; valid_row < c->groups * c->rows; valid_row++) {
        const size_t index = cp_row_at(c, valid_row) * c->stride + column;
        const double x = at(c->x, c->x_type, index), y = at(c->y, c->y_type, index);
        if (isfinite(x) && isfinite(y) && fabs(x - y) > *most) {
            *most = fabs(x - y);
            worst = index;
        }
    }
    return worst;
}

/* -1 for a column without a finite pair. Sums of 0 may also come from differences whose squares underflow:
 * then the pairs tell. */
static double column_relative(const struct walk *w, size_t column) {
    const double square = w->column_square[column], y_square = w->column_y[column];
    const bool all_finite = w->total.finite == (double)(w->c->groups * w->c->rows * w->c->width);
    double most = square;
    if (square == 0 && y_square == 0 && !(all_finite && w->most == 0) &&
        worst_in_column(w->c, column, &most) == SIZE_MAX)
        return -1;
    return relative(most, square, y_square);
}

static void find_worst_channel(const struct walk *w, double m[CP_METRIC_COUNT]) {
    const struct cp_compared *c = w->c;
    struct worst worst = {.rel = -1};
    double most;
    for (size_t i = 0; i < c->width; i++)
        judge(&worst, column_relative(w, i), i);
    const size_t index = worst_in_column(c, worst.index, &most);
    m[CP_WORST_CHANNEL_REL_L2] = worst.rel;
    m[CP_WORST_CHANNEL] = (double)worst.index;
    m[CP_WORST_CHANNEL_X] = at(c->x, c->x_type, index);
    m[CP_WORST_CHANNEL_Y] = at(c->y, c->y_type, index);
}

static void find_worst(const struct walk *w, double m[CP_METRIC_COUNT]) {
    const size_t column = worst_in_row(w, w->most_row);
    m[CP_MAX_ABS] = w->most;
    m[CP_WORST_AT] = (double)(w->most_row * w->c->stride + column);
    m[CP_WORST_X] = w->x[column];
    m[CP_WORST_Y] = w->y[column];
    const size_t in_row = worst_in_row(w, w->row.index);
    m[CP_WORST_REL_L2] = w->row.rel;
    m[CP_WORST_ROW] = (double)w->row.index;
    m[CP_WORST_ROW_X] = w->x[in_row];
    m[CP_WORST_ROW_Y] = w->y[in_row];
    find_worst_channel(w, m);
}

static struct cp_tolerance tolerance_of(enum cp_dtype type) {
    if (type == CP_FP32)
        return (struct cp_tolerance){1.3e-6, 1e-5};
    return type == CP_FP16 ? (struct cp_tolerance){1e-3, 1e-5} : (struct cp_tolerance){1.6e-2, 1e-5};
}

static void fill_ulp(const struct walk *w, double m[CP_METRIC_COUNT]) {
    const double count = (double)(w->c->groups * w->c->rows * w->c->width);
    m[CP_ULP_MAX] = (double)w->ulp;
    m[CP_ULP_P50] = ulp_quantile(w->bins, count, 0.5);
    m[CP_ULP_P99] = ulp_quantile(w->bins, count, 0.99);
    m[CP_ULP_P999] = ulp_quantile(w->bins, count, 0.999);
}

void cp_metrics(const struct cp_compared *c, double *work, double m[CP_METRIC_COUNT], int32_t *ulp) {
    struct walk w = {.c = c,
                     .x = work,
                     .y = work + c->stride,
                     .column_square = work + 2 * c->stride,
                     .column_y = work + 3 * c->stride,
                     .tolerance = c->tolerance ? *c->tolerance : tolerance_of(c->ulp_type),
                     .row = {.rel = -1}};
    memset(w.column_square, 0, 2 * c->stride * sizeof *work);
    for (size_t valid_row = 0; valid_row < c->groups * c->rows; valid_row++)
        walk_row(&w, cp_row_at(c, valid_row));
    for (int i = 0; i < CP_METRIC_COUNT; i++)
        m[i] = NAN;
    if (ulp)
        memcpy(ulp, w.bins, sizeof w.bins);
    m[CP_NONFINITE] = w.total.nonfinite;
    m[CP_DIFFERENT] = w.total.different;
    if (counts_ulp(c))
        fill_ulp(&w, m);
    if (measures_ulp(c))
        m[CP_ULP_MAX] = w.ulp_error;
    if (!w.any)
        return;
    const double n = w.total.finite;
    m[CP_MEAN_ABS] = w.total.abs / n;
    m[CP_RMS] = sqrt(w.total.square / n);
    m[CP_RMS_REF] = sqrt(w.total.y_square / n);
    m[CP_REL_L2] = relative(w.total.abs, w.total.square, w.total.y_square);
    m[CP_COSINE] = w.total.abs == 0 ? 1 : w.total.product / (sqrt(w.total.x_square) * sqrt(w.total.y_square));
    m[CP_SNR_DB] = -20 * log10(m[CP_REL_L2]);
    m[CP_BEYOND] = w.total.beyond / n;
    find_worst(&w, m);
}
