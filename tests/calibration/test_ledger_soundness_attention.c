/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger's attention: no legitimate evaluation of scores, softmax or context is beyond its bound, and
 * none is coarse. */
#include "support/ledger_sums.h"
#include "support/test.h"

#include "ops/ops.h"

#include <math.h>
#include <string.h>

enum { PRODUCTS = 100000 };

/* Tokens such that rows^2 width is about PRODUCTS. */
static size_t tokens_of(size_t width, size_t trial) {
    static const size_t most[] = {50, 17, 5, 2};
    const size_t fit = (size_t)sqrt((double)PRODUCTS / (double)width);
    return fit < most[trial % 4] ? fit : most[trial % 4];
}

static double computed(const struct instance *in, double x, bool wide) {
    return wide ? x : (double)cp_round_to(in->c.types.compute, (float)x);
}

/* ---- scores ---- */

static void make_scores(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                        bool wide, size_t trial) {
    in->c = (struct cp_case){.kind = CP_OPERATION_SCORES,
                             .inputs = 1,
                             .groups = trial % 2 ? 1 : width / 64,
                             .in = width,
                             .rows = tokens_of(width, trial)};
    in->c.out = in->c.rows;
    in->c.maths.scale = 1 / sqrt((double)(width / in->c.groups));
    set_arithmetic(&in->c, a);
    set_operand(in, 0, family, width, wide);
    set_operand(in, 1, family == CANCELLING ? CANCELLING : NORMAL, width, false);
    for (size_t i = 1; i < in->c.rows * width && family == CANCELLING; i += 2)
        in->had[1][i] = in->had[1][i - 1];
    record_operand(in, 1, wide);
    prepare_instance(in);
}

/* The scale on q, on the scores, or its root on both, each product rounded to the result's type. */
static float scaled(const struct way *way, double x, double factor) {
    return cp_round_to(way->output, (float)x * cp_round_to(way->output, (float)factor));
}

static float score(struct instance *in, const struct way *way, const double *q, const double *k) {
    const size_t n = in->c.in / in->c.groups;
    const double scale = in->c.maths.scale;
    const int on = way->variant % 3;
    double a[4096], b[4096];
    for (size_t i = 0; i < n; i++) {
        a[i] = computed(in, q[i], way->wide);
        b[i] = computed(in, k[i], way->wide);
        if (way->sum != SUM_DOUBLE && on != 1) {
            a[i] = (double)scaled(way, a[i], on == 0 ? scale : sqrt(scale));
            b[i] = on == 0 ? b[i] : (double)scaled(way, b[i], sqrt(scale));
        }
    }
    const double sum = sum_of(way, (struct terms){a, b}, n);
    if (way->sum == SUM_DOUBLE)
        return stored(way, sum * scale);
    return on != 1 ? stored(way, sum)
                   : flushed(way, scaled(way, (double)cp_round_to(way->output, (float)sum), scale));
}

static void try_scores(struct instance *in, const struct arithmetic *a, enum family family, enum sum sum,
                       bool wide) {
    const struct cp_case *c = &in->c;
    const size_t n = c->in / c->groups;
    const struct way way = draw_way(in, sum, n, wide);
    if (sum == SUM_NATIVE && (c->types.output == CP_FP32 || c->rows * n * c->rows > 4096))
        return;
    for (size_t g = 0; g < c->groups; g++)
        for (size_t i = 0; i < c->rows; i++)
            for (size_t j = 0; j < c->rows; j++)
                in->y[(g * c->rows + i) * c->rows + j] =
                    score(in, &way, in->read[0] + i * c->in + g * n, in->read[1] + j * c->in + g * n);
    count_verdict(in, a, sum_names[sum], family, c->in, in->y);
}

/* ---- context ---- */

static void make_context(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                         bool wide, size_t trial) {
    const size_t heads = width / 64, rows = tokens_of(width, trial);
    in->c = (struct cp_case){
        .kind = CP_OPERATION_CONTEXT, .inputs = 1, .groups = 1, .rows = rows, .in = heads, .out = width};
    set_arithmetic(&in->c, a);
    in->had[0] = instance_alloc(in, heads * rows * rows, sizeof(double));
    for (size_t row = 0; row < heads * rows; row++) {
        const float *z = draw_normals(rows);
        const double sharp = family == SATURATED ? 0 : family == OUTLIERS ? 8 : 2;
        double sum = 0;
        for (size_t j = 0; j < rows; j++)
            sum += exp(sharp * (double)z[j]);
        for (size_t j = 0; j < rows; j++)
            in->had[0][row * rows + j] = exp(sharp * (double)z[j]) / sum;
    }
    record_operand(in, 0, wide);
    set_operand(in, 1, family, width, wide);
    prepare_instance(in);
}

/* One element by tiles of eight keys, never normalised before the end; what it holds is rescaled where a tile
 * has a larger maximum, and the probabilities are of the compute type. */
static float online(const struct instance *in, const struct way *way, const double *p, const double *v) {
    float most = -INFINITY, sum = 0, total = 0;
    for (size_t at = 0; at < in->c.rows; at += 8) {
        const size_t end = at + 8 < in->c.rows ? at + 8 : in->c.rows;
        float tile = most;
        for (size_t j = at; j < end; j++)
            tile = fmaxf(tile, (float)log(fmax(p[j], 1e-30)));
        const float rescale = most == -INFINITY ? 0 : expf(most - tile);
        total *= rescale;
        sum *= rescale;
        for (size_t j = at; j < end; j++) {
            const float weight = expf((float)log(fmax(p[j], 1e-30)) - tile);
            sum += weight;
            total += cp_round_to(in->c.types.compute, weight) * (float)v[j];
        }
        most = tile;
    }
    return stored(way, (double)(total / sum));
}

enum { ONLINE = SUMS, CONTEXTS };

static float context(struct instance *in, const struct way *way, int method, size_t head, size_t i,
                     size_t k) {
    const struct cp_case *c = &in->c;
    const double *probs = in->read[0] + (head * c->rows + i) * c->rows;
    double p[64], v[64];
    for (size_t j = 0; j < c->rows; j++) {
        p[j] = method == ONLINE ? probs[j] : computed(in, probs[j], way->wide);
        v[j] = computed(in, in->read[1][j * c->out + k], way->wide);
    }
    if (method == ONLINE)
        return online(in, way, p, v);
    return stored(way, sum_of(way, (struct terms){p, v}, c->rows));
}

static void try_context(struct instance *in, const struct arithmetic *a, enum family family, int method,
                        bool wide) {
    const struct cp_case *c = &in->c;
    const size_t width = c->out / c->in;
    const struct way way = draw_way(in, method < SUMS ? (enum sum)method : SUM_IN_ORDER, c->rows, wide);
    if ((method == SUM_NATIVE && (c->types.output == CP_FP32 || c->rows * width * c->rows > 4096)) ||
        (method == ONLINE && c->types.accumulate != CP_FP32))
        return;
    for (size_t i = 0; i < c->rows; i++)
        for (size_t k = 0; k < c->out; k++)
            in->y[i * c->out + k] = context(in, &way, method, k / width, i, k);
    count_verdict(in, a, method < SUMS ? sum_names[method] : "online softmax", family, c->out, in->y);
}

/* ---- softmax ---- */

enum { OWN = SUMS, EAGER, SOFTMAXES };

static void make_softmax(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                         bool wide, size_t trial) {
    const size_t keys = trial % 2 ? 1 + draw_below(77) : width;
    in->c = (struct cp_case){.kind = CP_OPERATION_SOFTMAX,
                             .inputs = 1,
                             .groups = trial % 2 ? 2 : 1,
                             .rows = trial % 2 ? keys : 1 + trial % 3,
                             .out = keys};
    in->c.maths.mask = trial % 4 == 1 ? CP_MASK_CAUSAL : CP_MASK_NONE;
    set_arithmetic(&in->c, a);
    set_operand(in, 0, family, keys, wide);
    for (size_t i = 0; i < cp_case_operand_size(&in->c, 0) && family == OUTLIERS; i++)
        in->had[0][i] *= fabs(in->had[0][i]) > 10 ? 0.03 : 4;
    record_operand(in, 0, wide);
    prepare_instance(in);
}

/* Variants: divided by the sum, or times its reciprocal; exp by base 2; in half precision each operation of
 * an eager port rounded to the result's type. */
static void softmax_row(const struct instance *in, const struct way *way, bool eager, const double *x,
                        size_t n, float *y) {
    const enum cp_dtype step = eager ? way->output : CP_FP32, stats = in->c.types.stats;
    double most = -INFINITY, e[4096];
    for (size_t j = 0; j < n; j++)
        most = fmax(most, x[j]);
    for (size_t j = 0; j < n; j++) {
        const float shifted = cp_round_to(stats, cp_round_to(step, (float)x[j] - (float)most));
        const float power = way->variant % 2 ? exp2f(shifted * 1.44269504f) : expf(shifted);
        e[j] =
            way->sum == SUM_DOUBLE ? exp(x[j] - most) : (double)cp_round_to(stats, cp_round_to(step, power));
    }
    const struct way sums = {
        .sum = way->sum, .accumulate = stats, .output = stats, .parts = way->parts, .order = way->order};
    const double sum = sum_of(&sums, (struct terms){e, NULL}, n);
    const float inverse = cp_round_to(stats, 1 / (float)sum);
    for (size_t j = 0; j < n; j++)
        y[j] = way->sum == SUM_DOUBLE ? stored(way, e[j] / sum)
               : way->variant >= 2    ? stored(way, (double)((float)e[j] * inverse))
                                      : stored(way, (double)cp_round_to(stats, (float)e[j] / (float)sum));
}

static void own_softmax(struct instance *in, float *y) {
    const struct cp_case *c = &in->c;
    const struct cp_softmax_args args = {.x = y,
                                         .rows = c->rows,
                                         .n = c->out,
                                         .ld = c->out,
                                         .causal = c->maths.mask == CP_MASK_CAUSAL,
                                         .compute = c->types.stats,
                                         .output = c->types.output};
    memcpy(y, in->recorded[0], c->groups * c->rows * c->out * sizeof *y);
    for (size_t g = 0; g < c->groups; g++) {
        struct cp_softmax_args group = args;
        group.x = y + g * c->rows * c->out;
        cp_ops_find(NULL)->softmax(&group);
    }
}

static void try_softmax(struct instance *in, const struct arithmetic *a, enum family family, int method,
                        bool wide) {
    const struct cp_case *c = &in->c;
    struct way way = draw_way(in, method < SUMS ? (enum sum)method : SUM_IN_ORDER, c->out, wide);
    memset(in->y, 0, c->groups * c->rows * c->out * sizeof *in->y);
    for (size_t row = 0; row < c->groups * c->rows; row++) {
        const size_t n = c->maths.mask == CP_MASK_CAUSAL ? row % c->rows + 1 : c->out;
        if (c->maths.mask == CP_MASK_CAUSAL)
            way.order = NULL;
        softmax_row(in, &way, method == EAGER, in->read[0] + row * c->out, n, in->y + row * c->out);
    }
    if (method == OWN)
        own_softmax(in, in->y);
    count_verdict(in, a,
                  method < SUMS   ? sum_names[method]
                  : method == OWN ? "own kernel"
                                  : "eager",
                  family, c->out, in->y);
}

/* ---- all of them ---- */

static void scores_by(struct instance *in, const struct arithmetic *a, enum family family, int method,
                      bool wide) {
    try_scores(in, a, family, (enum sum)method, wide);
}

static void attention(void **state) {
    static const struct operation operations[] = {{make_scores, scores_by, SUMS, 2},
                                                  {make_context, try_context, CONTEXTS, 2},
                                                  {make_softmax, try_softmax, SOFTMAXES, 2}};
    const double started = seconds();
    (void)state;
    draws = 20240602;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        run_operation(&operations[i]);
    assert_sound(6000, started);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
