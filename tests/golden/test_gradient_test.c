/* SPDX-License-Identifier: GPL-3.0-or-later
 * Gradients of the contrastive loss, and the scale where it is least, against PyTorch's autograd
 * (reference/golden/stationarity). Features in float32 have length 1 to within 1e-7, and so far apart are the
 * two. */
#include "support/test.h"

#include "picture/image.h"
#include "task/gradient_test.h"

#include <stdio.h>

#include <math.h>

#define FOLDER "reference/golden/stationarity/"
enum { BLOCKS = CP_GRADIENT_TEST_BLOCKS };

static struct cp_arena arena;

static int free_arena(void **state) {
    (void)state;
    cp_arena_free(&arena);
    return 0;
}

static struct cp_array read(const char *name) {
    struct cp_array array;
    struct cp_error err;
    char path[256];
    (void)snprintf(path, sizeof path, FOLDER "%s.npy", name);
    assert_int_equal(cp_npy_read(path, &arena, &array, &err), CP_OK);
    return array;
}

static void assert_close(const char *name, const double *products, double relative) {
    const struct cp_array expected = read(name);
    const double *golden = expected.data;
    double most = 0;
    assert_int_equal(expected.shape[0] * expected.shape[1], BLOCKS * BLOCKS);
    for (size_t i = 0; i < (size_t)BLOCKS * BLOCKS; i++)
        most = fmax(most, fabs(products[i] - golden[i]));
    print_message("%s: at most %.2g of %.2g away\n", name, most, golden[0]);
    assert_true(most <= relative * golden[0]);
}

static double *alloc_gradient(size_t embed) {
    double *gradient = cp_arena_alloc(&arena, BLOCKS * embed * embed, sizeof *gradient);
    assert_non_null(gradient);
    return gradient;
}

static struct cp_gradient_test inputs(const char *images_name, const char *texts_name,
                                      const char *labels_name, size_t each) {
    const struct cp_array images = read(images_name), texts = read(texts_name);
    return (struct cp_gradient_test){.images = images.data,
                                     .texts = texts.data,
                                     .labels = labels_name ? read(labels_name).data : NULL,
                                     .count = images.shape[0],
                                     .embed = images.shape[1],
                                     .each = each};
}

static void check(const struct cp_gradient_test *s, const char *expected_name) {
    double *gradient = alloc_gradient(s->embed), products[BLOCKS * BLOCKS];
    struct cp_derivatives slopes[BLOCKS];
    struct cp_error err;
    assert_int_equal(cp_gradient_test_at(s, NULL, log(14), gradient, slopes, &err), CP_OK);
    cp_gradient_test_products(gradient, gradient, s->embed * s->embed, products);
    assert_close(expected_name, products, 1e-7);
}

static void labelled_images(void **state) {
    (void)state;
    const struct cp_gradient_test s = inputs("images", "texts", "labels", 3);
    check(&s, "products-labels");
}

static void pairs(void **state) {
    (void)state;
    const struct cp_gradient_test s = inputs("images", "pairs", NULL, 1);
    check(&s, "products-pairs");
}

/* From whichever scale the file has. */
static void fitted_scale(void **state) {
    const double starts[] = {-2, 1, log(14), 6};
    const double *golden = read("fit-scale").data;
    const struct cp_gradient_test s = inputs("fit-images", "texts", "labels", 3);
    double *gradient = alloc_gradient(s.embed), products[BLOCKS * BLOCKS];
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct cp_fitted_scale scale;
        struct cp_error err;
        assert_int_equal(cp_gradient_test_fit(&s, NULL, starts[i], gradient, &scale, &err), CP_OK);
        assert_true(scale.found && fabs(scale.log_scale - golden[0]) <= 1e-6);
        assert_true(fabs(scale.error - golden[1]) <= 1e-6);
        cp_gradient_test_products(gradient, gradient, s.embed * s.embed, products);
        assert_close("products-fit", products, 1e-5);
    }
}

/* Images that have nothing to do with their texts: the smaller the scale, the better. */
static void no_scale(void **state) {
    struct cp_gradient_test s = inputs("images", "texts", "labels", 3);
    struct cp_fitted_scale scale;
    struct cp_error err;
    float *opposite = cp_arena_alloc(&arena, s.count * s.embed, sizeof *opposite);
    (void)state;
    assert_non_null(opposite);
    for (size_t i = 0; i < s.count; i++)
        for (size_t e = 0; e < s.embed; e++)
            opposite[i * s.embed + e] = -s.texts[(size_t)s.labels[i] * s.each * s.embed + e];
    s.images = opposite;
    assert_int_equal(cp_gradient_test_fit(&s, NULL, 2, alloc_gradient(s.embed), &scale, &err), CP_OK);
    assert_false(scale.found);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(labelled_images), cmocka_unit_test(pairs),
                                       cmocka_unit_test(fitted_scale), cmocka_unit_test(no_scale)};
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
