/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rounds tensors to tf32, fp16, bf16 or an int8 grid whose step follows from their range. */
#include "ledger/narrow.h"

#include <math.h>

static double tf32(double x) {
    const uint32_t bits = cp_bits((float)x);
    if ((bits & 0x7f800000u) == 0x7f800000u)
        return x;
    return (double)cp_from_bits((bits + 0x0fffu + ((bits >> 13) & 1u)) & 0xffffe000u);
}

/* A grid of whole steps: x = (q - zero) step with q between low and high. */
struct grid {
    double step, zero, low, high;
};

/* From the range of what is rounded, which contains 0. */
static struct grid grid_of(enum cp_narrow format, double least, double most) {
    if (format == CP_NARROW_UINT8) {
        const double step = most > least ? (most - least) / 255 : 1;
        return (struct grid){step, nearbyint(-least / step), 0, 255};
    }
    const double largest = fmax(most, -least);
    return (struct grid){largest > 0 ? largest / 127 : 1, 0, -127, 127};
}

static double on_grid(const struct grid *g, double x) {
    return (fmin(fmax(nearbyint(x / g->step) + g->zero, g->low), g->high) - g->zero) * g->step;
}

static void quantize(enum cp_narrow format, const double *x, size_t n, double *y) {
    double least = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, x[i]);
        most = fmax(most, x[i]);
    }
    const struct grid grid = grid_of(format, least, most);
    for (size_t i = 0; i < n; i++)
        y[i] = on_grid(&grid, x[i]);
}

static void quantize_float(enum cp_narrow format, const float *x, size_t n, float *y) {
    double least = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, (double)x[i]);
        most = fmax(most, (double)x[i]);
    }
    const struct grid grid = grid_of(format, least, most);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)on_grid(&grid, (double)x[i]);
}

static double narrowed(enum cp_narrow format, double x) {
    switch (format) {
    case CP_NARROW_TF32:
        return tf32(x);
    case CP_NARROW_FP16:
        return (double)cp_round_fp16((float)x);
    case CP_NARROW_BF16:
        return (double)cp_round_bf16((float)x);
    default:
        return x;
    }
}

/* How many elements share a scale; 0: none has one. */
static size_t group_of(enum cp_narrow format, size_t rows, size_t n) {
    if (format == CP_NARROW_INT8_CHANNEL)
        return n;
    return format == CP_NARROW_INT8 || format == CP_NARROW_UINT8 ? rows * n : 0;
}

void cp_narrow_apply(enum cp_narrow format, const double *x, size_t rows, size_t n, double *y) {
    const size_t group = group_of(format, rows, n);
    for (size_t at = 0; group && at < rows * n; at += group)
        quantize(format, x + at, group, y + at);
    for (size_t i = 0; !group && i < rows * n; i++)
        y[i] = narrowed(format, x[i]);
}

void cp_narrow_apply_float(enum cp_narrow format, const float *x, size_t rows, size_t n, float *y) {
    const size_t group = group_of(format, rows, n);
    for (size_t at = 0; group && at < rows * n; at += group)
        quantize_float(format, x + at, group, y + at);
    for (size_t i = 0; !group && i < rows * n; i++)
        y[i] = (float)narrowed(format, (double)x[i]);
}
