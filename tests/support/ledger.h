/* SPDX-License-Identifier: GPL-3.0-or-later
 * Operations on seeded operands for the tests of the ledger: what a system had (float64), what it recorded of
 * it, and the verdict on a result. */
#ifndef CP_TESTS_SUPPORT_LEDGER_H
#define CP_TESTS_SUPPORT_LEDGER_H

#include "support/clock.h"
#include "support/kernels.h"

#include "ledger/explain.h"
#include "ledger/slope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- seeded numbers ---- */

extern uint64_t draws;

size_t draw_below(size_t count);

/* Where a run of count normal numbers starts, in a table that is filled once. */
const float *draw_normals(size_t count);

/* ---- arithmetic ---- */

struct arithmetic {
    const char *name;
    enum cp_dtype operand, compute, accumulate, stats, output, weights;
};

enum { ARITHMETICS = 5, PLAIN_TYPES = 3, LEDGER_WIDTHS = 5 };

extern const struct arithmetic arithmetics[ARITHMETICS];
extern const size_t ledger_widths[LEDGER_WIDTHS];

void set_arithmetic(struct cp_case *c, const struct arithmetic *a);

/* ---- operands ---- */

enum family { NORMAL, CANCELLING, OUTLIERS, SUBNORMAL, SATURATED, OFF_CENTRE, FAMILIES };

extern const char *const family_names[FAMILIES];

/* Weights of n inputs each, equal in pairs where what they multiply cancels. */
void fill_weight(enum family family, size_t rows, size_t n, float scale, float *w);

/* One case with its operands: `had` are what the system computed, `recorded` these rounded to the operand's
 * type, `read` what its next operation reads: either of them. */
struct instance {
    struct cp_case c;
    double *had[CP_OPERANDS];
    float *recorded[CP_OPERANDS];
    double *ideal[CP_OPERANDS];
    const double *read[CP_OPERANDS];
    double *f, *bound, *plain;
    bool flushed;
    float *y;
    struct cp_arena arena, scratch;
};

void *instance_alloc(struct instance *in, size_t count, size_t size);

void record_operand(struct instance *in, int operand, bool wide);

void set_operand(struct instance *in, int operand, enum family family, size_t n, bool wide);

const double *const *ideals_of(const struct instance *in);

/* The ideal result and its bound, once for all results that are judged. */
void prepare_instance(struct instance *in);

void free_instance(struct instance *in);

/* ---- the verdict, by the rule of analysis/ledger/check.c ---- */

struct verdict {
    enum cp_ledger_verdict verdict;
    double bound, coarseness, plain, rms;
    size_t row, column;
    double y, f;
};

struct verdict judge_result(struct instance *in, const float *y, size_t input);

#endif
