/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger's matrix products against loops that say what they are: odd sizes, strides, orders, parts. */
#include "support/kernels.h"
#include "support/test.h"

#include "ledger/product.h"

#include <math.h>
#include <string.h>

enum { MOST = 131, SHAPES = 8, PAD = 5 };

static const struct shape {
    size_t rows, k, n;
} shapes[SHAPES] = {{1, 1, 1},   {3, 7, 5},    {4, 16, 16},  {5, 17, 33},
                    {49, 31, 2}, {48, 64, 48}, {97, 100, 1}, {2, MOST, 129}};

static struct {
    float w[MOST * MOST], x[MOST * (MOST + PAD)], packed[MOST * (MOST + CP_PRODUCT_PANEL)];
    float y[MOST * (MOST + PAD)];
    double wide_x[MOST * (MOST + PAD)], wide_y[MOST * (MOST + PAD)];
} m;

static const float untouched = -99;

static void fill(uint64_t seed) {
    for (size_t i = 0; i < sizeof m.w / sizeof *m.w; i++)
        m.w[i] = random_normal(&seed);
    for (size_t i = 0; i < sizeof m.x / sizeof *m.x; i++) {
        m.x[i] = random_normal(&seed);
        m.wide_x[i] = (double)m.x[i] * (1 + 0x1p-40);
        m.y[i] = untouched;
        m.wide_y[i] = (double)untouched;
    }
}

static float weight_at(const struct shape *s, bool in_out, size_t i, size_t j) {
    return in_out ? m.w[i * s->n + j] : m.w[j * s->k + i];
}

static struct cp_product pack(const struct shape *s, bool in_out, enum cp_dtype first, enum cp_dtype second) {
    assert_true(cp_product_size(s->k, s->n) <= sizeof m.packed / sizeof *m.packed);
    cp_product_pack(m.w, in_out ? s->n : s->k, s->k, s->n, in_out, first, second, m.packed);
    return (struct cp_product){m.packed, s->rows, s->k, s->n, s->k + PAD, s->n + PAD, NULL};
}

static void ideal_and_absolute(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * SHAPES; i++) {
        const struct shape *s = &shapes[i / 2];
        fill(i);
        const struct cp_product p = pack(s, i % 2, CP_FP32, CP_FP32);
        cp_product_ideal(&p, m.wide_x, m.wide_y);
        cp_product_absolute(&p, m.x, m.y);
        for (size_t r = 0; r < s->rows; r++)
            for (size_t j = 0; j < s->n; j++) {
                double sum = 0;
                float absolute = 0;
                for (size_t k = 0; k < s->k; k++) {
                    const float w = weight_at(s, i % 2, k, j);
                    sum += m.wide_x[r * p.ldx + k] * (double)w;
                    absolute += fabsf(m.x[r * p.ldx + k]) * fabsf(w);
                }
                assert_true(m.wide_y[r * p.ldy + j] == sum);
                assert_true(m.y[r * p.ldy + j] == absolute);
            }
        for (size_t r = 0; r < s->rows; r++)
            for (size_t j = s->n; j < p.ldy; j++) {
                assert_true(m.wide_y[r * p.ldy + j] == (double)untouched);
                assert_true(m.y[r * p.ldy + j] == untouched);
            }
    }
}

/* The order of a chain, spelt out; each part summed alone, then rounded and added. */
static float chain(const struct shape *s, bool in_out, const struct cp_product_order *o, const float *x,
                   size_t j) {
    const size_t parts = o->parts < s->k ? o->parts : s->k;
    uint32_t state = o->order.start;
    float total = 0;
    for (size_t part = 0; part < parts; part++) {
        float sum = 0;
        for (size_t at = s->k * part / parts; at < s->k * (part + 1) / parts; at++) {
            const size_t i = cp_order_next(&o->order, s->k, &state);
            const float w = cp_round_to(CP_BF16, cp_round_to(CP_FP16, weight_at(s, in_out, i, j)));
            sum = cp_round_to(o->accumulate, sum + x[i] * w);
        }
        if (parts == 1)
            return sum;
        total = cp_round_to(o->part, total + cp_round_to(o->part, sum));
    }
    return total;
}

static void plain(void **state) {
    static const enum cp_dtype types[] = {CP_FP32, CP_FP16, CP_BF16};
    (void)state;
    for (size_t i = 0; i < 3 * 14 * SHAPES; i++) {
        const struct shape *s = &shapes[i / 42];
        const struct cp_product_order order = {.order = cp_order_of(s->k, i / 3 % 14),
                                               .parts = 1 + i % 14,
                                               .part = types[i % 3],
                                               .accumulate = i % 2 ? CP_FP16 : CP_FP32};
        fill(i);
        const struct cp_product p = pack(s, i % 2, CP_FP16, CP_BF16);
        cp_product_plain(&p, &order, m.x, m.y);
        for (size_t r = 0; r < s->rows; r++)
            for (size_t j = 0; j < s->n; j++)
                assert_true(m.y[r * p.ldy + j] == chain(s, i % 2, &order, m.x + r * p.ldx, j));
    }
}

/* Threads change no bit. */
static void threads(void **state) {
    struct cp_error err;
    struct cp_pool *pool;
    static float alone[MOST * (MOST + PAD)];
    (void)state;
    assert_int_equal(cp_pool_create(2, &pool, &err), CP_OK);
    fill(1);
    const struct shape s = {130, 60, 40};
    struct cp_product p = pack(&s, false, CP_FP32, CP_FP32);
    const struct cp_product_order order = {.order = cp_order_of(60, 2), .parts = 3, .accumulate = CP_FP32};
    cp_product_plain(&p, &order, m.x, m.y);
    memcpy(alone, m.y, sizeof alone);
    p.pool = pool;
    cp_product_plain(&p, &order, m.x, m.y);
    assert_memory_equal(alone, m.y, sizeof alone);
    cp_pool_free(pool);
}

/* Every order is a permutation; the first stands as it is, the second is that from its end. */
static void orders(void **state) {
    (void)state;
    for (size_t n = 1; n <= 300; n++)
        for (uint64_t seed = 0; seed < 14; seed++) {
            const struct cp_order order = cp_order_of(n, seed);
            bool seen[300] = {false};
            uint32_t walk = order.start;
            assert_true(order.block >= 1 && order.block <= n);
            for (size_t at = 0; at < n; at++) {
                const size_t i = cp_order_next(&order, n, &walk);
                assert_true(i < n && !seen[i]);
                seen[i] = true;
                if (seed < 2)
                    assert_int_equal(i, seed ? n - 1 - at : at);
            }
        }
}

/* Shuffled: two neighbours are as far apart as any two. */
static void shuffles(void **state) {
    enum { N = 4096 };
    (void)state;
    for (uint64_t seed = 2; seed < 14; seed++) {
        const struct cp_order order = cp_order_of(N, seed);
        double distance = 0;
        size_t place[N];
        uint32_t walk = order.start;
        for (size_t at = 0; at < N; at++)
            place[cp_order_next(&order, N, &walk)] = at;
        for (size_t i = 1; i < N; i++)
            distance += fabs((double)place[i] - (double)place[i - 1]) / N;
        assert_true(fabs(distance / N - 1 / 3.0) < 0.12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ideal_and_absolute), cmocka_unit_test(plain),
                                       cmocka_unit_test(threads), cmocka_unit_test(orders),
                                       cmocka_unit_test(shuffles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
