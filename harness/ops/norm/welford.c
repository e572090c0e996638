/* SPDX-License-Identifier: GPL-3.0-or-later
 * LayerNorm from running means and squared deviations in 16 lanes, merged in a tree; a bound on its error. */
#include "ops/norm/bound.h"
#include "ops/norm/rows.h"
#include "ops/norm/variants.h"

/* 16 running means and sums of squared deviations; partial j sees the elements j, j + 16, ... */
struct partials {
    float mean[CP_TREE_LANES], m2[CP_TREE_LANES], count[CP_TREE_LANES];
};

/* The first `lanes` partials each take one more element, their k-th. */
CP_INLINE void update(struct partials *p, const float *x, size_t lanes, float k, enum cp_dtype stats) {
    for (size_t j = 0; j < lanes; j++) {
        const float value = cp_round_to(stats, x[j]);
        const float delta = cp_round_to(stats, value - p->mean[j]);
        p->mean[j] = cp_round_to(stats, p->mean[j] + cp_round_to(stats, delta / k));
        const float rest = cp_round_to(stats, value - p->mean[j]);
        p->m2[j] = cp_round_to(stats, p->m2[j] + cp_round_to(stats, delta * rest));
        p->count[j] = k;
    }
}

/* Partial j absorbs partial j + half. The counts stay float32. */
CP_INLINE void merge(struct partials *p, size_t j, size_t half, enum cp_dtype stats) {
    const float a = p->count[j], b = p->count[j + half];
    const float total = a + b;
    const float share = b > 0.0f ? b / total : 0.0f;
    const float delta = cp_round_to(stats, p->mean[j + half] - p->mean[j]);
    const float between = cp_round_to(stats, cp_round_to(stats, delta * delta) * (a * share));
    p->mean[j] = cp_round_to(stats, p->mean[j] + cp_round_to(stats, delta * share));
    p->m2[j] = cp_round_to(stats, cp_round_to(stats, p->m2[j] + p->m2[j + half]) + between);
    p->count[j] = total;
}

CP_INLINE struct cp_moments welford(const float *x, size_t n, enum cp_dtype stats) {
    struct partials p = {0};
    size_t i = 0, k = 1;
    for (; i + CP_TREE_LANES <= n; i += CP_TREE_LANES, k++)
        update(&p, x + i, CP_TREE_LANES, (float)k, stats);
    update(&p, x + i, n - i, (float)k, stats);
    for (size_t half = CP_TREE_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            merge(&p, j, half, stats);
    return (struct cp_moments){.mean = p.mean[0], .variance = cp_round_to(stats, p.m2[0] / (float)n)};
}

static void apply(const struct cp_norm_args *args) {
    cp_norm_rows(args, welford);
}

/* With A = |mean| + spread >= every running mean, S = spread, and L merges of partials of at most k elements:
 * - a running mean errs by e_k with e_1 = 0, k e_k <= (k - 1) e_(k-1) + u (k A + 4 S), and each merge adds at
 * most u (A + 3 S), as the absorbed share is at most one half;
 * - the terms delta (x - mean_k) of a partial sum to its M2 and their delta^2 to at most twice that, so by
 * Cauchy and Schwarz the means' errors e move the variance by at most 2 sqrt(2) deviation e + e^2; the
 * merges, whose weights a b / (a + b) sum to at most L n / 4, by 2 sqrt(L) deviation e + L e^2;
 * - at most max(k + 3, 7) + 2 L roundings of the sums are relative. */
static double error_bound(const struct cp_norm_args *args, double mean, double sigma, double spread_max,
                          double weight_max, double bias_max) {
    struct cp_norm_row_bound row = cp_norm_row_facts(args, mean, sigma);
    const double k = ceil((double)args->width / CP_TREE_LANES);
    const double merges = fmin(ceil(log2((double)args->width)), 4.0);
    const double magnitude = fabs(mean) + spread_max;
    const double spread = spread_max + 2.0 * row.input * magnitude;
    const double inputs = row.input > 0.0 ? 1.0 : 0.0;
    const double e = cp_gamma((k + 1.0) / 2.0 - 1.0 / k + merges + inputs, row.unit) * magnitude +
                     cp_gamma(4.0 - 4.0 / k + 3.0 * merges, row.unit) * spread + (2.0 * k + 8.0) * row.tiny;
    const double slope = 2.0 * sqrt(merges) + (k > 1.0 ? 2.0 * sqrt(2.0) : 0.0);
    const double moved = (slope * row.deviation + (1.0 + merges) * e) * e + cp_norm_input_error(&row);
    const double second = row.deviation * row.deviation + moved;
    if (!cp_norm_in_range(args, second) ||
        !cp_norm_in_range(args, 4.0 * spread * spread / (double)args->width))
        return INFINITY;
    row.mean_error = e;
    row.variance_error =
        moved + cp_gamma(fmax(k + 3.0, 7.0) + 2.0 * merges, row.unit) * second + (2.0 * k + 8.0) * row.tiny;
    return cp_norm_bound(args, &row, sigma, spread_max, weight_max, bias_max);
}

const struct cp_norm CP_KERNEL(cp_norm_welford) = {
    .info = {.name = "welford",
             .imitates = "PyTorch's LayerNorm: running moments, merged pairwise",
             .formula = "per partial: mean += (x - mean) / k, M2 += (x - mean_old) * (x - mean_new); 16 "
                        "partials merged by Chan's rule; y as in two_pass",
             .source = "Welford, Technometrics 4(3), 1962; Chan, Golub and LeVeque, 1979; pytorch/pytorch "
                       "aten/src/ATen/native/cuda/layer_norm_kernel.cu",
             .maths = "layer_norm"},
    .apply = apply,
    .error_bound = error_bound,
};
