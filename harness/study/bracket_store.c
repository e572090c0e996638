/* SPDX-License-Identifier: GPL-3.0-or-later
 * The brackets of a run, from the root mean squares of the baseline's taps. */
#include "study/bracket.h"

#include "model/tap_weights.h"

#include <math.h>
#include <stdlib.h>

/* What an operation at a point reads: one tap, or two; CP_POINT_COUNT: none. */
struct operands {
    enum cp_point a, b;
};

static struct operands operands_of(enum cp_point point) {
    switch (point) {
    case CP_CONV1:
        return (struct operands){CP_PIXELS_NORMALIZED, CP_POINT_COUNT};
    case CP_ATTN_Q:
    case CP_ATTN_K:
    case CP_ATTN_V:
        return (struct operands){CP_LN_1, CP_POINT_COUNT};
    case CP_ATTN_SCORES:
        return (struct operands){CP_ATTN_Q, CP_ATTN_K};
    case CP_ATTN_CONTEXT:
        return (struct operands){CP_ATTN_PROBS, CP_ATTN_V};
    case CP_ATTN:
        return (struct operands){CP_ATTN_CONTEXT, CP_POINT_COUNT};
    case CP_MLP_C_FC:
        return (struct operands){CP_LN_2, CP_POINT_COUNT};
    case CP_MLP_C_PROJ:
        return (struct operands){CP_MLP_GELU, CP_POINT_COUNT};
    case CP_PROJECTED:
        return (struct operands){CP_POOLED, CP_POINT_COUNT};
    default:
        return (struct operands){CP_POINT_COUNT, CP_POINT_COUNT};
    }
}

/* Root mean square of the baseline at a site, per input: NaN where it was not recorded. */
static enum cp_status read_rms(struct cp_lockstep *ls, const struct cp_site *site, enum cp_point point,
                               double *rms, struct cp_error *err) {
    const size_t inputs = site->shape[0];
    const size_t at = cp_sites_find(&ls->study->sites, site->tower, point, site->layer);
    for (size_t i = 0; i < inputs; i++)
        rms[i] = NAN;
    if (at == ls->study->sites.count || !ls->study->watched[at] || inputs == 0)
        return CP_OK;
    double(*metrics)[CP_PART_COUNT][CP_METRIC_COUNT] = malloc(inputs * sizeof *metrics);
    if (!metrics)
        return cp_fail(err, CP_INTERNAL, site->name, "out of memory for a bracket");
    const enum cp_status status =
        cp_result_read(ls->result, ls->lanes[1].compare.handles[at], 0, inputs, metrics, err);
    for (size_t i = 0; i < inputs && status == CP_OK; i++)
        rms[i] = metrics[i][CP_TOTAL][CP_RMS_REF];
    free(metrics);
    return status;
}

static double rms_of_weight(const struct cp_lockstep *ls, const struct cp_site *site) {
    const struct cp_tap_weights w = cp_tap_weights(ls->study->spec_model[0], site);
    double square = 0;
    for (size_t i = 0; w.count && i < w.tensor[0].elements; i++)
        square += (double)w.tensor[0].values[i] * (double)w.tensor[0].values[i];
    return w.count ? sqrt(square / (double)w.tensor[0].elements) : NAN;
}

static void tell_types(const struct cp_lockstep *ls, const struct cp_site *site,
                       struct cp_bracket_facts *facts) {
    const struct cp_spec *spec = ls->study->spec[0];
    const struct cp_choice *choice = cp_spec_at(spec, site->tower, site->layer);
    const bool attention = site->point == CP_ATTN_SCORES || site->point == CP_ATTN_CONTEXT;
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
    const size_t inputs = site->shape[0];
    const struct operands from = operands_of(site->point);
    double *y = rms, *a = rms + inputs, *b = rms + 2 * inputs;
    const double weight = from.b == CP_POINT_COUNT ? rms_of_weight(ls, site) : NAN;
    CP_TRY(read_rms(ls, site, site->point, y, err));
    CP_TRY(read_rms(ls, site, from.a, a, err));
    CP_TRY(read_rms(ls, site, from.b, b, err));
    bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = 0;
    for (size_t i = 0; i < inputs; i++) {
        double one[CP_BOUND_COUNT];
        struct cp_bracket_facts facts = {
            .config = &study->model.config,
            .tower = site->tower,
            .point = site->point,
            .y = y[i],
            .a = a[i],
            .b = from.b == CP_POINT_COUNT ? weight : b[i],
            .tokens = site->tower == CP_TEXT ? study->inputs.judged[i] : (double)site->shape[site->rank - 2]};
        tell_types(ls, site, &facts);
        cp_bracket(&facts, one);
        for (int bound = 0; bound < CP_BOUND_COUNT; bound++)
            bounds[bound] += one[bound] / (double)inputs;
    }
    return CP_OK;
}

enum cp_status cp_bracket_define(struct cp_lockstep *ls, struct cp_error *err) {
    static const char *const bounds[CP_BOUND_COUNT] = {"worst", "probable"};
    const struct cp_study *study = ls->study;
    const char **names = cp_arena_alloc(&ls->arena, study->sites.count, sizeof *names);
    size_t taps = 0;
    if (!names)
        return cp_fail(err, CP_INTERNAL, "", "out of memory for brackets");
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->watched[i])
            names[taps++] = study->sites.list[i].name;
    const struct cp_variable variable = {
        .group = "/bracket",
        .name = "bounds",
        .long_name = "a-priori bounds on the relative L2 error of each tap's own operation",
        .units = "1",
        .dtype = CP_FP64,
        .rank = 2,
        .dims = {{"tap", taps, names}, {"bound", CP_BOUND_COUNT, bounds}}};
    return cp_result_define(ls->result, &variable, &ls->bracket, err);
}

enum cp_status cp_bracket_write(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    size_t most = 1, tap = 0;
    for (size_t i = 0; i < study->sites.count; i++)
        most = study->sites.list[i].shape[0] > most ? study->sites.list[i].shape[0] : most;
    double *rms = malloc(3 * most * sizeof *rms);
    enum cp_status status = rms ? CP_OK : cp_fail(err, CP_INTERNAL, "", "out of memory for brackets");
    for (size_t i = 0; i < study->sites.count && status == CP_OK; i++) {
        double bounds[CP_BOUND_COUNT];
        if (!study->watched[i])
            continue;
        status = bound_site(ls, &study->sites.list[i], rms, bounds, err);
        if (status == CP_OK)
            status = cp_result_write(ls->result, ls->bracket, tap++, 1, bounds, err);
    }
    free(rms);
    return status;
}
