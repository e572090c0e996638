/* SPDX-License-Identifier: GPL-3.0-or-later
 * At the end of a run: each operation's verdict over its inputs, /ledger/SPEC/operations. */
#include "analysis/ledger/ledger.h"
#include "run/captured/captured.h"

#include <math.h>
#include <stdlib.h>

static const double *row_at(const struct cp_ledger_summary *s, size_t input) {
    return s->rows + input * CP_LEDGER_FIELDS;
}

/* How bad a verdict is: unchecked counts least, what is not finite by itself most. */
static int rank_of(const double *row) {
    const int verdict = (int)row[CP_LEDGER_FIELD_VERDICT];
    if (verdict == CP_LEDGER_NONFINITE && row[CP_LEDGER_FIELD_OWN] == 0)
        return CP_LEDGER_EXPLAINED;
    return verdict;
}

/* Pixels that differ from the baseline's, whatever they are by themselves. */
static bool differs(const double *row) {
    return row[CP_LEDGER_FIELD_VERDICT] <= CP_LEDGER_EXPLAINED && !isnan(row[CP_LEDGER_FIELD_ALTERNATIVE]);
}

static bool is_worse(const double *a, const double *b) {
    if (differs(a) != differs(b))
        return differs(a);
    if (rank_of(a) != rank_of(b))
        return rank_of(a) > rank_of(b);
    const double x = a[CP_LEDGER_FIELD_COARSENESS], y = b[CP_LEDGER_FIELD_COARSENESS];
    return x > y || (isnan(y) && !isnan(x));
}

static bool fails(const double *row) {
    return rank_of(row) >= CP_LEDGER_COARSE;
}

static void copy_worst(const struct cp_ledger_summary *s, size_t worst) {
    static const int to[][2] = {{CP_OPERATION_FIELD_VERDICT, CP_LEDGER_FIELD_VERDICT},
                                {CP_OPERATION_FIELD_BASIS, CP_LEDGER_FIELD_BASIS},
                                {CP_OPERATION_FIELD_BOUND, CP_LEDGER_FIELD_BOUND},
                                {CP_OPERATION_FIELD_COARSENESS, CP_LEDGER_FIELD_COARSENESS},
                                {CP_OPERATION_FIELD_RESIDUAL, CP_LEDGER_FIELD_RESIDUAL},
                                {CP_OPERATION_FIELD_PLAIN, CP_LEDGER_FIELD_PLAIN},
                                {CP_OPERATION_FIELD_ROW, CP_LEDGER_FIELD_ROW},
                                {CP_OPERATION_FIELD_COLUMN, CP_LEDGER_FIELD_COLUMN},
                                {CP_OPERATION_FIELD_Y, CP_LEDGER_FIELD_Y},
                                {CP_OPERATION_FIELD_F, CP_LEDGER_FIELD_F},
                                {CP_OPERATION_FIELD_OWN, CP_LEDGER_FIELD_OWN}};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++)
        s->fields[to[i][0]] = row_at(s, worst)[to[i][1]];
    s->fields[CP_OPERATION_FIELD_WORST] = (double)worst;
}

static size_t count_alternative(const struct cp_ledger_summary *s, double alternative) {
    size_t count = 0;
    for (size_t i = 0; i < s->inputs; i++)
        count += row_at(s, i)[CP_LEDGER_FIELD_ALTERNATIVE] == alternative;
    return count;
}

/* The explanation that most of the inputs share which were explained; none, where one has none. Of those that
 * share it the worst input shows what it explains. */
static void copy_explanation(const struct cp_ledger_summary *s) {
    const double *shown = NULL;
    size_t most = 0;
    for (size_t i = 0; i < s->inputs; i++) {
        const double *row = row_at(s, i);
        const size_t count = count_alternative(s, row[CP_LEDGER_FIELD_ALTERNATIVE]);
        const bool same = shown && row[CP_LEDGER_FIELD_ALTERNATIVE] == shown[CP_LEDGER_FIELD_ALTERNATIVE];
        if (same ? is_worse(row, shown) : count > most)
            shown = row;
        most = count > most ? count : most;
    }
    if (!shown)
        return;
    s->fields[CP_OPERATION_FIELD_ALTERNATIVE] = shown[CP_LEDGER_FIELD_ALTERNATIVE];
    s->fields[CP_OPERATION_FIELD_AT] = shown[CP_LEDGER_FIELD_AT];
    s->fields[CP_OPERATION_FIELD_TRIED] = shown[CP_LEDGER_FIELD_TRIED];
    s->fields[CP_OPERATION_FIELD_BEFORE] = shown[CP_LEDGER_FIELD_RESIDUAL];
    s->fields[CP_OPERATION_FIELD_AFTER] = shown[CP_LEDGER_FIELD_AFTER];
}

static struct cp_slope add_slopes(const struct cp_ledger_summary *s, size_t place) {
    const size_t count = cp_slope_count(s->kind);
    struct cp_slope sum = {0, 0, 0};
    for (size_t i = 0; i < s->inputs; i++) {
        const struct cp_slope *one = &s->slopes[i * count + place];
        if (!(one->dd > 0) || !isfinite(one->rd) || !isfinite(one->variance))
            continue;
        cp_slope_add(&sum, one, s->shared);
    }
    return sum;
}

/* Beyond this standard error a slope of 1 could not be told from 0. */
#define SLOPE_LIMIT 0.15

/* Rounding explains the residual; does the slope say that another function was computed? */
static void look_at_slopes(const struct cp_ledger_summary *s) {
    double best = INFINITY;
    for (size_t place = 0; place < cp_slope_count(s->kind); place++) {
        const size_t a = cp_slope_alternative(s->kind, place);
        const struct cp_slope sum = add_slopes(s, place);
        const double error = cp_slope_error(&sum);
        if (!(sum.dd > 0))
            continue;
        const double needs = ceil((double)s->inputs * (error / SLOPE_LIMIT) * (error / SLOPE_LIMIT));
        if (error > SLOPE_LIMIT && !(s->fields[CP_OPERATION_FIELD_NEEDS] <= needs)) {
            s->fields[CP_OPERATION_FIELD_HIDDEN] = (double)a;
            s->fields[CP_OPERATION_FIELD_NEEDS] = needs;
        }
        if (!cp_slope_counts(&sum, s->looked_at) || fabs(cp_slope_value(&sum) - 1) >= best)
            continue;
        best = fabs(cp_slope_value(&sum) - 1);
        s->fields[CP_OPERATION_FIELD_ALTERNATIVE] = (double)a;
        s->fields[CP_OPERATION_FIELD_SLOPE] = cp_slope_value(&sum);
        s->fields[CP_OPERATION_FIELD_SLOPE_ERROR] = error;
    }
    if (!isfinite(best))
        return;
    s->fields[CP_OPERATION_FIELD_VERDICT] = CP_LEDGER_CONTRADICTED;
    s->fields[CP_OPERATION_FIELD_BASIS] = CP_BASIS_EMPIRICAL;
    s->fields[CP_OPERATION_FIELD_FAILING] = s->fields[CP_OPERATION_FIELD_INPUTS];
}

/* Pixels do not fail, they differ from the baseline's: that is what they were explained for. */
static double differing_inputs(const struct cp_ledger_summary *s) {
    double count = 0;
    for (size_t i = 0; i < s->inputs; i++)
        count += differs(row_at(s, i));
    return count;
}

void cp_ledger_summarise(const struct cp_ledger_summary *s) {
    size_t worst = 0;
    for (int f = 0; f < CP_OPERATION_FIELD_COUNT; f++)
        s->fields[f] = NAN;
    s->fields[CP_OPERATION_FIELD_INPUTS] = s->fields[CP_OPERATION_FIELD_FAILING] = 0;
    s->fields[CP_OPERATION_FIELD_HIDDEN] = -1;
    for (size_t i = 0; i < s->inputs; i++) {
        const double *row = row_at(s, i);
        s->fields[CP_OPERATION_FIELD_INPUTS] += row[CP_LEDGER_FIELD_VERDICT] != CP_LEDGER_UNCHECKED;
        s->fields[CP_OPERATION_FIELD_FAILING] += fails(row);
        s->fields[CP_OPERATION_FIELD_SETTINGS] =
            fmax(s->fields[CP_OPERATION_FIELD_SETTINGS], row[CP_LEDGER_FIELD_SETTINGS]);
        s->fields[CP_OPERATION_FIELD_WEIGHTS] =
            fmax(s->fields[CP_OPERATION_FIELD_WEIGHTS], row[CP_LEDGER_FIELD_WEIGHTS]);
        if (is_worse(row, row_at(s, worst)))
            worst = i;
    }
    copy_worst(s, worst);
    copy_explanation(s);
    if (s->fields[CP_OPERATION_FIELD_FAILING] == 0)
        s->fields[CP_OPERATION_FIELD_FAILING] = differing_inputs(s);
    if (s->fields[CP_OPERATION_FIELD_FAILING] == 0)
        look_at_slopes(s);
}

static size_t inputs_at(const struct cp_ledger *ledger, const struct cp_site *site) {
    if (site->dims[0] == CP_DIM_IMAGE)
        return ledger->images;
    return site->dims[0] == CP_DIM_PROMPT ? ledger->prompts : site->shape[0];
}

/* What is stored of a tap's inputs. */
static enum cp_status read_inputs(struct cp_lockstep *ls, size_t s, size_t i, size_t inputs, double *rows,
                                  struct cp_slope *slopes, struct cp_error *err) {
    const struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    if (inputs == 0) {
        rows[0] = CP_LEDGER_UNCHECKED;
        return CP_OK;
    }
    CP_TRY(cp_result_read(ls->result, side->residual[i], 0, inputs, rows, err));
    for (size_t n = 0; n < inputs; n++)
        if (isnan(rows[n * CP_LEDGER_FIELDS])) /* never written: its operands do not exist in this run */
            rows[n * CP_LEDGER_FIELDS] = CP_LEDGER_UNCHECKED;
    return side->slope[i] < 0 ? CP_OK : cp_result_read(ls->result, side->slope[i], 0, inputs, slopes, err);
}

static enum cp_status write_operation(struct cp_lockstep *ls, size_t s, size_t i, size_t tap,
                                      size_t looked_at, struct cp_error *err) {
    const struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    const struct cp_site *site = &ls->study->sites.list[i];
    const enum cp_operation_kind kind = cp_points[site->point].kind;
    const size_t inputs = inputs_at(cp_ledger_of(ls), site), slots = cp_slope_count(kind);
    double fields[CP_OPERATION_FIELD_COUNT];
    double *rows = calloc((inputs + 1) * CP_LEDGER_FIELDS, sizeof *rows);
    struct cp_slope *slopes = calloc((inputs + 1) * (slots + 1), sizeof *slopes);
    enum cp_status status = CP_CHECK_ALLOC(rows && slopes, err, "", "the ledger");
    if (status == CP_OK)
        status = read_inputs(ls, s, i, inputs, rows, slopes, err);
    if (status == CP_OK) {
        const bool shared = kind == CP_OPERATION_ACTIVATION && ls->study->types[s][i] != CP_FP32;
        const struct cp_ledger_summary summary = {rows, slopes, kind, inputs, looked_at, shared, fields};
        cp_ledger_summarise(&summary);
        fields[CP_OPERATION_FIELD_RECOMPUTED] = cp_ledger_recomputed(ls->study, s, i);
        status = cp_ledger_differing(ls, s, i, fields, err);
    }
    if (status == CP_OK)
        status = cp_result_write(ls->result, side->operations, tap, 1, fields, err);
    free(rows);
    free(slopes);
    return status;
}

enum cp_status cp_ledger_write(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    for (size_t s = 0; s < study->spec_count; s++) {
        const struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
        size_t looked_at = 0, tap = 0;
        for (size_t i = 0; i < study->sites.count; i++)
            looked_at += side->slope[i] >= 0 ? 2 : 0;
        for (size_t i = 0; i < study->sites.count; i++)
            if (side->residual[i] >= 0)
                CP_TRY(write_operation(ls, s, i, tap++, looked_at, err));
    }
    return CP_OK;
}
