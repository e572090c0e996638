/* SPDX-License-Identifier: GPL-3.0-or-later
 * LayerNorm whose variance is mean(x^2) - mean(x)^2, as in Flax, and a bound on its error. */
#include "ops/norm/bound.h"
#include "ops/norm/rows.h"
#include "ops/norm/variants.h"

/* The difference cancels when the mean is large beside the deviation, and can come out negative; Flax clamps
 * it. */
CP_INLINE struct cp_moments one_pass(const float *x, size_t n, enum cp_dtype stats) {
    struct cp_moments m;
    m.mean = cp_round_to(stats, cp_tree_sum(x, n, stats, cp_term_value, 0.0f) / (float)n);
    const float square = cp_round_to(stats, cp_tree_sum(x, n, stats, cp_term_square, 0.0f) / (float)n);
    const float variance = cp_round_to(stats, square - cp_round_to(stats, m.mean * m.mean));
    m.variance = variance < 0.0f ? 0.0f : variance;
    return m;
}

static void apply(const struct cp_norm_args *args) {
    cp_norm_rows(args, one_pass);
}

static double error_bound(const struct cp_norm_args *args, double mean, double sigma, double spread_max,
                          double weight_max, double bias_max) {
    struct cp_norm_row_bound row = cp_norm_row_facts(args, mean, sigma);
    if (!cp_norm_in_range(args, fmax(row.mean_abs, row.mean_square)))
        return INFINITY;
    const double input = row.input * (2.0 + row.input) * row.mean_square;
    const double square = cp_gamma(row.depth + 2.0, row.unit) * (row.mean_square + input) + input;
    const double mean_square = (2.0 * fabs(mean) + row.mean_error) * row.mean_error;
    const double before = square + mean_square + row.unit * (mean * mean + mean_square) + 3.0 * row.tiny;
    row.variance_error = before + row.unit * (row.deviation * row.deviation + before);
    return cp_norm_bound(args, &row, sigma, spread_max, weight_max, bias_max);
}

const struct cp_norm CP_KERNEL(cp_norm_one_pass) = {
    .info = {.name = "one_pass",
             .imitates = "Flax LayerNorm(use_fast_variance=True), which Hugging Face's FlaxCLIPModel runs on",
             .formula = "mean = sum(x) / n; var = max(sum(x^2) / n - mean^2, 0); y as in two_pass",
             .source =
                 "google/flax flax/linen/normalization.py _compute_stats; why not: Chan, Golub and LeVeque, "
                 "The American Statistician 37(3), 1983",
             .maths = "layer_norm"},
    .apply = apply,
    .error_bound = error_bound,
};
