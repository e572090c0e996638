/* SPDX-License-Identifier: GPL-3.0-or-later
 * Residuals over one input, and the error to expect of a plain evaluation, from several orders of sums. */
#include "ledger/residual.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

const char *const cp_ledger_verdict_names[CP_LEDGER_VERDICTS] = {"unchecked", "exact",        "explained",
                                                                 "coarse",    "contradicted", "nonfinite"};
const char *const cp_ledger_basis_names[CP_BASIS_COUNT] = {"bound", "empirical"};

/* ---- one input's residual ---- */

/* Columns that count: of scores and probabilities those of keys that count. */
static size_t columns_of(const struct cp_case *c, size_t input) {
    const bool keys =
        c->kind == CP_OPERATION_SCORES || (c->kind == CP_OPERATION_SOFTMAX && c->out == c->rows);
    return keys ? cp_case_valid(c, input) : c->out;
}

/* A key that a causal mask hides, in scores that were recorded behind it: -inf, or as low as a type goes. */
static bool is_masked(const struct cp_case *c, size_t row, size_t column, double y, double f) {
    return c->kind == CP_OPERATION_SCORES && column > row % c->rows && y < -1e4 && f - y > 5e3;
}

static bool all_finite(const double *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static bool operands_finite(const struct cp_case *c, const double *const x[CP_OPERANDS], size_t input) {
    for (int i = 0; i < CP_OPERANDS; i++) {
        if (!x[i])
            continue;
        const size_t size = cp_case_operand_size(c, i);
        const bool shared = c->kind == CP_OPERATION_LOGITS && i == 1;
        const size_t each = shared ? size : size / (c->inputs ? c->inputs : 1);
        if (!all_finite(x[i] + (shared ? 0 : input * each), each))
            return false;
    }
    return true;
}

/* Below this an ideal result may be lost by flushing subnormals: of a sum every product, and its result. */
static double flush_limit(const struct cp_case *c) {
    const double terms = c->kind == CP_OPERATION_CONTEXT ? (double)c->rows : fmax((double)c->in, 1);
    return terms * cp_case_tiny(CP_FP32) + cp_case_tiny(c->types.output);
}

static void add_element(const struct cp_case *c, struct cp_residual *r, double y, double f, double bound,
                        size_t row, size_t column) {
    const double error = y - f, ratio = bound > 0 ? fabs(error) / bound : fabs(error);
    r->elements++;
    r->finite = r->finite && isfinite(y) && isfinite(f);
    r->exact = r->exact && y == (double)cp_round_to(c->types.output, (float)f);
    r->rms += error * error;
    r->reference += f * f;
    r->flushed += y == 0 && fabs(f) < flush_limit(c) ? f * f : 0;
    if (r->elements > 1 && !(ratio > r->bound) && (isfinite(ratio) || !isfinite(r->bound)))
        return;
    r->bound = ratio;
    r->row = row;
    r->column = column;
    r->y = y;
    r->f = f;
}

static bool counts(const struct cp_case *c, size_t input, size_t row) {
    return row < cp_case_valid(c, input) && row % cp_case_step_rows(c) == 0;
}

struct cp_residual cp_residual(const struct cp_case *c, const double *const x[CP_OPERANDS], const float *y,
                               const double *f, const double *bound, size_t input) {
    struct cp_residual r = {.exact = true, .finite = true};
    const size_t columns = columns_of(c, input);
    for (size_t row = 0; row < c->groups * c->rows; row++)
        for (size_t j = 0; j < columns && counts(c, input, row % c->rows); j++) {
            const size_t at = (input * c->groups * c->rows + row) * c->out + j;
            if (is_masked(c, row, j, (double)y[at], f[at]))
                r.masked = true;
            else
                add_element(c, &r, (double)y[at], f[at], bound ? bound[at] : 0, row, j);
        }
    const double n = r.elements ? (double)r.elements : 1;
    r.rms = sqrt(r.rms / n);
    r.reference = sqrt(r.reference / n);
    r.flushed = sqrt(r.flushed / n);
    r.operands_finite = r.finite || operands_finite(c, x, input);
    return r;
}

/* ---- plain evaluations ---- */

/* Roundings that an element goes through at least, most of which a row shares where it is divided by one sum.
 */
static double roundings(enum cp_operation_kind kind) {
    switch (kind) {
    case CP_OPERATION_SOFTMAX:
    case CP_OPERATION_CLASSES:
        return 6;
    case CP_OPERATION_UNIT:
    case CP_OPERATION_NORM:
    case CP_OPERATION_NORMALIZE:
        return 4;
    case CP_OPERATION_LINEAR:
    case CP_OPERATION_SCORES:
    case CP_OPERATION_CONTEXT:
    case CP_OPERATION_LOGITS:
        return 2;
    default:
        return 1;
    }
}

/* One rounding errs by half a unit in the last place at most, evenly: 0.42 u of the value, in root mean
 * square over a binade, and 0.29 of the spacing of the subnormals. */
double cp_rounding_rms(const struct cp_case *c, double reference) {
    const double relative = 0.42 * cp_unit_roundoff(c->types.output) * reference;
    return sqrt(roundings(c->kind)) * hypot(relative, 0.29 * cp_ulp_at(c->types.output, 0));
}

void cp_perturb(const float *x, size_t inputs, size_t each, enum cp_dtype type, uint64_t seed, float *y) {
    for (size_t i = 0; i < inputs * each; i++) {
        const uint64_t draw = (cp_counter_hash(seed, 0x6c6564676572, i % each) >> 32) * 24 >> 32;
        const float step = draw < 2 && isfinite(x[i]) ? (float)cp_ulp_at(type, (double)x[i]) : 0;
        y[i] = draw == 0 ? x[i] + step : draw == 1 ? x[i] - step : x[i];
    }
}

static bool has_orders(enum cp_operation_kind kind) {
    return kind != CP_OPERATION_ADD && kind != CP_OPERATION_GAIN && kind != CP_OPERATION_ACTIVATION &&
           kind != CP_OPERATION_GATHER && kind != CP_OPERATION_EMBED;
}

static enum cp_status perturb_operands(const struct cp_case *c, const float *const x[CP_OPERANDS],
                                       uint64_t seed, const float *out[CP_OPERANDS], struct cp_error *err) {
    for (int i = 0; i < CP_OPERANDS; i++) {
        const size_t size = x[i] ? cp_case_operand_size(c, i) : 0;
        float *moved;
        out[i] = x[i];
        if (size == 0)
            continue;
        CP_CASE_TAKE(c, moved, size);
        const bool shared = c->kind == CP_OPERATION_LOGITS && i == 1;
        const size_t inputs = shared ? 1 : c->inputs;
        cp_perturb(x[i], inputs, size / inputs, c->types.operand[i], seed, moved);
        out[i] = moved;
    }
    return CP_OK;
}

static enum cp_status add_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                const double *f, float *y, double *rms, struct cp_error *err) {
    const float *operands[CP_OPERANDS] = {x[0], x[1]};
    if (seed % 2)
        CP_TRY(perturb_operands(c, x, seed, operands, err));
    CP_TRY(cp_case_plain(c, operands, seed, y, err));
    for (size_t n = 0; n < c->inputs; n++)
        rms[n] =
            fmax(rms[n], cp_residual(c, (const double *const[CP_OPERANDS]){NULL, NULL}, y, f, NULL, n).rms);
    return CP_OK;
}

/* One order may be lucky: as they stand, terms that cancel their neighbours hardly round, and an outlier
 * among the last ones is added to nothing. Of few elements every order says little, and of few rows that
 * share the error of a sum: then more are tried. */
enum { MANY_SEEDS = 14 };

static uint64_t seeds_of(const struct cp_case *c) {
    enum { FEW = 256, FEW_ROWS = 32, SEEDS = 3 };
    const bool shared = c->kind == CP_OPERATION_NORM || c->kind == CP_OPERATION_SOFTMAX ||
                        c->kind == CP_OPERATION_UNIT || c->kind == CP_OPERATION_CLASSES;
    if (!has_orders(c->kind))
        return 2;
    if (cp_case_elements(c) < FEW || (shared && c->groups * c->rows < FEW_ROWS))
        return MANY_SEEDS;
    return c->kind == CP_OPERATION_NORM ? 2 * SEEDS : SEEDS;
}

/* Elements that equal each other are as one: more orders decide whether an input is coarse that is near it.
 */
static bool in_doubt(const struct cp_case *c, const double *rms, const double *share) {
    for (size_t n = 0; n < c->inputs && has_orders(c->kind); n++)
        if (share[n] > 0.5 * CP_COARSE * rms[n] && share[n] <= 8 * CP_COARSE * rms[n])
            return true;
    return false;
}

enum cp_status cp_plain_rms(const struct cp_case *c, const float *const x[CP_OPERANDS], const float *y,
                            const double *f, size_t rows, double *rms, double *share, struct cp_error *err) {
    const double *const none[CP_OPERANDS] = {NULL, NULL};
    struct cp_case s = *c;
    float *plain;
    s.step = rows && rows < c->rows ? (c->rows + rows - 1) / rows : 1;
    CP_CASE_TAKE(c, plain, c->inputs * cp_case_elements(c) + 1);
    memset(plain, 0, c->inputs * cp_case_elements(c) * sizeof *plain);
    for (size_t n = 0; n < c->inputs; n++) {
        const struct cp_residual own = cp_residual(&s, none, y, f, NULL, n);
        share[n] = own.rms;
        rms[n] = cp_rounding_rms(c, own.reference);
    }
    for (uint64_t seed = 0; seed < seeds_of(&s) || (seed < MANY_SEEDS && in_doubt(&s, rms, share)); seed++)
        CP_TRY(add_plain(&s, x, seed, f, plain, rms, err));
    for (size_t n = 0; n < c->inputs; n++)
        rms[n] = hypot(rms[n], cp_residual(&s, none, y, f, NULL, n).flushed);
    return CP_OK;
}
