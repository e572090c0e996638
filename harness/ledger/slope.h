/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which function was computed where rounding hides it: the slope of the residual on an alternative. */
#ifndef CP_LEDGER_SLOPE_H
#define CP_LEDGER_SLOPE_H

#include "ledger/alternative.h"

/* How many alternatives of a kind have a slope, and the one that stands at a place among them. */
size_t cp_slope_count(enum cp_operation_kind kind);
size_t cp_slope_alternative(enum cp_operation_kind kind, size_t place);

/* Sums for the slope <r, d> / <d, d> of one alternative, d = alternative(x) - f(x): where rounding hides
 * which function was computed, it acts as dither, and the slope tells. `variance` is of <r, d>, robust (White
 * 1980), by element; by row where one rounding of a statistic is common to a row (norms); by the operand's
 * value where that has 16 bits (activations), since equal operands err equally. Activations are weighted by
 * 1 / (f^2 + (x / 64)^2), the size of their rounding. */
struct cp_slope {
    double rd, dd, variance;
};
/* Rows of operands that were seen, by their hash: a row that many inputs share (the class token, the
 * beginning of a prompt) has one rounding error, and counts once. */
struct cp_rows_seen {
    uint64_t *hash; /* [capacity], 0: free; owned */
    size_t capacity, count;
};
void cp_rows_seen_free(struct cp_rows_seen *seen);
/* Adds hashes as cp_slopes gave them. false: no memory. */
bool cp_rows_seen_add(struct cp_rows_seen *seen, const int64_t *hashes, size_t count);

/* The rows of one input that the sums are over, of (rows, width): more elements add nothing. */
size_t cp_slope_rows(size_t rows, size_t width);

/* Of a batch. */
struct cp_slope_sums {
    struct cp_slope *slope; /* (inputs, cp_slope_count) */
    int64_t *hash;          /* (inputs, cp_slope_rows): of each row of the operand; 0: there is no such row */
};
/* narrow: the operand as it was recorded. Adds its rows to `seen`. */
enum cp_status cp_slopes(const struct cp_case *c, const double *const x[CP_OPERANDS], const float *narrow,
                         const float *y, const double *f, struct cp_rows_seen *seen,
                         const struct cp_slope_sums *sums, struct cp_error *err);

/* Adds an input's sums. shared: its errors are those of the other inputs (the same function of the same few
 * values), so that more inputs do not average them. */
void cp_slope_add(struct cp_slope *sum, const struct cp_slope *one, bool shared);

/* Slopes count at six standard deviations, corrected for the number that is looked at. */
bool cp_slope_counts(const struct cp_slope *slope, size_t looked_at);
static inline double cp_slope_value(const struct cp_slope *s) {
    return s->rd / s->dd;
}
double cp_slope_error(const struct cp_slope *slope);

#endif
