/* SPDX-License-Identifier: GPL-3.0-or-later
 * The oracle's function of every maths id that an activation or norm declares, against mpmath
 * (reference/golden/maths). A variant whose maths id has no golden or no oracle fails. */
#include "support/test.h"

#include "oracle/oracle.h"
#include "picture/image.h"

#include <math.h>
#include <stdio.h>

enum { MOST = 768 };

static void activations(void **state) {
    const struct cp_ops *ops = cp_ops_find(NULL);
    (void)state;
    for (size_t i = 0; ops->activations[i]; i++) {
        const char *maths = ops->activations[i]->info.maths;
        const cp_oracle_activation function = cp_oracle_find_activation(maths);
        struct cp_arena arena = {0};
        struct cp_array golden;
        struct cp_error err;
        char path[256];
        assert_non_null(function);
        (void)snprintf(path, sizeof path, "reference/golden/maths/%s.npy", maths);
        assert_int_equal(cp_npy_read(path, &arena, &golden, &err), CP_OK);
        assert_int_equal(golden.shape[1], 2);
        const double *pairs = golden.data; /* x, f(x) */
        double square = 0, reference = 0;
        for (size_t k = 0; k < golden.shape[0]; k++) {
            const double difference = function(pairs[2 * k]) - pairs[2 * k + 1];
            square += difference * difference;
            reference += pairs[2 * k + 1] * pairs[2 * k + 1];
        }
        assert_true(sqrt(square / reference) <= 1e-12);
        cp_arena_free(&arena);
    }
}

/* weight, bias, then four pairs of x, y. */
static void check_norm(cp_oracle_norm norm, const char *maths, size_t width, double eps) {
    struct cp_arena arena = {0};
    struct cp_array golden;
    struct cp_error err;
    char path[256];
    float weight[MOST], bias[MOST];
    double y[MOST];
    (void)snprintf(path, sizeof path, "reference/golden/maths/%s-%zu-%s.npy", maths, width,
                   eps > 5e-6 ? "1e-05" : "1e-06");
    assert_int_equal(cp_npy_read(path, &arena, &golden, &err), CP_OK);
    assert_int_equal(golden.shape[0], 10);
    assert_int_equal(golden.shape[1], width);
    const double *rows = golden.data;
    for (size_t i = 0; i < width; i++) {
        weight[i] = (float)rows[i];
        bias[i] = (float)rows[width + i];
    }
    for (size_t pair = 1; pair < 5; pair++) {
        const double *want = rows + (2 * pair + 1) * width;
        double square = 0, reference = 0;
        norm(rows + 2 * pair * width, weight, bias, width, eps, y);
        for (size_t i = 0; i < width; i++) {
            square += (y[i] - want[i]) * (y[i] - want[i]);
            reference += want[i] * want[i];
        }
        assert_true(sqrt(square) <= 1e-12 * sqrt(reference));
    }
    cp_arena_free(&arena);
}

static void norms(void **state) {
    static const size_t widths[] = {1, 7, 64, 128, MOST};
    const struct cp_ops *ops = cp_ops_find(NULL);
    (void)state;
    for (size_t i = 0; ops->norms[i]; i++) {
        const char *maths = ops->norms[i]->info.maths;
        const cp_oracle_norm norm = cp_oracle_find_norm(maths);
        assert_non_null(norm);
        for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
            check_norm(norm, maths, widths[w], 1e-5);
            check_norm(norm, maths, widths[w], 1e-6);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(activations), cmocka_unit_test(norms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
