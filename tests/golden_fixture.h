/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reference values of harness/num, from reference/golden/metrics or another GOLDEN_FOLDER defined before.
 * Include after cmocka.h. */
#ifndef CP_TESTS_GOLDEN_FIXTURE_H
#define CP_TESTS_GOLDEN_FIXTURE_H

#include "picture/image.h"

#include <math.h>
#include <stdio.h>

#ifndef GOLDEN_FOLDER
#define GOLDEN_FOLDER "metrics"
#endif

static struct cp_arena goldens;

/* A float64 file of that name; rows and columns may be NULL, a vector has one column. */
static inline const double *golden(const char *name, size_t *rows, size_t columns) {
    struct cp_array array;
    struct cp_error err;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/reference/golden/" GOLDEN_FOLDER "/%s.npy", CP_SOURCE_DIR, name);
    if (cp_npy_read(path, &goldens, &array, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
    assert_int_equal(array.dtype, CP_FP64);
    assert_int_equal(array.rank == 2 ? array.shape[1] : 1, columns);
    if (rows)
        *rows = array.shape[0];
    return array.data;
}

static inline int free_goldens(void **state) {
    (void)state;
    cp_arena_free(&goldens);
    return 0;
}

/* NaN and infinities as they are; else within 1e-12 of it, or 2^-50 of 1 where terms of that size cancelled.
 */
static inline void assert_golden(size_t index, const char *name, double found, double expected) {
    const int alike = isfinite(expected) ? fabs(found - expected) <= fmax(1e-12 * fabs(expected), 0x1p-50)
                                         : found == expected || (isnan(found) && isnan(expected));
    if (!alike)
        fail_msg("case %zu: %s is %.17g, expected %.17g", index, name, found, expected);
}

#endif
