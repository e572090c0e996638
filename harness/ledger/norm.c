/* SPDX-License-Identifier: GPL-3.0-or-later
 * y = (x - mean) / sqrt(var + eps) * weight + bias, and without the mean (rms_norm), row by row.
 *
 * Bound, with d = x - mean, s = sqrt(var + eps), n the width, u_s the unit of the statistics, u_x what x lost
 * when it was recorded or rounded to the statistics' type, and u that of an elementary operation (Higham
 * 2002, section 3.1 and chapter 4):
 *
 *   mean      e_m <= (n + 2) u_s mean|x| + u_x mean|x|           (any order of the sum)
 *   d_i       e_i <= u_x |x_i| + l + e_m + u_s |d_i|             (l: what x lost below the normal numbers)
 *   variance  two passes: mean(2 |d_i| e_i + e_i^2) + (n + 3) u_s var; one pass, E x^2 - (E x)^2, cancels:
 *             (n + 3) u_s mean(x^2) + 2 |mean| e_m + e_m^2 beside what u_x does. The larger of both.
 *   1 / s     relative e_s: 1 / sqrt(1 - e_v / (var + eps)) - 1, and three roundings
 *   y_i       |w_i| / s ((|d_i| + e_i)(1 + e_s) - |d_i| + ...) and four roundings, of the product, the
 *             quotient, the gain and the bias
 *
 * In half precision mean and d are tensors of the result's type where a port decomposes the norm. */
#include "ledger/kinds.h"
#include "ledger/product.h"

#include <math.h>
#include <string.h>

struct moments {
    double mean, variance, absolute, square; /* means of x, d^2, |x|, x^2 */
};

static bool is_centred(const struct cp_case *c) {
    return strcmp(c->maths.norm, "rms_norm") != 0;
}

static struct moments moments_of(const struct cp_case *c, const double *x) {
    const double n = (double)c->out;
    struct moments m = {0, 0, 0, 0};
    for (size_t i = 0; i < c->out; i++) {
        m.mean += x[i];
        m.absolute += fabs(x[i]);
        m.square += x[i] * x[i];
    }
    m.mean = is_centred(c) ? m.mean / n : 0;
    m.absolute /= n;
    m.square /= n;
    for (size_t i = 0; i < c->out; i++)
        m.variance += (x[i] - m.mean) * (x[i] - m.mean);
    m.variance /= n - c->maths.ddof;
    return m;
}

static double weight_at(const struct cp_case *c, size_t i) {
    const float *w = c->maths.swapped ? c->bias : c->weight;
    return c->maths.no_weight || !w ? 1 : cp_case_weight(c, w[i]);
}

static double bias_at(const struct cp_case *c, size_t i) {
    const float *b = c->maths.swapped ? c->weight : c->bias;
    return c->maths.no_bias || !b ? 0 : cp_case_weight(c, b[i]);
}

static void ideal_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    (void)worker;
    for (size_t row = input * c->rows; row < input * c->rows + cp_case_valid(c, input); row++) {
        const double *x = t->x + row * c->out;
        const struct moments m = moments_of(c, x);
        const double s = sqrt(m.variance + c->maths.eps);
        for (size_t i = 0; i < c->out; i++)
            t->y[row * c->out + i] = (x[i] - m.mean) / s * weight_at(c, i) + bias_at(c, i);
    }
}

static enum cp_status ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                            struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_case_each(c, ideal_input, &task);
    return CP_OK;
}

/* What bounds the errors of one row's statistics. */
struct row_bound {
    struct moments m;
    double s, mean_error, input, lost, stats, scale_error;
};

static double deviation_error(const struct row_bound *b, double x) {
    return b->input * fabs(x) + b->lost + b->mean_error + b->stats * fabs(x - b->m.mean);
}

static struct row_bound bound_row(const struct cp_case *c, const double *x) {
    const double n = (double)c->out, u = cp_unit_roundoff(CP_FP32), step = cp_case_step(c);
    struct row_bound b = {.m = moments_of(c, x), .stats = fmax(cp_unit_roundoff(c->types.stats), step)};
    const double sums = cp_unit_roundoff(c->types.stats);
    b.input = cp_case_recorded(c, 0) + (c->types.stats == CP_FP32 ? 0 : sums);
    b.lost = cp_case_lost(c, 0);
    b.mean_error = b.lost + ((n + 2) * sums + b.input + (step > u ? step : 0)) * b.m.absolute +
                   cp_case_tiny(c->types.stats) / n;
    if (!is_centred(c))
        b.mean_error = 0;
    double two = (n + 3) * sums * b.m.variance, wider = 0;
    for (size_t i = 0; i < c->out; i++) {
        const double d = fabs(x[i] - b.m.mean), e = deviation_error(&b, x[i]);
        two += (2 * d * e + e * e) / n;
        const double input = b.input * fabs(x[i]) + b.lost;
        wider += (2 * d * input + input * input) / n;
    }
    const double one =
        (n + 3) * sums * b.m.square + 2 * fabs(b.m.mean) * b.mean_error + b.mean_error * b.mean_error + wider;
    const double total = b.m.variance + c->maths.eps;
    const double variance = (fmax(two, one) + 2 * b.stats * total + cp_case_tiny(c->types.stats)) / total;
    b.s = sqrt(total);
    b.scale_error = variance < 1 ? (1 / sqrt(1 - variance)) * (1 + 3 * b.stats) - 1 : INFINITY;
    return b;
}

static void bound_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const double u = cp_case_step(c);
    (void)worker;
    for (size_t row = input * c->rows; row < input * c->rows + cp_case_valid(c, input); row++) {
        const double *x = t->x + row * c->out;
        const struct row_bound b = bound_row(c, x);
        for (size_t i = 0; i < c->out; i++) {
            const double w = fabs(weight_at(c, i)), d = fabs(x[i] - b.m.mean);
            const double e = deviation_error(&b, x[i]);
            const double scaled =
                isfinite(b.scale_error) ? w / b.s * (d * b.scale_error + e * (1 + b.scale_error)) : INFINITY;
            const double size = w * d / b.s + scaled;
            t->y[row * c->out + i] = scaled + 4 * u * (1 + 4 * u) * size + u * (fabs(bias_at(c, i)) + size) +
                                     2 * cp_case_tiny(c->types.output);
        }
    }
}

static enum cp_status bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                            double *out, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .f = f, .y = out};
    (void)err;
    cp_case_each(c, bound_input, &task);
    return CP_OK;
}

/* Sums of float32, or of a half type, each step rounded. Every second pair of seeds: by one pass. */
static float sum_of(const struct cp_case *c, const float *x, float centre, bool square,
                    const struct cp_order *order) {
    const enum cp_dtype type = c->types.stats;
    uint32_t state = order->start;
    float total = 0, sum = 0;
    for (size_t k = 0; k < c->out; k++) {
        if (k % order->block == 0) {
            total = cp_round_to(type, total + sum);
            sum = 0;
        }
        const float d = cp_round_to(type, x[cp_order_next(order, c->out, &state)] - centre);
        sum = cp_round_to(type, sum + (square ? cp_round_to(type, d * d) : d));
    }
    return cp_round_to(type, total + sum);
}

static void plain_row(const struct cp_case *c, const float *x, uint64_t seed, float *y) {
    const enum cp_dtype type = c->types.stats, out = c->types.output;
    const struct cp_order order = cp_order_of(c->out, seed / 4 * 2 + seed % 2);
    const bool one_pass = seed % 4 >= 2;
    const float n = (float)c->out;
    const float mean = is_centred(c) ? cp_round_to(type, sum_of(c, x, 0, false, &order) / n) : 0;
    /* Of a norm that is decomposed the mean is a tensor, and the variance has its own. */
    const float taken = seed % 4 == 1 ? cp_round_to(out, mean) : mean;
    float variance;
    if (one_pass && is_centred(c))
        variance = fmaxf(cp_round_to(type, sum_of(c, x, 0, true, &order) / n - mean * mean), 0);
    else
        variance = cp_round_to(type, sum_of(c, x, mean, true, &order) / (n - (float)c->maths.ddof));
    const float s = cp_round_to(type, sqrtf(cp_round_to(type, variance + (float)c->maths.eps)));
    for (size_t i = 0; i < c->out; i++) {
        const float d = cp_round_to(out, x[i] - taken);
        const float scaled = cp_round_to(out, cp_round_to(out, d / s) * (float)weight_at(c, i));
        y[i] = cp_round_to(out, scaled + (float)bias_at(c, i));
    }
}

static void plain_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    (void)worker;
    for (size_t row = input * c->rows; row < input * c->rows + cp_case_valid(c, input);
         row += cp_case_step_rows(c))
        plain_row(c, t->narrow + row * c->out, t->seed, t->plain + row * c->out);
}

static enum cp_status plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                            float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .plain = y, .seed = seed};
    (void)err;
    cp_case_each(c, plain_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_norm = {ideal, bound, plain};
