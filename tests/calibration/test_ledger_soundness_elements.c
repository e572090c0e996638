/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger's elementwise operations: no legitimate evaluation is beyond its bound, and
 * none is coarse. */
#include "support/ledger_sums.h"
#include "support/test.h"

#include "ops/ops.h"

#include <math.h>
#include <string.h>

/* Eager: each operation and each constant of the result's type; fused: float32 inside; or float64. */
enum { EAGER, FUSED, IN_DOUBLE, OTHER, METHODS };
static const char *const method_names[] = {"eager", "fused", "double", "another form", "polynomial"};

static enum cp_dtype step_of(const struct instance *in, int method) {
    return method == EAGER ? in->c.types.output : CP_FP32;
}

static float *draw_weights(struct instance *in, size_t count, float centre, float scale) {
    float *w = instance_alloc(in, count, sizeof *w);
    for (size_t i = 0; i < count; i++)
        w[i] = centre + scale * *draw_normals(1);
    return w;
}

static void set_shape(struct instance *in, enum cp_operation_kind kind, const struct arithmetic *a,
                      size_t width, size_t trial) {
    in->c = (struct cp_case){
        .kind = kind, .inputs = 1 + trial % 2, .groups = 1, .rows = 1 + trial % 5, .in = width, .out = width};
    set_arithmetic(&in->c, a);
}

static size_t count_of(const struct instance *in) {
    return in->c.inputs * cp_case_elements(&in->c);
}

/* ---- activation ---- */

enum { BY_POLYNOMIAL = METHODS, OWN_ACTIVATIONS, ACTIVATIONS = OWN_ACTIVATIONS + 16 };
static const char *const activations[] = {"quick_gelu", "gelu_erf", "gelu_tanh"};

static void make_activation(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                            bool wide, size_t trial) {
    set_shape(in, CP_OPERATION_ACTIVATION, a, width, trial);
    in->c.maths.activation = activations[trial % 3];
    set_operand(in, 0, family, width, wide);
    for (size_t i = 0; i < cp_case_operand_size(&in->c, 0) && family != SUBNORMAL; i++)
        in->had[0][i] = trial < 3 ? 3 * in->had[0][i] : 0.2 * in->had[0][i] - 0.3; /* tails; middle */
    record_operand(in, 0, wide);
    prepare_instance(in);
}

static float quick(enum cp_dtype t, float x, bool other) {
    const float z = cp_round_to(t, cp_round_to(t, 1.702f) * x);
    if (other) /* sigmoid by tanh */
        return x * (0.5f + 0.5f * tanhf(0.5f * z));
    return cp_round_to(t, x * cp_round_to(t, 1 / cp_round_to(t, 1 + cp_round_to(t, expf(-z)))));
}

static float erf_gelu(enum cp_dtype t, float x, bool other) {
    const float z = cp_round_to(t, x * cp_round_to(t, 0.70710678f));
    if (other) /* by erfc, accurate in the tail */
        return 0.5f * x * erfcf(-z);
    return cp_round_to(t, cp_round_to(t, 0.5f * x) * cp_round_to(t, 1 + cp_round_to(t, erff(z))));
}

/* erf as PyTorch's and oneDNN's kernels have it: Abramowitz & Stegun 7.1.26. */
static float polynomial_gelu(float x) {
    const float z = x * 0.70710678f, t = 1 / (1 + 0.3275911f * fabsf(z));
    const float sum = fmaf(fmaf(fmaf(1.061405429f, t, -1.453152027f), t, 1.421413741f), t, -0.284496736f);
    return 0.5f * x * (1 + copysignf(1 - fmaf(sum, t, 0.254829592f) * t * expf(-z * z), z));
}

static float tanh_gelu(enum cp_dtype t, float x, bool other) {
    const float square = cp_round_to(t, x * x), c = cp_round_to(t, 0.044715f),
                b = cp_round_to(t, 0.7978845608f);
    if (other) /* as x sigmoid(2 z) */
        return x / (1 + expf(-2 * (b * x * (1 + c * square))));
    const float cube = cp_round_to(t, cp_round_to(t, square * x) * c);
    const float z = cp_round_to(t, b * cp_round_to(t, x + cube));
    return cp_round_to(t, cp_round_to(t, 0.5f * x) * cp_round_to(t, 1 + cp_round_to(t, tanhf(z))));
}

static double in_wide(size_t kind, double x) {
    if (kind == 0)
        return x / (1 + exp(-1.702 * x));
    if (kind == 1)
        return 0.5 * x * erfc(-x * sqrt(0.5));
    return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

static size_t activation_of(const struct instance *in) {
    size_t kind = 0;
    while (strcmp(activations[kind], in->c.maths.activation) != 0)
        kind++;
    return kind;
}

static bool own_activation(struct instance *in, int index) {
    const struct cp_activation *const *list = cp_ops_find(NULL)->activations;
    for (int i = 0; i <= index; i++)
        if (!list[i])
            return false;
    if (strcmp(list[index]->info.maths, in->c.maths.activation) != 0)
        return false;
    list[index]->apply(in->recorded[0], in->y, count_of(in), in->c.types.output);
    return true;
}

static void try_activation(struct instance *in, const struct arithmetic *a, enum family family, int method,
                           bool wide) {
    static float (*const functions[])(enum cp_dtype, float, bool) = {quick, erf_gelu, tanh_gelu};
    const size_t kind = activation_of(in);
    const struct way way = draw_way(in, SUM_IN_ORDER, 1, wide);
    const bool by_polynomial = method == BY_POLYNOMIAL, own = method >= OWN_ACTIVATIONS;
    if (own ? !own_activation(in, method - OWN_ACTIVATIONS) : by_polynomial && kind != 1)
        return;
    if (method == EAGER && in->c.types.output == CP_FP16 && (family == OUTLIERS || family == OFF_CENTRE))
        return; /* the cube overflows */
    for (size_t i = 0; i < count_of(in) && !own; i++) {
        const float x = (float)in->read[0][i];
        const float y =
            by_polynomial ? polynomial_gelu(x) : functions[kind](step_of(in, method), x, method == OTHER);
        in->y[i] = stored(&way, method == IN_DOUBLE ? in_wide(kind, in->read[0][i]) : (double)y);
    }
    count_verdict(in, a, own ? "own kernel" : method_names[method], family, in->c.out, in->y);
}

/* ---- gain and addition ---- */

static void make_gain(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                      bool wide, size_t trial) {
    set_shape(in, CP_OPERATION_GAIN, a, width, trial);
    in->c.weight = draw_weights(in, width, 0.1f, 0.05f);
    set_operand(in, 0, family, width, wide);
    prepare_instance(in);
}

static void try_gain(struct instance *in, const struct arithmetic *a, enum family family, int method,
                     bool wide) {
    const struct way way = draw_way(in, SUM_IN_ORDER, 1, wide);
    for (size_t i = 0; i < count_of(in) && method != OTHER; i++) {
        const float w = cp_round_to(in->c.types.weights, in->c.weight[i % in->c.out]);
        const enum cp_dtype step = step_of(in, method);
        in->y[i] =
            method == IN_DOUBLE
                ? stored(&way, in->read[0][i] * (double)w)
                : stored(&way, (double)(cp_round_to(step, (float)in->read[0][i]) * cp_round_to(step, w)));
    }
    if (method != OTHER)
        count_verdict(in, a, method_names[method], family, in->c.out, in->y);
}

static void make_add(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                     bool wide, size_t trial) {
    set_shape(in, CP_OPERATION_ADD, a, width, trial);
    set_operand(in, 0, family, width, wide);
    set_operand(in, 1, family, width, wide);
    for (size_t i = 0; i < count_of(in) && family == CANCELLING; i++)
        in->had[1][i] = -in->had[0][i] * (1 + 1e-3 * (double)*draw_normals(1));
    record_operand(in, 1, wide);
    prepare_instance(in);
}

static void try_add(struct instance *in, const struct arithmetic *a, enum family family, int method,
                    bool wide) {
    const struct way way = draw_way(in, SUM_IN_ORDER, 1, wide);
    for (size_t i = 0; i < count_of(in); i++) {
        const double x = in->read[0][i], branch = in->read[1][i];
        in->y[i] = method == IN_DOUBLE ? stored(&way, x + branch)
                   : method == OTHER
                       ? stored(&way, x + (double)cp_round_to(in->c.types.output, (float)branch))
                       : stored(&way, (double)((float)x + (float)branch));
    }
    count_verdict(in, a, method_names[method], family, in->c.out, in->y);
}

/* ---- embedding ---- */

static void make_embed(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                       bool wide, size_t trial) {
    set_shape(in, CP_OPERATION_EMBED, a, width, trial);
    in->c.lead = trial % 2;
    in->c.operand_rows = in->c.rows;
    in->c.rows += in->c.lead;
    in->c.weight = draw_weights(in, in->c.rows * width, 0, 0.1f);
    in->c.lead_row = draw_weights(in, width, 0, 0.5f);
    set_operand(in, 0, family, width, wide);
    prepare_instance(in);
}

static void try_embed(struct instance *in, const struct arithmetic *a, enum family family, int method,
                      bool wide) {
    const struct cp_case *c = &in->c;
    const struct way way = draw_way(in, SUM_IN_ORDER, 1, wide);
    const enum cp_dtype step = step_of(in, method);
    for (size_t row = 0; row < c->inputs * c->rows; row++)
        for (size_t i = 0; i < c->out; i++) {
            const size_t t = row % c->rows,
                         from = (row / c->rows * c->operand_rows + t - c->lead) * c->out + i;
            const double x =
                t < c->lead ? (double)cp_round_to(c->types.weights, c->lead_row[i]) : in->read[0][from];
            const double p = (double)cp_round_to(c->types.weights, c->weight[t * c->out + i]);
            in->y[row * c->out + i] =
                method == IN_DOUBLE
                    ? stored(&way, x + p)
                    : stored(&way, (double)(cp_round_to(step, (float)x) + cp_round_to(step, (float)p)));
        }
    count_verdict(in, a, method_names[method], family, c->out, in->y);
}

static void make_gather(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                        bool wide, size_t trial) {
    (void)family;
    (void)wide;
    set_shape(in, CP_OPERATION_GATHER, a, width, trial);
    int32_t *ids = instance_alloc(in, in->c.inputs * in->c.rows, sizeof *ids);
    in->c.vocabulary = 10;
    in->c.weight = draw_weights(in, 10 * width, 0, 0.1f);
    for (size_t i = 0; i < in->c.inputs * in->c.rows; i++)
        ids[i] = (int32_t)draw_below(10);
    in->c.ids = ids;
    prepare_instance(in);
}

/* A table of the stored type, or one that is rounded when it is read. */
static void try_gather(struct instance *in, const struct arithmetic *a, enum family family, int method,
                       bool wide) {
    const struct way way = draw_way(in, SUM_IN_ORDER, 1, wide);
    for (size_t i = 0; i < count_of(in) && method < 1; i++)
        in->y[i] = stored(
            &way,
            (double)cp_round_to(in->c.types.weights,
                                in->c.weight[(size_t)in->c.ids[i / in->c.out] * in->c.out + i % in->c.out]));
    if (method < 1)
        count_verdict(in, a, "copy", family, in->c.out, in->y);
}

/* ---- pixels ---- */

static void make_normalize(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                           bool wide, size_t trial) {
    (void)wide;
    (void)family;
    set_shape(in, CP_OPERATION_NORMALIZE, a, width, trial);
    in->c.groups = 3;
    for (size_t g = 0; g < 3; g++) {
        in->c.maths.mean[g] = 0.4 + 0.05 * (double)g;
        in->c.maths.std[g] = 0.26 + 0.01 * (double)g;
    }
    in->c.types.operand[0] = CP_FP32;
    in->had[0] = instance_alloc(in, count_of(in), sizeof(double));
    for (size_t i = 0; i < count_of(in); i++)
        in->had[0][i] =
            family % 2 ? (double)draw_below(256) : 255 * (double)(draw_below(1 << 20)) / (1 << 20);
    record_operand(in, 0, false);
    prepare_instance(in);
}

static void try_normalize(struct instance *in, const struct arithmetic *a, enum family family, int method,
                          bool wide) {
    const struct way way = draw_way(in, SUM_IN_ORDER, 1, wide);
    const enum cp_dtype step = step_of(in, method);
    for (size_t i = 0; i < count_of(in); i++) {
        const size_t g = i / (in->c.rows * in->c.out) % 3;
        const double mean = in->c.maths.mean[g], std = in->c.maths.std[g], x = in->read[0][i];
        const float scaled = cp_round_to(step, (float)x * (1 / 255.0f));
        const float difference = cp_round_to(step, scaled - cp_round_to(step, (float)mean));
        in->y[i] = method == IN_DOUBLE ? stored(&way, (x / 255 - mean) / std)
                   : method == OTHER
                       ? stored(&way, (double)fmaf((float)x, (float)(1 / (255 * std)), (float)(-mean / std)))
                       : stored(&way, (double)(difference / cp_round_to(step, (float)std)));
    }
    count_verdict(in, a, method_names[method], family, in->c.out, in->y);
}

static void elements(void **state) {
    static const struct operation operations[] = {{make_activation, try_activation, ACTIVATIONS, 6},
                                                  {make_gain, try_gain, METHODS, 2},
                                                  {make_add, try_add, METHODS, 2},
                                                  {make_embed, try_embed, METHODS, 2},
                                                  {make_gather, try_gather, METHODS, 1},
                                                  {make_normalize, try_normalize, METHODS, 2}};
    const double started = seconds();
    (void)state;
    draws = 20240604;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        run_operation(&operations[i]);
    assert_sound(5000, started);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(elements)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
