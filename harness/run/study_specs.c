/* SPDX-License-Identifier: GPL-3.0-or-later
 * The passes of a study: their settings, oracles, types and tolerances. */
#include "run/study_parts.h"

#include "model/spec_model.h"
#include "num/metrics.h"
#include "run/captured/captured.h"
#include "run/layerwise.h"
#include "run/load_call.h"
#include "run/pass_weights.h"

/* How the pass was loaded first, so that its settings win. */
static enum cp_status apply(struct cp_study *study, struct cp_spec *spec, const struct cp_candidate *cell,
                            struct cp_error *err) {
    CP_TRY(cp_load_call_apply(&study->experiment->model, cell, spec, &study->arena, &study->notes, err));
    for (size_t i = 0; i < cell->count; i++) {
        const struct cp_setting *setting = &cell->settings[i];
        if (cp_is_load_setting(setting->address))
            continue;
        if (cp_spec_set(spec, setting->address, setting->value, err) != CP_OK)
            return cp_mark_within(&setting->mark, err);
    }
    return CP_OK;
}

enum cp_status cp_study_specs(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    study->spec_count = 1 + e->candidate_count + cp_layerwise_count(study);
    study->spec = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_spec *));
    study->oracle = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_spec *));
    study->oracle_of = cp_arena_calloc(&study->arena, study->spec_count, sizeof *study->oracle_of);
    study->oracle_model = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_model *));
    study->spec_model = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_model *));
    CP_TRY(CP_CHECK_ALLOC(study->spec && study->oracle && study->oracle_of && study->oracle_model &&
                              study->spec_model,
                          err, "", "a study"));
    CP_TRY(cp_spec_create("baseline", &study->model.config, study->ops, &study->arena, &study->spec[0], err));
    CP_TRY(apply(study, study->spec[0], &e->baseline, err));
    CP_TRY(cp_model_source_activation(&e->model, &study->model.config, &e->baseline, err));
    for (size_t c = 0; c < e->candidate_count; c++) {
        if (cp_captured_of(study, c + 1))
            CP_TRY(cp_spec_create(e->candidates[c].name, &study->model.config, study->ops, &study->arena,
                                  &study->spec[c + 1], err));
        else
            CP_TRY(
                cp_spec_copy(study->spec[0], e->candidates[c].name, &study->arena, &study->spec[c + 1], err));
        CP_TRY(apply(study, study->spec[c + 1], &e->candidates[c], err));
    }
    CP_TRY(cp_layerwise_make(study, err));
    CP_TRY(cp_pass_weights_load(study, err));
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(
            cp_spec_model(study->spec[s], study->spec_weights[s], &study->arena, &study->spec_model[s], err));
    return CP_OK;
}

enum cp_status cp_study_types(struct cp_study *study, struct cp_error *err) {
    study->types = cp_arena_calloc(&study->arena, study->spec_count, sizeof *study->types);
    for (size_t s = 0; study->types && s < study->spec_count; s++) {
        const struct cp_capture *capture = cp_captured_of(study, s);
        enum cp_dtype *types = cp_arena_calloc(&study->arena, study->sites.count, sizeof *types);
        CP_TRY(CP_CHECK_ALLOC(types, err, "", "a study"));
        for (size_t i = 0; i < study->sites.count; i++)
            if (!capture)
                types[i] = cp_spec_site_type(study->spec[s], &study->sites.list[i]);
            else if (study->captured[s].tap[i] < capture->taps)
                types[i] = capture->tap[study->captured[s].tap[i]].arithmetic;
        study->types[s] = types;
    }
    return CP_CHECK_ALLOC(study->types, err, "", "a study");
}

enum cp_status cp_study_tolerances(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    const size_t sites = study->sites.count;
    struct cp_tolerance *of_rules =
        cp_arena_calloc(&study->arena, study->spec_count * sites, sizeof *of_rules);
    study->tolerances = cp_arena_calloc(&study->arena, study->spec_count * sites, sizeof *study->tolerances);
    CP_TRY(CP_CHECK_ALLOC(of_rules && study->tolerances, err, "", "a study"));
    for (size_t s = 1; s < study->spec_count; s++)
        for (size_t i = 0; i < sites; i++) {
            const size_t at = s * sites + i;
            const bool ruled =
                cp_experiment_tolerance(e, study->spec[s]->name, study->sites.list[i].name, &of_rules[at]);
            study->tolerances[at] = ruled ? &of_rules[at] : e->tolerance;
        }
    return CP_OK;
}

enum cp_status cp_study_oracles(struct cp_study *study, struct cp_error *err) {
    const struct cp_model **weights =
        cp_arena_alloc(&study->arena, study->spec_count, sizeof(struct cp_model *));
    CP_TRY(CP_CHECK_ALLOC(weights, err, "", "a study"));
    for (size_t s = 0; s < study->spec_count; s++) {
        size_t o = 0;
        while (o < study->oracle_count && !(weights[o] == study->spec_weights[s] &&
                                            cp_spec_same_maths(study->oracle[o], study->spec[s])))
            o++;
        if (o == study->oracle_count) {
            weights[o] = study->spec_weights[s];
            study->oracle_model[study->oracle_count] = study->spec_model[s];
            study->oracle[study->oracle_count++] = study->spec[s];
        }
        study->oracle_of[s] = o;
    }
    return CP_OK;
}
