/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/golden.h"
#include "support/test.h"

#include <math.h>
#include <stdio.h>

struct cp_arena goldens;

const double *golden(const char *name, size_t *rows, size_t columns) {
    struct cp_array array;
    struct cp_error err;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/reference/golden/%s.npy", CP_SOURCE_DIR, name);
    if (cp_npy_read(path, &goldens, &array, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
    assert_int_equal(array.dtype, CP_FP64);
    assert_int_equal(array.rank == 2 ? array.shape[1] : 1, columns);
    if (rows)
        *rows = array.shape[0];
    return array.data;
}

int free_goldens(void **state) {
    (void)state;
    cp_arena_free(&goldens);
    return 0;
}

void assert_golden(size_t index, const char *name, double found, double expected) {
    const int alike = isfinite(expected) ? fabs(found - expected) <= fmax(1e-12 * fabs(expected), 0x1p-50)
                                         : found == expected || (isnan(found) && isnan(expected));
    if (!alike)
        fail_msg("case %zu: %s is %.17g, expected %.17g", index, name, found, expected);
}
