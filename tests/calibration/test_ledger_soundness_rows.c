/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger's operations on rows: no legitimate evaluation of a norm, of x / ||x|| or of classes is beyond
 * its bound, and none is coarse. */
#include "support/ledger_sums.h"
#include "support/test.h"

#include "ops/ops.h"

#include <math.h>
#include <string.h>

enum { WIDEST = 4096 };

/* A sum of sums' type, not of the result's. */
static struct way inside(const struct way *way, enum cp_dtype type) {
    struct way sums = *way;
    sums.accumulate = sums.output = type;
    return sums;
}

/* ---- norm ---- */

enum { WELFORD = SUMS, ONE_PASS, DECOMPOSED, OWN_NORMS, NORMS = OWN_NORMS + 8 };

static bool is_rms(const struct instance *in) {
    return strcmp(in->c.maths.norm, "rms_norm") == 0;
}

static void make_norm(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                      bool wide, size_t trial) {
    static const double eps[] = {1e-5, 1e-6, 1e-12};
    static const size_t rows[] = {1, 5, 17};
    float *weight = instance_alloc(in, width, sizeof(float)),
          *bias = instance_alloc(in, width, sizeof(float));
    in->c = (struct cp_case){.kind = CP_OPERATION_NORM,
                             .inputs = 1,
                             .groups = 1,
                             .rows = rows[trial % 3],
                             .out = width,
                             .in = width};
    in->c.maths.norm = trial % 4 == 3 ? "rms_norm" : "layer_norm";
    in->c.maths.eps = eps[draw_below(a->output == CP_FP16 ? 2 : 3)]; /* 1e-12 is 0 in fp16 */
    set_arithmetic(&in->c, a);
    for (size_t i = 0; i < width; i++) {
        weight[i] = 1 + 0.2f * *draw_normals(1);
        bias[i] = 0.1f * *draw_normals(1);
    }
    in->c.weight = weight;
    in->c.bias = trial % 5 == 4 ? NULL : bias;
    set_operand(in, 0, family, width, wide);
    prepare_instance(in);
}

struct moments {
    double mean, variance;
};

static struct moments welford(const struct way *way, enum cp_dtype type, const double *x, size_t n) {
    float mean = 0, square = 0;
    for (size_t k = 0; k < n; k++) {
        const float value = (float)x[way->order ? way->order[k] : k], d = cp_round_to(type, value - mean);
        mean = cp_round_to(type, mean + cp_round_to(type, d / (float)(k + 1)));
        square = cp_round_to(type, square + cp_round_to(type, d * cp_round_to(type, value - mean)));
    }
    return (struct moments){(double)mean, (double)cp_round_to(type, fmaxf(square / (float)n, 0))};
}

static struct moments moments_by(const struct way *way, const struct instance *in, int method,
                                 const double *x) {
    const size_t n = in->c.out;
    const enum cp_dtype type = way->sum == SUM_DOUBLE ? CP_FP64 : in->c.types.stats;
    const struct way sums = inside(way, in->c.types.stats);
    const double scale = 1 / (double)n;
    double d[WIDEST];
    struct moments m = {0, 0};
    if (method == WELFORD && !is_rms(in))
        return welford(way, type, x, n);
    if (!is_rms(in))
        m.mean = sum_of(&sums, (struct terms){x, NULL}, n) * scale;
    m.mean = type == CP_FP64 ? m.mean : (double)cp_round_to(type, (float)m.mean);
    for (size_t i = 0; i < n; i++) {
        d[i] = method == ONE_PASS ? x[i] : x[i] - m.mean;
        d[i] = type == CP_FP64 ? d[i] : (double)cp_round_to(type, (float)d[i]);
    }
    m.variance = sum_of(&sums, (struct terms){d, d}, n) * scale;
    if (method == ONE_PASS)
        m.variance = fmax((double)((float)m.variance - (float)m.mean * (float)m.mean), 0);
    m.variance = type == CP_FP64 ? m.variance : (double)cp_round_to(type, (float)m.variance);
    return m;
}

/* Variants: divided by the root, or times its reciprocal, or with weight / root first; decomposed: every step
 * a tensor of the result's type. */
static float normed(const struct instance *in, const struct way *way, int method, struct moments m, double x,
                    size_t i) {
    const enum cp_dtype step = method == DECOMPOSED ? way->output : CP_FP32;
    const float w = cp_round_to(in->c.types.weights, in->c.weight[i]);
    const float b = in->c.bias ? cp_round_to(in->c.types.weights, in->c.bias[i]) : 0;
    if (way->sum == SUM_DOUBLE)
        return stored(way, (x - m.mean) / sqrt(m.variance + in->c.maths.eps) * (double)w + (double)b);
    const float mean = cp_round_to(step, (float)m.mean);
    const float s = cp_round_to(step, sqrtf(cp_round_to(step, (float)m.variance + (float)in->c.maths.eps)));
    const float d = cp_round_to(step, (float)x - mean), inverse = cp_round_to(step, 1 / s);
    if (way->variant == 0)
        return stored(way, (double)(cp_round_to(step, cp_round_to(step, d / s) * w) + b));
    if (way->variant == 1)
        return stored(way, (double)(cp_round_to(step, d * inverse) * w + b));
    if (way->variant == 2 && method != DECOMPOSED) {
        const float gain = inverse * w; /* x gain + (b - mean gain) */
        return stored(way, (double)fmaf(d, gain, b));
    }
    return stored(way, (double)(cp_round_to(step, w * cp_round_to(step, d * inverse)) + b));
}

static bool own_norm(struct instance *in, int index) {
    const struct cp_norm *const *norms = cp_ops_find(NULL)->norms;
    const struct cp_case *c = &in->c;
    float *weight = instance_alloc(in, c->out, sizeof *weight),
          *bias = instance_alloc(in, c->out, sizeof *bias);
    for (int i = 0; i <= index; i++)
        if (!norms[i])
            return false;
    if (strcmp(norms[index]->info.maths, c->maths.norm) != 0)
        return false;
    for (size_t i = 0; i < c->out; i++) {
        weight[i] = cp_round_to(c->types.weights, c->weight[i]);
        bias[i] = c->bias ? cp_round_to(c->types.weights, c->bias[i]) : 0;
    }
    norms[index]->apply(&(struct cp_norm_args){in->recorded[0], weight, bias, in->y, c->rows, c->out,
                                               c->maths.eps, c->types.stats, c->types.output});
    return true;
}

/* Squares of half-precision deviations above 255 are infinite. */
static bool overflows(const struct instance *in, enum family family) {
    return in->c.types.stats == CP_FP16 && (family == OUTLIERS || family == OFF_CENTRE || in->c.out > 768);
}

static void try_norm(struct instance *in, const struct arithmetic *a, enum family family, int method,
                     bool wide) {
    const struct cp_case *c = &in->c;
    const struct way way = draw_way(in, method < SUMS ? (enum sum)method : SUM_PERMUTED, c->out, wide);
    /* Running means are held in float32 by all who have them. */
    const bool native_half = (method == SUM_NATIVE && c->types.stats == CP_FP32) ||
                             (method == WELFORD && c->types.stats != CP_FP32);
    if (overflows(in, family) || native_half ||
        (method == DECOMPOSED && c->types.output == CP_FP16 && family == OUTLIERS))
        return;
    if (method >= OWN_NORMS && !own_norm(in, method - OWN_NORMS))
        return;
    for (size_t r = 0; r < c->rows && method < OWN_NORMS; r++) {
        /* Where every step is a tensor, so is the operand. */
        const double *x = (method == DECOMPOSED ? in->ideal[0] : in->read[0]) + r * c->out;
        const struct moments m = moments_by(&way, in, method, x);
        for (size_t i = 0; i < c->out; i++)
            in->y[r * c->out + i] = normed(in, &way, method, m, x[i], i);
    }
    count_verdict(in, a,
                  method < SUMS          ? sum_names[method]
                  : method == WELFORD    ? "Welford"
                  : method == ONE_PASS   ? "one pass"
                  : method == DECOMPOSED ? "decomposed"
                                         : "own kernel",
                  family, c->out, in->y);
}

/* ---- unit and classes ---- */

enum { OWN_UNIT = SUMS, UNITS };

static void make_unit(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                      bool wide, size_t trial) {
    in->c = (struct cp_case){
        .kind = CP_OPERATION_UNIT, .inputs = 1 + trial % 3, .groups = 1, .rows = 1, .out = width};
    set_arithmetic(&in->c, a);
    set_operand(in, 0, family, width, wide);
    prepare_instance(in);
}

/* x / max(||x||, 1e-12), or times the reciprocal; the norm a number of the result's type, or wider. */
static void unit_row(const struct way *way, const double *x, size_t n, float *y) {
    const struct way sums = inside(way, CP_FP32);
    const double square = sum_of(&sums, (struct terms){x, x}, n);
    const float wide = fmaxf((float)sqrt(square), 1e-12f);
    const float norm = way->variant % 2 ? cp_round_to(way->output, wide) : wide;
    for (size_t i = 0; i < n; i++)
        y[i] = way->sum == SUM_DOUBLE ? stored(way, x[i] / fmax(sqrt(square), 1e-12))
               : way->variant >= 2    ? stored(way, (double)((float)x[i] * (1 / norm)))
                                      : stored(way, (double)((float)x[i] / norm));
}

static void try_unit(struct instance *in, const struct arithmetic *a, enum family family, int method,
                     bool wide) {
    const struct cp_case *c = &in->c;
    const struct way way = draw_way(in, method < SUMS ? (enum sum)method : SUM_IN_ORDER, c->out, wide);
    if (method == SUM_NATIVE)
        return;
    for (size_t n = 0; n < c->inputs; n++)
        unit_row(&way, in->read[0] + n * c->out, c->out, in->y + n * c->out);
    if (method == OWN_UNIT)
        cp_ops_find(NULL)->normalize(in->recorded[0], in->y, c->inputs, c->out, c->types.output);
    count_verdict(in, a, method < SUMS ? sum_names[method] : "own kernel", family, c->out, in->y);
}

static void make_classes(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                         bool wide, size_t trial) {
    static const size_t templates[] = {1, 3, 7, 80};
    in->c = (struct cp_case){
        .kind = CP_OPERATION_CLASSES, .inputs = 1 + trial % 2, .groups = 1, .rows = 1, .out = width};
    in->c.maths.templates = templates[trial % 4];
    set_arithmetic(&in->c, a);
    set_operand(in, 0, family, width, wide);
    for (size_t i = 0; i < cp_case_operand_size(&in->c, 0); i++)
        in->had[0][i] += 0.5; /* the texts of a class resemble each other */
    record_operand(in, 0, wide);
    prepare_instance(in);
}

static void try_classes(struct instance *in, const struct arithmetic *a, enum family family, int method,
                        bool wide) {
    const struct cp_case *c = &in->c;
    const size_t templates = c->maths.templates, n = c->out;
    const struct way way = draw_way(in, (enum sum)method, templates, wide);
    struct way sums = inside(&way, CP_FP32), unit = way;
    double column[80], mean[WIDEST];
    unit.order = NULL;
    if (method == SUM_NATIVE)
        return;
    for (size_t input = 0; input < c->inputs; input++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < templates; k++)
                column[k] = in->read[0][(input * templates + k) * n + i];
            mean[i] = sum_of(&sums, (struct terms){column, NULL}, templates) / (double)templates;
            if (method != SUM_DOUBLE)
                mean[i] = (double)cp_round_to(way.variant % 2 ? way.output : CP_FP32, (float)mean[i]);
        }
        unit_row(&unit, mean, n, in->y + input * n);
    }
    count_verdict(in, a, sum_names[method], family, n, in->y);
}

/* ---- all of them ---- */

static void rows(void **state) {
    static const struct operation operations[] = {{make_norm, try_norm, NORMS, 4},
                                                  {make_unit, try_unit, UNITS, 3},
                                                  {make_classes, try_classes, SUMS, 2}};
    const double started = seconds();
    (void)state;
    draws = 20240603;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        run_operation(&operations[i]);
    assert_sound(6000, started);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
