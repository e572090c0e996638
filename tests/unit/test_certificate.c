/* SPDX-License-Identifier: GPL-3.0-or-later
 * Certificates: closed forms, and that no perturbation of the measured size ever changes a certified decision
 * (an adversary that moves the features straight towards the runner-up included). */
#include "support/test.h"

#include "base/hash.h"
#include "num/certificate.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 16, COLUMNS = 5 };

static void closed_forms(void **state) {
    const float image[2] = {1, 0}, columns[4] = {1, 0, 0, 1}, turned[2] = {0.8f, 0.6f};
    const struct cp_scored baseline = {image, columns, 10, 0, 0}, same = baseline;
    const struct cp_scored moved = {turned, columns, 10, 0, 0};
    (void)state;
    struct cp_certificate c = cp_certify(&baseline, &same, 2, 2);
    assert_true(c.certified && c.margin == 10 && c.bound == 0);
    /* |a' - a| = sqrt(0.4): each logit can have moved by 10 sqrt(0.4), together more than the lead of 10. */
    c = cp_certify(&baseline, &moved, 2, 2);
    assert_true(fabs(c.bound - 20 * sqrt(0.4)) < 1e-5);
    assert_false(c.certified);
    c = cp_certify(&baseline, &same, 1, 2);
    assert_true(c.certified && isinf(c.margin));
}

static void nothing_is_certified_of_nan(void **state) {
    const float image[2] = {1, 0}, columns[4] = {1, 0, 0, 1};
    const float bad_image[2] = {NAN, 0}, bad_columns[4] = {1, 0, 0, INFINITY};
    const struct cp_scored baseline = {image, columns, 10, 0, 0};
    const struct cp_scored sides[] = {
        {bad_image, columns, 10, 0, 0}, {image, bad_columns, 10, 0, 0}, {image, columns, NAN, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        assert_false(cp_certify(&baseline, &sides[i], 2, 2).certified);
        assert_false(cp_certify(&sides[i], &baseline, 2, 2).certified);
    }
}

static float drawn(uint64_t seed, uint64_t stream, size_t i) {
    return (float)cp_counter_unit(seed, stream, i);
}

static size_t winner(const float *image, const float *columns, double scale) {
    double best = -INFINITY;
    size_t at = 0;
    for (size_t j = 0; j < COLUMNS; j++) {
        double sum = 0;
        for (size_t i = 0; i < WIDTH; i++)
            sum += (double)image[i] * (double)columns[j * WIDTH + i];
        if (scale * sum > best) {
            best = scale * sum;
            at = j;
        }
    }
    return at;
}

/* towards: the direction of column j less that of the winner, which takes the lead away fastest. */
static void certified_decisions_stand(void **state) {
    size_t certified = 0, flipped = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        float image[WIDTH], moved[WIDTH], columns[COLUMNS * WIDTH];
        const double size = 0.5 * (double)(seed % 40) / 40;
        for (size_t i = 0; i < WIDTH; i++)
            image[i] = drawn(seed, 0, i);
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            columns[i] = drawn(seed, 1, i);
        const size_t top = winner(image, columns, 10), other = (top + 1 + seed % (COLUMNS - 1)) % COLUMNS;
        for (size_t i = 0; i < WIDTH; i++)
            moved[i] = image[i] + (float)size * (columns[other * WIDTH + i] - columns[top * WIDTH + i]);
        const struct cp_scored a = {image, columns, 10, 0, 0x1p-24}, b = {moved, columns, 10, 0, 0x1p-24};
        const bool flips = winner(moved, columns, 10) != top;
        const bool says = cp_certify(&a, &b, COLUMNS, WIDTH).certified;
        assert_false(says && flips);
        certified += says;
        flipped += flips;
    }
    print_message("certified %zu, flipped %zu of 4000\n", certified, flipped);
    assert_true(certified > 400 && flipped > 400);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_forms),
        cmocka_unit_test(nothing_is_certified_of_nan),
        cmocka_unit_test(certified_decisions_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
