/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reference values from files of reference/golden. */
#ifndef CP_TESTS_SUPPORT_GOLDEN_H
#define CP_TESTS_SUPPORT_GOLDEN_H

#include "picture/image.h"

#include <stddef.h>

extern struct cp_arena goldens;

/* A float64 file, named from reference/golden on without its ending; rows and columns may be NULL, a vector
 * has one column. */
const double *golden(const char *name, size_t *rows, size_t columns);

int free_goldens(void **state);

/* NaN and infinities as they are; else within 1e-12 of it, or 2^-50 of 1 where terms of that size cancelled.
 */
void assert_golden(size_t index, const char *name, double found, double expected);

#endif
