/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pictures of the same and of different sizes, compared under a tolerance. */
#include "support/test.h"

#include "analysis/agreement.h"
#include "result/file.h"
#include "tap/buffer.h"
#include "tap/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 2, MOST = 3 * 2 * 4 };

static struct cp_error err;
static struct cp_site site = {
    .name = "pixels.resized", .point = CP_PIXELS_RESIZED, .layer = -1, .rank = 4, .ragged = true};

/* An image of 3 colours, 2 rows and so many columns, of ones. */
static struct cp_tap_event image_of(size_t image, size_t columns) {
    static float ones[MOST];
    const size_t shape[] = {IMAGES, 3, 2, columns};
    for (size_t i = 0; i < MOST; i++)
        ones[i] = 1;
    memcpy(site.shape, shape, sizeof shape);
    return (struct cp_tap_event){.site = &site, .first = image, .inputs = 1, .dtype = CP_FP32, .data = ones};
}

static int define(struct cp_result *result) {
    struct cp_variable v = {
        .group = "/x", .name = "metrics", .long_name = "x", .units = "1", .dtype = CP_FP64};
    const struct cp_dim dims[] = {{"image", IMAGES, NULL},
                                  {"part", CP_PART_COUNT, cp_part_names},
                                  {"metric", CP_METRIC_COUNT, cp_metric_names}};
    int handle;
    v.rank = 3;
    memcpy(v.dims, dims, sizeof dims);
    assert_int_equal(cp_result_define(result, &v, &handle, &err), CP_OK);
    return handle;
}

/* No tolerance allows an image of another size, however wide it is. */
static void another_size_is_outside_every_tolerance(void **state) {
    static const size_t columns[IMAGES][2] = {{4, 4}, {4, 3}}; /* of the baseline, of the candidate */
    static const bool watched[] = {true};
    static const enum cp_dtype types[] = {CP_FP32};
    static const struct cp_tolerance wide = {1e30, 1e30};
    double metrics[IMAGES][CP_PART_COUNT][CP_METRIC_COUNT];
    struct cp_tap_buffer baseline, none;
    struct cp_result *result;
    struct cp_pool *pool;
    char path[64];
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/clip-parity-compare-%d.h5", (int)getpid());
    assert_int_equal(cp_result_create(path, 0, "print", &result, &err), CP_OK);
    assert_int_equal(cp_pool_create(1, &pool, &err), CP_OK);
    assert_int_equal(cp_tap_buffer_create(1, watched, &baseline, &err), CP_OK);
    assert_int_equal(cp_tap_buffer_create(1, watched, &none, &err), CP_OK);
    const int handle = define(result);
    const struct cp_tolerance *tolerance = &wide;
    struct cp_compare compare = {watched, types,  &baseline,  &none,   &none,
                                 pool,    result, &tolerance, &handle, NULL};
    const struct cp_tap keeps = cp_buffer_tap(&baseline), compares = cp_compare_tap(&compare);
    for (size_t i = 0; i < IMAGES; i++) {
        struct cp_tap_event event = image_of(i, columns[i][0]);
        assert_int_equal(keeps.visit(keeps.self, &event, &err), CP_OK);
        event = image_of(i, columns[i][1]);
        assert_int_equal(compares.visit(compares.self, &event, &err), CP_OK);
    }
    assert_int_equal(cp_result_read(result, handle, 0, IMAGES, metrics, &err), CP_OK);
    assert_true(metrics[0][CP_TOTAL][CP_BEYOND] == 0 && metrics[0][CP_TOTAL][CP_DIFFERENT] == 0);
    assert_true(metrics[1][CP_TOTAL][CP_BEYOND] == 1 && metrics[1][CP_TOTAL][CP_DIFFERENT] == 3 * 2 * 3);
    const struct cp_agreement_tap tap = {.compared = true, .beyond = metrics[1][CP_TOTAL][CP_BEYOND]};
    assert_true(cp_agreement_is_outside(&tap));
    cp_tap_buffer_free(&baseline);
    cp_tap_buffer_free(&none);
    cp_pool_free(pool);
    cp_result_close(result, 0);
}

/* Means of parts are over the same inputs: where the second has no oracle, its total counts in none of them.
 */
static void means_are_over_the_same_inputs(void **state) {
    double metrics[3][CP_PART_COUNT][CP_METRIC_COUNT] = {{{0}}};
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int part = 0; part < CP_PART_COUNT; part++)
            metrics[i][part][CP_REL_L2] = metrics[i][part][CP_WORST_REL_L2] = i == 2 ? 8 : 1;
    for (int part = 0; part < CP_PART_COUNT; part++)
        if (part != CP_TOTAL)
            metrics[2][part][CP_DIFFERENT] = metrics[2][part][CP_REL_L2] = NAN;
    const struct cp_tap_summary s = cp_tap_summarise(&metrics[0][0][0], 3);
    assert_true(s.compared == 3 && s.meant == 2 && s.worst_token == 8);
    for (int part = 0; part < CP_PART_COUNT; part++)
        assert_true(s.mean_rel[part] == 1);
    for (int i = 0; i < 3; i++) /* no oracle at all */
        for (int part = 0; part < CP_PART_COUNT; part++)
            if (part != CP_TOTAL)
                metrics[i][part][CP_DIFFERENT] = metrics[i][part][CP_REL_L2] = NAN;
    const struct cp_tap_summary none = cp_tap_summarise(&metrics[0][0][0], 3);
    assert_true(none.meant == 3 && none.mean_rel[CP_TOTAL] == 10.0 / 3 && isnan(none.mean_rel[CP_SEMANTIC]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(another_size_is_outside_every_tolerance),
                                       cmocka_unit_test(means_are_over_the_same_inputs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
