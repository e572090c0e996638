/* SPDX-License-Identifier: GPL-3.0-or-later
 * LayerNorm with the mean first, then the mean of (x - mean)^2, and a bound on its error. */
#include "ops/norm/bound.h"
#include "ops/norm/rows.h"
#include "ops/norm/variants.h"

CP_INLINE struct cp_moments two_pass(const float *x, size_t n, enum cp_dtype stats) {
    struct cp_moments m;
    m.mean = cp_round_to(stats, cp_tree_sum(x, n, stats, cp_term_value, 0.0f) / (float)n);
    m.variance = cp_round_to(stats, cp_tree_sum(x, n, stats, cp_term_square, m.mean) / (float)n);
    return m;
}

static void apply(const struct cp_norm_args *args) {
    cp_norm_rows(args, two_pass);
}

/* The mean of (x - computed mean)^2 is the variance plus the mean's error squared; each term passes through
 * two roundings of the deviation, one of the square, the tree and the division. */
static double error_bound(const struct cp_norm_args *args, double mean, double sigma, double spread_max,
                          double weight_max, double bias_max) {
    struct cp_norm_row_bound row = cp_norm_row_facts(args, mean, sigma);
    const double shift = row.mean_error * row.mean_error + cp_norm_input_error(&row);
    const double second = row.deviation * row.deviation + shift;
    if (!cp_norm_in_range(args, fmax(row.mean_abs, second)))
        return INFINITY;
    row.variance_error = shift + cp_gamma(row.depth + 4.0, row.unit) * second + 2.0 * row.tiny;
    return cp_norm_bound(args, &row, sigma, spread_max, weight_max, bias_max);
}

const struct cp_norm CP_KERNEL(cp_norm_two_pass) = {
    .info = {.name = "two_pass",
             .imitates = "the definition; the default",
             .formula =
                 "mean = sum(x) / n; var = sum((x - mean)^2) / n; y = ((x - mean) * (1 / sqrt(var + eps))) * "
                 "weight + bias",
             .source = "Ba, Kiros and Hinton, arXiv:1607.06450, equation 3",
             .maths = "layer_norm",
             .aliases = "layer_norm layernorm LayerNorm ln"},
    .apply = apply,
    .error_bound = error_bound,
};
