/* SPDX-License-Identifier: GPL-3.0-or-later
 * One operation of one pass over a batch: residual, verdict, explanation, and what the baseline's settings or
 * weights would make of the same operands. */
#include "analysis/ledger/check.h"
#include "model/tap_weights.h"

#include <math.h>
#include <string.h>

/* Rows of one input of a linear layer that are evaluated plainly, unless they leave it open whether it is
 * coarse. */
enum { SAMPLE = 8 };

static void clear(double *rows, size_t inputs) {
    for (size_t i = 0; i < inputs * CP_LEDGER_FIELDS; i++)
        rows[i] = i % CP_LEDGER_FIELDS == CP_LEDGER_FIELD_VERDICT ? CP_LEDGER_UNCHECKED : NAN;
}

/* ---- the residual ---- */

static void residual_of_input(void *context, size_t input, int worker) {
    struct cp_ledger_check *k = context;
    (void)worker;
    k->residual[input] =
        cp_residual(&k->c, k->operands.ideal, k->y, k->f, k->operands.composite ? NULL : k->bound, input);
}

static enum cp_status evaluate(struct cp_ledger_check *k, struct cp_error *err) {
    const size_t elements = k->c.inputs * cp_case_elements(&k->c);
    CP_CASE_TAKE(&k->c, k->f, elements);
    CP_CASE_TAKE(&k->c, k->plain, k->c.inputs);
    CP_CASE_TAKE(&k->c, k->share, k->c.inputs);
    CP_CASE_TAKE(&k->c, k->residual, k->c.inputs);
    memset(k->f, 0, elements * sizeof *k->f);
    CP_TRY(cp_case_ideal(&k->c, k->operands.ideal, k->f, err));
    if (!k->operands.composite) {
        CP_CASE_TAKE(&k->c, k->bound, elements);
        CP_TRY(cp_case_bound(&k->c, k->operands.ideal, k->f, k->bound, err));
    }
    cp_case_each(&k->c, residual_of_input, k);
    return CP_OK;
}

/* ---- the yardstick ---- */

/* The largest error of the legitimate evaluations. */
static enum cp_status measure_reruns(struct cp_ledger_check *k, struct cp_error *err) {
    const double *const none[CP_OPERANDS] = {NULL, NULL};
    float *y;
    CP_CASE_TAKE(&k->c, y, k->c.inputs * cp_case_elements(&k->c));
    for (size_t n = 0; n < k->c.inputs; n++)
        k->plain[n] = cp_rounding_rms(&k->c, k->residual[n].reference);
    for (uint64_t seed = 0; seed < CP_RERUNS; seed++) {
        memset(y, 0, k->c.inputs * cp_case_elements(&k->c) * sizeof *y);
        struct cp_arena own = {0};
        struct cp_case copy = k->c;
        copy.scratch = &own;
        const enum cp_status status = cp_case_plain(&copy, k->operands.plain[seed], seed, y, err);
        cp_arena_free(&own);
        CP_TRY(status);
        for (size_t n = 0; n < k->c.inputs; n++)
            k->plain[n] = fmax(k->plain[n], cp_residual(&k->c, none, y, k->f, NULL, n).rms);
    }
    return CP_OK;
}

static bool is_open(const struct cp_ledger_check *k, size_t n) {
    return k->residual[n].finite && fmax(k->share[n], k->residual[n].rms) > 0.5 * CP_COARSE * k->plain[n];
}

/* Every row, of the inputs that their sample leaves open: an input's yardstick does not depend on the others
 * of its batch. */
static enum cp_status measure_plain(struct cp_ledger_check *k, struct cp_error *err) {
    double *all, *share;
    size_t open = 0;
    if (k->operands.composite)
        return measure_reruns(k, err);
    CP_TRY(cp_plain_rms(&k->c, k->operands.plain[0], k->y, k->f, SAMPLE, k->plain, k->share, err));
    for (size_t n = 0; n < k->c.inputs; n++)
        open += is_open(k, n);
    if (!open)
        return CP_OK;
    CP_CASE_TAKE(&k->c, all, k->c.inputs);
    CP_CASE_TAKE(&k->c, share, k->c.inputs);
    CP_TRY(cp_plain_rms(&k->c, k->operands.plain[0], k->y, k->f, 0, all, share, err));
    for (size_t n = 0; n < k->c.inputs; n++)
        if (is_open(k, n))
            k->plain[n] = all[n];
    return CP_OK;
}

/* ---- the verdict ---- */

/* How many times more an evaluation in bfloat16 errs than one in the declared type. */
static double half_factor(const struct cp_case *c) {
    return fmax(cp_unit_roundoff(CP_BF16) / cp_unit_roundoff(c->types.output), 16);
}

static enum cp_ledger_verdict verdict_of(const struct cp_ledger_check *k, size_t input) {
    const struct cp_residual *r = &k->residual[input];
    const double coarse = cp_ledger_ratio(r->rms, k->plain[input]);
    if (!r->finite)
        return CP_LEDGER_NONFINITE;
    if (r->exact)
        return CP_LEDGER_EXACT;
    if (!k->operands.composite && !(r->bound <= 1))
        return CP_LEDGER_CONTRADICTED;
    if (k->operands.composite && coarse > CP_COARSE * half_factor(&k->c))
        return CP_LEDGER_CONTRADICTED;
    return coarse <= CP_COARSE ? CP_LEDGER_EXPLAINED : CP_LEDGER_COARSE;
}

static void fill_row(const struct cp_ledger_check *k, size_t input) {
    const struct cp_residual *r = &k->residual[input];
    double *row = cp_ledger_check_row(k, input);
    if (r->elements == 0)
        return;
    row[CP_LEDGER_FIELD_VERDICT] = verdict_of(k, input);
    row[CP_LEDGER_FIELD_BASIS] = k->operands.composite ? CP_BASIS_EMPIRICAL : CP_BASIS_BOUND;
    row[CP_LEDGER_FIELD_BOUND] = k->operands.composite ? NAN : r->bound;
    row[CP_LEDGER_FIELD_COARSENESS] = cp_ledger_ratio(r->rms, k->plain[input]);
    row[CP_LEDGER_FIELD_RESIDUAL] = cp_ledger_ratio(r->rms, r->reference);
    row[CP_LEDGER_FIELD_PLAIN] = cp_ledger_ratio(k->plain[input], r->reference);
    row[CP_LEDGER_FIELD_ROW] = (double)r->row;
    row[CP_LEDGER_FIELD_COLUMN] = (double)r->column;
    row[CP_LEDGER_FIELD_Y] = r->y;
    row[CP_LEDGER_FIELD_F] = r->f;
    row[CP_LEDGER_FIELD_OWN] = r->operands_finite;
}

/* ---- the baseline's settings and weights, on the own operands ---- */

/* Of each input, into a field. Less than `least` is the same; where that is 0, what is not finite is no less.
 */
static enum cp_status fill_difference(struct cp_ledger_check *k, const struct cp_case *other, double least,
                                      enum cp_ledger_field field, struct cp_error *err) {
    const size_t each = cp_case_elements(&k->c);
    double *theirs;
    CP_CASE_TAKE(&k->c, theirs, k->c.inputs * each);
    memset(theirs, 0, k->c.inputs * each * sizeof *theirs);
    CP_TRY(cp_case_ideal(other, k->operands.ideal, theirs, err));
    for (size_t n = 0; n < k->c.inputs; n++) {
        double difference = 0, reference = 0;
        for (size_t i = n * each; i < (n + 1) * each; i++) {
            difference += (k->f[i] - theirs[i]) * (k->f[i] - theirs[i]);
            reference += theirs[i] * theirs[i];
        }
        const double ratio = cp_ledger_ratio(sqrt(difference), sqrt(reference));
        cp_ledger_check_row(k, n)[field] = ratio >= least ? ratio : least > 0 ? NAN : INFINITY;
    }
    return CP_OK;
}

static bool same_weights(const struct cp_ledger_check *k) {
    const struct cp_study *study = k->at->ls->study;
    const size_t i = cp_ledger_site(k->at, k->point), s = k->at->s;
    if (!study->modelled || i >= study->sites.count)
        return true;
    const struct cp_site *site = &study->sites.list[i];
    return !cp_tap_weights_differ(study->spec_model[s], study->spec_model[0], site) &&
           !cp_tap_weights_round_differently(study->spec_model[s], study->spec[s], study->spec[0], site);
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What a spec can declare. Where tables of factors or tokens are two they may still be equal: then the
 * functions turn out to be. */
static bool declares_same(const struct cp_case_maths *a, const struct cp_case_maths *b) {
    bool same = same_text(a->activation, b->activation) && same_text(a->norm, b->norm) && a->eps == b->eps &&
                a->scale == b->scale && a->head == b->head && a->shift == b->shift && a->mask == b->mask &&
                a->visible == b->visible && a->visible_count == b->visible_count && a->pooled == b->pooled &&
                a->at == b->at && a->templates == b->templates;
    for (int c = 0; c < 3; c++)
        same = same && a->mean[c] == b->mean[c] && a->std[c] == b->std[c];
    return same;
}

static enum cp_status compare_with_baseline(struct cp_ledger_check *k, struct cp_error *err) {
    const struct cp_study *study = k->at->ls->study;
    const struct cp_case *own = &k->c;
    struct cp_case theirs, settings = k->c, weights = k->c;
    if (k->at->s == 0 || k->operands.composite ||
        (k->c.kind == CP_OPERATION_ACTIVATION && !k->at->ledger->side[0].says_activation) ||
        !cp_ledger_case(k->at, k->point, study->spec[0], study->modelled ? study->spec_model[0] : NULL,
                        &theirs))
        return CP_OK;
    settings.maths = theirs.maths;
    if (own->kind == CP_OPERATION_LOGITS) { /* there the weights are part of the maths */
        settings.maths.scale = own->maths.scale;
        settings.maths.shift = own->maths.shift;
        weights.maths.scale = theirs.maths.scale;
        weights.maths.shift = theirs.maths.shift;
    }
    weights.weight = theirs.weight;
    weights.bias = theirs.bias;
    weights.lead_row = theirs.lead_row;
    weights.types.weights = theirs.types.weights;
    if (!declares_same(&settings.maths, &own->maths))
        CP_TRY(fill_difference(k, &settings, 1e-12, CP_LEDGER_FIELD_SETTINGS, err));
    /* 0: what differs is not touched by this input. */
    return same_weights(k) ? CP_OK : fill_difference(k, &weights, 0, CP_LEDGER_FIELD_WEIGHTS, err);
}

/* ---- all of it ---- */

static const float *baseline_pixels(const struct cp_ledger_at *at) {
    const size_t site = cp_ledger_site(at, CP_PIXELS_NORMALIZED);
    return site < at->ls->study->sites.count ? at->ls->buffer.data[site] : NULL;
}

static bool holds_nan(const struct cp_compared *c, const float *x) {
    for (size_t row = 0; row < c->groups * c->group_rows; row++)
        for (size_t i = 0; i < c->width && row % c->group_rows < c->rows; i++)
            if (isnan(x[row * c->stride + i]))
                return true;
    return false;
}

/* NaN is wrong also where nothing tells what was to be computed; infinity may be a mask. */
static void note_nan(const struct cp_ledger_check *k) {
    const struct cp_sites *sites = &k->at->ls->study->sites;
    const size_t i = cp_ledger_site(k->at, k->point);
    for (size_t n = 0; n < k->at->inputs && k->y && i < sites->count; n++) {
        const struct cp_compared c = cp_compared_shape(&sites->list[i], k->at->valid, n);
        if (cp_ledger_check_row(k, n)[CP_LEDGER_FIELD_VERDICT] != CP_LEDGER_UNCHECKED ||
            !holds_nan(&c, k->y + n * cp_site_row(&sites->list[i])))
            continue;
        cp_ledger_check_row(k, n)[CP_LEDGER_FIELD_VERDICT] = CP_LEDGER_NONFINITE;
        cp_ledger_check_row(k, n)[CP_LEDGER_FIELD_OWN] = 0;
    }
}

/* Without a model a tap need not have the rows that the other taps make one expect. */
static bool has_slopes(const struct cp_ledger_check *k, const struct cp_slope_sums *sums) {
    const size_t site = cp_ledger_site(k->at, k->point);
    return sums->slope && !k->operands.composite &&
           cp_slope_rows(k->c.rows, k->c.out) == cp_ledger_slope_rows(&k->at->ls->study->sites.list[site]);
}

static enum cp_status check_operation(struct cp_ledger_at *at, enum cp_point point, struct cp_rows_seen *seen,
                                      double *rows, const struct cp_slope_sums *sums, struct cp_error *err) {
    struct cp_ledger_check k = {.at = at, .point = point, .y = at->value[point].recorded, .rows = rows};
    bool there = false;
    clear(rows, at->inputs);
    if (!k.y || cp_points[point].kind == CP_OPERATION_GIVEN ||
        !cp_ledger_case(at, point, at->side->spec, at->side->model, &k.c))
        return CP_OK;
    /* Without a model shapes are what the file says. */
    if (cp_case_elements(&k.c) == 0 || cp_case_elements(&k.c) != at->value[point].each)
        return CP_OK;
    CP_TRY(cp_ledger_operands(at, point, &k.c, &k.operands, &there, err));
    if (!there)
        return CP_OK;
    CP_TRY(evaluate(&k, err));
    CP_TRY(measure_plain(&k, err));
    for (size_t n = 0; n < k.c.inputs; n++)
        fill_row(&k, n);
    if (has_slopes(&k, sums))
        CP_TRY(cp_slopes(&k.c, k.operands.ideal, k.operands.plain[0][0], k.y, k.f, seen, sums, err));
    CP_TRY(compare_with_baseline(&k, err));
    CP_TRY(cp_ledger_explain(&k, err));
    cp_arena_reset(at->scratch);
    return CP_OK;
}

enum cp_status cp_ledger_check(struct cp_ledger_at *at, enum cp_point point, struct cp_rows_seen *seen,
                               double *rows, const struct cp_slope_sums *sums, struct cp_error *err) {
    const struct cp_ledger_check recorded = {
        .at = at, .point = point, .y = at->value[point].recorded, .rows = rows};
    CP_TRY(check_operation(at, point, seen, rows, sums, err));
    note_nan(&recorded);
    if (point == CP_PIXELS_NORMALIZED && at->ls->study->modelled)
        cp_ledger_pixels(at, at->s ? baseline_pixels(at) : NULL, rows);
    return CP_OK;
}
