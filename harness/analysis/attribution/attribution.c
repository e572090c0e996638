/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads the cells' errors back from the result and computes effects, Shapley values and errors per layer. */
#include "analysis/attribution/attribution.h"

#include "analysis/decisions.h"
#include "run/layerwise.h"

#include <math.h>
#include <stdlib.h>

const char *const cp_response_names[CP_RESPONSES] = {"squared_error", "dp_top1"};

size_t cp_attribution_site(const struct cp_study *study, enum cp_tower tower) {
    return cp_sites_find(&study->sites, tower, CP_FEATURES, -1);
}

static enum cp_tower last_tower(const struct cp_study *study) {
    return study->inputs.images ? CP_VISUAL : CP_TEXT;
}

static enum cp_status check_site(const struct cp_study *study, enum cp_tower tower,
                                 const struct cp_mark *mark, const char *key, struct cp_error *err) {
    const size_t site = cp_attribution_site(study, tower);
    const char *name = study->sites.list[site].name;
    if (!study->watched[site])
        return (void)cp_mark_fail(mark, err, "%s: record is off for %s, whose divergence it attributes", key,
                                  name),
               cp_expected(err, "record: {%s: digest}, stats or full", name);
    return CP_OK;
}

static enum cp_status check(const struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    if (e->factor_count)
        CP_TRY(check_site(study, last_tower(study), &e->factorial_mark, "factorial", err));
    for (enum cp_tower tower = CP_VISUAL; e->layerwise.count && tower <= CP_TEXT; tower++)
        if (cp_layerwise_layers(study, tower))
            CP_TRY(check_site(study, tower, &e->layerwise.mark, "layerwise", err));
    return CP_OK;
}

/* ---- responses ---- */

static struct cp_dim inputs_of(const struct cp_lockstep *ls) {
    const struct cp_study *study = ls->study;
    return cp_record_dim(&study->sites.list[cp_attribution_site(study, last_tower(study))], 0, &ls->labels);
}

/* Each input's relative L2 divergence of spec s at a site. */
static enum cp_status read_errors(const struct cp_lockstep *ls, size_t s, size_t site, double *errors,
                                  struct cp_error *err) {
    const size_t inputs = ls->study->sites.list[site].shape[0], row = CP_PART_COUNT * CP_METRIC_COUNT;
    double *metrics = malloc(inputs * row * sizeof *metrics);
    CP_TRY(CP_CHECK_ALLOC(metrics, err, "", "the attribution"));
    const enum cp_status status =
        cp_result_read(ls->result, ls->lanes[s].compare.handles[site], 0, inputs, metrics, err);
    for (size_t i = 0; i < inputs && status == CP_OK; i++) {
        const double *total = metrics + i * row + CP_TOTAL * CP_METRIC_COUNT;
        errors[i] = total[CP_NONFINITE] == 0 ? total[CP_REL_L2] : NAN;
    }
    free(metrics);
    return status;
}

static enum cp_status read_squared_errors(const struct cp_lockstep *ls, size_t s, size_t site, size_t inputs,
                                          double *squares, struct cp_error *err) {
    CP_TRY(read_errors(ls, s, site, squares, err));
    for (size_t i = 0; i < inputs; i++)
        squares[i] *= squares[i];
    return CP_OK;
}

static enum cp_status read_dp_top1(const struct cp_lockstep *ls, size_t s, double *changes,
                                   struct cp_error *err) {
    const size_t images = ls->study->inputs.images;
    double *rows = malloc(images * CP_DECISION_COUNT * sizeof *rows);
    CP_TRY(CP_CHECK_ALLOC(rows, err, "", "the attribution"));
    const enum cp_status status = cp_decisions_read(ls, s, rows, err);
    for (size_t i = 0; i < images && status == CP_OK; i++)
        changes[i] = rows[i * CP_DECISION_COUNT + CP_DP_TOP1];
    free(rows);
    return status;
}

/* y: (cells, inputs), cell 0 the baseline, which differs from itself by nothing. */
static enum cp_status read_cells(const struct cp_lockstep *ls, size_t response, size_t cells, size_t inputs,
                                 double *y, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t site = cp_attribution_site(study, last_tower(study));
    for (size_t i = 0; i < inputs; i++)
        y[i] = 0;
    for (size_t cell = 1; cell < cells; cell++) {
        const size_t s = study->experiment->factorial_first + cell;
        if (response == CP_RESPONSE_SQUARED_ERROR)
            CP_TRY(read_squared_errors(ls, s, site, inputs, y + cell * inputs, err));
        else
            CP_TRY(read_dp_top1(ls, s, y + cell * inputs, err));
    }
    return CP_OK;
}

/* ---- the factorial ---- */

struct factorial {
    size_t k, cells, inputs;
    double *y, *phi;          /* (cells, inputs); (k, inputs) */
    double *effects, *values; /* (effect, response, field); (factor, response, field) */
    struct cp_arena arena;
};

static enum cp_status make_factorial(const struct cp_lockstep *ls, const struct cp_attribution *a,
                                     struct factorial *f, struct cp_error *err) {
    f->k = ls->study->experiment->factor_count;
    f->cells = (size_t)1 << f->k;
    f->inputs = inputs_of(ls).length;
    f->y = cp_arena_alloc(&f->arena, f->cells * f->inputs, sizeof(double));
    f->phi = cp_arena_alloc(&f->arena, f->k * f->inputs, sizeof(double));
    f->effects = cp_arena_alloc(&f->arena, a->effects * a->responses * CP_EFFECT_FIELDS, sizeof(double));
    f->values = cp_arena_alloc(&f->arena, f->k * a->responses * CP_SHAPLEY_FIELDS, sizeof(double));
    return CP_CHECK_ALLOC(f->y && f->phi && f->effects && f->values, err, "", "the attribution");
}

static void put_shapley(const struct factorial *f, size_t factor, double *field) {
    const double *last = f->y + (f->cells - 1) * f->inputs;
    const struct cp_shapley_value v = cp_shapley_value(f->phi + factor * f->inputs, f->y, last, f->inputs);
    field[CP_SHAPLEY_VALUE] = v.value.mean;
    field[CP_SHAPLEY_ERROR] = v.value.error;
    field[CP_SHAPLEY_LOW] = v.value.low;
    field[CP_SHAPLEY_HIGH] = v.value.high;
    field[CP_SHAPLEY_SHARE] = v.share;
    field[CP_SHAPLEY_SHARE_LOW] = v.share_low;
    field[CP_SHAPLEY_SHARE_HIGH] = v.share_high;
}

/* The Shapley values of y, then its effects, which take its place. */
static void attribute(const struct cp_attribution *a, struct factorial *f, size_t response) {
    cp_shapley(f->y, f->k, f->inputs, f->phi);
    for (size_t factor = 0; factor < f->k; factor++)
        put_shapley(f, factor, f->values + (factor * a->responses + response) * CP_SHAPLEY_FIELDS);
    cp_factorial_effects(f->y, f->k, f->inputs);
    for (size_t e = 0; e < a->effects; e++) {
        const struct cp_mean_interval m = cp_mean_interval(f->y + a->sets[e] * f->inputs, f->inputs);
        double *field = f->effects + (e * a->responses + response) * CP_EFFECT_FIELDS;
        field[CP_EFFECT_MEAN] = m.mean;
        field[CP_EFFECT_ERROR] = m.error;
        field[CP_EFFECT_LOW] = m.low;
        field[CP_EFFECT_HIGH] = m.high;
    }
}

static enum cp_status write_cells(struct cp_lockstep *ls, const struct cp_attribution *a,
                                  const struct factorial *f, struct cp_error *err) {
    uint8_t cells[((1 << CP_FACTORS_MAX) - 1) * CP_FACTORS_MAX];
    for (size_t c = 0; c < f->cells - 1; c++)
        for (size_t factor = 0; factor < f->k; factor++)
            cells[c * f->k + factor] = (c + 1) >> factor & 1;
    return cp_result_write(ls->result, a->cell_handle, 0, f->cells - 1, cells, err);
}

static enum cp_status write_factorial(struct cp_lockstep *ls, const struct cp_attribution *a,
                                      struct cp_error *err) {
    struct factorial f = {0};
    enum cp_status status;
    CP_TRY_DONE(make_factorial(ls, a, &f, err));
    for (size_t response = 0; response < a->responses; response++) {
        CP_TRY_DONE(read_cells(ls, response, f.cells, f.inputs, f.y, err));
        attribute(a, &f, response);
    }
    CP_TRY_DONE(cp_result_write(ls->result, a->effect_handle, 0, a->effects, f.effects, err));
    CP_TRY_DONE(cp_result_write(ls->result, a->shapley_handle, 0, f.k, f.values, err));
    status = write_cells(ls, a, &f, err);
done:
    cp_arena_free(&f.arena);
    return status;
}

/* ---- layers ---- */

static enum cp_status write_layers(struct cp_lockstep *ls, enum cp_tower tower, int handle,
                                   struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t site = cp_attribution_site(study, tower), inputs = study->sites.list[site].shape[0];
    const size_t layers = cp_layerwise_layers(study, tower);
    double *errors = malloc((inputs + layers) * sizeof *errors);
    enum cp_status status = CP_OK;
    CP_TRY(CP_CHECK_ALLOC(errors, err, "", "the attribution"));
    double *row = errors + inputs;
    for (size_t i = 0; i < study->experiment->layerwise.count && status == CP_OK; i++) {
        for (size_t layer = 0; layer < layers && status == CP_OK; layer++) {
            status = read_errors(ls, cp_layerwise_spec(study, i, tower, layer), site, errors, err);
            row[layer] = status == CP_OK ? cp_mean_interval(errors, inputs).mean : NAN;
        }
        if (status == CP_OK)
            status = cp_result_write(ls->result, handle, i, 1, row, err);
    }
    free(errors);
    return status;
}

/* ---- the row ---- */

static bool wanted(const struct cp_study *study) {
    return study->experiment->factor_count || study->experiment->layerwise.count;
}

static enum cp_status finish(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_attribution *a = cp_lockstep_state(ls, &cp_attribution_analysis);
    if (a->effects)
        CP_TRY(write_factorial(ls, a, err));
    for (enum cp_tower tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        if (a->layer_handle[tower] >= 0)
            CP_TRY(write_layers(ls, tower, a->layer_handle[tower], err));
    return CP_OK;
}

const struct cp_analysis cp_attribution_analysis = {
    .wanted = wanted,
    .check = check,
    .define = cp_attribution_define,
    .finish = finish,
    .print = cp_attribution_print,
};
