/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/metrics.h"

#include "base/wide.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LANES = 8, CHUNK = 1024, EXPONENTS = 2048 };

const char *const cp_stat_names[CP_STAT_COUNT] = {"mean", "variance", "skewness", "kurtosis",
                                                  "min",  "max",      "nonfinite"};

/* Partial sums, element i in lane i % LANES of its chunk. */
struct lanes {
    double sum[LANES], low[LANES], high[LANES], zeros[LANES], bad[LANES];
    double m2[LANES], m3[LANES], m4[LANES];
};

/* n values from `first` on as float64, the rest of a whole number of lanes NaN, which counts for nothing. */
CP_WIDE static size_t load(const void *x, enum cp_dtype type, size_t first, size_t n, double *chunk) {
    const size_t whole = (n + LANES - 1) / LANES * LANES;
    if (type == CP_FP64)
        memcpy(chunk, (const double *)x + first, n * sizeof *chunk);
    else
        for (size_t i = 0; i < n; i++)
            chunk[i] = (double)((const float *)x)[first + i];
    for (size_t i = n; i < whole; i++)
        chunk[i] = NAN;
    return whole;
}

CP_WIDE static void add_values(const double *x, size_t n, struct lanes *s) {
    for (size_t i = 0; i < n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double value = x[i + lane];
            const int finite = fabs(value) <= DBL_MAX;
            const double low = finite ? value : s->low[lane], high = finite ? value : s->high[lane];
            s->sum[lane] += finite ? value : 0;
            s->low[lane] = low < s->low[lane] ? low : s->low[lane];
            s->high[lane] = high > s->high[lane] ? high : s->high[lane];
            s->zeros[lane] += value == 0 ? 1.0 : 0.0;
            s->bad[lane] += finite ? 0.0 : 1.0;
        }
}

CP_WIDE static void add_powers(const double *x, size_t n, double mean, struct lanes *s) {
    for (size_t i = 0; i < n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double value = x[i + lane], d = fabs(value) <= DBL_MAX ? value - mean : 0, square = d * d;
            s->m2[lane] += square;
            s->m3[lane] += square * d;
            s->m4[lane] += square * square;
        }
}

/* Elements by the exponent field of their float64. */
static void count_exponents(const double *x, size_t n, uint32_t *counts) {
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        counts[(bits >> 52) & (EXPONENTS - 1)]++;
    }
}

static double add_lanes(const double lane[LANES]) {
    double sum = 0;
    for (size_t i = 0; i < LANES; i++)
        sum += lane[i];
    return sum;
}

/* Zeros share the exponent field 0 with numbers below all bins; infinities and NaN have the last. */
static void fold(const uint32_t counts[EXPONENTS], double zeros, int32_t histogram[CP_EXPONENT_BINS]) {
    memset(histogram, 0, CP_EXPONENT_BINS * sizeof *histogram);
    for (int field = 0; field < EXPONENTS - 1; field++) {
        const int bin = field - 1023 - CP_EXPONENT_FIRST + 1;
        histogram[bin < 1                   ? 1
                  : bin >= CP_EXPONENT_BINS ? CP_EXPONENT_BINS - 1
                                            : bin] += (int32_t)counts[field];
    }
    histogram[0] = (int32_t)zeros;
    histogram[1] -= (int32_t)zeros;
}

void cp_statistics(const void *x, enum cp_dtype type, size_t count, double stats[CP_STAT_COUNT],
                   int32_t histogram[CP_EXPONENT_BINS]) {
    double chunk[CHUNK], low = INFINITY, high = -INFINITY, padding = 0;
    uint32_t counts[EXPONENTS] = {0};
    struct lanes s = {.sum = {0}};
    for (size_t lane = 0; lane < LANES; lane++) {
        s.low[lane] = INFINITY;
        s.high[lane] = -INFINITY;
    }
    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t n = count - first < CHUNK ? count - first : CHUNK,
                     whole = load(x, type, first, n, chunk);
        add_values(chunk, whole, &s);
        count_exponents(chunk, n, counts);
        padding += (double)(whole - n);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        low = fmin(low, s.low[lane]);
        high = fmax(high, s.high[lane]);
    }
    const double bad = add_lanes(s.bad) - padding, n = (double)count - bad, mean = add_lanes(s.sum) / n;
    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t rest = count - first < CHUNK ? count - first : CHUNK;
        add_powers(chunk, load(x, type, first, rest, chunk), mean, &s);
    }
    const double m2 = add_lanes(s.m2) / n, m3 = add_lanes(s.m3) / n, m4 = add_lanes(s.m4) / n;
    fold(counts, add_lanes(s.zeros), histogram);
    stats[CP_MEAN] = mean;
    stats[CP_VARIANCE] = m2;
    stats[CP_SKEWNESS] = m3 / pow(m2, 1.5);
    stats[CP_KURTOSIS] = m4 / (m2 * m2);
    stats[CP_MIN] = n > 0 ? low : NAN;
    stats[CP_MAX] = n > 0 ? high : NAN;
    stats[CP_BAD] = bad;
}
