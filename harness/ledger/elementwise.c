/* SPDX-License-Identifier: GPL-3.0-or-later
 * Operations on one element at a time: the activation, LayerScale and the residual addition.
 *
 * Bounds, u that of an elementary operation, u_x what an operand lost when it was recorded:
 *
 *   add         u |f| + u_a |a| + u_b |b|
 *   gain        (u + u_x) |f|, and a rounding more in half precision
 *   activation  y = x g(x) with g a sigmoid, an erf or a tanh between 0 and 1. Its argument carries up to six
 *               roundings, which g passes on by at most 0.45 of them (|t g'(t)| <= 0.23 for the sigmoid, 0.24
 *               for Phi, 0.45 for tanh); g itself may be off by 4 u of 1, since 0.5 (1 + erf) cancels in the
 *               left tail, and by 6 u where erf is a polynomial of float32 (erf_by_polynomial: 11.1 u at
 *               most, every 7th float32 from 2^-31 to 8 tried), whose argument carries two roundings only; so
 *               x g is off by 8 u |x|, to which come up to four roundings of the result and u_x |f'(x)| |x|,
 *               |f'| <= 1.13 for all of them. */
#include "ledger/kinds.h"

#include "oracle/oracle.h"

#include <math.h>
#include <string.h>

typedef double (*function)(double x);
typedef float (*plain_function)(enum cp_dtype type, float x);

static double identity(double x) {
    return x;
}

static double relu(double x) {
    return x > 0 ? x : 0;
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

struct elementwise_task {
    const struct cp_case *c;
    const double *a, *b, *f;
    const float *narrow_a, *narrow_b;
    double *y;
    float *plain;
    void (*row)(const struct elementwise_task *t, size_t at);
    function activation;
    plain_function plain_activation;
};

static void rows_of_input(void *context, size_t input, int worker) {
    const struct elementwise_task *t = context;
    (void)worker;
    for (size_t row = 0; row < cp_case_valid(t->c, input); row += t->plain ? cp_case_step_rows(t->c) : 1)
        t->row(t, (input * t->c->rows + row) * t->c->out);
}

static enum cp_status run(const struct cp_case *c, struct elementwise_task task) {
    task.c = c;
    cp_case_each(c, rows_of_input, &task);
    return CP_OK;
}

/* ---- activation ---- */

static void activation_bound_row(const struct elementwise_task *t, size_t at) {
    const double u = cp_case_step(t->c), recorded = 1.13 * cp_case_recorded(t->c, 0);
    const double tiny = 2 * cp_case_tiny(t->c->types.output);
    for (size_t i = at; i < at + t->c->out; i++)
        t->y[i] = u * (4 * fabs(t->f[i]) + 8 * fabs(t->a[i])) + recorded * fabs(t->a[i]) + tiny;
}

static enum cp_status activation_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                       const double *f, double *out, struct cp_error *err) {
    (void)err;
    return run(c, (struct elementwise_task){.a = x[0], .f = f, .y = out, .row = activation_bound_row});
}

/* As PyTorch's and oneDNN's float32 kernels have it: Abramowitz & Stegun 7.1.26, 1.5e-7 off at most, where
 * the C library's is off by 6e-8. With that one PyTorch's GELU would be 4.5 times coarser than plain. */
static float erf_by_polynomial(float z) {
    static const float a[] = {1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};
    const float t = 1 / (1 + 0.3275911f * fabsf(z));
    float sum = 0;
    for (size_t i = 0; i < sizeof a / sizeof a[0]; i++)
        sum = (sum + a[i]) * t;
    return copysignf(1 - sum * expf(-z * z), z);
}

/* One evaluation of each maths: each operation and each constant rounded to the result's type. */
static float plain_quick(enum cp_dtype type, float x) {
    const float t = cp_round_to(type, cp_round_to(type, 1.702f) * x);
    const float g = cp_round_to(type, 1 / cp_round_to(type, 1 + cp_round_to(type, expf(-t))));
    return cp_round_to(type, x * g);
}

static float half_of(enum cp_dtype type, float x, float g) {
    return cp_round_to(type, 0.5f * cp_round_to(type, x * cp_round_to(type, 1 + g)));
}

static float plain_tanh(enum cp_dtype type, float x) {
    const float cube = cp_round_to(type, cp_round_to(type, x * x) * x);
    const float inner = cp_round_to(type, x + cp_round_to(type, cp_round_to(type, 0.044715f) * cube));
    return half_of(type, x,
                   cp_round_to(type, tanhf(cp_round_to(type, cp_round_to(type, 0.7978845608f) * inner))));
}

static float plain_erf(enum cp_dtype type, float x) {
    return half_of(
        type, x, cp_round_to(type, erf_by_polynomial(cp_round_to(type, x * cp_round_to(type, 0.70710678f)))));
}

static float plain_silu(enum cp_dtype type, float x) {
    return cp_round_to(type, x * cp_round_to(type, 1 / cp_round_to(type, 1 + cp_round_to(type, expf(-x)))));
}

static float plain_relu(enum cp_dtype type, float x) {
    return cp_round_to(type, x > 0 ? x : 0);
}

static float plain_identity(enum cp_dtype type, float x) {
    return cp_round_to(type, x);
}

/* Maths of the form x g(x) with 0 <= g <= 1, for which activation_bound_row holds. */
static const struct activation {
    const char *maths;
    function ideal; /* NULL: the oracle's */
    plain_function plain;
} activations[] = {
    {"quick_gelu", NULL, plain_quick}, {"gelu_tanh", NULL, plain_tanh},
    {"gelu_erf", NULL, plain_erf},     {"silu", silu, plain_silu},
    {"relu", relu, plain_relu},        {"identity", identity, plain_identity},
};

static const struct activation *activation_of(const char *maths, struct cp_error *err) {
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++)
        if (strcmp(activations[i].maths, maths) == 0)
            return &activations[i];
    (void)cp_fail(err, CP_INTERNAL, "", "the ledger has no activation '%s'", maths);
    return NULL;
}

bool cp_ledger_has_activation(const char *maths) {
    struct cp_error err;
    return activation_of(maths, &err) != NULL;
}

static void activation_row(const struct elementwise_task *t, size_t at) {
    for (size_t i = at; i < at + t->c->out; i++)
        t->y[i] = t->activation(t->a[i]);
}

static enum cp_status activation_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                       struct cp_error *err) {
    const struct activation *activation = activation_of(c->maths.activation, err);
    if (!activation)
        return CP_INTERNAL;
    return run(c, (struct elementwise_task){
                      .a = x[0],
                      .y = y,
                      .row = activation_row,
                      .activation = activation->ideal ? activation->ideal
                                                      : cp_oracle_find_activation(activation->maths)});
}

static void activation_plain_row(const struct elementwise_task *t, size_t at) {
    for (size_t i = at; i < at + t->c->out; i++)
        t->plain[i] = t->plain_activation(t->c->types.output, t->narrow_a[i]);
}

static enum cp_status activation_plain(const struct cp_case *c, const float *const x[CP_OPERANDS],
                                       uint64_t seed, float *y, struct cp_error *err) {
    const struct activation *activation = activation_of(c->maths.activation, err);
    (void)seed;
    if (!activation)
        return CP_INTERNAL;
    return run(c, (struct elementwise_task){.narrow_a = x[0],
                                            .plain = y,
                                            .row = activation_plain_row,
                                            .plain_activation = activation->plain});
}

const struct cp_kind cp_kind_activation = {activation_ideal, activation_bound, activation_plain};

/* ---- gain ---- */

static double gain_at(const struct cp_case *c, size_t i) {
    return c->maths.no_weight ? 1 : cp_case_weight(c, c->weight[i]);
}

static void gain_row(const struct elementwise_task *t, size_t at) {
    for (size_t i = 0; i < t->c->out; i++)
        t->y[at + i] = t->a[at + i] * gain_at(t->c, i);
}

static enum cp_status gain_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                 struct cp_error *err) {
    (void)err;
    return run(c, (struct elementwise_task){.a = x[0], .y = y, .row = gain_row});
}

static void gain_bound_row(const struct elementwise_task *t, size_t at) {
    const double u = cp_case_step(t->c);
    for (size_t i = at; i < at + t->c->out; i++)
        t->y[i] = (3 * u + cp_case_recorded(t->c, 0)) * fabs(t->f[i]) + cp_case_tiny(t->c->types.output);
}

static enum cp_status gain_bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                                 double *out, struct cp_error *err) {
    (void)err;
    return run(c, (struct elementwise_task){.a = x[0], .f = f, .y = out, .row = gain_bound_row});
}

static void gain_plain_row(const struct elementwise_task *t, size_t at) {
    const enum cp_dtype type = t->c->types.output;
    for (size_t i = 0; i < t->c->out; i++)
        t->plain[at + i] =
            cp_round_to(type, cp_round_to(type, t->narrow_a[at + i]) * (float)gain_at(t->c, i));
}

static enum cp_status gain_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                 float *y, struct cp_error *err) {
    (void)seed;
    (void)err;
    return run(c, (struct elementwise_task){.narrow_a = x[0], .plain = y, .row = gain_plain_row});
}

const struct cp_kind cp_kind_gain = {gain_ideal, gain_bound, gain_plain};

/* ---- add ---- */

static void add_row(const struct elementwise_task *t, size_t at) {
    for (size_t i = at; i < at + t->c->out; i++)
        t->y[i] = (t->c->maths.no_weight ? 0 : t->a[i]) + t->b[i];
}

static enum cp_status add_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                struct cp_error *err) {
    (void)err;
    return run(c, (struct elementwise_task){.a = x[0], .b = x[1], .y = y, .row = add_row});
}

static void add_bound_row(const struct elementwise_task *t, size_t at) {
    const double u = cp_case_step(t->c), a = cp_case_recorded(t->c, 0), b = cp_case_recorded(t->c, 1);
    const double extra = t->c->types.output == CP_FP32 ? 0 : u; /* the branch may be narrowed first */
    for (size_t i = at; i < at + t->c->out; i++)
        t->y[i] = (u * fabs(t->f[i]) + a * fabs(t->a[i]) + (b + extra) * fabs(t->b[i])) * (1 + 4 * u) +
                  cp_case_tiny(t->c->types.output);
}

static enum cp_status add_bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                                double *out, struct cp_error *err) {
    (void)err;
    return run(c, (struct elementwise_task){.a = x[0], .b = x[1], .f = f, .y = out, .row = add_bound_row});
}

static void add_plain_row(const struct elementwise_task *t, size_t at) {
    const enum cp_dtype type = t->c->types.output;
    for (size_t i = at; i < at + t->c->out; i++)
        t->plain[i] = cp_round_to(type, t->narrow_a[i] + cp_round_to(type, t->narrow_b[i]));
}

static enum cp_status add_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                float *y, struct cp_error *err) {
    (void)seed;
    (void)err;
    return run(
        c, (struct elementwise_task){.narrow_a = x[0], .narrow_b = x[1], .plain = y, .row = add_plain_row});
}

const struct cp_kind cp_kind_add = {add_ideal, add_bound, add_plain};
