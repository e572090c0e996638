/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger's pooling and logits: no legitimate evaluation is beyond its bound, and none is coarse. */
#include "support/ledger_sums.h"
#include "support/test.h"

#include <math.h>

enum { MOST_TOKENS = 257 };

/* ---- pooling: one token, the mean of the patches, or of those that are kept ---- */

static void make_pool(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                      bool wide, size_t trial) {
    static const size_t tokens[] = {5, 50, MOST_TOKENS};
    in->c = (struct cp_case){.kind = CP_OPERATION_POOL,
                             .inputs = 1 + trial % 2,
                             .groups = 1,
                             .rows = 1,
                             .out = width,
                             .in = width,
                             .operand_rows = width < 1000 ? tokens[trial % 3] : 9};
    int *at = instance_alloc(in, in->c.inputs, sizeof *at);
    for (size_t n = 0; n < in->c.inputs; n++)
        at[n] = (int)draw_below(in->c.operand_rows);
    in->c.maths.at = at;
    in->c.maths.pooled = (enum cp_pooled)(trial % 3);
    set_arithmetic(&in->c, a);
    set_operand(in, 0, family, width, wide);
    prepare_instance(in);
}

static float mean_of(const struct instance *in, const struct way *way, const double *x) {
    const size_t first = in->c.maths.pooled == CP_POOLED_MEAN, count = in->c.operand_rows - first;
    double column[MOST_TOKENS];
    for (size_t t = 0; t < count; t++)
        column[t] = x[(t + first) * in->c.out];
    const double sum = sum_of(way, (struct terms){column, NULL}, count);
    if (way->sum == SUM_DOUBLE)
        return stored(way, sum / (double)count);
    return stored(way, way->variant % 2 ? (double)((float)sum / (float)count)
                                        : (double)((float)sum * (1 / (float)count)));
}

static void try_pool(struct instance *in, const struct arithmetic *a, enum family family, int method,
                     bool wide) {
    const struct cp_case *c = &in->c;
    struct way way = draw_way(in, (enum sum)method, c->operand_rows, wide);
    way.accumulate = CP_FP32; /* of a mean, whatever products are summed in */
    way.order = c->maths.pooled == CP_POOLED_MEAN_ALL ? way.order : NULL;
    if (method == SUM_NATIVE)
        return;
    for (size_t n = 0; n < c->inputs; n++)
        for (size_t i = 0; i < c->out; i++) {
            const double *x = in->read[0] + n * c->operand_rows * c->out + i;
            in->y[n * c->out + i] = c->maths.pooled == CP_POOLED_AT
                                        ? stored(&way, x[(size_t)c->maths.at[n] * c->out])
                                        : mean_of(in, &way, x);
        }
    count_verdict(in, a, sum_names[method], family, c->out, in->y);
}

/* ---- logits ---- */

static void make_logits(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                        bool wide, size_t trial) {
    static const size_t columns[] = {1, 3, 100};
    in->c = (struct cp_case){.kind = CP_OPERATION_LOGITS,
                             .inputs = 1 + trial % 2,
                             .groups = 1,
                             .rows = 1,
                             .in = width,
                             .out = columns[trial % 3],
                             .operand_rows = columns[trial % 3]};
    in->c.maths.scale = family == SATURATED ? 1.25 : 14.2857;
    in->c.maths.shift = trial % 2 ? -3.5 : 0;
    set_arithmetic(&in->c, a);
    set_operand(in, 0, family, width, wide);
    set_operand(in, 1, family == CANCELLING ? CANCELLING : NORMAL, width, wide);
    for (size_t i = 0; i < cp_case_operand_size(&in->c, 1); i++)
        in->had[1][i] =
            (i % 2 && family == CANCELLING ? in->had[1][i - 1] : in->had[1][i] / sqrt((double)width));
    for (size_t i = 0; i < cp_case_operand_size(&in->c, 0) && family != SUBNORMAL; i++)
        in->had[0][i] /= sqrt((double)width);
    record_operand(in, 0, wide);
    record_operand(in, 1, wide);
    prepare_instance(in);
}

/* The scale on the image's features, or on the products. */
static float logit(const struct instance *in, const struct way *way, const double *x, const double *text) {
    const struct cp_case *c = &in->c;
    const enum cp_dtype step = way->output;
    const float scale = cp_round_to(step, (float)c->maths.scale),
                shift = cp_round_to(step, (float)c->maths.shift);
    double a[4096], b[4096];
    for (size_t i = 0; i < c->in; i++) {
        a[i] = way->wide ? x[i] : (double)cp_round_to(c->types.compute, (float)x[i]);
        b[i] = way->wide ? text[i] : (double)cp_round_to(c->types.compute, (float)text[i]);
        if (way->variant % 2 && way->sum != SUM_DOUBLE)
            a[i] = (double)cp_round_to(step, (float)a[i] * scale);
    }
    const double sum = sum_of(way, (struct terms){a, b}, c->in);
    if (way->sum == SUM_DOUBLE)
        return stored(way, sum * c->maths.scale + c->maths.shift);
    const float product = cp_round_to(step, (float)sum);
    const float scaled = way->variant % 2 ? product : cp_round_to(step, product * scale);
    return stored(way, (double)(scaled + shift));
}

static void try_logits(struct instance *in, const struct arithmetic *a, enum family family, int method,
                       bool wide) {
    const struct cp_case *c = &in->c;
    const struct way way = draw_way(in, (enum sum)method, c->in, wide);
    if (method == SUM_NATIVE)
        return;
    for (size_t n = 0; n < c->inputs; n++)
        for (size_t j = 0; j < c->out; j++)
            in->y[n * c->out + j] = logit(in, &way, in->read[0] + n * c->in, in->read[1] + j * c->in);
    count_verdict(in, a, sum_names[method], family, c->in, in->y);
}

static void head(void **state) {
    static const struct operation operations[] = {{make_pool, try_pool, SUMS, 3},
                                                  {make_logits, try_logits, SUMS, 3}};
    const double started = seconds();
    (void)state;
    draws = 20240605;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        run_operation(&operations[i]);
    assert_sound(5000, started);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(head)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
