/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which inputs are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/units.h"

static void alike(void **state) {
    static const uint64_t hash[] = {7, 3, 7, 0, 9, 3, 0, 7};
    static const size_t expected[] = {0, 1, 0, 3, 4, 1, 6, 0};
    size_t first[8];
    (void)state;
    assert_true(cp_units_alike(hash, 8, first));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(first[i], expected[i]);
    assert_true(cp_units_alike(hash, 0, first));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
