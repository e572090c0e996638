/* SPDX-License-Identifier: GPL-3.0-or-later
 * Legitimate ways to compute an operation, written without the ledger's own: orders and groupings of sums,
 * FMA or not, wider inside, flushed subnormals, every elementary operation rounded. And the tally of verdicts
 * on them. */
#ifndef CP_TESTS_SUPPORT_LEDGER_SUMS_H
#define CP_TESTS_SUPPORT_LEDGER_SUMS_H

#include "support/ledger.h"

#include <stdbool.h>
#include <stddef.h>

enum sum {
    SUM_IN_ORDER,
    SUM_PERMUTED,
    SUM_PAIRWISE,
    SUM_BLOCKS_64,
    SUM_BLOCKS_256,
    SUM_SPLIT, /* parts, each held in the result's type */
    SUM_LANES, /* sixteen, then a tree */
    SUM_DOUBLE,
    SUM_NATIVE, /* every product and sum in the result's type */
    SUMS
};

extern const char *const sum_names[SUMS];

/* order: [n] of a sum of n terms, a permutation, or the natural one. */
struct way {
    enum sum sum;
    bool fma, flush, wide;
    enum cp_dtype accumulate, output;
    const size_t *order;
    size_t parts;
    int variant; /* of what else an operation may do one way or another */
};

float flushed(const struct way *way, float x);

float stored(const struct way *way, double x);

/* Of one sum. b NULL: of a alone. */
struct terms {
    const double *a, *b;
};

double sum_of(const struct way *way, struct terms t, size_t n);

/* A way of an instance: `index` picks the sum, the rest is drawn. */
struct way draw_way(struct instance *in, enum sum sum, size_t n, bool wide);

/* ---- the tally ---- */

extern const char *const kind_names[CP_OPERATION_KINDS];

void count_verdict(struct instance *in, const struct arithmetic *arithmetic, const char *what,
                   enum family family, size_t width, const float *y);

/* An operation's cases and its methods, over all widths, arithmetics and families of operands. */
struct operation {
    void (*make)(struct instance *, const struct arithmetic *, enum family, size_t width, bool wide,
                 size_t trial);
    void (*evaluate)(struct instance *, const struct arithmetic *, enum family, int method, bool wide);
    int methods;
    size_t trials;
};

void run_operation(const struct operation *o);

/* The table; fails where one is beyond its bound or coarse, or where there are too few. */
void assert_sound(size_t least, double started);

#endif
