/* SPDX-License-Identifier: GPL-3.0-or-later
 * What stands behind the blocks: pooling, normalisation and the zero-shot classifier.
 *
 * Bounds, u that of an elementary operation, u_x what an operand lost when it was recorded, n the terms of a
 * sum:
 *
 *   pool     u |f| + u_x |f|, a copy; a mean: ((n + 2) u_a + u_x + u) mean |x|
 *
 *   unit     x / ||x||: the sum of squares (n + 2) u_a, of which the root passes on half; the norm, the
 *            quotient and the result three roundings; x itself u_x, and through the norm u_x again; of what
 *            is below the normal numbers l / ||x||, and through the norm sqrt(n) as much and
 *            n tiny / ||x||^2
 *
 *   classes  the mean of (templates) rows, then unit; the mean's cancellation is that of its sum:
 *            n u_a mean |x| / ||mean|| */
#include "ledger/kinds.h"
#include "ledger/product.h"

#include <math.h>

/* ---- pool: x (inputs, operand_rows, out), y (inputs, out) ---- */

static bool is_mean(const struct cp_case *c) {
    return c->maths.pooled != CP_POOLED_AT;
}

/* Which row of the operand is the n-th that the mean takes, and how many there are. */
static size_t mean_count(const struct cp_case *c) {
    const size_t all = c->maths.visible ? c->maths.visible_count : c->operand_rows;
    return c->maths.pooled == CP_POOLED_MEAN ? all - 1 : all;
}

static size_t mean_row(const struct cp_case *c, size_t input, size_t n) {
    const size_t at = c->maths.pooled == CP_POOLED_MEAN ? n + 1 : n;
    return c->maths.visible ? c->maths.visible[input * c->maths.visible_count + at] : at;
}

static double pooled(const struct cp_kind_task *t, size_t input, size_t i, bool absolute) {
    const struct cp_case *c = t->c;
    const double *x = t->x + input * c->operand_rows * c->out;
    if (!is_mean(c))
        return x[(size_t)c->maths.at[input] * c->out + i];
    double sum = 0;
    for (size_t n = 0; n < mean_count(c); n++) {
        const double value = x[mean_row(c, input, n) * c->out + i];
        sum += absolute ? fabs(value) : value;
    }
    return sum / (double)mean_count(c);
}

static void pool_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    (void)worker;
    for (size_t i = 0; i < t->c->out; i++)
        t->y[input * t->c->out + i] = pooled(t, input, i, false);
}

static enum cp_status pool_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                 struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_case_each(c, pool_input, &task);
    return CP_OK;
}

static void pool_bound_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const double u = cp_case_step(c), sums = (double)mean_count(c) + 2;
    const double relative = is_mean(c) ? sums * cp_unit_roundoff(CP_FP32) + (u > 0x1p-24 ? 10 * u : 0) : 0;
    (void)worker;
    for (size_t i = 0; i < c->out; i++)
        t->y[input * c->out + i] = (relative + cp_case_recorded(c, 0)) * fabs(pooled(t, input, i, true)) +
                                   2 * u * fabs(t->f[input * c->out + i]) + cp_case_tiny(c->types.output);
}

static enum cp_status pool_bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                                 double *out, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .f = f, .y = out};
    (void)err;
    cp_case_each(c, pool_bound_input, &task);
    return CP_OK;
}

static void pool_plain_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const float *x = t->narrow + input * c->operand_rows * c->out;
    const size_t count = mean_count(c);
    const struct cp_order order = cp_order_of(count, t->seed);
    (void)worker;
    for (size_t i = 0; i < c->out; i++) {
        float sum = is_mean(c) ? 0 : x[(size_t)c->maths.at[input] * c->out + i];
        uint32_t state = order.start;
        for (size_t n = 0; n < count && is_mean(c); n++) {
            sum += x[mean_row(c, input, cp_order_next(&order, count, &state)) * c->out + i];
            if (cp_case_ends_part(c, n, count))
                sum = cp_round_to(c->types.output, sum);
        }
        t->plain[input * c->out + i] = cp_round_to(c->types.output, is_mean(c) ? sum / (float)count : sum);
    }
}

static enum cp_status pool_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                 float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .plain = y, .seed = seed};
    (void)err;
    cp_case_each(c, pool_plain_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_pool = {pool_ideal, pool_bound, pool_plain};

/* ---- unit: rows of width out ---- */

static double norm_of(const double *x, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += x[i] * x[i];
    return fmax(sqrt(square), 1e-12);
}

static void unit_row(const double *x, size_t n, double *y) {
    const double norm = norm_of(x, n);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] / norm;
}

static void unit_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    (void)worker;
    unit_row(t->x + input * t->c->out, t->c->out, t->y + input * t->c->out);
}

static enum cp_status unit_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                 struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_case_each(c, unit_input, &task);
    return CP_OK;
}

static double unit_relative(const struct cp_case *c) {
    const double u = cp_case_step(c);
    return ((double)c->out / 2 + 4) * cp_unit_roundoff(CP_FP32) + 4 * u + 2 * cp_case_recorded(c, 0) +
           (c->types.output == CP_FP32 ? 0 : CP_CASE_PARTS * u);
}

/* What the norm passes on of losses below the normal numbers: relative, of an operand of that norm. */
static double unit_lost(const struct cp_case *c, double norm) {
    const double n = (double)c->out;
    return sqrt(n) * cp_case_lost(c, 0) / norm + n * cp_case_tiny(CP_FP32) / (norm * norm);
}

static enum cp_status unit_bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                                 double *out, struct cp_error *err) {
    const double relative = expm1(unit_relative(c));
    (void)err;
    for (size_t n = 0; n < c->inputs; n++) {
        const double norm = norm_of(x[0] + n * c->out, c->out), through = unit_lost(c, norm);
        for (size_t i = n * c->out; i < (n + 1) * c->out; i++)
            out[i] = (relative + through) * fabs(f[i]) + cp_case_lost(c, 0) / norm * (1 + through) +
                     2 * cp_case_tiny(c->types.output);
    }
    return CP_OK;
}

static void unit_plain_row(enum cp_dtype type, const float *x, size_t n, uint64_t seed, float *y) {
    const struct cp_order order = cp_order_of(n, seed);
    uint32_t state = order.start;
    float total = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % order.block == 0) {
            total += square;
            square = 0;
        }
        const float value = x[cp_order_next(&order, n, &state)];
        square += value * value;
    }
    const float norm = cp_round_to(type, fmaxf(sqrtf(total + square), 1e-12f));
    for (size_t i = 0; i < n; i++)
        y[i] = cp_round_to(type, x[i] / norm);
}

static void unit_plain_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const size_t n = t->c->out;
    (void)worker;
    unit_plain_row(t->c->types.output, t->narrow + input * n, n, t->seed, t->plain + input * n);
}

static enum cp_status unit_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                 float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .plain = y, .seed = seed};
    (void)err;
    cp_case_each(c, unit_plain_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_unit = {unit_ideal, unit_bound, unit_plain};

/* ---- classes: x (inputs * templates, out), y (inputs, out) ---- */

static void classes_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const size_t n = t->c->out, templates = t->c->maths.templates;
    double *y = t->y + input * n;
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < templates; k++)
            sum += t->x[(input * templates + k) * n + i];
        y[i] = sum / (double)templates;
    }
    unit_row(y, n, y);
}

static enum cp_status classes_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                    struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_case_each(c, classes_input, &task);
    return CP_OK;
}

/* The mean's own error, and its share that the norm passes on. */
static void classes_bound_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const size_t n = c->out, templates = c->maths.templates;
    const double u = cp_case_step(c);
    const double relative =
        ((double)templates + 2) * cp_unit_roundoff(CP_FP32) + 2 * u + cp_case_recorded(c, 0);
    double square = 0, error = 0;
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        double sum = 0, absolute = 0;
        for (size_t k = 0; k < templates; k++) {
            sum += t->x[(input * templates + k) * n + i] / (double)templates;
            absolute += fabs(t->x[(input * templates + k) * n + i]) / (double)templates;
        }
        square += sum * sum;
        t->y[input * n + i] = relative * absolute + cp_case_lost(c, 0);
        error += t->y[input * n + i] * t->y[input * n + i];
    }
    const double norm = fmax(sqrt(square), 1e-12), shrink = sqrt(error) / norm;
    const double own = expm1(unit_relative(c)) + (shrink < 0.5 ? shrink / (1 - shrink) : INFINITY);
    for (size_t i = input * n; i < (input + 1) * n; i++)
        t->y[i] = t->y[i] / norm * (1 + own) + own * fabs(t->f[i]) + 2 * cp_case_tiny(c->types.output);
}

static enum cp_status classes_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                    const double *f, double *out, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .f = f, .y = out};
    (void)err;
    cp_case_each(c, classes_bound_input, &task);
    return CP_OK;
}

static void classes_plain_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const size_t n = t->c->out, templates = t->c->maths.templates;
    float *y = t->plain + input * n;
    const struct cp_order order = cp_order_of(templates, t->seed);
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        uint32_t state = order.start;
        float sum = 0;
        for (size_t k = 0; k < templates; k++)
            sum += t->narrow[(input * templates + cp_order_next(&order, templates, &state)) * n + i];
        y[i] = cp_round_to(t->c->types.output, sum / (float)templates);
    }
    unit_plain_row(t->c->types.output, y, n, t->seed, y);
}

static enum cp_status classes_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                    float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .plain = y, .seed = seed};
    (void)err;
    cp_case_each(c, classes_plain_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_classes = {classes_ideal, classes_bound, classes_plain};
