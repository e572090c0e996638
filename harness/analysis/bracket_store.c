/* SPDX-License-Identifier: GPL-3.0-or-later
 * The brackets of a run, from the root mean squares of the baseline's taps. */
#include "analysis/bracket.h"

#include "model/tap_weights.h"
#include "result/schema.h"
#include "run/captured/captured.h"

#include <math.h>
#include <stdlib.h>

/* Root mean square of the baseline at a point, for each input of the site: NaN where it was not recorded, or
 * holds something else (texts, beside images). */
static enum cp_status read_rms(struct cp_lockstep *ls, const struct cp_site *site, int point, double *rms,
                               struct cp_error *err) {
    const size_t inputs = site->shape[0];
    const struct cp_sites *sites = &ls->study->sites;
    const size_t at = point < CP_POINT_COUNT
                          ? cp_sites_find(sites, site->tower, (enum cp_point)point, site->layer)
                          : sites->count;
    for (size_t i = 0; i < inputs; i++)
        rms[i] = NAN;
    if (at == sites->count || !ls->study->watched[at] || inputs == 0 || sites->list[at].shape[0] != inputs)
        return CP_OK;
    double(*metrics)[CP_PART_COUNT][CP_METRIC_COUNT] = malloc(inputs * sizeof *metrics);
    CP_TRY(CP_CHECK_ALLOC(metrics, err, site->name, "a bracket"));
    const enum cp_status status =
        cp_result_read(ls->result, ls->lanes[1].compare.handles[at], 0, inputs, metrics, err);
    for (size_t i = 0; i < inputs && status == CP_OK; i++)
        rms[i] = metrics[i][CP_TOTAL][CP_RMS_REF];
    free(metrics);
    return status;
}

static double rms_of(const struct cp_tap_tensor *tensor) {
    double square = 0;
    for (size_t i = 0; i < tensor->elements; i++)
        square += (double)tensor->values[i] * (double)tensor->values[i];
    return sqrt(square / (double)tensor->elements);
}

/* How many terms one element's sum has; tokens: those that count. */
static double terms_of(const struct cp_study *study, const struct cp_site *site,
                       const struct cp_tap_weights *weights, enum cp_operation_kind kind, double tokens) {
    const struct cp_tower_shape shape = cp_tower_shape(&study->model.config, site->tower);
    switch (kind) {
    case CP_OPERATION_LINEAR: {
        const size_t terms = weights->tensor[0].elements / site->shape[site->rank - 1];
        return (double)terms;
    }
    case CP_OPERATION_SCORES:
        return (double)shape.head;
    case CP_OPERATION_CONTEXT:
        return tokens;
    case CP_OPERATION_POOL:
        return shape.pool == CP_POOL_AVG ? (double)shape.patches : 1;
    default:
        return 1;
    }
}

static void tell_types(const struct cp_lockstep *ls, const struct cp_site *site,
                       struct cp_bracket_facts *facts) {
    const struct cp_spec *spec = ls->study->spec[0];
    const struct cp_choice *choice = cp_spec_at(spec, site->tower, site->layer);
    const bool attention = cp_operation_is_attention(cp_points[site->point].kind);
    const enum cp_dtype operand =
        cp_choice_type(choice, attention ? CP_ATTENTION_COMPUTE : CP_LINEAR_COMPUTE);
    const enum cp_dtype sum =
        cp_choice_type(choice, attention ? CP_ATTENTION_ACCUMULATE : CP_LINEAR_ACCUMULATE);
    facts->u = cp_unit_roundoff(sum);
    facts->operand = operand == CP_FP32 ? 0 : cp_unit_roundoff(operand);
    facts->stored = cp_unit_roundoff(cp_spec_site_type(spec, site));
}

/* rms: room for (3, inputs): y, a, b. */
static enum cp_status bound_site(struct cp_lockstep *ls, const struct cp_site *site, double *rms,
                                 double bounds[CP_BOUND_COUNT], struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_clip_config *c = &study->model.config;
    const size_t inputs = site->shape[0];
    const enum cp_operation_kind kind = cp_points[site->point].kind;
    const struct cp_tower_shape shape = cp_tower_shape(c, site->tower);
    struct cp_step from;
    (void)cp_family_step(&shape, site->tower, site->point, &from);
    const struct cp_tap_weights weights = cp_tap_weights(study->spec_model[0], site);
    double *y = rms, *a = rms + inputs, *b = rms + 2 * inputs;
    CP_TRY(read_rms(ls, site, (int)site->point, y, err));
    CP_TRY(read_rms(ls, site, from.operand[0], a, err));
    CP_TRY(read_rms(ls, site, from.operand[1], b, err));
    bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = 0;
    for (size_t i = 0; i < inputs; i++) {
        const double tokens =
            site->tower == CP_TEXT ? study->inputs.valid_tokens[i] : (double)site->shape[site->rank - 2];
        double one[CP_BOUND_COUNT];
        struct cp_bracket_facts facts = {.kind = kind,
                                         .terms = terms_of(study, site, &weights, kind, tokens),
                                         .heads = (double)shape.heads,
                                         .y = y[i],
                                         .a = a[i],
                                         .b =
                                             kind == CP_OPERATION_LINEAR ? rms_of(&weights.tensor[0]) : b[i]};
        tell_types(ls, site, &facts);
        cp_bracket(&facts, one);
        for (int bound = 0; bound < CP_BOUND_COUNT; bound++)
            bounds[bound] += one[bound] / (double)inputs;
    }
    return CP_OK;
}

struct bracket_table {
    int handle; /* of (tap, bound) */
};

/* Of our own summation orders. */
static bool wanted(const struct cp_study *study) {
    return study->spec_count > 1 && !cp_captured_of(study, 0);
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const char **names = cp_arena_alloc(&ls->arena, study->sites.count, sizeof *names);
    struct bracket_table *table;
    size_t taps = 0;
    CP_TRY(CP_CHECK_ALLOC(names, err, "", "brackets"));
    CP_LOCKSTEP_TAKE(ls, table, 1);
    *state = table;
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->watched[i])
            names[taps++] = study->sites.list[i].name;
    const struct cp_dim dims[] = {{.length = taps, .labels = names}, {.length = CP_BOUND_COUNT}};
    return cp_schema_define(ls->result, CP_SCHEMA_BRACKET, NULL, dims, &table->handle, err);
}

static enum cp_status finish(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct bracket_table *table = cp_lockstep_state(ls, &cp_bracket_analysis);
    size_t most = 1, tap = 0;
    for (size_t i = 0; i < study->sites.count; i++)
        most = study->sites.list[i].shape[0] > most ? study->sites.list[i].shape[0] : most;
    double *rms = malloc(3 * most * sizeof *rms);
    enum cp_status status = CP_CHECK_ALLOC(rms, err, "", "brackets");
    for (size_t i = 0; i < study->sites.count && status == CP_OK; i++) {
        double bounds[CP_BOUND_COUNT];
        if (!study->watched[i])
            continue;
        status = bound_site(ls, &study->sites.list[i], rms, bounds, err);
        if (status == CP_OK)
            status = cp_result_write(ls->result, table->handle, tap++, 1, bounds, err);
    }
    free(rms);
    return status;
}

const struct cp_analysis cp_bracket_analysis = {
    .wanted = wanted,
    .define = define,
    .finish = finish,
};
