/* SPDX-License-Identifier: GPL-3.0-or-later
 * y = x W^T + b.
 *
 * Bound. A sum of k products and a bias in any order and grouping, with FMA or without, is the exact sum of
 * terms that carry relative errors of at most (k + 2) u_a together (Jeannerod & Rump 2013, "Improved error
 * bounds for inner products in floating-point arithmetic", SIAM J. Matrix Anal. Appl. 34; it needs no (k u <
 * 1)). x may have been wider than it was recorded (u_x), x and w may be rounded to the compute type (2 u_c),
 * and in half precision up to CP_CASE_PARTS partial sums and the bias may be rounded to the result's type;
 * PyTorch's CPU kernel of up to 16^3 multiplications rounds every product and sum. So every term is within
 * exp(all of these) of itself, (1 + a)(1 + b) <= exp(a + b), and
 *
 *   |r| <= (exp(e) - 1) S + u (|f| + (exp(e) - 1) S) + k tiny,    S = |x| |W| + |b|,
 *
 * with the final rounding to the result's type and what each product may lose below the normal numbers. What
 * x itself lost there when it was recorded, l, is carried through by l |W|: S is that of |x| + l / (exp(e) -
 * 1).
 */
#include "ledger/kinds.h"
#include "ledger/product.h"

#include <math.h>
#include <string.h>

/* Products of at most so many multiplications are added in the result's type by PyTorch 1.13 on the CPU. How
 * many inputs a system had in one product is not known: one. */
enum { SMALL = 16 * 16 * 16 };

static bool is_small(const struct cp_case *c) {
    return c->rows * c->in * c->out <= SMALL;
}

/* The rows that count, side by side. */
struct rows {
    size_t count;
    size_t *at; /* [count] row in (inputs, rows) */
};

static enum cp_status list_rows(const struct cp_case *c, struct rows *list, struct cp_error *err) {
    list->count = 0;
    CP_CASE_TAKE(c, list->at, c->inputs * c->rows + 1);
    for (size_t n = 0; n < c->inputs; n++)
        for (size_t t = 0; t < cp_case_valid(c, n); t += cp_case_step_rows(c))
            list->at[list->count++] = n * c->rows + t;
    return CP_OK;
}

static enum cp_status pack(const struct cp_case *c, enum cp_dtype second, const float **out,
                           struct cp_error *err) {
    const bool in_out = c->maths.in_out != c->maths.transposed;
    float *packed;
    CP_CASE_TAKE(c, packed, cp_product_size(c->in, c->out) + CP_PRODUCT_PANEL);
    cp_product_pack(c->weight, in_out ? c->out : c->in, c->in, c->out, in_out, c->types.weights, second,
                    packed);
    *out = packed;
    return CP_OK;
}

static struct cp_product product_of(const struct cp_case *c, const float *packed, size_t rows) {
    return (struct cp_product){packed, rows, c->in, c->out, c->in, c->out, c->pool};
}

static double bias_of(const struct cp_case *c, size_t j) {
    return c->bias && !c->maths.no_bias ? cp_case_weight(c, c->bias[j]) : 0;
}

/* A patch's planes in the other order, where that is asked. */
static void take_row(const struct cp_case *c, const double *x, double *row) {
    const size_t plane = c->in / 3;
    for (size_t p = 0; p < 3 && c->maths.reversed; p++)
        memcpy(row + p * plane, x + (2 - p) * plane, plane * sizeof *row);
    if (!c->maths.reversed)
        memcpy(row, x, c->in * sizeof *row);
}

static enum cp_status ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                            struct cp_error *err) {
    struct rows list;
    double *from, *to;
    const float *packed;
    CP_TRY(list_rows(c, &list, err));
    CP_TRY(pack(c, CP_FP32, &packed, err));
    CP_CASE_TAKE(c, from, list.count * c->in + 1);
    CP_CASE_TAKE(c, to, list.count * c->out + 1);
    for (size_t r = 0; r < list.count; r++)
        take_row(c, x[0] + list.at[r] * c->in, from + r * c->in);
    const struct cp_product product = product_of(c, packed, list.count);
    cp_product_ideal(&product, from, to);
    for (size_t r = 0; r < list.count; r++)
        for (size_t j = 0; j < c->out; j++)
            y[list.at[r] * c->out + j] = to[r * c->out + j] + bias_of(c, j);
    return CP_OK;
}

/* e of the derivation: the relative errors that a term may carry. */
static double term_error(const struct cp_case *c) {
    const double compute = c->types.compute == CP_FP32 ? 0 : cp_unit_roundoff(c->types.compute);
    const double u = cp_case_step(c);
    double sums = ((double)c->in + 2) * cp_unit_roundoff(c->types.accumulate);
    if (c->types.output != CP_FP32)
        sums += (is_small(c) ? (double)c->in + 2 : CP_CASE_PARTS + 2) * u;
    return sums + 2 * compute + cp_case_recorded(c, 0);
}

/* A product of float32 over the rows that count, before its operand is filled in. */
struct narrow_product {
    struct rows list;
    float *from, *to; /* (count, in), (count, out) */
    struct cp_product product;
};

static enum cp_status take_product(const struct cp_case *c, enum cp_dtype weights, struct narrow_product *p,
                                   struct cp_error *err) {
    const float *packed;
    CP_TRY(list_rows(c, &p->list, err));
    CP_TRY(pack(c, weights, &packed, err));
    CP_CASE_TAKE(c, p->from, p->list.count * c->in + 1);
    CP_CASE_TAKE(c, p->to, p->list.count * c->out + 1);
    p->product = product_of(c, packed, p->list.count);
    return CP_OK;
}

static enum cp_status bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                            double *out, struct cp_error *err) {
    const double relative = expm1(term_error(c)), u = cp_case_step(c);
    /* |x| |W| is itself summed in float32. */
    const double margin = 1 + ((double)c->in + 4) * 0x1p-24;
    const double tiny = (double)c->in * cp_case_tiny(CP_FP32) + cp_case_tiny(c->types.output);
    struct narrow_product p;
    CP_TRY(take_product(c, CP_FP32, &p, err));
    for (size_t r = 0; r < p.list.count; r++)
        for (size_t i = 0; i < c->in; i++)
            p.from[r * c->in + i] =
                (float)(fabs(x[0][p.list.at[r] * c->in + i]) + cp_case_lost(c, 0) / relative);
    cp_product_absolute(&p.product, p.from, p.to);
    for (size_t r = 0; r < p.list.count; r++)
        for (size_t j = 0; j < c->out; j++) {
            const size_t at = p.list.at[r] * c->out + j;
            const double sum = relative * ((double)p.to[r * c->out + j] * margin + fabs(bias_of(c, j)));
            out[at] = sum + u * (fabs(f[at]) + sum) + tiny;
        }
    return CP_OK;
}

static float finished(const struct cp_case *c, float sum, size_t j) {
    if (c->types.accumulate == CP_FP16 || c->types.output != CP_FP32)
        sum = cp_round_to(c->types.output, sum);
    return c->bias && !c->maths.no_bias ? cp_round_to(c->types.output, sum + (float)bias_of(c, j)) : sum;
}

static enum cp_status plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                            float *y, struct cp_error *err) {
    const bool parts_round = c->types.output != CP_FP32 && c->types.accumulate == CP_FP32;
    const size_t parts = parts_round ? CP_CASE_PARTS : cp_order_parts(seed);
    const struct cp_product_order order = {.order = cp_order_of(c->in, seed),
                                           .parts = c->types.output != CP_FP32 && is_small(c) ? c->in : parts,
                                           .part = c->types.output,
                                           .accumulate = c->types.accumulate};
    const enum cp_dtype operand = c->types.accumulate == CP_FP16 ? CP_FP16 : c->types.compute;
    struct narrow_product p;
    CP_TRY(take_product(c, operand, &p, err));
    for (size_t r = 0; r < p.list.count; r++)
        for (size_t i = 0; i < c->in; i++)
            p.from[r * c->in + i] = cp_round_to(operand, x[0][p.list.at[r] * c->in + i]);
    cp_product_plain(&p.product, &order, p.from, p.to);
    for (size_t r = 0; r < p.list.count; r++)
        for (size_t j = 0; j < c->out; j++)
            y[p.list.at[r] * c->out + j] = finished(c, p.to[r * c->out + j], j);
    return CP_OK;
}

const struct cp_kind cp_kind_linear = {ideal, bound, plain};
