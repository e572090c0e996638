/* SPDX-License-Identifier: GPL-3.0-or-later
 * Gradients of the contrastive loss against PyTorch's autograd (reference/golden/stationarity). Features in
 * float32 have length 1 to within 1e-7, and so far apart are the two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/image.h"
#include "study/stationarity.h"

#include <stdio.h>

#include <math.h>

#define FOLDER "reference/golden/stationarity/"
enum { BLOCKS = CP_STATIONARITY_BLOCKS };

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

static void check(const char *texts_name, const char *labels_name, size_t each, const char *expected_name) {
    const struct cp_array images = read("images"), texts = read(texts_name), expected = read(expected_name);
    const struct cp_stationarity s = {.images = images.data,
                                      .texts = texts.data,
                                      .labels = labels_name ? read(labels_name).data : NULL,
                                      .count = images.shape[0],
                                      .embed = images.shape[1],
                                      .each = each,
                                      .scale = 14};
    const double *golden = expected.data;
    double products[BLOCKS * BLOCKS], most = 0;
    struct cp_error err;
    assert_int_equal(cp_stationarity(&s, NULL, products, &err), CP_OK);
    assert_int_equal(expected.shape[0] * expected.shape[1], BLOCKS * BLOCKS);
    for (size_t i = 0; i < (size_t)BLOCKS * BLOCKS; i++)
        most = fmax(most, fabs(products[i] - golden[i]));
    print_message("%s: at most %.2g of %.2g away\n", expected_name, most, golden[0]);
    assert_true(most <= 1e-7 * golden[0]);
}

static void labelled_images(void **state) {
    (void)state;
    check("texts", "labels", 3, "products-labels");
}

static void pairs(void **state) {
    (void)state;
    check("pairs", NULL, 1, "products-pairs");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(labelled_images), cmocka_unit_test(pairs)};
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
