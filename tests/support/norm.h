/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rows to normalise, the ideal result by maths id, and the variants by name. */
#ifndef CP_TESTS_SUPPORT_NORM_H
#define CP_TESTS_SUPPORT_NORM_H

#include "support/kernels.h"

#include "ops/ops.h"

#include <stddef.h>
#include <stdint.h>

enum { MAX_WIDTH = 1024 };
enum { TYPES = 3, WIDTHS = 11, EPSILONS = 2 };

extern const enum cp_dtype norm_types[TYPES];
extern const size_t norm_widths[WIDTHS];
extern const double norm_epsilons[EPSILONS];

/* One row's inputs and exact facts; float64 sums err far less than any bound here. */
struct row {
    size_t width;
    double eps;
    float x[MAX_WIDTH], weight[MAX_WIDTH], bias[MAX_WIDTH];
    double mean, variance, spread_max, weight_max, bias_max;
};

/* kind 0: standard; 1: as small as eps; 2: off centre; 3: one outlying channel; 4: far off centre. */
enum { KINDS = 5 };

void fill_row(struct row *row, size_t width, int kind, double eps, uint64_t *random);

void find_facts(struct row *row);

/* The ideal function by its maths id. */
double ideal_norm(const char *maths, const struct row *row, size_t i);

struct cp_norm_args norm_arguments(const struct row *row, float *y, enum cp_dtype stats,
                                   enum cp_dtype output);

/* The scalar set's variant of that name. */
const struct cp_norm *norm_named(const char *name);

#endif
