/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the norm table for bits: equal on every instruction set, in place or not, whatever rows go together;
 * and the tree of 16 as the contract words it. */
#include "support/norm.h"
#include "support/test.h"

#include <math.h>

enum { ROWS = 3 };

struct batch {
    float x[ROWS * MAX_WIDTH], y[ROWS * MAX_WIDTH], weight[MAX_WIDTH], bias[MAX_WIDTH];
};

static struct cp_norm_args batch_arguments(struct batch *batch, size_t width, enum cp_dtype stats,
                                           enum cp_dtype output) {
    return (struct cp_norm_args){batch->x, batch->weight, batch->bias, batch->y, ROWS,
                                 width,    1e-5,          stats,       output};
}

static void fill_batch(struct batch *batch, size_t width, uint64_t *random) {
    struct row row;
    for (size_t r = 0; r < ROWS; r++) {
        fill_row(&row, width, (int)(random_bits(random) % KINDS), 1e-5, random);
        memcpy(batch->x + r * width, row.x, width * sizeof *row.x);
    }
    memcpy(batch->weight, row.weight, width * sizeof *row.weight);
    memcpy(batch->bias, row.bias, width * sizeof *row.bias);
}

static bool same_rows(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!same_bits(a[i], b[i]))
            return false;
    return true;
}

/* Every set, rows together or alone, in place or not: the bits of the scalar set. */
static void check_bits(size_t variant, struct batch *batch, size_t width, enum cp_dtype stats,
                       enum cp_dtype output) {
    static struct batch other;
    struct cp_norm_args args = batch_arguments(batch, width, stats, output);
    cp_ops_find("scalar")->norms[variant]->apply(&args);
    for (const char *const *name = cp_ops_available(); *name != NULL; name++) {
        const struct cp_norm *const norm = cp_ops_find(*name)->norms[variant];
        other = *batch;
        args = batch_arguments(&other, width, stats, output);
        args.y = other.x;
        norm->apply(&args);
        assert_true(same_rows(other.x, batch->y, ROWS * width));
        other = *batch;
        args = batch_arguments(&other, width, stats, output);
        args.rows = 1;
        for (size_t r = ROWS; r-- > 0;) {
            args.x = other.x + r * width;
            args.y = other.y + r * width;
            norm->apply(&args);
        }
        assert_true(same_rows(other.y, batch->y, ROWS * width));
    }
}

static void test_every_set_gives_the_same_bits(void **state) {
    (void)state;
    static struct batch batch;
    uint64_t random = 8;
    for (size_t variant = 0; cp_ops_find("scalar")->norms[variant] != NULL; variant++)
        for (size_t stats = 0; stats < TYPES; stats++)
            for (size_t output = 0; output < TYPES; output++)
                for (size_t w = 0; w < WIDTHS; w++)
                    for (size_t sample = 0; sample < 4; sample++) {
                        fill_batch(&batch, norm_widths[w], &random);
                        check_bits(variant, &batch, norm_widths[w], norm_types[stats], norm_types[output]);
                    }
}

static void test_two_pass_sums_by_the_tree_of_16(void **state) {
    (void)state;
    struct row row;
    float y[MAX_WIDTH], squares[MAX_WIDTH];
    uint64_t random = 9;
    for (size_t w = 0; w < WIDTHS; w++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill_row(&row, norm_widths[w], kind, 1e-5, &random);
            const struct cp_norm_args args = norm_arguments(&row, y, CP_FP32, CP_FP32);
            norm_named("two_pass")->apply(&args);
            const float mean = tree_of_16(row.x, row.width, CP_FP32) / (float)row.width;
            for (size_t i = 0; i < row.width; i++)
                squares[i] = (row.x[i] - mean) * (row.x[i] - mean);
            const float variance = tree_of_16(squares, row.width, CP_FP32) / (float)row.width;
            const float rstd = 1.0f / sqrtf(variance + 1e-5f);
            for (size_t i = 0; i < row.width; i++) {
                const float expected = (row.x[i] - mean) * rstd * row.weight[i] + row.bias[i];
                assert_int_equal(cp_bits(y[i]), cp_bits(expected));
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_set_gives_the_same_bits),
        cmocka_unit_test(test_two_pass_sums_by_the_tree_of_16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
