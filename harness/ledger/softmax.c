/* SPDX-License-Identifier: GPL-3.0-or-later
 * p = softmax(x + mask) over the last axis: over the keys of one query and head, or over the columns of the
 * logits.
 *
 * Bound (Blanchard, Higham & Higham 2021, "Accurately computing the log-sum-exp and softmax functions", IMA
 * J. Numer. Anal. 41, section 4). With m the maximum, what enters exp is off by t_j = u_x (|x_j| + |m|) + u_s
 * |x_j - m|, exp itself by CP_EXP_STEPS u_s, so each numerator by the factor exp(t_j + CP_EXP_STEPS u_s), and
 * the sum by the mean of those weighted by p, and (n + 2) u_s. So p is off by the factor exp(t_i) (1 + (n +
 * ...) u_s) / (1 - sum p_j (exp(t_j) - 1)), and by a rounding to the result's type; what is below the normal
 * numbers may be 0. An online (tiled) softmax rescales its sum: two roundings for each key. */
#include "ledger/kinds.h"
#include "ledger/product.h"

#include <math.h>

/* A library's exp is within four units in the last place. */
#define CP_EXP_STEPS 8

/* Whether a query sees a key. */
static bool sees(const struct cp_case *c, size_t input, size_t query, size_t key) {
    if (c->maths.mask == CP_MASK_CAUSAL && key > query)
        return false;
    if (c->maths.mask == CP_MASK_STRICT && key >= query && key > 0)
        return false;
    if (!c->maths.visible)
        return true;
    const uint32_t *visible = c->maths.visible + input * c->maths.visible_count;
    for (size_t i = 0; i < c->maths.visible_count && visible[i] <= key; i++)
        if (visible[i] == key)
            return true;
    return false;
}

static double argument(const struct cp_case *c, double x) {
    return c->maths.scale != 0 ? x * c->maths.scale : x;
}

static void ideal_row(const struct cp_case *c, size_t input, size_t query, const double *x, double *y) {
    double most = -INFINITY, sum = 0;
    for (size_t j = 0; j < c->out; j++)
        if (sees(c, input, query, j))
            most = argument(c, x[j]) > most || isnan(x[j]) ? argument(c, x[j]) : most;
    for (size_t j = 0; j < c->out; j++) {
        y[j] = sees(c, input, query, j) ? exp(argument(c, x[j]) - most) : 0;
        sum += y[j];
    }
    for (size_t j = 0; j < c->out; j++)
        y[j] /= sum;
}

/* Row (input, group, query) of a tensor (inputs, groups, rows, out). */
static size_t row_at(const struct cp_case *c, size_t index, size_t query) {
    return (index * c->rows + query) * c->out;
}

static void ideal_head(void *context, size_t index, int worker) {
    const struct cp_kind_task *t = context;
    const size_t input = index / t->c->groups;
    (void)worker;
    for (size_t query = 0; query < cp_case_valid(t->c, input); query++) {
        const size_t at = row_at(t->c, index, query);
        ideal_row(t->c, input, query, t->x + at, t->y + at);
    }
}

static enum cp_status ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                            struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_pool_for(c->pool, c->inputs * c->groups, ideal_head, &task);
    return CP_OK;
}

static double argument_error(const struct cp_case *c, double x, double most, double stats) {
    return cp_case_recorded(c, 0) * (fabs(x) + fabs(most)) + stats * fabs(x - most);
}

static void bound_row(const struct cp_case *c, size_t input, size_t query, const double *x, const double *f,
                      double *y) {
    const double u = cp_case_step(c), stats = fmax(cp_unit_roundoff(c->types.stats), u);
    const double sums = cp_unit_roundoff(c->types.stats);
    double most = -INFINITY, shift = 0;
    for (size_t j = 0; j < c->out; j++)
        if (sees(c, input, query, j) && x[j] > most)
            most = x[j];
    for (size_t j = 0; j < c->out; j++)
        if (f[j] > 0)
            shift += f[j] * expm1(argument_error(c, x[j], most, stats) + CP_EXP_STEPS * stats);
    const double tiny = cp_case_tiny(c->types.output) + cp_case_tiny(c->types.stats);
    for (size_t j = 0; j < c->out; j++) {
        const double own = sees(c, input, query, j) ? argument_error(c, x[j], most, stats) : 0;
        const double factor = exp(own + CP_EXP_STEPS * stats + (2 * (double)c->out + 4) * sums + 2 * u);
        y[j] = shift < 1 ? f[j] * (factor / (1 - shift) - 1) + u * f[j] + tiny : INFINITY;
        if (!sees(c, input, query, j))
            y[j] = tiny;
    }
}

static void bound_head(void *context, size_t index, int worker) {
    const struct cp_kind_task *t = context;
    const size_t input = index / t->c->groups;
    (void)worker;
    for (size_t query = 0; query < cp_case_valid(t->c, input); query++) {
        const size_t at = row_at(t->c, index, query);
        bound_row(t->c, input, query, t->x + at, t->f + at, t->y + at);
    }
}

static enum cp_status bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                            double *out, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .f = f, .y = out};
    (void)err;
    cp_pool_for(c->pool, c->inputs * c->groups, bound_head, &task);
    return CP_OK;
}

static void plain_row(const struct cp_case *c, size_t input, size_t query, const float *x, uint64_t seed,
                      float *y) {
    const enum cp_dtype type = c->types.stats, out = c->types.output;
    const struct cp_order order = cp_order_of(c->out, seed);
    uint32_t state = order.start;
    float most = -INFINITY, total = 0, sum = 0;
    for (size_t i = 0; i < c->out; i++)
        if (sees(c, input, query, i) && x[i] > most)
            most = x[i];
    for (size_t k = 0; k < c->out; k++) {
        const size_t j = cp_order_next(&order, c->out, &state);
        if (k % order.block == 0) {
            total = cp_round_to(type, total + sum);
            sum = 0;
        }
        const float shifted = cp_round_to(out, cp_round_to(type, x[j] - most));
        y[j] = sees(c, input, query, j) ? cp_round_to(out, cp_round_to(type, expf(shifted))) : 0;
        sum = cp_round_to(type, sum + y[j]);
    }
    total = cp_round_to(type, total + sum);
    for (size_t i = 0; i < c->out; i++)
        y[i] = cp_round_to(out, cp_round_to(type, y[i] / total));
}

static void plain_head(void *context, size_t index, int worker) {
    const struct cp_kind_task *t = context;
    const size_t input = index / t->c->groups;
    (void)worker;
    for (size_t query = 0; query < cp_case_valid(t->c, input); query += cp_case_step_rows(t->c)) {
        const size_t at = row_at(t->c, index, query);
        plain_row(t->c, input, query, t->narrow + at, t->seed, t->plain + at);
    }
}

static enum cp_status plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                            float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .plain = y, .seed = seed};
    (void)err;
    cp_pool_for(c->pool, c->inputs * c->groups, plain_head, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_softmax = {ideal, bound, plain};
