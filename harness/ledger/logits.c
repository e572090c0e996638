/* SPDX-License-Identifier: GPL-3.0-or-later
 * logits = scale image . text + bias: x[0] (inputs, in), x[1] (operand_rows, in), y (inputs, out), out =
 * operand_rows.
 *
 * Bound as of a linear layer (linear.c), of two recorded operands; the scale, its exponential and the bias
 * are six roundings. */
#include "ledger/kinds.h"
#include "ledger/product.h"

#include <math.h>

static void logits_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    (void)worker;
    for (size_t j = 0; j < c->out; j++) {
        double sum = 0, absolute = 0;
        for (size_t i = 0; i < c->in; i++) {
            const double a = t->x[input * c->in + i], b = t->other[j * c->in + i];
            sum += a * b;
            absolute += (fabs(a) + t->lost) * (fabs(b) + t->lost_other);
        }
        const size_t at = input * c->out + j;
        t->y[at] = t->f ? absolute : c->maths.scale * sum + c->maths.shift;
    }
}

static enum cp_status logits_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                   struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .other = x[1], .y = y};
    (void)err;
    cp_case_each(c, logits_input, &task);
    return CP_OK;
}

static enum cp_status logits_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                   const double *f, double *out, struct cp_error *err) {
    const double u = cp_case_step(c),
                 compute = c->types.compute == CP_FP32 ? 0 : cp_unit_roundoff(c->types.compute);
    const double terms = ((double)c->in + 2) * cp_unit_roundoff(c->types.accumulate) + 2 * compute + 6 * u +
                         cp_case_recorded(c, 0) + cp_case_recorded(c, 1) +
                         (c->types.output == CP_FP32 ? 0 : CP_CASE_PARTS * u);
    const double relative = expm1(terms), scale = fabs(c->maths.scale);
    const double tiny =
        fmax(scale, 1) * ((double)c->in * cp_case_tiny(CP_FP32) + cp_case_tiny(c->types.output));
    struct cp_kind_task task = {.c = c,
                                .x = x[0],
                                .other = x[1],
                                .f = f,
                                .y = out,
                                .lost = cp_case_lost(c, 0) / relative,
                                .lost_other = cp_case_lost(c, 1) / relative};
    (void)err;
    cp_case_each(c, logits_input, &task);
    for (size_t i = 0; i < c->inputs * c->out; i++) {
        const double sum = relative * (scale * out[i] + fabs(c->maths.shift));
        out[i] = sum + u * (fabs(f[i]) + sum) + tiny;
    }
    return CP_OK;
}

static void logits_plain_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const enum cp_dtype type = c->types.output, compute = c->types.compute;
    const float scale = cp_round_to(type, (float)c->maths.scale);
    const struct cp_order order = cp_order_of(c->in, t->seed);
    const bool before = t->seed % 4 < 2; /* the scale is on the features, or on the products */
    (void)worker;
    for (size_t j = 0; j < c->out; j++) {
        uint32_t state = order.start;
        float sum = 0;
        for (size_t n = 0; n < c->in; n++) {
            const size_t i = cp_order_next(&order, c->in, &state);
            const float value = cp_round_to(compute, t->narrow[input * c->in + i]);
            sum = cp_round_to(c->types.accumulate,
                              sum + (before ? cp_round_to(type, value * scale) : value) *
                                        cp_round_to(compute, t->narrow_other[j * c->in + i]));
            if (cp_case_ends_part(c, n, c->in))
                sum = cp_round_to(type, sum);
        }
        sum = cp_round_to(type, before ? sum : cp_round_to(type, sum) * scale);
        t->plain[input * c->out + j] =
            c->maths.shift == 0 ? sum : cp_round_to(type, sum + (float)c->maths.shift);
    }
}

static enum cp_status logits_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                   float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .narrow_other = x[1], .plain = y, .seed = seed};
    (void)err;
    cp_case_each(c, logits_plain_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_logits = {logits_ideal, logits_bound, logits_plain};
