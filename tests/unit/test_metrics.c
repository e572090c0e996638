/* SPDX-License-Identifier: GPL-3.0-or-later
 * Metrics and statistics against NumPy and SciPy (reference/golden/metrics), edge cases included: zero
 * references, NaN, infinities, single elements, huge and subnormal magnitudes, rows that do not count. */
#include "support/golden.h"
#include "support/test.h"

#include "num/metrics.h"

#include <stdlib.h>
#include <string.h>

enum { LAYOUT = 8, STRIDE_MAX = 4096 };

/* count values as the type wants them; the caller frees. */
static void *stored(const double *values, size_t count, enum cp_dtype dtype) {
    void *data = malloc(count * sizeof *values);
    assert_non_null(data);
    if (dtype == CP_FP64)
        memcpy(data, values, count * sizeof *values);
    else
        for (size_t i = 0; i < count; i++)
            ((float *)data)[i] = (float)values[i];
    return data;
}

static void test_metrics(void **state) {
    static const enum cp_dtype types[] = {CP_FP32, CP_FP16, CP_BF16, CP_FP64};
    size_t cases;
    const double *layout = golden("metrics/metrics.layouts", &cases, LAYOUT);
    const double *expected = golden("metrics/metrics.expected", NULL, CP_METRIC_COUNT);
    const double *histogram = golden("metrics/metrics.histograms", NULL, CP_ULP_BINS);
    const double *x = golden("metrics/metrics.x", NULL, 1), *y = golden("metrics/metrics.y", NULL, 1);
    (void)state;
    for (size_t i = 0; i < cases; i++, layout += LAYOUT, expected += CP_METRIC_COUNT) {
        struct cp_compared c = {.x_type = types[(size_t)layout[0]],
                                .y_type = types[(size_t)layout[1]],
                                .ulp_type = types[(size_t)layout[2]],
                                .groups = (size_t)layout[3],
                                .group_rows = (size_t)layout[4],
                                .rows = (size_t)layout[5],
                                .width = (size_t)layout[6],
                                .stride = (size_t)layout[7]};
        const size_t count = c.groups * c.group_rows * c.stride;
        double m[CP_METRIC_COUNT], work[4 * STRIDE_MAX];
        int32_t ulp[CP_ULP_BINS];
        assert_true(c.stride <= STRIDE_MAX);
        void *copies[] = {stored(x, count, c.x_type), stored(y, count, c.y_type)};
        c.x = copies[0];
        c.y = copies[1];
        cp_metrics(&c, work, m, ulp);
        for (size_t bin = 0; bin < CP_ULP_BINS; bin++)
            assert_int_equal(ulp[bin], (int32_t)histogram[i * CP_ULP_BINS + bin]);
        for (size_t k = 0; k < CP_METRIC_COUNT; k++)
            assert_golden(i, cp_metric_names[k], m[k], expected[k]);
        free(copies[0]);
        free(copies[1]);
        x += count;
        y += count;
    }
    assert_true(cases > 50);
}

/* From float32 and from float64 alike. */
static void check_statistics(size_t index, const double *x, size_t count, const double *expected,
                             const double *histogram) {
    static const enum cp_dtype types[] = {CP_FP32, CP_FP64};
    for (size_t t = 0; t < 2; t++) {
        double stats[CP_STAT_COUNT];
        int32_t bins[CP_EXPONENT_BINS];
        void *copy = stored(x, count, types[t]);
        cp_statistics(copy, types[t], count, stats, bins);
        free(copy);
        for (size_t k = 0; k < CP_STAT_COUNT; k++)
            assert_golden(index, cp_stat_names[k], stats[k], expected[k]);
        for (size_t bin = 0; bin < CP_EXPONENT_BINS; bin++)
            assert_int_equal(bins[bin], (int32_t)histogram[bin]);
    }
}

static void test_statistics(void **state) {
    size_t cases;
    const double *length = golden("metrics/statistics.lengths", &cases, 1),
                 *x = golden("metrics/statistics.x", NULL, 1);
    const double *expected = golden("metrics/statistics.expected", NULL, CP_STAT_COUNT);
    const double *histogram = golden("metrics/statistics.histograms", NULL, CP_EXPONENT_BINS);
    (void)state;
    for (size_t i = 0; i < cases; i++) {
        check_statistics(i, x, (size_t)length[i], expected + i * CP_STAT_COUNT,
                         histogram + i * CP_EXPONENT_BINS);
        x += (size_t)length[i];
    }
    assert_true(cases >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, free_goldens);
}
