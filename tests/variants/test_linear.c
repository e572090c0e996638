/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tree of ops/ops.h, for every instruction set, against a straight loop with fmaf, and in fp16 against
 * exact integer arithmetic; then the a-priori error bound against long double. */
#include "support/linear_reference.h"
#include "support/test.h"

#include "model/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 1;

/* SplitMix64. */
static uint32_t random_below(uint32_t limit) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) % limit);
}

/* Few exponents and a full significand: sums cancel, tie and round at every step. */
static float random_float(void) {
    const float x = (float)random_below(1u << 24) * 0x1p-24f + 0.25f;
    return ldexpf(random_below(2) ? x : -x, (int)random_below(5) - 3);
}

static float *random_floats(size_t count, enum cp_dtype dtype) {
    float *x = malloc((count + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = cp_round_to(dtype, random_float());
    return x;
}

static int same(float x, float y) {
    return (isnan(x) && isnan(y)) || cp_bits(x) == cp_bits(y);
}

/* ---- one product ---- */

struct product {
    struct cp_gemm args;
    const struct cp_linear *linear;
    float *a, *b, *bias, *packed, *c, *scratch; /* b is (n, k) */
};

/* Formats and strides are in args; b_dtype is what the caller has rounded the weights to. */
static void product_create(struct product *p, const struct cp_linear *linear, struct cp_gemm args,
                           enum cp_dtype b_dtype, int bias) {
    p->linear = linear;
    p->args = args;
    p->a = random_floats(args.m * args.lda, CP_FP32);
    p->b = random_floats(args.n * args.k, b_dtype);
    p->bias = bias ? random_floats(args.n, CP_FP32) : NULL;
    p->packed = random_floats(linear->packed_size(args.k, args.n), CP_FP32);
    p->c = random_floats(args.m * args.ldc, CP_FP32);
    p->scratch = random_floats(3 * linear->scratch_size(args.m, args.k), CP_FP32);
    linear->pack_nt(p->b, args.k, args.n, args.k, p->packed);
    p->args.a = p->a;
    p->args.b = p->packed;
    p->args.c = p->c;
    p->args.bias = p->bias;
}

static void product_free(struct product *p) {
    free(p->a);
    free(p->b);
    free(p->bias);
    free(p->packed);
    free(p->c);
    free(p->scratch);
}

static size_t panels(const struct cp_gemm *g) {
    return (g->n + CP_PANEL - 1) / CP_PANEL;
}

/* The result, and that nothing between the rows of C is written. */
static void check_product(struct product *p) {
    const struct cp_gemm *g = &p->args;
    for (size_t i = 0; i < g->m * g->ldc; i++)
        p->c[i] = 12345.0f;
    p->linear->gemm(g, 0, g->m, 0, panels(g), p->scratch);
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->ldc; j++) {
            const float expected = j < g->n ? linear_reference(g, p->a + i * g->lda, p->b + j * g->k,
                                                               g->bias ? g->bias + j : NULL)
                                            : 12345.0f;
            const float found = p->c[i * g->ldc + j];
            if (!same(found, expected))
                fail_msg("m %zu n %zu k %zu, row %zu column %zu: %a, not %a", g->m, g->n, g->k, i, j,
                         (double)found, (double)expected);
        }
}

static struct cp_gemm shape(size_t m, size_t n, size_t k) {
    return (struct cp_gemm){.m = m, .n = n, .k = k, .lda = k, .ldc = n};
}

/* ---- tests: each takes the linear variant "tree" of one instruction set ---- */

static const struct cp_linear *variant(void **state) {
    const struct cp_linear *const *linear = *state;
    return *linear;
}

static const size_t K[] = {0, 1, 2, 31, 64, 255, 256, 257, 513, 600};
static const enum cp_dtype FORMATS[] = {CP_FP32, CP_FP16, CP_BF16};

/* Every k, and every step-th n from a start that moves with k. */
static void check_shapes(const struct cp_linear *linear, enum cp_dtype accumulate, size_t step) {
    for (size_t i = 0; i < sizeof K / sizeof K[0]; i++)
        for (size_t n = 1 + i % step; n <= 70; n += step) {
            struct product p;
            struct cp_gemm g = shape(1 + (n * 7 + i) % 25, n, K[i]);
            g.lda += n % 3;
            g.ldc += n % 4;
            g.accumulate = accumulate;
            g.input = FORMATS[random_below(3)];
            g.output = FORMATS[random_below(3)];
            product_create(&p, linear, g, accumulate == CP_FP16 ? CP_FP16 : g.input, (int)random_below(2));
            check_product(&p);
            product_free(&p);
        }
}

static void test_tree_fp32(void **state) {
    check_shapes(variant(state), CP_FP32, 2);
}

static void test_tree_fp16(void **state) {
    check_shapes(variant(state), CP_FP16, 7);
}

/* 2050 + (1 + 2^-10)(1 - 2^-10) = 2051 - 2^-20 is 2050 in fp16; by way of float32 it is the tie 2051, so
 * 2052. */
static void test_fp16_rounds_once(void **state) {
    struct product p;
    struct cp_gemm g = shape(1, 1, 2);
    g.accumulate = CP_FP16;
    product_create(&p, variant(state), g, CP_FP16, 0);
    const float a[] = {2050.0f, 1.0f + 0x1p-10f}, b[] = {1.0f, 1.0f - 0x1p-10f};
    memcpy(p.a, a, sizeof a);
    p.linear->pack_nt(b, 2, 1, 2, p.packed);
    p.linear->gemm(&p.args, 0, 1, 0, 1, p.scratch);
    assert_true(p.c[0] == 2050.0f);
    product_free(&p);
}

/* More rows than a chunk, and more than a tile of every height. */
static void test_many_rows(void **state) {
    for (size_t m = 26; m < 500; m += 157) {
        struct product p;
        product_create(&p, variant(state), shape(m, 33, 300), CP_FP32, 1);
        check_product(&p);
        product_free(&p);
    }
}

static void test_special_values(void **state) {
    static const float values[] = {INFINITY, -INFINITY, NAN,  65504.0f, -65504.0f,
                                   3e38f,    -3e38f,    0.0f, -0.0f,    0x1p-24f};
    for (int half = 0; half < 2; half++)
        for (int round = 0; round < 20; round++) {
            struct product p;
            struct cp_gemm g = shape(13, 37, 257 + random_below(2) * 40);
            g.accumulate = half ? CP_FP16 : CP_FP32;
            g.output = FORMATS[random_below(3)];
            product_create(&p, variant(state), g, half ? CP_FP16 : CP_FP32, 1);
            for (int i = 0; i < 12; i++) {
                const float x = values[random_below(10)], y = values[random_below(10)];
                p.a[random_below((uint32_t)(g.m * g.k))] = x;
                p.b[random_below((uint32_t)(g.n * g.k))] = half ? cp_round_fp16(y) : y;
                p.bias[random_below((uint32_t)g.n)] = half ? cp_round_fp16(x) : x;
            }
            p.linear->pack_nt(p.b, g.k, g.n, g.k, p.packed);
            check_product(&p);
            product_free(&p);
        }
}

static void test_pack_nn_is_pack_nt_of_transpose(void **state) {
    const struct cp_linear *linear = variant(state);
    for (size_t n = 1; n <= 100; n += 3) {
        const size_t k = n * 5 % 67, ld = n + n % 3;
        float *b = random_floats(k * ld, CP_FP32), *transpose = random_floats(n * (k + 1), CP_FP32);
        float *nn = random_floats(linear->packed_size(k, n), CP_FP32);
        float *nt = random_floats(linear->packed_size(k, n), CP_FP32);
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < n; j++)
                transpose[j * (k + 1) + i] = b[i * ld + j];
        linear->pack_nn(b, ld, k, n, nn);
        linear->pack_nt(transpose, k + 1, n, k, nt);
        assert_memory_equal(nn, nt, linear->packed_size(k, n) * sizeof *nn);
        free(b);
        free(transpose);
        free(nn);
        free(nt);
    }
}

/* Cuts rows and panels at random, and runs the pieces. */
static void run_pieces(const struct product *p) {
    const struct cp_gemm *g = &p->args;
    for (size_t row = 0, rows; row < g->m; row += rows) {
        rows = 1 + random_below((uint32_t)(g->m - row));
        for (size_t panel = 0, count; panel < panels(g); panel += count) {
            count = 1 + random_below((uint32_t)(panels(g) - panel));
            p->linear->gemm(g, row, rows, panel, count, p->scratch);
        }
    }
}

static void check_split(struct product *p, struct cp_pool *pool) {
    const size_t count = p->args.m * p->args.n;
    float *pieces = random_floats(count, CP_FP32), *whole = p->c;
    p->linear->gemm(&p->args, 0, p->args.m, 0, panels(&p->args), p->scratch);
    p->args.c = pieces;
    run_pieces(p);
    assert_memory_equal(whole, pieces, count * sizeof *whole);
    memset(pieces, 0, count * sizeof *whole);
    cp_linear_run(p->linear, &p->args, pool, p->scratch);
    assert_memory_equal(whole, pieces, count * sizeof *whole);
    free(pieces);
}

static void test_any_split_gives_the_same_bits(void **state) {
    static const size_t M[] = {1, 7, 100, 300};
    struct cp_pool *pool;
    struct cp_error err;
    assert_true(cp_pool_create(3, &pool, &err) == CP_OK);
    for (size_t i = 0; i < 8; i++) {
        struct product p;
        struct cp_gemm g = shape(M[i / 2], 270, 300);
        g.accumulate = i % 2 ? CP_FP16 : CP_FP32;
        product_create(&p, variant(state), g, CP_FP16, 1);
        check_split(&p, pool);
        product_free(&p);
    }
    cp_pool_free(pool);
}

/* |computed - exact| <= (min(k, 256) + ceil(k / 256)) u sum |a||b|: harness/ops/linear/tree.c. */
static void test_error_bound(void **state) {
    for (int half = 0; half < 2; half++)
        for (size_t k = 1; k < 3000; k += 1 + k) {
            struct product p;
            struct cp_gemm g = shape(6, 35, k);
            g.accumulate = half ? CP_FP16 : CP_FP32;
            g.input = g.accumulate;
            product_create(&p, variant(state), g, g.input, 0);
            p.linear->gemm(&p.args, 0, g.m, 0, panels(&g), p.scratch);
            for (size_t e = 0; e < g.m * g.n; e++) {
                long double exact = 0, magnitude = 0;
                for (size_t i = 0; i < k; i++) {
                    const long double term = (long double)cp_round_to(g.input, p.a[e / g.n * k + i]) *
                                             (long double)p.b[e % g.n * k + i];
                    exact += term;
                    magnitude += fabsl(term);
                }
                const double steps = (k < 256 ? (double)k : 256.0) + ceil((double)k / 256);
                const double bound = steps * cp_unit_roundoff(g.accumulate) * (double)magnitude;
                assert_true((double)fabsl((long double)p.c[e] - exact) <= bound);
            }
            product_free(&p);
        }
}

int main(void) {
    int failed = 0;
    for (const char *const *isa = cp_ops_available(); *isa; isa++) {
        const struct cp_linear *tree_variant = cp_ops_find(*isa)->linears[0];
        struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_tree_fp32, &tree_variant),
            cmocka_unit_test_prestate(test_tree_fp16, &tree_variant),
            cmocka_unit_test_prestate(test_fp16_rounds_once, &tree_variant),
            cmocka_unit_test_prestate(test_many_rows, &tree_variant),
            cmocka_unit_test_prestate(test_special_values, &tree_variant),
            cmocka_unit_test_prestate(test_pack_nn_is_pack_nt_of_transpose, &tree_variant),
            cmocka_unit_test_prestate(test_any_split_gives_the_same_bits, &tree_variant),
            cmocka_unit_test_prestate(test_error_bound, &tree_variant),
        };
        failed += cmocka_run_group_tests_name(*isa, tests, NULL, NULL);
    }
    return failed;
}
