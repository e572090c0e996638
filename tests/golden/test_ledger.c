/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ideal function of every kind of operation against mpmath (reference/golden/ledger). */
#include "support/golden.h"
#include "support/test.h"

#include "ledger/case.h"

#include <math.h>
#include <stdio.h>

enum { INPUTS = 2, MOST = 64 };

static const int32_t ids[] = {4, 0, 2, 1, 1, 3};
static const int pooled[] = {3, 1};

/* A case without its operands and weights, and how many numbers of a weight, bias and lead row follow these.
 */
static const struct golden_case {
    const char *name;
    struct cp_case c;
    size_t weight, bias, lead;
} cases[] = {
#define ELEMENTWISE(kind_, ...)                                                                              \
    {                                                                                                        \
        .kind = CP_OPERATION_##kind_, .groups = 1, .rows = 3, .in = 6, .out = 6, .maths = { __VA_ARGS__ }    \
    }
    {"quick_gelu", ELEMENTWISE(ACTIVATION, .activation = "quick_gelu"), 0, 0, 0},
    {"gelu_erf", ELEMENTWISE(ACTIVATION, .activation = "gelu_erf"), 0, 0, 0},
    {"gelu_tanh", ELEMENTWISE(ACTIVATION, .activation = "gelu_tanh"), 0, 0, 0},
    {"silu", ELEMENTWISE(ACTIVATION, .activation = "silu"), 0, 0, 0},
    {"add", ELEMENTWISE(ADD, .eps = 0), 0, 0, 0},
    {"gain", ELEMENTWISE(GAIN, .eps = 0), 6, 0, 0},
    {"layer_norm", ELEMENTWISE(NORM, .norm = "layer_norm", .eps = 1e-5), 6, 6, 0},
    {"rms_norm", ELEMENTWISE(NORM, .norm = "rms_norm", .eps = 1e-5), 6, 6, 0},
    {"unit", {.kind = CP_OPERATION_UNIT, .groups = 1, .rows = 1, .out = 6}, 0, 0, 0},
    {"classes",
     {.kind = CP_OPERATION_CLASSES, .groups = 1, .rows = 1, .out = 6, .maths = {.templates = 3}},
     0,
     0,
     0},
    {"linear", {.kind = CP_OPERATION_LINEAR, .groups = 1, .rows = 3, .in = 5, .out = 4}, 20, 4, 0},
    {"linear_in_out",
     {.kind = CP_OPERATION_LINEAR, .groups = 1, .rows = 3, .in = 5, .out = 4, .maths = {.in_out = true}},
     20,
     4,
     0},
    {"logits",
     {.kind = CP_OPERATION_LOGITS,
      .groups = 1,
      .rows = 1,
      .in = 5,
      .out = 3,
      .operand_rows = 3,
      .maths = {.scale = 14.25, .shift = -1.5}},
     0,
     0,
     0},
    {"scores",
     {.kind = CP_OPERATION_SCORES, .groups = 2, .rows = 3, .in = 6, .out = 3, .maths = {.scale = 0.625}},
     0,
     0,
     0},
    {"softmax", {.kind = CP_OPERATION_SOFTMAX, .groups = 2, .rows = 3, .out = 3}, 0, 0, 0},
    {"softmax_causal",
     {.kind = CP_OPERATION_SOFTMAX, .groups = 2, .rows = 3, .out = 3, .maths = {.mask = CP_MASK_CAUSAL}},
     0,
     0,
     0},
    {"context", {.kind = CP_OPERATION_CONTEXT, .groups = 1, .rows = 3, .in = 2, .out = 6}, 0, 0, 0},
    {"normalize",
     {.kind = CP_OPERATION_NORMALIZE,
      .groups = 3,
      .rows = 2,
      .out = 4,
      .maths = {.mean = {0.5, 0.375, 0.25}, .std = {0.25, 0.28125, 0.3125}}},
     0,
     0,
     0},
    {"embed",
     {.kind = CP_OPERATION_EMBED, .groups = 1, .rows = 3, .out = 6, .lead = 1, .operand_rows = 2},
     18,
     0,
     6},
    {"gather",
     {.kind = CP_OPERATION_GATHER, .groups = 1, .rows = 3, .out = 6, .ids = ids, .vocabulary = 5},
     30,
     0,
     0},
#define POOL(pooled_)                                                                                        \
    {                                                                                                        \
        .kind = CP_OPERATION_POOL, .groups = 1, .rows = 1, .out = 6, .operand_rows = 4, .maths = {           \
            .pooled = CP_POOLED_##pooled_,                                                                   \
            .at = pooled                                                                                     \
        }                                                                                                    \
    }
    {"pool_at", POOL(AT), 0, 0, 0},
    {"pool_mean", POOL(MEAN), 0, 0, 0},
    {"pool_mean_all", POOL(MEAN_ALL), 0, 0, 0},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static bool takes_two(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_SCORES || kind == CP_OPERATION_CONTEXT || kind == CP_OPERATION_ADD ||
           kind == CP_OPERATION_LOGITS;
}

/* The next count numbers as float32, which they are exactly. */
static const float *weights(const double **from, size_t count) {
    float *w = cp_arena_alloc(&goldens, count + 1, sizeof *w);
    assert_non_null(w);
    for (size_t i = 0; i < count; i++)
        w[i] = (float)*(*from)++;
    return count ? w : NULL;
}

static void check(const struct golden_case *g) {
    struct cp_arena scratch = {0};
    struct cp_case c = g->c;
    struct cp_error err;
    char file[64];
    size_t in_count, out_count;
    double y[MOST], size = 0;
    (void)snprintf(file, sizeof file, "ledger/%s.in", g->name);
    const double *at = golden(file, &in_count, 1), *const end = at + in_count;
    (void)snprintf(file, sizeof file, "ledger/%s.out", g->name);
    const double *expected = golden(file, &out_count, 1);
    c.inputs = INPUTS;
    c.scratch = &scratch;
    const double *x[CP_OPERANDS] = {at, NULL};
    at += cp_case_operand_size(&c, 0);
    x[1] = takes_two(c.kind) ? at : NULL;
    at += takes_two(c.kind) ? cp_case_operand_size(&c, 1) : 0;
    c.weight = weights(&at, g->weight);
    c.bias = weights(&at, g->bias);
    c.lead_row = weights(&at, g->lead);
    assert_ptr_equal(at, end);
    assert_int_equal(out_count, INPUTS * cp_case_elements(&c));
    assert_true(out_count <= MOST);
    assert_int_equal(cp_case_ideal(&c, x, y, &err), CP_OK);
    for (size_t i = 0; i < out_count; i++)
        size = fmax(size, fabs(expected[i]));
    for (size_t i = 0; i < out_count; i++)
        if (!(fabs(y[i] - expected[i]) <=
              1e-12 * (c.kind == CP_OPERATION_SOFTMAX ? fabs(expected[i]) : size)))
            fail_msg("%s: element %zu is %.17g, expected %.17g", g->name, i, y[i], expected[i]);
    cp_arena_free(&scratch);
}

static void ideal_functions(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        check(&cases[i]);
}

/* No kind is left out. */
static void every_kind(void **state) {
    (void)state;
    for (int kind = CP_OPERATION_GIVEN + 1; kind < CP_OPERATION_KINDS; kind++) {
        size_t found = 0;
        for (size_t i = 0; i < CASES; i++)
            found += cases[i].c.kind == (enum cp_operation_kind)kind;
        assert_true(found > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ideal_functions), cmocka_unit_test(every_kind)};
    return cmocka_run_group_tests(tests, NULL, free_goldens);
}
