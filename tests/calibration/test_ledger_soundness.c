/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger's products: no legitimate evaluation of a linear layer, of scores, context or logits is beyond
 * its bound, and none is coarse. */
#include "support/ledger_sums.h"
#include "support/test.h"

#include "ops/ops.h"

#include <cblas.h>
#include <math.h>

/* ---- linear ---- */

enum { OWN = SUMS, OPENBLAS, LINEARS };

/* Shapes of about the same cost; a projection is one row, a narrow product few elements. */
static void shape_linear(struct instance *in, size_t width, size_t trial) {
    in->c.kind = CP_OPERATION_LINEAR;
    in->c.inputs = in->c.groups = 1;
    in->c.in = width;
    in->c.rows = trial % 3 == 0 ? 1 : width < 1000 ? 11 : 3;
    in->c.out = trial % 5 == 0 ? 3 : width < 1000 ? 24 : 17;
}

static void make_linear(struct instance *in, const struct arithmetic *a, enum family family, size_t width,
                        bool wide, size_t trial) {
    shape_linear(in, width, trial);
    set_arithmetic(&in->c, a);
    float *weight = instance_alloc(in, in->c.in * in->c.out, sizeof(float));
    float *bias = instance_alloc(in, in->c.out, sizeof(float));
    fill_weight(family, in->c.out, width, 1 / sqrtf((float)width), weight);
    for (size_t j = 0; j < in->c.out; j++)
        bias[j] = 0.3f * *draw_normals(1);
    if (family == CANCELLING && trial % 2 == 0)
        weight[width - 1] *= 1.25f;
    in->c.weight = weight;
    in->c.bias = family == SUBNORMAL || trial % 4 == 0 ? NULL : bias;
    set_operand(in, 0, family, width, wide);
    prepare_instance(in);
}

/* What the products read: operands and weights in the compute type, unless they stay wide. */
static double *computed(struct instance *in, const double *x, size_t count, bool wide) {
    double *out = instance_alloc(in, count, sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = wide ? x[i] : (double)cp_round_to(in->c.types.compute, (float)x[i]);
    return out;
}

static double *computed_weight(struct instance *in, bool wide) {
    double *w = instance_alloc(in, in->c.in * in->c.out, sizeof *w);
    for (size_t i = 0; i < in->c.in * in->c.out; i++)
        w[i] = (double)cp_round_to(in->c.types.weights, in->c.weight[i]);
    return computed(in, w, in->c.in * in->c.out, wide);
}

static float with_bias(const struct instance *in, const struct way *way, double sum, size_t j) {
    if (!in->c.bias)
        return stored(way, sum);
    const double bias = (double)cp_round_to(in->c.types.weights, in->c.bias[j]);
    if (way->sum == SUM_DOUBLE && way->variant % 2)
        return stored(way, sum + bias);
    const float product = way->variant % 2 ? (float)sum : cp_round_to(way->output, (float)sum);
    return stored(way, (double)(product + (float)bias));
}

static void linear_by_sums(struct instance *in, const struct way *way, float *y) {
    const size_t n = in->c.in;
    const double *x = computed(in, in->read[0], in->c.rows * n, way->wide),
                 *w = computed_weight(in, way->wide);
    for (size_t r = 0; r < in->c.rows; r++)
        for (size_t j = 0; j < in->c.out; j++)
            y[r * in->c.out + j] =
                with_bias(in, way, sum_of(way, (struct terms){x + r * n, w + j * n}, n), j);
}

static float *narrowed(struct instance *in, const double *x, size_t count) {
    float *out = instance_alloc(in, count, sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)x[i];
    return out;
}

static void linear_by_openblas(struct instance *in, const struct way *way, float *y) {
    const struct cp_case *c = &in->c;
    const float *x = narrowed(in, computed(in, in->read[0], c->rows * c->in, way->wide), c->rows * c->in);
    const float *w = narrowed(in, computed_weight(in, way->wide), c->in * c->out);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)c->rows, (int)c->out, (int)c->in, 1, x,
                (int)c->in, w, (int)c->in, 0, y, (int)c->out);
    for (size_t i = 0; i < c->rows * c->out; i++)
        y[i] = with_bias(in, way, (double)y[i], i % c->out);
}

static void linear_by_own(struct instance *in, float *y) {
    const struct cp_case *c = &in->c;
    const struct cp_linear *linear = cp_ops_find(NULL)->linears[0];
    const float *w = narrowed(in, computed_weight(in, false), c->in * c->out);
    float *packed = instance_alloc(in, linear->packed_size(c->in, c->out), sizeof *packed);
    float *bias = instance_alloc(in, c->out, sizeof *bias);
    for (size_t j = 0; j < c->out && c->bias; j++)
        bias[j] = cp_round_to(c->types.weights, c->bias[j]);
    linear->pack_nt(w, c->in, c->out, c->in, packed);
    const struct cp_gemm gemm = {.a = in->recorded[0],
                                 .lda = c->in,
                                 .b = packed,
                                 .c = y,
                                 .ldc = c->out,
                                 .bias = c->bias ? bias : NULL,
                                 .m = c->rows,
                                 .n = c->out,
                                 .k = c->in,
                                 .input = c->types.compute,
                                 .accumulate = c->types.accumulate,
                                 .output = c->types.output};
    float *scratch = instance_alloc(in, linear->scratch_size(c->rows, c->in), sizeof *scratch);
    linear->gemm(&gemm, 0, c->rows, 0, (c->out + CP_PANEL - 1) / CP_PANEL, scratch);
}

/* PyTorch adds products of at most 16^3 multiplications in the result's type. */
static bool allows(const struct instance *in, int method, size_t products) {
    const bool half = in->c.types.output != CP_FP32, half_sums = in->c.types.accumulate != CP_FP32;
    if (method == SUM_NATIVE)
        return half && products <= 4096;
    return !(half_sums && method == OPENBLAS);
}

static void try_linear(struct instance *in, const struct arithmetic *a, enum family family, int method,
                       bool wide) {
    const struct way way = draw_way(in, method < SUMS ? (enum sum)method : SUM_IN_ORDER, in->c.in, wide);
    if (!allows(in, method, in->c.rows * in->c.in * in->c.out))
        return;
    if (method == OPENBLAS)
        linear_by_openblas(in, &way, in->y);
    else if (method == OWN)
        linear_by_own(in, in->y);
    else
        linear_by_sums(in, &way, in->y);
    count_verdict(in, a,
                  method < SUMS   ? sum_names[method]
                  : method == OWN ? "own kernel"
                                  : "OpenBLAS",
                  family, in->c.in, in->y);
}

static void test_linear(size_t trials) {
    for (size_t trial = 0; trial < trials; trial++)
        for (size_t w = 0; w < LEDGER_WIDTHS; w++)
            for (size_t a = 0; a < ARITHMETICS; a++)
                for (int family = 0; family < FAMILIES; family++) {
                    const bool wide = (trial + w + (size_t)family) % 2;
                    struct instance in = {.c = {.inputs = 0}};
                    make_linear(&in, &arithmetics[a], (enum family)family, ledger_widths[w], wide, trial);
                    for (int method = 0; method < LINEARS; method++)
                        try_linear(&in, &arithmetics[a], (enum family)family, method, wide);
                    free_instance(&in);
                }
}

static void products(void **state) {
    const double started = seconds();
    (void)state;
    draws = 20240601;
    openblas_set_num_threads(1);
    test_linear(2);
    assert_sound(2000, started);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
