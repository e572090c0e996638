/* SPDX-License-Identifier: GPL-3.0-or-later
 * Values are taken in blocks, of which the finite ones move up: the i-th of a block is in lane i % 8. */
#include "num/metrics.h"

#include "base/wide.h"
#include "num/lanes.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

const char *const cp_stat_names[CP_STAT_COUNT] = {"mean", "variance", "skewness", "kurtosis",
                                                  "min",  "max",      "nonfinite"};

enum { BLOCK = 512 };
enum { COUNTERS = 4 }; /* neighbours mostly fall into one bin, and one counter would wait for itself */

struct moments {
    cp_lanes sum, low, high; /* first pass */
    cp_lanes m2, m3, m4;     /* second pass: of powers of x - mean */
    double mean;
    size_t finite;
    int32_t bins[COUNTERS][CP_EXPONENT_BINS];
};

/* Takes 1 to BLOCK finite values; there is room for padding. */
typedef void pass(struct moments *moments, double *x, size_t count);

/* Fills up to a whole number of vectors, for which there is room, and gives that count. */
static size_t pad(double *x, size_t count, double with) {
    size_t end = count;
    for (; end % CP_VECTOR; end++)
        x[end] = with;
    return end;
}

/* count values from values[first] on as float64. */
CP_WIDE static void widen(const void *values, enum cp_dtype type, size_t first, size_t count, double *out) {
    if (type == CP_FP64)
        memcpy(out, (const double *)values + first, count * sizeof *out);
    else
        for (size_t i = 0; i < count; i++)
            out[i] = (double)((const float *)values)[first + i];
}

/* 0 x is 0, and NaN where x is not finite. */
CP_WIDE static bool all_finite(const double *x, size_t count) {
    cp_lanes zero = {0};
    for (size_t i = 0; i < count; i += CP_VECTOR)
        zero += 0 * CP_LANES_AT(x + i);
    return cp_lanes_sum(&zero) == 0;
}

CP_WIDE static void add_range(struct moments *m, const double *x, size_t count) {
    cp_lanes low = m->low, high = m->high;
    for (size_t i = 0; i < count; i += CP_VECTOR) {
        const cp_lanes value = CP_LANES_AT(x + i);
        low = -CP_LANES_MAX(-value, -low);
        high = CP_LANES_MAX(value, high);
    }
    m->low = low;
    m->high = high;
}

CP_WIDE static void add_sum(struct moments *m, const double *x, size_t count) {
    cp_lanes sum = m->sum;
    for (size_t i = 0; i < count; i += CP_VECTOR)
        sum += CP_LANES_AT(x + i);
    m->sum = sum;
}

/* From the encoding's exponent: floor(log2 |x|) + 1023, 0 below float64's normals. */
CP_WIDE static void find_bins(const double *x, size_t count, int32_t *bins) {
    for (size_t i = 0; i < count; i++) {
        uint64_t encoding;
        memcpy(&encoding, x + i, sizeof encoding);
        const int32_t exponent = (int32_t)(encoding >> 52 & 0x7ff) - 1023;
        const int32_t bin = exponent - CP_EXPONENT_FIRST + 1;
        const int32_t low = bin < 1 ? 1 : bin, in = low < CP_EXPONENT_BINS ? low : CP_EXPONENT_BINS - 1;
        bins[i] = encoding << 1 ? in : 0;
    }
}

static void first_pass(struct moments *m, double *x, size_t count) {
    int32_t bins[BLOCK] = {0};
    m->finite += count;
    find_bins(x, count, bins);
    for (size_t i = 0; i < count; i++)
        m->bins[i % COUNTERS][bins[i]]++;
    add_range(m, x, pad(x, count, x[0]));
    add_sum(m, x, pad(x, count, 0));
}

CP_WIDE static void add_powers(struct moments *m, const double *x, size_t count) {
    cp_lanes m2 = m->m2, m3 = m->m3, m4 = m->m4;
    for (size_t i = 0; i < count; i += CP_VECTOR) {
        const cp_lanes d = CP_LANES_AT(x + i) - m->mean, square = d * d;
        m2 += square;
        m3 += square * d;
        m4 += square * square;
    }
    m->m2 = m2;
    m->m3 = m3;
    m->m4 = m4;
}

static void second_pass(struct moments *m, double *x, size_t count) {
    add_powers(m, x, pad(x, count, m->mean));
}

static size_t gather_finite(double *x, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]))
            x[kept++] = x[i];
    return kept;
}

static void walk(const void *x, enum cp_dtype type, size_t count, pass *visit, struct moments *m) {
    double block[BLOCK];
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        widen(x, type, first, n, block);
        if (!all_finite(block, pad(block, n, 0)))
            n = gather_finite(block, n);
        if (n)
            visit(m, block, n);
    }
}

static double extreme(const cp_lanes *lanes, double sign) {
    double most = -INFINITY;
    for (size_t l = 0; l < CP_VECTOR; l++)
        most = sign * (*lanes)[l] > most ? sign * (*lanes)[l] : most;
    return sign * most;
}

void cp_statistics(const void *x, enum cp_dtype type, size_t count, double stats[CP_STAT_COUNT],
                   int32_t histogram[CP_EXPONENT_BINS]) {
    struct moments m = {.finite = 0};
    for (size_t l = 0; l < CP_VECTOR; l++) {
        m.low[l] = INFINITY;
        m.high[l] = -INFINITY;
    }
    walk(x, type, count, first_pass, &m);
    const double n = (double)m.finite;
    m.mean = cp_lanes_sum(&m.sum) / n;
    walk(x, type, count, second_pass, &m);
    const double m2 = cp_lanes_sum(&m.m2) / n;
    stats[CP_MEAN] = m.mean;
    stats[CP_VARIANCE] = m2;
    stats[CP_SKEWNESS] = cp_lanes_sum(&m.m3) / n / pow(m2, 1.5);
    stats[CP_KURTOSIS] = cp_lanes_sum(&m.m4) / n / (m2 * m2);
    stats[CP_MIN] = m.finite ? extreme(&m.low, -1) : NAN;
    stats[CP_MAX] = m.finite ? extreme(&m.high, 1) : NAN;
    stats[CP_BAD] = (double)(count - m.finite);
    for (int bin = 0; bin < CP_EXPONENT_BINS; bin++) {
        histogram[bin] = 0;
        for (int counter = 0; counter < COUNTERS; counter++)
            histogram[bin] += m.bins[counter][bin];
    }
}
