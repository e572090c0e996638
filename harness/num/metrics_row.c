/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loops written so that compilers vectorise them; pairs with NaN or infinity take a slower path. */
#include "num/metrics_row.h"

#include "base/wide.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Same value: equal bits once all NaN are one; +0 and -0 differ. */
static bool same(double x, double y) {
    return (isnan(x) && isnan(y)) || (x == y && signbit(x) == signbit(y));
}

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

CP_WIDE void cp_row_widen(const float *from, size_t n, double *to) {
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static double add_lanes(const double lane[CP_METRIC_LANES]) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

struct lanes {
    double abs[CP_METRIC_LANES], square[CP_METRIC_LANES], x_square[CP_METRIC_LANES],
        y_square[CP_METRIC_LANES], product[CP_METRIC_LANES], most[CP_METRIC_LANES], beyond[CP_METRIC_LANES],
        different[CP_METRIC_LANES];
};

static inline void add_element(struct lanes *s, size_t lane, double x, double y, struct cp_tolerance t) {
    const double d = x - y, distance = fabs(d);
    s->abs[lane] += distance;
    s->square[lane] += d * d;
    s->x_square[lane] += x * x;
    s->y_square[lane] += y * y;
    s->product[lane] += x * y;
    s->most[lane] = distance > s->most[lane] ? distance : s->most[lane];
    s->beyond[lane] += distance > t.absolute + t.relative * fabs(y) ? 1.0 : 0.0;
    s->different[lane] += bits_of(x) != bits_of(y) ? 1.0 : 0.0;
}

CP_WIDE struct cp_row_sums cp_row_sum(const double *x, const double *y, size_t n, struct cp_tolerance t) {
    struct lanes s = {.abs = {0}};
    size_t i = 0;
    for (; i + CP_METRIC_LANES <= n; i += CP_METRIC_LANES)
        for (size_t lane = 0; lane < CP_METRIC_LANES; lane++)
            add_element(&s, lane, x[i + lane], y[i + lane], t);
    for (size_t lane = 0; i + lane < n; lane++)
        add_element(&s, lane, x[i + lane], y[i + lane], t);
    struct cp_row_sums sums = {.abs = add_lanes(s.abs),
                               .square = add_lanes(s.square),
                               .x_square = add_lanes(s.x_square),
                               .y_square = add_lanes(s.y_square),
                               .product = add_lanes(s.product),
                               .finite = (double)n,
                               .beyond = add_lanes(s.beyond),
                               .different = add_lanes(s.different)};
    for (size_t lane = 0; lane < CP_METRIC_LANES; lane++)
        sums.most = s.most[lane] > sums.most ? s.most[lane] : sums.most;
    return sums;
}

CP_WIDE void cp_row_add_columns(const double *x, const double *y, size_t n, double *square,
                                double *y_square) {
    for (size_t i = 0; i < n; i++) {
        const double d = x[i] - y[i];
        square[i] += d * d;
        y_square[i] += y[i] * y[i];
    }
}

struct cp_row_sums cp_row_sum_any(double *x, double *y, size_t n, struct cp_tolerance t) {
    double nonfinite = 0, different = 0, left_out = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(x[i]) && isfinite(y[i]))
            continue;
        left_out++;
        nonfinite += !same(x[i], y[i]);
        different += !same(x[i], y[i]);
        x[i] = y[i] = 0;
    }
    struct cp_row_sums sums = cp_row_sum(x, y, n, t);
    sums.finite -= left_out;
    sums.nonfinite = nonfinite;
    sums.different += different;
    return sums;
}

/* ---- units of last place ---- */

void cp_row_ulp(const float *x, const float *y, size_t n, enum cp_dtype type, uint32_t *most,
                int32_t bins[CP_ULP_BINS]) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t ulp = cp_ulp_distance(type, x[i], y[i]);
        *most = ulp > *most ? ulp : *most;
        bins[ulp == UINT32_MAX ? CP_ULP_BINS - 1 : ulp ? 32 - __builtin_clz(ulp) : 0]++;
    }
}

/* Place among all float32, both zeros 0. */
static inline int32_t place(float x) {
    const int32_t magnitude = (int32_t)(cp_bits(x) & 0x7fffffffu);
    return cp_bits(x) >> 31 ? -magnitude : magnitude;
}

enum { ULP_CHUNK = 256 };

CP_WIDE static void ulp_distances(const float *x, const float *y, size_t n, uint32_t ulp[ULP_CHUNK]) {
    for (size_t i = 0; i < n; i++) {
        const int32_t a = place(x[i]), b = place(y[i]);
        ulp[i] = a > b ? (uint32_t)a - (uint32_t)b : (uint32_t)b - (uint32_t)a;
    }
}

void cp_row_ulp_fp32(const float *x, const float *y, size_t n, uint32_t *most, int32_t bins[CP_ULP_BINS]) {
    uint32_t ulp[ULP_CHUNK];
    for (size_t first = 0; first < n; first += ULP_CHUNK) {
        const size_t count = n - first < ULP_CHUNK ? n - first : ULP_CHUNK;
        ulp_distances(x + first, y + first, count, ulp);
        for (size_t i = 0; i < count; i++) {
            *most = ulp[i] > *most ? ulp[i] : *most;
            bins[ulp[i] ? 32 - __builtin_clz(ulp[i]) : 0]++;
        }
    }
}

/* 1 / ULP(y) is a power of two: its bits are the sum of the two exponents less those of y, or of the least
 * normal number. */
static inline double in_ulps(double x, double y, double least, uint64_t exponents) {
    const double magnitude = fabs(y) > least ? fabs(y) : least;
    const uint64_t inverse = exponents - (bits_of(magnitude) & 0x7ff0000000000000u);
    double scale;
    memcpy(&scale, &inverse, sizeof scale);
    return fabs(x - y) * scale;
}

CP_WIDE static double ulp_error(const double *x, const double *y, size_t n, double least,
                                uint64_t exponents) {
    double most[CP_METRIC_LANES] = {0}, distance;
    size_t i = 0;
    for (; i + CP_METRIC_LANES <= n; i += CP_METRIC_LANES)
        for (size_t lane = 0; lane < CP_METRIC_LANES; lane++) {
            distance = in_ulps(x[i + lane], y[i + lane], least, exponents);
            most[lane] = distance > most[lane] ? distance : most[lane];
        }
    for (size_t lane = 0; i + lane < n; lane++) {
        distance = in_ulps(x[i + lane], y[i + lane], least, exponents);
        most[lane] = distance > most[lane] ? distance : most[lane];
    }
    for (size_t lane = 1; lane < CP_METRIC_LANES; lane++)
        most[0] = most[lane] > most[0] ? most[lane] : most[0];
    return most[0];
}

double cp_row_ulp_error(const double *x, const double *y, size_t n, enum cp_dtype type) {
    const uint64_t precision = type == CP_FP32 ? 24 : type == CP_FP16 ? 11 : 8;
    return ulp_error(x, y, n, type == CP_FP16 ? 0x1p-14 : 0x1p-126, (2 * 1023 + precision - 1) << 52);
}

/* ---- distances alone ---- */

CP_WIDE static void add_distance(const float *x, const float *y, size_t n, double square[CP_METRIC_LANES],
                                 double y_square[CP_METRIC_LANES]) {
    size_t i = 0;
    for (; i + CP_METRIC_LANES <= n; i += CP_METRIC_LANES)
        for (size_t lane = 0; lane < CP_METRIC_LANES; lane++) {
            const double a = (double)x[i + lane], b = (double)y[i + lane], d = a - b;
            square[lane] += d * d;
            y_square[lane] += b * b;
        }
    for (size_t lane = 0; i + lane < n; lane++) {
        const double a = (double)x[i + lane], b = (double)y[i + lane], d = a - b;
        square[lane] += d * d;
        y_square[lane] += b * b;
    }
}

double cp_relative_l2(const struct cp_compared *c) {
    double square[CP_METRIC_LANES] = {0}, y_square[CP_METRIC_LANES] = {0};
    for (size_t valid_row = 0; valid_row < c->groups * c->rows; valid_row++) {
        const size_t first = cp_row_at(c, valid_row) * c->stride;
        add_distance((const float *)c->x + first, (const float *)c->y + first, c->width, square, y_square);
    }
    const double distance = add_lanes(square);
    return distance == 0 ? 0 : sqrt(distance / add_lanes(y_square));
}
