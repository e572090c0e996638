/* SPDX-License-Identifier: GPL-3.0-or-later
 * Every term of the bounds, one by one: random data come nowhere near a worst case, so a term that is lost
 * would not show in what they bound. All operands are 1, so that |x| |W| is the number of products. */
#include "support/test.h"

#include "ledger/case.h"
#include "ops/ops.h"

#include <math.h>

enum { N = 64, ROWS = 40, OUT = 40, MOST = 8 * ROWS * N };

static float ones[MOST];
static double wide_ones[MOST], f[MOST], bound[MOST];

static const struct cp_case_types all_fp32 = {CP_FP32, CP_FP32, CP_FP32, CP_FP32, {CP_FP32, CP_FP32},
                                              CP_FP32};

static struct cp_case case_of(enum cp_operation_kind kind) {
    struct cp_case c = {
        .kind = kind, .inputs = 1, .groups = 1, .rows = ROWS, .in = N, .out = N, .types = all_fp32};
    c.maths.scale = 1;
    c.maths.norm = "layer_norm";
    c.maths.eps = 1e-5;
    c.maths.activation = "gelu_erf";
    c.maths.templates = 4;
    c.weight = c.bias = c.lead_row = ones;
    if (kind == CP_OPERATION_LINEAR)
        c.out = OUT;
    if (kind == CP_OPERATION_SCORES || kind == CP_OPERATION_SOFTMAX)
        c.out = ROWS;
    if (kind == CP_OPERATION_CONTEXT)
        c.in = 1;
    if (kind == CP_OPERATION_LOGITS) {
        c.rows = 1;
        c.out = c.operand_rows = OUT;
    }
    if (kind == CP_OPERATION_UNIT || kind == CP_OPERATION_CLASSES || kind == CP_OPERATION_POOL)
        c.rows = 1;
    if (kind == CP_OPERATION_POOL) {
        c.operand_rows = ROWS;
        c.maths.pooled = CP_POOLED_MEAN_ALL;
    }
    if (kind == CP_OPERATION_EMBED)
        c.operand_rows = ROWS;
    return c;
}

/* The bound of the last element. */
static double bound_of(const struct cp_case *c) {
    struct cp_arena scratch = {0};
    struct cp_case own = *c;
    struct cp_error err;
    const double *const x[CP_OPERANDS] = {wide_ones, wide_ones};
    own.scratch = &scratch;
    assert_int_equal(cp_case_ideal(&own, x, f, &err), CP_OK);
    assert_int_equal(cp_case_bound(&own, x, f, bound, &err), CP_OK);
    cp_arena_free(&scratch);
    return bound[cp_case_elements(c) - 1];
}

enum field { OPERAND_0, OPERAND_1, COMPUTE, ACCUMULATE, STATS, OUTPUT };

static struct cp_case with(struct cp_case c, enum field field, enum cp_dtype type) {
    enum cp_dtype *const fields[] = {&c.types.operand[0], &c.types.operand[1], &c.types.compute,
                                     &c.types.accumulate, &c.types.stats,      &c.types.output};
    *fields[field] = type;
    return c;
}

/* What a type instead of float32 in one place adds to the bound, in that type's unit roundoffs times `size`.
 */
static void assert_adds(enum cp_operation_kind kind, enum field field, enum cp_dtype type, double units,
                        double size) {
    const struct cp_case c = case_of(kind), changed = with(c, field, type);
    const double added = (bound_of(&changed) - bound_of(&c)) / (cp_unit_roundoff(type) * size);
    if (!(added >= units))
        fail_msg("kind %d, field %d: adds %g unit roundoffs, expected %g", (int)kind, (int)field, added,
                 units);
}

static const struct product {
    enum cp_operation_kind kind;
    double size, accumulated; /* |x| |W|, and how many sums */
    bool second;
} products[] = {{CP_OPERATION_LINEAR, N + 1, N, false},
                {CP_OPERATION_SCORES, N, N, true},
                {CP_OPERATION_CONTEXT, ROWS, 2 * ROWS, true},
                {CP_OPERATION_LOGITS, N, N, true}};

/* Each operand half an ulp where it is recorded, both where they are narrowed, every sum, and in half
 * precision eight partial sums and the result. */
static void terms_of_products(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        const struct product *p = &products[i];
        assert_adds(p->kind, OPERAND_0, CP_BF16, 0.99, p->size);
        if (p->second)
            assert_adds(p->kind, OPERAND_1, CP_BF16, 0.99, p->size);
        assert_adds(p->kind, COMPUTE, CP_BF16, 1.99, p->size);
        assert_adds(p->kind, ACCUMULATE, CP_FP16, p->accumulated, p->size);
        assert_adds(p->kind, OUTPUT, CP_BF16, CP_CASE_PARTS + 1, p->size);
        const struct cp_case c = case_of(p->kind);
        assert_true(bound_of(&c) >= (p->accumulated + 1) * 0x1p-24 * p->size);
    }
}

/* PyTorch's small products round every product and sum. */
static void small_products(void **state) {
    struct cp_case c = case_of(CP_OPERATION_LINEAR);
    (void)state;
    c.types.output = CP_BF16;
    c.rows = 1;
    assert_true(bound_of(&c) / 0x1p-8 / (N + 1) > N); /* 2,560 multiplications of one row */
    c.rows = ROWS;
    assert_true(bound_of(&c) / 0x1p-8 / (N + 1) < 20);
}

/* What is divided by a sum or a norm, where the operands are equal: a row of 1 / n, or of 1 / sqrt(n). */
static void terms_of_rows(void **state) {
    (void)state;
    assert_adds(CP_OPERATION_SOFTMAX, OPERAND_0, CP_BF16, 1.9, 1.0 / ROWS);
    assert_adds(CP_OPERATION_SOFTMAX, STATS, CP_FP16, ROWS, 1.0 / ROWS);
    assert_adds(CP_OPERATION_SOFTMAX, OUTPUT, CP_BF16, 10, 1.0 / ROWS);
    assert_adds(CP_OPERATION_UNIT, OPERAND_0, CP_BF16, 1.9, 1.0 / sqrt(N));
    assert_adds(CP_OPERATION_UNIT, OUTPUT, CP_BF16, 4, 1.0 / sqrt(N));
    assert_adds(CP_OPERATION_CLASSES, OPERAND_0, CP_BF16, 2.9, 1.0 / sqrt(N));
    assert_adds(CP_OPERATION_CLASSES, OUTPUT, CP_BF16, 6, 1.0 / sqrt(N));
    assert_adds(CP_OPERATION_POOL, OPERAND_0, CP_BF16, 0.99, 1);
    assert_adds(CP_OPERATION_POOL, OUTPUT, CP_BF16, CP_CASE_PARTS, 1);
    const struct cp_case unit = case_of(CP_OPERATION_UNIT), softmax = case_of(CP_OPERATION_SOFTMAX),
                         pool = case_of(CP_OPERATION_POOL);
    assert_true(bound_of(&unit) * sqrt(N) >= (N / 2.0 + 3) * 0x1p-24);
    assert_true(bound_of(&softmax) * ROWS >= (2.0 * ROWS + 16) * 0x1p-24);
    assert_true(bound_of(&pool) >= ROWS * 0x1p-24);
}

/* One element at a time; the ideal results are 2, 1 and 0.84. */
static void terms_of_elements(void **state) {
    (void)state;
    assert_adds(CP_OPERATION_ADD, OPERAND_0, CP_BF16, 0.99, 1);
    assert_adds(CP_OPERATION_ADD, OPERAND_1, CP_BF16, 0.99, 1);
    assert_adds(CP_OPERATION_ADD, OUTPUT, CP_BF16, 2.99, 1);
    assert_adds(CP_OPERATION_GAIN, OPERAND_0, CP_BF16, 0.99, 1);
    assert_adds(CP_OPERATION_GAIN, OUTPUT, CP_BF16, 2.9, 1);
    assert_adds(CP_OPERATION_EMBED, OPERAND_0, CP_BF16, 0.99, 1);
    assert_adds(CP_OPERATION_EMBED, OUTPUT, CP_BF16, 3.9, 1);
    assert_adds(CP_OPERATION_ACTIVATION, OPERAND_0, CP_BF16, 1.12, 1);
    assert_adds(CP_OPERATION_ACTIVATION, OUTPUT, CP_BF16, 8 + 4 * 0.84, 1);
}

/* Of a norm, with operands of which half are 1 and half are 3: mean 2, deviation 1. */
static void terms_of_norms(void **state) {
    (void)state;
    for (size_t i = 0; i < MOST; i += 2)
        wide_ones[i] = 3;
    const struct cp_case c = case_of(CP_OPERATION_NORM);
    const double u = 0x1p-24, base = bound_of(&c);
    /* The mean's sum, the variance's (the one-pass form sums squares whose mean is 5), and four roundings. */
    assert_true(base >= ((N + 2) * 2 + (N + 3) * 5 / 2.0 + 5) * u);
    assert_adds(CP_OPERATION_NORM, OPERAND_0, CP_BF16, 3, 1);
    assert_adds(CP_OPERATION_NORM, STATS, CP_FP16, N, 1);
    /* Decomposed: 3 of a deviation through mean and difference, 7 of the root, 6 of what follows. */
    assert_adds(CP_OPERATION_NORM, OUTPUT, CP_BF16, 15.9, 1);
    /* Mean 100, deviation 1: the one-pass form cancels. */
    for (size_t i = 0; i < MOST; i++)
        wide_ones[i] = i % 2 ? 99 : 101;
    assert_true(bound_of(&c) >= (N + 3) * 10001 / 2.0 * u);
    for (size_t i = 0; i < MOST; i++)
        wide_ones[i] = 1;
}

/* What fp16 loses below its normal numbers: half a spacing of each operand, and through the norm. */
static void terms_below_normal_numbers(void **state) {
    const struct cp_case unit = case_of(CP_OPERATION_UNIT), logits = case_of(CP_OPERATION_LOGITS);
    const struct cp_case half = with(unit, OPERAND_0, CP_FP16), halves = with(logits, OPERAND_0, CP_FP16);
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        wide_ones[i] = 0x1p-20;
    assert_true(bound_of(&half) >= 1.99 * 0x1p-25 / (0x1p-20 * sqrt(N)));
    assert_true(bound_of(&halves) >= N * 0x1p-25 * 0x1p-20);
    /* Operands that are normal, with products that are not, and may all be flushed. */
    for (size_t i = 0; i < MOST; i++)
        wide_ones[i] = 0x1p-70;
    for (size_t i = 1; i < sizeof products / sizeof *products; i++) {
        const struct cp_case c = case_of(products[i].kind);
        assert_true(bound_of(&c) >= N * 0x1p-140);
    }
    for (size_t i = 0; i < MOST; i++)
        wide_ones[i] = 1;
}

static int fill(void **state) {
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        wide_ones[i] = ones[i] = 1;
    return 0;
}

/* A new maths needs its row in ledger/elementwise.c: without it no pass that has it could be checked. */
static void every_activation_is_known(void **state) {
    const struct cp_ops *ops = cp_ops_find(NULL);
    (void)state;
    for (size_t i = 0; ops->activations[i]; i++)
        assert_true(cp_ledger_has_activation(ops->activations[i]->info.maths));
    assert_false(cp_ledger_has_activation("sinh"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_activation_is_known),
                                       cmocka_unit_test(terms_of_products),
                                       cmocka_unit_test(small_products),
                                       cmocka_unit_test(terms_of_rows),
                                       cmocka_unit_test(terms_of_elements),
                                       cmocka_unit_test(terms_of_norms),
                                       cmocka_unit_test(terms_below_normal_numbers)};
    return cmocka_run_group_tests(tests, fill, NULL);
}
