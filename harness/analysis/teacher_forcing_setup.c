/* SPDX-License-Identifier: GPL-3.0-or-later
 * Making the lanes that take divergences apart, and their variables. */
#include "analysis/teacher_forcing.h"
#include "analysis/verdict.h"
#include "result/schema.h"
#include "tap/replace.h"

static enum cp_status make_replaced(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_teacher_forcing *forcing = cp_teacher_forcing_of(ls);
    struct cp_lane *lane = &forcing->replaced[s];
    const struct cp_tap_buffer *mine = NULL, *theirs = NULL;
    int *handles;
    if (study->oracle_count) {
        mine = &forcing->oracles[study->oracle_of[s]].buffer;
        theirs = &forcing->oracles[study->oracle_of[0]].buffer;
    }
    CP_LOCKSTEP_TAKE(ls, handles, study->sites.count);
    CP_TRY(cp_metrics_define(ls, s, CP_SCHEMA_LOCAL, handles, err));
    forcing->compare[s] = (struct cp_compare){.watched = study->watched,
                                              .ulp_types = ls->lanes[s].recorder.types,
                                              .baseline = &ls->buffer,
                                              .oracle = mine,
                                              .oracle_baseline = theirs,
                                              .pool = ls->pool,
                                              .result = ls->result,
                                              .handles = handles};
    CP_TRY(cp_lane_create(ls, ls->lanes[s].plan, 2, lane, err));
    lane->taps[0] = cp_compare_tap(&forcing->compare[s]);
    lane->taps[1] = cp_replace_tap(&ls->buffer);
    cp_lane_wire(ls, lane, 2);
    return cp_verdicts_define(ls, s, CP_SCHEMA_LOCAL_VERDICTS, &forcing->verdicts[s], err);
}

static enum cp_status make_oracle(struct cp_lockstep *ls, size_t o, struct cp_error *err) {
    struct cp_oracle_lane *lane = &cp_teacher_forcing_of(ls)->oracles[o];
    CP_TRY(cp_oracle_lane_create(ls, o, lane, err));
    lane->taps[0] = cp_buffer_tap(&lane->buffer);
    lane->taps[1] = cp_replace_tap(&ls->buffer);
    lane->oracle.taps = (struct cp_taps){lane->taps, 2, &ls->study->sites};
    return CP_OK;
}

/* The taps at the stages' ends. */
static enum cp_status stage_names(struct cp_lockstep *ls, enum cp_tower tower, const char ***names,
                                  size_t *count, struct cp_error *err) {
    const struct cp_tower_shape shape = cp_tower_shape(&ls->study->model.config, tower);
    const enum cp_point stem = shape.norm_first ? CP_LN_PRE : CP_EMBED;
    const int layers = (int)shape.layers;
    const struct cp_sites *sites = &ls->study->sites;
    *count = (size_t)layers + 2;
    CP_LOCKSTEP_TAKE(ls, *names, *count);
    (*names)[0] = sites->list[cp_sites_find(sites, tower, stem, -1)].name;
    for (int layer = 0; layer < layers; layer++)
        (*names)[layer + 1] = sites->list[cp_sites_find(sites, tower, CP_BLOCK, layer)].name;
    (*names)[layers + 1] = sites->list[cp_sites_find(sites, tower, CP_FEATURES, -1)].name;
    return CP_OK;
}

static enum cp_status define_tower(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    static const char *const towers[] = {"visual", "text"};
    const struct cp_study *study = ls->study;
    const struct cp_dim inputs = tower == CP_VISUAL
                                     ? (struct cp_dim){"image", study->inputs.images, ls->labels.images}
                                     : (struct cp_dim){"prompt", study->inputs.prompts, ls->labels.prompts};
    const char **names;
    size_t stages;
    if (inputs.length == 0)
        return CP_OK;
    CP_TRY(stage_names(ls, tower, &names, &stages, err));
    const struct cp_dim kappa[] = {inputs, {.length = stages, .labels = names}, {.length = CP_PROBES}};
    const struct cp_dim errors[] = {inputs, {.length = stages, .labels = names}, {.length = CP_STAGE_ERRORS}};
    CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_KAPPA, CP_NAMES(towers[tower]), kappa,
                            &cp_teacher_forcing_of(ls)->kappa_handles[tower], err));
    CP_LOCKSTEP_TAKE(ls, cp_teacher_forcing_of(ls)->error_handles[tower], study->spec_count);
    for (size_t s = 1; s < study->spec_count; s++)
        CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_STAGE_ERRORS,
                                CP_NAMES(study->spec[s]->name, towers[tower]), errors,
                                &cp_teacher_forcing_of(ls)->error_handles[tower][s], err));
    return CP_OK;
}

static enum cp_status define_propagation(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    const char **visual, **text, **names;
    size_t visual_count, text_count, count = 0;
    CP_TRY(stage_names(ls, CP_VISUAL, &visual, &visual_count, err));
    CP_TRY(stage_names(ls, CP_TEXT, &text, &text_count, err));
    CP_LOCKSTEP_TAKE(ls, names, visual_count + text_count);
    for (size_t i = 0; i < visual_count && in->images; i++)
        names[count++] = visual[i];
    for (size_t i = 0; i < text_count && in->prompts; i++)
        names[count++] = text[i];
    const struct cp_dim dims[] = {{.length = count, .labels = names},
                                  {.length = CP_PROPAGATION_FIELDS, .labels = cp_propagation_names}};
    for (size_t s = 1; s < ls->study->spec_count; s++)
        CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_PROPAGATION, CP_NAMES(ls->study->spec[s]->name), dims,
                                &cp_teacher_forcing_of(ls)->propagation[s], err));
    return CP_OK;
}

enum cp_status cp_teacher_forcing_define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_clip_config *c = &study->model.config;
    const int layers = c->vision.layers > c->text.layers ? c->vision.layers : c->text.layers;
    const size_t stages = (size_t)layers + 2, side = (size_t)c->vision.image_size;
    struct cp_teacher_forcing *forcing;
    CP_LOCKSTEP_TAKE(ls, forcing, 1);
    *state = forcing;
    CP_LOCKSTEP_TAKE(ls, forcing->replaced, study->spec_count);
    CP_LOCKSTEP_TAKE(ls, forcing->compare, study->spec_count);
    CP_LOCKSTEP_TAKE(ls, forcing->oracles, study->spec_count);
    ls->replaced = (struct cp_replaced_lanes){forcing->replaced, forcing->oracles,
                                              cp_teacher_forcing_first(study, CP_DIM_IMAGE)};
    CP_LOCKSTEP_TAKE(ls, forcing->verdicts, study->spec_count);
    CP_LOCKSTEP_TAKE(ls, forcing->propagation, study->spec_count);
    CP_LOCKSTEP_TAKE(ls, forcing->before, study->batch * ls->residual);
    CP_LOCKSTEP_TAKE(ls, forcing->perturbed, study->batch * 3 * side * side);
    CP_LOCKSTEP_TAKE(ls, forcing->errors, study->spec_count * study->batch * stages * CP_STAGE_ERRORS);
    CP_LOCKSTEP_TAKE(ls, forcing->kappa, study->batch * stages * CP_PROBES);
    for (size_t o = 0; o < study->oracle_count; o++)
        CP_TRY(make_oracle(ls, o, err));
    for (size_t s = 1; s < study->spec_count; s++)
        CP_TRY(make_replaced(ls, s, err));
    CP_TRY(cp_lane_create(ls, ls->lanes[0].plan, 0, &forcing->whole, err));
    cp_lane_wire(ls, &forcing->whole, 0);
    CP_TRY(define_tower(ls, CP_VISUAL, err));
    CP_TRY(define_tower(ls, CP_TEXT, err));
    return define_propagation(ls, err);
}
