/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/kernels.h"
#include "support/test.h"

#include "ops/ops.h"

#include <math.h>

enum { N = 131, TYPES = 3 };

static const enum cp_dtype types[TYPES] = {CP_FP32, CP_FP16, CP_BF16};

/* Values of every size that the types hold, and some they do not. */
static void fill(float *x, size_t n, uint64_t *random) {
    for (size_t i = 0; i < n; i++)
        x[i] = ldexpf(random_float(random, -2.0f, 2.0f), (int)(random_bits(random) % 44) - 26);
}

struct results {
    float round[N], add[N], scale[N], gain[N];
};

static void check_lengths(const struct cp_ops *ops, const float *x, const float *a,
                          const struct results *expected, enum cp_dtype dtype) {
    for (size_t n = 0; n <= N; n++) {
        float y[N];
        memcpy(y, x, sizeof y);
        ops->round(y, y, n, dtype);
        assert_memory_equal(y, expected->round, n * sizeof *y);
        assert_memory_equal(y + n, x + n, (N - n) * sizeof *y);
        ops->add(x, a, y, n, dtype);
        assert_memory_equal(y, expected->add, n * sizeof *y);
        memcpy(y, x, sizeof y);
        ops->add(y, a, y, n, dtype);
        assert_memory_equal(y, expected->add, n * sizeof *y);
        assert_memory_equal(y + n, x + n, (N - n) * sizeof *y);
        ops->scale(x, 0.125001f, y, n, dtype);
        assert_memory_equal(y, expected->scale, n * sizeof *y);
        memcpy(y, x, sizeof y);
        ops->gain(y, a, y, 1, n, dtype);
        assert_memory_equal(y, expected->gain, n * sizeof *y);
        assert_memory_equal(y + n, x + n, (N - n) * sizeof *y);
    }
}

static void test_round_add_scale_gain(void **state) {
    (void)state;
    uint64_t random = 16;
    float x[N], a[N];
    for (size_t t = 0; t < TYPES; t++)
        for (int sample = 0; sample < 20; sample++) {
            struct results expected;
            fill(x, N, &random);
            fill(a, N, &random);
            for (size_t i = 0; i < N; i++) {
                expected.round[i] = cp_round_to(types[t], x[i]);
                expected.add[i] = cp_round_to(types[t], x[i] + a[i]);
                expected.scale[i] = cp_round_to(types[t], x[i] * 0.125001f);
                expected.gain[i] = cp_round_to(types[t], x[i] * a[i]);
            }
            for (const char *const *name = cp_ops_available(); *name != NULL; name++)
                check_lengths(cp_ops_find(*name), x, a, &expected, types[t]);
        }
}

static void test_normalize(void **state) {
    (void)state;
    enum { ROWS = 3 };
    uint64_t random = 17;
    float x[ROWS * N], y[ROWS * N], expected[ROWS * N], squares[N];
    for (size_t width = 1; width <= N; width += 5)
        for (size_t t = 0; t < TYPES; t++) {
            fill(x, ROWS * width, &random);
            for (size_t r = 0; r < ROWS; r++) {
                for (size_t i = 0; i < width; i++)
                    squares[i] = x[r * width + i] * x[r * width + i];
                const float norm =
                    fmaxf(cp_round_to(types[t], sqrtf(tree_of_16(squares, width, CP_FP32))), 1e-12f);
                for (size_t i = 0; i < width; i++)
                    expected[r * width + i] = cp_round_to(types[t], x[r * width + i] / norm);
            }
            for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
                cp_ops_find(*name)->normalize(x, y, ROWS, width, types[t]);
                assert_memory_equal(y, expected, ROWS * width * sizeof *y);
                memcpy(y, x, sizeof y);
                cp_ops_find(*name)->normalize(y, y, ROWS, width, types[t]);
                assert_memory_equal(y, expected, ROWS * width * sizeof *y);
            }
        }
}

/* The divisor is held above 1e-12, so that zero stays zero and a tiny row stays tiny. */
static void test_normalize_near_zero(void **state) {
    (void)state;
    for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
        float x[] = {0.0f, 0.0f, 0.0f, 4e-13f, 3.0f, -4.0f, NAN, 1.0f};
        cp_ops_find(*name)->normalize(x, x, 4, 2, CP_FP32);
        assert_true(x[0] == 0.0f && x[1] == 0.0f && x[2] == 0.0f && x[3] == 4e-13f / 1e-12f);
        assert_true(x[4] == 3.0f / 5.0f && x[5] == -4.0f / 5.0f);
        assert_true(isnan(x[6]) && isnan(x[7]));
    }
}

static void test_dispatch(void **state) {
    (void)state;
    const char *const *names = cp_ops_available();
    assert_ptr_equal(cp_ops_find(NULL), cp_ops_find(names[0]));
    assert_ptr_equal(cp_ops_find("auto"), cp_ops_find(names[0]));
    assert_null(cp_ops_find("sse9"));
    assert_null(cp_ops_find(""));
    size_t count = 0;
    for (; names[count] != NULL; count++)
        assert_string_equal(cp_ops_find(names[count])->isa, names[count]);
    assert_string_equal(names[count - 1], "scalar");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_add_scale_gain),
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_normalize_near_zero),
        cmocka_unit_test(test_dispatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
