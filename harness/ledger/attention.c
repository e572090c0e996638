/* SPDX-License-Identifier: GPL-3.0-or-later
 * scores(h) = scale factor(h) q(h) k(h)^T and context(h) = probs(h) v(h), head by head.
 *
 * Bounds as of a linear layer (linear.c), with two recorded operands instead of one and a weight; the scale
 * may stand on q, on the scores or as its root on both, which is up to three roundings in the result's type.
 */
#include "ledger/kinds.h"
#include "ledger/product.h"

#include "base/wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct attention_task {
    const struct cp_case *c;
    const double *a, *b, *f; /* the operands */
    const float *narrow_a, *narrow_b;
    double *y;
    float *plain;
    bool absolute;         /* of bounds: the operands' sizes */
    double lost_a, lost_b; /* ... added to them (linear.c) */
    double *work;          /* (inputs * groups, work_size) */
    size_t work_size;
    uint64_t seed;
};

/* ---- scores: q (inputs, rows, in), k alike, y (inputs, groups, rows, rows) ---- */

static size_t head_width(const struct cp_case *c) {
    return c->in / c->groups;
}

static double head_scale(const struct cp_case *c, size_t head) {
    return c->maths.scale * (c->maths.head ? c->maths.head[head] : 1);
}

/* k of a head as (channel, key), so that one query's scores are sums of rows. */
static void transpose(const double *k, size_t keys, size_t stride, size_t width, bool absolute, double lost,
                      double *out) {
    for (size_t j = 0; j < keys; j++)
        for (size_t c = 0; c < width; c++)
            out[c * keys + j] = absolute ? fabs(k[j * stride + c]) + lost : k[j * stride + c];
}

/* out = factors rows; a row that nothing is taken of may hold anything: tokens behind the end of a text. */
CP_WIDE static void add_rows(const double *factors, size_t count, const double *rows, size_t n, double *out) {
    for (size_t j = 0; j < n; j++)
        out[j] = 0;
    for (size_t c = 0; c < count; c++)
        for (size_t j = 0; j < n && factors[c] != 0; j++)
            out[j] += factors[c] * rows[c * n + j];
}

static void scores_head(void *context, size_t index, int worker) {
    const struct attention_task *t = context;
    const struct cp_case *c = t->c;
    const bool absolute = t->absolute;
    const size_t input = index / c->groups, head = index % c->groups, width = head_width(c), keys = c->rows;
    const size_t at = input * c->rows * c->in + head * width;
    double *turned = t->work + index * t->work_size, *query = turned + width * keys;
    const double scale = absolute ? fabs(head_scale(c, head)) : head_scale(c, head);
    (void)worker;
    transpose(t->b + at, keys, c->in, width, absolute, t->lost_b, turned);
    for (size_t i = 0; i < cp_case_valid(c, input); i++) {
        double *out = t->y + (index * c->rows + i) * keys;
        for (size_t j = 0; j < width; j++)
            query[j] =
                scale * (absolute ? fabs(t->a[at + i * c->in + j]) + t->lost_a : t->a[at + i * c->in + j]);
        add_rows(query, width, turned, keys, out);
    }
}

static enum cp_status scores_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                   struct cp_error *err) {
    struct attention_task task = {.c = c,
                                  .a = x[c->maths.swapped],
                                  .b = x[!c->maths.swapped],
                                  .y = y,
                                  .work_size = head_width(c) * (c->rows + 1)};
    CP_CASE_TAKE(c, task.work, c->inputs * c->groups * task.work_size);
    cp_pool_for(c->pool, c->inputs * c->groups, scores_head, &task);
    return CP_OK;
}

/* e of linear.c: for sums of n products, steps more roundings in the result's type. */
static double term_error(const struct cp_case *c, double n, double steps) {
    const double compute = c->types.compute == CP_FP32 ? 0 : cp_unit_roundoff(c->types.compute);
    double sums = (n + 2) * cp_unit_roundoff(c->types.accumulate) + steps * cp_case_step(c);
    if (c->types.output != CP_FP32)
        sums += ((double)c->rows * n * (double)c->rows <= 4096 ? n : CP_CASE_PARTS) * cp_case_step(c);
    return sums + 2 * compute + cp_case_recorded(c, 0) + cp_case_recorded(c, 1);
}

/* From S = |x| |W| in out, elementwise. */
static void finish_bound(const struct cp_case *c, double relative, double n, const double *f, double *out) {
    const double u = cp_case_step(c), tiny = n * cp_case_tiny(CP_FP32) + cp_case_tiny(c->types.output);
    for (size_t input = 0; input < c->inputs; input++)
        for (size_t row = 0; row < c->groups * c->rows; row++)
            for (size_t j = 0; j < c->out && row % c->rows < cp_case_valid(c, input); j++) {
                const size_t at = (input * c->groups * c->rows + row) * c->out + j;
                const double sum = relative * out[at];
                out[at] = sum + u * (fabs(f[at]) + sum) + tiny;
            }
}

/* |x| |W|, with what was lost of the operands before, which the relative error of the sum is of as well. */
static struct attention_task sizes_of_operands(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                               double *out, double relative) {
    return (struct attention_task){.c = c,
                                   .a = x[0],
                                   .b = x[1],
                                   .y = out,
                                   .absolute = true,
                                   .lost_a = cp_case_lost(c, 0) / relative,
                                   .lost_b = cp_case_lost(c, 1) / relative};
}

static enum cp_status scores_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                   const double *f, double *out, struct cp_error *err) {
    const double n = (double)head_width(c);
    const double relative = expm1(term_error(c, n, 4));
    struct attention_task task = sizes_of_operands(c, x, out, relative);
    task.work_size = head_width(c) * (c->rows + 1);
    CP_CASE_TAKE(c, task.work, c->inputs * c->groups * task.work_size);
    cp_pool_for(c->pool, c->inputs * c->groups, scores_head, &task);
    finish_bound(c, relative, n, f, out);
    return CP_OK;
}

static void plain_scores(void *context, size_t index, int worker) {
    const struct attention_task *t = context;
    const struct cp_case *c = t->c;
    const enum cp_dtype compute = c->types.compute, out = c->types.output, sum = c->types.accumulate;
    const size_t input = index / c->groups, head = index % c->groups, width = head_width(c);
    const size_t at = input * c->rows * c->in + head * width;
    const float scale = (float)head_scale(c, head);
    const struct cp_order order = cp_order_of(width, t->seed);
    (void)worker;
    for (size_t i = 0; i < cp_case_valid(c, input); i += cp_case_step_rows(c))
        for (size_t j = 0; j < c->rows; j++) {
            uint32_t state = order.start;
            float total = 0;
            for (size_t n = 0; n < width; n++) {
                const size_t k = cp_order_next(&order, width, &state);
                const float q = cp_round_to(compute, t->narrow_a[at + i * c->in + k]);
                const float scaled = cp_round_to(out, q * scale);
                total =
                    cp_round_to(sum, total + scaled * cp_round_to(compute, t->narrow_b[at + j * c->in + k]));
                if (cp_case_ends_part(c, n, width))
                    total = cp_round_to(out, total);
            }
            t->plain[(index * c->rows + i) * c->rows + j] = cp_round_to(out, total);
        }
}

static enum cp_status scores_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                   float *y, struct cp_error *err) {
    struct attention_task task = {.c = c, .narrow_a = x[0], .narrow_b = x[1], .plain = y, .seed = seed};
    (void)err;
    cp_pool_for(c->pool, c->inputs * c->groups, plain_scores, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_scores = {scores_ideal, scores_bound, scores_plain};

/* ---- context: probs (inputs, heads, rows, rows), v (inputs, rows, out), y (inputs, rows, out); in counts
 * the heads ---- */

static void context_head(void *context, size_t index, int worker) {
    const struct attention_task *t = context;
    const struct cp_case *c = t->c;
    const bool absolute = t->absolute;
    const size_t heads = c->in, width = c->out / heads, input = index / heads;
    const size_t at = input * c->rows * c->out + index % heads * width, keys = c->rows;
    double *v = t->work + index * t->work_size, *row = v + c->rows * width, *probs = row + width;
    (void)worker;
    for (size_t j = 0; j < keys; j++)
        for (size_t k = 0; k < width; k++)
            v[j * width + k] =
                absolute ? fabs(t->b[at + j * c->out + k]) + t->lost_b : t->b[at + j * c->out + k];
    for (size_t i = 0; i < cp_case_valid(c, input); i++) {
        for (size_t j = 0; j < keys; j++)
            probs[j] = t->a[(index * c->rows + i) * c->rows + j] + (absolute ? t->lost_a : 0);
        add_rows(probs, keys, v, width, row);
        memcpy(t->y + at + i * c->out, row, width * sizeof *row);
    }
}

static enum cp_status context_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                    struct cp_error *err) {
    const size_t width = c->out / c->in;
    struct attention_task task = {
        .c = c, .a = x[0], .b = x[1], .y = y, .work_size = (c->rows + 1) * width + c->rows};
    CP_CASE_TAKE(c, task.work, c->inputs * c->in * task.work_size);
    cp_pool_for(c->pool, c->inputs * c->in, context_head, &task);
    return CP_OK;
}

static enum cp_status context_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                    const double *f, double *out, struct cp_error *err) {
    const size_t width = c->out / c->in;
    /* An online softmax divides by its sum at the end, and rescales what it has for each tile of keys. */
    const double relative = expm1(term_error(c, 2 * (double)c->rows, 3));
    struct attention_task task = sizes_of_operands(c, x, out, relative);
    task.work_size = (c->rows + 1) * width + c->rows;
    CP_CASE_TAKE(c, task.work, c->inputs * c->in * task.work_size);
    cp_pool_for(c->pool, c->inputs * c->in, context_head, &task);
    finish_bound(c, relative, (double)c->rows, f, out);
    return CP_OK;
}

static void plain_context(void *context, size_t index, int worker) {
    const struct attention_task *t = context;
    const struct cp_case *c = t->c;
    const enum cp_dtype compute = c->types.compute, out = c->types.output, sum = c->types.accumulate;
    const size_t heads = c->in, width = c->out / heads, input = index / heads;
    const size_t at = input * c->rows * c->out + index % heads * width, keys = c->rows;
    const struct cp_order order = cp_order_of(keys, t->seed);
    (void)worker;
    for (size_t i = 0; i < cp_case_valid(c, input); i += cp_case_step_rows(c))
        for (size_t k = 0; k < width; k++) {
            const float *probs = t->narrow_a + (index * c->rows + i) * c->rows;
            uint32_t state = order.start;
            float total = 0;
            for (size_t n = 0; n < keys; n++) {
                const size_t j = cp_order_next(&order, keys, &state);
                const float v = cp_round_to(compute, t->narrow_b[at + j * c->out + k]);
                if (probs[j] != 0)
                    total = cp_round_to(sum, total + cp_round_to(compute, probs[j]) * v);
                if (cp_case_ends_part(c, n, keys))
                    total = cp_round_to(out, total);
            }
            t->plain[at + i * c->out + k] = cp_round_to(out, total);
        }
}

static enum cp_status context_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                    float *y, struct cp_error *err) {
    struct attention_task task = {.c = c, .narrow_a = x[0], .narrow_b = x[1], .plain = y, .seed = seed};
    (void)err;
    cp_pool_for(c->pool, c->inputs * c->in, plain_context, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_context = {context_ideal, context_bound, context_plain};
