/* SPDX-License-Identifier: GPL-3.0-or-later
 * Divides by the root of mean(x^2), subtracting no mean; with a bound on its error. */
#include "ops/norm/bound.h"
#include "ops/norm/rows.h"
#include "ops/norm/variants.h"

/* No mean is subtracted: x - 0 is x, exactly. */
CP_INLINE struct cp_moments mean_square(const float *x, size_t n, enum cp_dtype stats) {
    const float sum = cp_tree_sum(x, n, stats, cp_term_square, 0.0f);
    return (struct cp_moments){.mean = 0.0f, .variance = cp_round_to(stats, sum / (float)n)};
}

static void apply(const struct cp_norm_args *args) {
    cp_norm_rows(args, mean_square);
}

static double error_bound(const struct cp_norm_args *args, double mean, double sigma, double spread_max,
                          double weight_max, double bias_max) {
    struct cp_norm_row_bound row = cp_norm_row_facts(args, mean, sigma);
    if (!cp_norm_in_range(args, row.mean_square))
        return INFINITY;
    const double input = row.input * (2.0 + row.input) * row.mean_square;
    row.mean_error = 0.0;
    row.variance_error =
        cp_gamma(row.depth + 2.0, row.unit) * (row.mean_square + input) + input + 2.0 * row.tiny;
    return cp_norm_bound(args, &row, hypot(sigma, mean), fabs(mean) + spread_max, weight_max, bias_max);
}

const struct cp_norm CP_KERNEL(cp_norm_rms_norm) = {
    .info = {.name = "rmsnorm",
             .imitates = "LLaMA-style RMSNorm put in LayerNorm's place, as an ablation: the bias is kept",
             .formula = "y = (x * (1 / sqrt(sum(x^2) / n + eps))) * weight + bias",
             .source = "Zhang and Sennrich, arXiv:1910.07467, equation 4",
             .maths = "rms_norm",
             .aliases = "rms_norm rms RMSNorm"},
    .apply = apply,
    .error_bound = error_bound,
};
