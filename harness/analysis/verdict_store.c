/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verdicts of a run: from its metrics into /metrics/CANDIDATE/verdicts. */
#include "analysis/failing.h"
#include "analysis/inconclusive.h"
#include "analysis/ledger/ledger.h"
#include "analysis/teacher_forcing.h"
#include "analysis/units.h"
#include "model/tap_weights.h"
#include "result/schema.h"

#include "analysis/yardstick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t watched_count(const struct cp_study *study) {
    size_t count = 0;
    for (size_t i = 0; i < study->sites.count; i++)
        count += study->watched[i];
    return count;
}

enum cp_status cp_verdicts_define(struct cp_lockstep *ls, size_t s, enum cp_schema_id id, int *handle,
                                  struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t taps = watched_count(study);
    const char **names = cp_arena_alloc(&ls->arena, taps, sizeof *names);
    size_t tap = 0;
    CP_TRY(CP_CHECK_ALLOC(names, err, "", "verdicts"));
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->watched[i])
            names[tap++] = study->sites.list[i].name;
    const struct cp_dim dims[] = {{.length = taps, .labels = names},
                                  {.length = CP_VERDICT_FIELDS, .labels = cp_verdict_field_names}};
    return taps ? cp_schema_define(ls->result, id, CP_NAMES(study->spec[s]->name), dims, handle, err) : CP_OK;
}

/* What the verdicts of one candidate are made of: the whole divergence, or each operation's own. */
struct source {
    enum cp_schema_id codes;
    int verdicts;       /* handle */
    const int *metrics; /* handles, per site */
    bool teacher_forcing;
};

/* The rows of one candidate, in the order of the watched sites. */
struct verdict_table {
    const struct cp_study *study;
    size_t taps;
    const struct cp_site **sites;   /* [taps] */
    struct cp_verdict_facts *facts; /* [taps] */
    double *fields;                 /* (taps, CP_VERDICT_FIELDS) */
    double *sums;                   /* (threads, templates + classes) */
    size_t groups;                  /* templates + classes */
    const struct cp_units *units;
    double *fails[2]; /* of images and of prompts; NULL: not to be kept */
    size_t *order;    /* [taps] */
    struct cp_arena arena;
};

static enum cp_status make_table(const struct cp_lockstep *ls, struct verdict_table *t,
                                 struct cp_error *err) {
    t->study = ls->study;
    t->taps = watched_count(ls->study);
    t->sites = cp_arena_alloc(&t->arena, t->taps, sizeof(struct cp_site *));
    t->facts = cp_arena_calloc(&t->arena, t->taps, sizeof *t->facts);
    t->fields = cp_arena_alloc(&t->arena, t->taps * CP_VERDICT_FIELDS, sizeof *t->fields);
    t->groups = ls->study->inputs.prompts + ls->study->inputs.classes;
    t->sums = cp_arena_alloc(&t->arena, (size_t)ls->study->threads * (t->groups + 1), sizeof *t->sums);
    t->order = cp_arena_alloc(&t->arena, t->taps, sizeof *t->order);
    return CP_CHECK_ALLOC(t->sites && t->facts && t->fields && t->sums && t->order, err, "", "verdicts");
}

static enum cp_status make_facts(struct verdict_table *t, const struct cp_site *site, size_t inputs, double k,
                                 struct cp_verdict_facts *facts, struct cp_error *err) {
    *facts =
        (struct cp_verdict_facts){.capacity = inputs,
                                  .k = k,
                                  .elements = cp_site_row(site),
                                  .units = t->units->of[site->dims[0]],
                                  .fails = site->dims[0] <= CP_DIM_PROMPT ? t->fails[site->dims[0]] : NULL,
                                  .d = cp_arena_alloc(&t->arena, inputs, sizeof *facts->d)};
    if (facts->units.template)
        facts->group = cp_arena_alloc(&t->arena, 2 * inputs, sizeof *facts->group);
    return CP_CHECK_ALLOC(facts->d && (facts->group || !facts->units.template), err, site->name, "verdicts");
}

static enum cp_status gather_site(struct cp_lockstep *ls, size_t i, const struct source *source,
                                  size_t inputs, struct cp_verdict_facts *facts, struct cp_error *err) {
    double *metrics = malloc((inputs + 1) * CP_PART_COUNT * CP_METRIC_COUNT * sizeof *metrics);
    double *yardstick = NULL;
    enum cp_status status = CP_CHECK_ALLOC(metrics, err, "", "verdicts");
    if (status == CP_OK && inputs)
        status = cp_result_read(ls->result, source->metrics[i], 0, inputs, metrics, err);
    if (status == CP_OK && inputs && !source->teacher_forcing)
        status = cp_yardstick_read(ls, i, inputs, &yardstick, err);
    if (status == CP_OK)
        cp_verdict_facts(metrics, inputs, yardstick, facts);
    free(yardstick);
    free(metrics);
    return status;
}

static enum cp_status gather(struct cp_lockstep *ls, size_t s, const struct source *source,
                             struct verdict_table *t, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    size_t tap = 0;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        if (!study->watched[i])
            continue;
        const size_t inputs =
            source->teacher_forcing ? cp_teacher_forcing_inputs(study, site) : site->shape[0];
        CP_TRY(make_facts(t, site, inputs, cp_experiment_limit(study->experiment, study->types[s][i]),
                          &t->facts[tap], err));
        CP_TRY(gather_site(ls, i, source, inputs, &t->facts[tap], err));
        t->sites[tap++] = site;
    }
    return CP_OK;
}

static void tap_statistics(void *context, size_t tap, int worker) {
    const struct verdict_table *t = context;
    cp_verdict_statistics(&t->facts[tap], t->study->experiment->verdict_alpha,
                          t->sums + (size_t)worker * (t->groups + 1), t->fields + tap * CP_VERDICT_FIELDS);
}

/* The taps of a tower are one family; they stand together. */
static void decide(const struct verdict_table *t) {
    for (size_t first = 0, end = 0; first < t->taps; first = end) {
        while (end < t->taps && t->sites[end]->tower == t->sites[first]->tower)
            end++;
        cp_verdict_decide(t->facts + first, t->fields + first * CP_VERDICT_FIELDS, end - first,
                          t->study->experiment->verdict_alpha, t->order);
    }
}

static enum cp_status write_codes(struct cp_lockstep *ls, size_t s, enum cp_schema_id id,
                                  struct cp_error *err) {
    char codes[256] = "";
    size_t used = 0;
    for (int v = 0; v < CP_VERDICT_COUNT; v++)
        used += (size_t)snprintf(codes + used, sizeof codes - used, "%s%d %s", v ? ", " : "", v,
                                 cp_verdict_names[v]);
    return cp_schema_text(ls->result, id, CP_NAMES(ls->study->spec[s]->name), codes, err);
}

static void tell_weights(const struct cp_study *study, size_t s, const struct verdict_table *t) {
    for (size_t tap = 0; tap < t->taps; tap++)
        t->fields[tap * CP_VERDICT_FIELDS + CP_FIELD_WEIGHTS] =
            cp_tap_weights_differ(study->spec_model[s], study->spec_model[0], t->sites[tap]) ||
            (study->modelled && cp_tap_weights_round_differently(study->spec_model[s], study->spec[s],
                                                                 study->spec[0], t->sites[tap]));
}

/* ---- what the ledger says of a tap ---- */

/* The ledger of pass s at a tap; all NaN where it is not there. */
static enum cp_status read_operation(struct cp_lockstep *ls, size_t s, const struct cp_site *site,
                                     double fields[CP_OPERATION_FIELD_COUNT], struct cp_error *err) {
    const size_t row = cp_ledger_row(ls, s, (size_t)(site - ls->study->sites.list));
    for (int f = 0; f < CP_OPERATION_FIELD_COUNT; f++)
        fields[f] = NAN;
    return row < SIZE_MAX ? cp_ledger_read(ls, s, row, fields, err) : CP_OK;
}

/* broken: an operation of the baseline before is contradicted, or makes what is not finite. */
static void hold_against_ledger(double *fields, const double *a, const double *b, bool broken) {
    const int verdict = (int)fields[CP_FIELD_VERDICT];
    const double of_a = a[CP_OPERATION_FIELD_VERDICT], of_b = b[CP_OPERATION_FIELD_VERDICT];
    if (broken && fields[CP_FIELD_ROUNDING] == CP_EQUIVALENT)
        fields[CP_FIELD_ROUNDING] = CP_INCONCLUSIVE;
    if (broken && verdict == CP_EQUIVALENT)
        fields[CP_FIELD_VERDICT] = CP_INCONCLUSIVE;
    if (verdict == CP_UNMATCHED)
        return;
    if (of_a == CP_LEDGER_NONFINITE || of_b == CP_LEDGER_NONFINITE)
        fields[CP_FIELD_VERDICT] = CP_NONFINITE_VERDICT;
    else if (verdict != CP_IDENTICAL && verdict != CP_NONFINITE_VERDICT &&
             (of_a == CP_LEDGER_CONTRADICTED || of_b == CP_LEDGER_CONTRADICTED))
        fields[CP_FIELD_VERDICT] = CP_CONTRADICTED_VERDICT;
}

static enum cp_status apply_ledger(struct cp_lockstep *ls, size_t s, const struct verdict_table *t,
                                   struct cp_error *err) {
    bool broken[3] = {false, false, false};
    for (size_t tap = 0; cp_ledger_of(ls) && tap < t->taps; tap++) {
        double a[CP_OPERATION_FIELD_COUNT], b[CP_OPERATION_FIELD_COUNT];
        const enum cp_tower tower = t->sites[tap]->tower;
        CP_TRY(read_operation(ls, 0, t->sites[tap], a, err));
        CP_TRY(read_operation(ls, s, t->sites[tap], b, err));
        broken[tower] = broken[tower] || a[CP_OPERATION_FIELD_VERDICT] == CP_LEDGER_CONTRADICTED ||
                        (tower == CP_JOINT && (broken[CP_VISUAL] || broken[CP_TEXT]));
        hold_against_ledger(t->fields + tap * CP_VERDICT_FIELDS, a, b, broken[tower]);
    }
    return CP_OK;
}

static enum cp_status write_candidate(struct cp_lockstep *ls, size_t s, const struct source *source,
                                      const struct cp_units *units, struct cp_error *err) {
    struct verdict_table t = {.units = units};
    enum cp_status status;
    CP_TRY_DONE(make_table(ls, &t, err));
    if (!source->teacher_forcing)
        CP_TRY_DONE(cp_failing_alloc(ls, &t.arena, t.fails, err));
    CP_TRY_DONE(gather(ls, s, source, &t, err));
    cp_pool_for(ls->pool, t.taps, tap_statistics, &t);
    decide(&t);
    tell_weights(ls->study, s, &t);
    if (!source->teacher_forcing) {
        CP_TRY_DONE(apply_ledger(ls, s, &t, err));
        CP_TRY_DONE(cp_failing_write(ls, s, t.fails, err));
    }
    CP_TRY_DONE(cp_result_write(ls->result, source->verdicts, 0, t.taps, t.fields, err));
    status = write_codes(ls, s, source->codes, err);
done:
    cp_arena_free(&t.arena);
    return status;
}

struct verdict_handles {
    int *of; /* [spec_count] of (tap, field); lane 0 unused */
};

static int handle_of(const struct cp_lockstep *ls, size_t s) {
    return ((const struct verdict_handles *)cp_lockstep_state(ls, &cp_verdicts_analysis))->of[s];
}

enum cp_status cp_verdicts_read(const struct cp_lockstep *ls, size_t s, size_t tap,
                                double fields[CP_VERDICT_FIELDS], struct cp_error *err) {
    return cp_result_read(ls->result, handle_of(ls, s), tap, 1, fields, err);
}

static enum cp_status write_all(struct cp_lockstep *ls, const struct cp_units *units, struct cp_error *err) {
    const struct cp_teacher_forcing *teacher_forcing = cp_teacher_forcing_of(ls);
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        const struct source whole = {CP_SCHEMA_VERDICT_CODES, handle_of(ls, s), ls->lanes[s].compare.handles,
                                     false};
        CP_TRY(write_candidate(ls, s, &whole, units, err));
        if (!teacher_forcing)
            continue;
        const struct source own = {CP_SCHEMA_LOCAL_VERDICT_CODES, teacher_forcing->verdicts[s],
                                   teacher_forcing->compare[s].handles, true};
        CP_TRY(write_candidate(ls, s, &own, units, err));
    }
    return CP_OK;
}

static enum cp_status finish(struct cp_lockstep *ls, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_units units;
    if (watched_count(ls->study) == 0)
        return CP_OK;
    enum cp_status status = cp_units_find(ls, &arena, &units, err);
    if (status == CP_OK)
        status = write_all(ls, &units, err);
    cp_arena_free(&arena);
    return status;
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    struct verdict_handles *handles;
    CP_LOCKSTEP_TAKE(ls, handles, 1);
    *state = handles;
    CP_LOCKSTEP_TAKE(ls, handles->of, ls->study->spec_count);
    for (size_t s = 1; s < ls->study->spec_count; s++)
        CP_TRY(cp_verdicts_define(ls, s, CP_SCHEMA_VERDICTS, &handles->of[s], err));
    return CP_OK;
}

static bool wanted(const struct cp_study *study) {
    return study->spec_count > 1;
}

const struct cp_analysis cp_verdicts_analysis = {
    .wanted = wanted,
    .note = cp_append_few_inputs,
    .define = define,
    .finish = finish,
};
