/* SPDX-License-Identifier: GPL-3.0-or-later
 * Regression sums per input and alternative, over rows whose hash was not seen before. */
#include "ledger/slope.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

/* More elements of one input add nothing to what the slope tells. */
enum { SLOPE_ELEMENTS = 1 << 14 };

size_t cp_slope_rows(size_t rows, size_t width) {
    const size_t most = SLOPE_ELEMENTS / width + 1;
    return rows < most ? rows : most;
}

static bool is_listed(enum cp_operation_kind kind, size_t alternative) {
    return cp_alternatives[alternative].kind == kind &&
           cp_alternative_has_slope(&cp_alternatives[alternative]);
}

size_t cp_slope_count(enum cp_operation_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < cp_alternative_count; i++)
        count += is_listed(kind, i);
    return count;
}

size_t cp_slope_alternative(enum cp_operation_kind kind, size_t place) {
    size_t i = 0;
    while (!is_listed(kind, i) || place-- > 0)
        i++;
    return i;
}

struct slope_task {
    const struct cp_case *c;
    const double *x;
    const float *y;
    const double *f, *other;
    const bool *counts;      /* (inputs, rows) */
    struct cp_slope *slopes; /* [inputs * each] of one alternative */
    size_t each;
};

/* Sums by the operand's value, of activations in half precision. */
enum { VALUES = 1 << 16 };

static size_t value_of(const struct cp_case *c, double x) {
    return c->types.operand[0] == CP_FP16 ? cp_fp16_encode((float)x) : cp_bf16_encode((float)x);
}

static bool by_value(const struct cp_case *c) {
    return c->kind == CP_OPERATION_ACTIVATION && c->types.operand[0] != CP_FP32;
}

/* An activation's rounding is as large as its result: weighted by that, its tails tell more than its middle.
 */
static double weight_of(const struct slope_task *t, size_t i) {
    if (t->c->kind != CP_OPERATION_ACTIVATION)
        return 1;
    return 1 / (t->f[i] * t->f[i] + t->x[i] * t->x[i] / 4096 + 1e-30);
}

static void add_products(const struct slope_task *t, size_t at, struct cp_slope *s) {
    for (size_t i = at; i < at + t->c->out; i++) {
        const double d = t->other[i] - t->f[i], r = (double)t->y[i] - t->f[i], w = weight_of(t, i);
        s->rd += w * r * d;
        s->dd += w * d * d;
    }
}

static void add_variance(const struct slope_task *t, size_t at, double slope, double *values,
                         struct cp_slope *s) {
    double row = 0;
    for (size_t i = at; i < at + t->c->out; i++) {
        const double d = t->other[i] - t->f[i], r = (double)t->y[i] - t->f[i];
        const double e = weight_of(t, i) * (r - slope * d) * d;
        row += e;
        if (values)
            values[value_of(t->c, t->x[i])] += e;
        else if (t->c->kind != CP_OPERATION_NORM)
            s->variance += e * e;
    }
    if (t->c->kind == CP_OPERATION_NORM)
        s->variance += row * row;
}

static void slope_of_input(void *context, size_t input, int worker) {
    const struct slope_task *t = context;
    struct cp_slope *s = &t->slopes[input * t->each];
    double *values = by_value(t->c) ? calloc(VALUES, sizeof *values) : NULL;
    (void)worker;
    for (int second = 0; second < 2; second++)
        for (size_t row = 0; row < t->c->groups * cp_case_valid(t->c, input); row++) {
            const size_t at = (input * t->c->rows + row) * t->c->out;
            if (t->counts[input * t->c->rows + row] && second)
                add_variance(t, at, s->dd > 0 ? s->rd / s->dd : 0, values, s);
            else if (t->counts[input * t->c->rows + row])
                add_products(t, at, s);
        }
    for (size_t v = 0; values && v < VALUES; v++)
        s->variance += values[v] * values[v];
    if (by_value(t->c) && !values)
        s->variance = INFINITY; /* no memory, no conclusion */
    free(values);
}

/* ---- rows that were seen ---- */

void cp_rows_seen_free(struct cp_rows_seen *seen) {
    free(seen->hash);
    *seen = (struct cp_rows_seen){NULL, 0, 0};
}

/* Without the sign bit of the int64 that is stored; never 0. */
static uint64_t hash_row(const float *x, size_t n) {
    const uint64_t hash = cp_words_hash(x, n) & INT64_MAX;
    return hash ? hash : 1;
}

static bool put(struct cp_rows_seen *seen, uint64_t hash) {
    size_t at = (size_t)(hash % seen->capacity);
    while (seen->hash[at] && seen->hash[at] != hash)
        at = (at + 1) % seen->capacity;
    if (seen->hash[at])
        return false;
    seen->hash[at] = hash;
    seen->count++;
    return true;
}

static bool grow(struct cp_rows_seen *seen) {
    const struct cp_rows_seen old = *seen;
    const size_t capacity = old.capacity ? 4 * old.capacity : 256;
    uint64_t *hash = calloc(capacity, sizeof *hash);
    if (!hash)
        return false;
    *seen = (struct cp_rows_seen){hash, capacity, 0};
    for (size_t i = 0; i < old.capacity; i++)
        if (old.hash[i])
            (void)put(seen, old.hash[i]);
    free(old.hash);
    return true;
}

static bool reserve(struct cp_rows_seen *seen) {
    return 2 * seen->count < seen->capacity || grow(seen);
}

bool cp_rows_seen_add(struct cp_rows_seen *seen, const int64_t *hashes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!reserve(seen))
            return false;
        if (hashes[i])
            (void)put(seen, (uint64_t)hashes[i]);
    }
    return true;
}

/* Which rows are new. */
static enum cp_status note_rows(const struct cp_case *c, const float *narrow, struct cp_rows_seen *seen,
                                bool *counts, int64_t *hashes, struct cp_error *err) {
    const size_t each = cp_slope_rows(c->rows, c->out);
    for (size_t i = 0; i < c->inputs * each; i++) {
        const size_t row = i / each * c->rows + i % each;
        hashes[i] = 0;
        if (i % each >= cp_case_valid(c, i / each))
            continue;
        CP_TRY(CP_CHECK_ALLOC(reserve(seen), err, "", "the ledger"));
        const uint64_t hash = hash_row(narrow + row * c->out, c->out);
        counts[row] = put(seen, hash);
        hashes[i] = (int64_t)hash;
    }
    return CP_OK;
}

static enum cp_status limit_rows(const struct cp_case *c, struct cp_case *limited, struct cp_error *err) {
    int *valid;
    *limited = *c;
    CP_CASE_TAKE(c, valid, c->inputs);
    for (size_t n = 0; n < c->inputs; n++)
        valid[n] = (int)cp_slope_rows(cp_case_valid(c, n), c->out);
    limited->valid = valid;
    return CP_OK;
}

enum cp_status cp_slopes(const struct cp_case *c, const double *const x[CP_OPERANDS], const float *narrow,
                         const float *y, const double *f, struct cp_rows_seen *seen,
                         const struct cp_slope_sums *sums, struct cp_error *err) {
    const size_t count = cp_slope_count(c->kind);
    bool *counts;
    struct cp_case limited;
    double *other;
    CP_TRY(limit_rows(c, &limited, err));
    CP_CASE_TAKE(c, counts, c->inputs * c->rows);
    CP_TRY(note_rows(&limited, narrow, seen, counts, sums->hash, err));
    CP_CASE_TAKE(c, other, c->inputs * cp_case_elements(c));
    for (size_t i = 0; i < count; i++) {
        struct cp_case changed = limited;
        const struct cp_alternative *a = &cp_alternatives[cp_slope_alternative(c->kind, i)];
        if (!a->apply(&changed, a->value))
            continue;
        CP_TRY(cp_case_ideal(&changed, x, other, err));
        struct slope_task task = {&limited, x[0], y, f, other, counts, sums->slope + i, count};
        cp_case_each(&limited, slope_of_input, &task);
    }
    return CP_OK;
}

void cp_slope_add(struct cp_slope *sum, const struct cp_slope *one, bool shared) {
    sum->rd += one->rd;
    sum->dd += one->dd;
    if (!shared)
        sum->variance += one->variance;
    else
        sum->variance = pow(sqrt(sum->variance) + sqrt(one->variance), 2);
}

double cp_slope_error(const struct cp_slope *s) {
    return s->dd > 0 ? sqrt(s->variance) / s->dd : INFINITY;
}

bool cp_slope_counts(const struct cp_slope *s, size_t looked_at) {
    const double error = cp_slope_error(s);
    if (!(s->dd > 0) || !isfinite(error))
        return false;
    const double slope = cp_slope_value(s), limit = sqrt(36 + 2 * log((double)(looked_at ? looked_at : 1)));
    return slope >= limit * error && fabs(slope - 1) <= fmax(0.25, 3 * error);
}
