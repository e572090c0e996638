/* SPDX-License-Identifier: GPL-3.0-or-later
 * Making the lanes: weights packed, buffers, taps wired to their sinks, variables defined. */
#include "inputs/thumbnail.h"
#include "run/analysis.h"
#include "run/captured/captured.h"
#include "run/preprocess_taps.h"

#include "result/schema.h"
#include "tap/replace.h"

/* Where a tap's statistics are recorded, its distances in units of last place are too. */
static enum cp_status define_ulp(struct cp_lockstep *ls, size_t s, int *handles, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        const struct cp_dim dims[] = {cp_record_dim(site, 0, &ls->labels),
                                      {.length = CP_ULP_BINS, .labels = cp_ulp_bin_names}};
        handles[i] = -1;
        if (study->modes[i] < CP_MODE_STATS)
            continue;
        CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_ULP_HISTOGRAM,
                                CP_NAMES(study->spec[s]->name, site->name), dims, &handles[i], err));
    }
    return CP_OK;
}

enum cp_status cp_metrics_define(struct cp_lockstep *ls, size_t s, enum cp_schema_id id, int *handles,
                                 struct cp_error *err) {
    const struct cp_study *study = ls->study;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        const struct cp_dim dims[] = {cp_record_dim(site, 0, &ls->labels),
                                      {.length = CP_PART_COUNT, .labels = cp_part_names},
                                      {.length = CP_METRIC_COUNT, .labels = cp_metric_names}};
        handles[i] = -1;
        if (!study->watched[i])
            continue;
        CP_TRY(cp_schema_define(ls->result, id, CP_NAMES(study->spec[s]->name, site->name), dims, &handles[i],
                                err));
    }
    return CP_OK;
}

static enum cp_status make_joint(struct cp_lockstep *ls, struct cp_lane *lane, struct cp_error *err) {
    const struct cp_spec *spec = lane->plan->spec;
    const struct cp_linear *linear = spec->ops->linears[cp_spec_at(spec, CP_JOINT, -1)->variant[CP_LINEAR]];
    const size_t embed = (size_t)ls->study->model.config.embed_dim;
    const size_t prompts = ls->study->inputs.prompts, classes = ls->study->inputs.classes;
    lane->joint = (struct cp_joint){.plan = lane->plan,
                                    .pool = ls->pool,
                                    .prompts = prompts,
                                    .classes = classes,
                                    .scratch = ls->ws.worker};
    CP_LOCKSTEP_TAKE(ls, lane->joint.text_features, prompts * embed);
    CP_LOCKSTEP_TAKE(ls, lane->joint.class_features, classes * embed);
    CP_LOCKSTEP_TAKE(ls, lane->joint.packed_text, linear->packed_size(embed, prompts));
    CP_LOCKSTEP_TAKE(ls, lane->joint.packed_class, linear->packed_size(embed, classes));
    return CP_OK;
}

enum cp_status cp_lane_create(struct cp_lockstep *ls, struct cp_plan *plan, size_t taps, struct cp_lane *lane,
                              struct cp_error *err) {
    lane->plan = plan;
    CP_LOCKSTEP_TAKE(ls, lane->taps, taps);
    lane->pass = (struct cp_pass){.plan = plan, .pool = ls->pool, .ws = &ls->ws};
    CP_LOCKSTEP_TAKE(ls, lane->pass.x, ls->study->batch * ls->residual);
    CP_LOCKSTEP_TAKE(ls, lane->image_features, ls->study->batch * (size_t)ls->study->model.config.embed_dim);
    return make_joint(ls, lane, err);
}

void cp_lane_wire(const struct cp_lockstep *ls, struct cp_lane *lane, size_t taps) {
    lane->pass.taps = (struct cp_taps){lane->taps, taps, &ls->study->sites};
    lane->joint.taps = lane->pass.taps;
}

/* Divergence of candidate s from the baseline. */
static enum cp_status make_compare(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const bool oracle = study->oracle_count > 0;
    int *handles, *ulp;
    CP_LOCKSTEP_TAKE(ls, handles, study->sites.count);
    CP_LOCKSTEP_TAKE(ls, ulp, study->sites.count);
    CP_TRY(cp_metrics_define(ls, s, CP_SCHEMA_METRICS, handles, err));
    CP_TRY(define_ulp(ls, s, ulp, err));
    ls->lanes[s].compare =
        (struct cp_compare){.watched = study->watched,
                            .ulp_types = study->types[s],
                            .baseline = &ls->buffer,
                            .oracle = oracle ? &ls->oracles[study->oracle_of[s]].buffer : NULL,
                            .oracle_baseline = oracle ? &ls->oracles[study->oracle_of[0]].buffer : NULL,
                            .pool = ls->pool,
                            .result = ls->result,
                            .tolerances = study->tolerances + s * study->sites.count,
                            .handles = handles,
                            .ulp_handles = ulp};
    return CP_OK;
}

static enum cp_status make_recorder(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    enum cp_record_mode *modes;
    CP_LOCKSTEP_TAKE(ls, modes, study->sites.count);
    for (size_t i = 0; i < study->sites.count; i++)
        modes[i] = cp_captured_has(study, s, i) ? study->modes[i] : CP_MODE_OFF;
    ls->lanes[s].recorder = (struct cp_recorder){.name = study->spec[s]->name,
                                                 .dtype = CP_FP32,
                                                 .types = study->types[s],
                                                 .sites = &study->sites,
                                                 .labels = &ls->labels,
                                                 .modes = modes,
                                                 .pool = ls->pool,
                                                 .result = ls->result};
    return cp_recorder_define(&ls->lanes[s].recorder, &ls->arena, err);
}

/* Beside those of the analyses: what replaces, records, and keeps or compares. */
enum { OWN_TAPS = 3 };

/* What replaces comes first; then record, so that execution order is the file's order; then keep or compare.
 */
static void wire(struct cp_lockstep *ls, size_t s) {
    struct cp_lane *lane = &ls->lanes[s];
    const size_t watching = cp_analyses_taps(ls->study);
    lane->taps[0] = cp_replace_tap(&ls->graft);
    lane->taps[1] = cp_recorder_tap(&lane->recorder);
    cp_analyses_tap(ls, s, lane->taps + 2);
    lane->taps[watching + 2] = s == 0 ? cp_buffer_tap(&ls->buffer) : cp_compare_tap(&lane->compare);
    cp_lane_wire(ls, lane, watching + OWN_TAPS);
}

static enum cp_status make_lane(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const size_t taps = cp_analyses_taps(ls->study) + OWN_TAPS;
    struct cp_lane *lane = &ls->lanes[s];
    if (cp_captured_of(ls->study, s)) {
        lane->pass = (struct cp_pass){.pool = ls->pool};
        CP_LOCKSTEP_TAKE(ls, lane->taps, taps);
    } else {
        struct cp_plan *plan;
        CP_TRY(cp_plan_create(ls->study->spec[s], ls->study->spec_model[s], ls->study->inputs.images,
                              &ls->store, &plan, err));
        CP_TRY(cp_lane_create(ls, plan, taps, lane, err));
    }
    CP_TRY(make_recorder(ls, s, err));
    return s > 0 ? make_compare(ls, s, err) : CP_OK;
}

enum cp_status cp_oracle_lane_create(struct cp_lockstep *ls, size_t o, struct cp_oracle_lane *lane,
                                     struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t embed = (size_t)study->model.config.embed_dim;
    CP_TRY(cp_tap_buffer_create(study->sites.count, study->watched, &lane->buffer, err));
    lane->oracle = (struct cp_oracle){
        .spec = study->oracle[o], .model = study->oracle_model[o], .pool = ls->pool, .scratch = &ls->scratch};
    CP_TRY(cp_patch_dropout(study->oracle[o], study->inputs.images, &ls->store.arena, &ls->store.patch_mask,
                            &lane->oracle.patch_mask, err));
    CP_LOCKSTEP_TAKE(ls, lane->oracle.x, study->batch * ls->residual);
    CP_LOCKSTEP_TAKE(ls, lane->image_features, study->batch * embed);
    CP_LOCKSTEP_TAKE(ls, lane->text_features, study->inputs.prompts * embed);
    CP_LOCKSTEP_TAKE(ls, lane->class_features, study->inputs.classes * embed);
    return CP_OK;
}

static enum cp_status make_oracle(struct cp_lockstep *ls, size_t o, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_oracle_lane *lane = &ls->oracles[o];
    char *name = cp_arena_printf(&ls->arena, "oracle.%s", study->oracle[o]->name);
    CP_TRY(CP_CHECK_ALLOC(name, err, "", "a name"));
    CP_TRY(cp_oracle_lane_create(ls, o, lane, err));
    lane->recorder = (struct cp_recorder){.name = name,
                                          .dtype = CP_FP64,
                                          .sites = &study->sites,
                                          .labels = &ls->labels,
                                          .modes = study->modes,
                                          .pool = ls->pool,
                                          .result = ls->result};
    CP_TRY(cp_recorder_define(&lane->recorder, &ls->arena, err));
    lane->taps[0] = cp_replace_tap(&ls->graft);
    lane->taps[1] = cp_recorder_tap(&lane->recorder);
    lane->taps[2] = cp_buffer_tap(&lane->buffer);
    lane->oracle.taps = (struct cp_taps){lane->taps, 3, &study->sites};
    return CP_OK;
}

/* A buffer for each way to make pixels that a spec has. */
static enum cp_status make_pixels(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t side = (size_t)study->model.config.vision.image_size;
    CP_LOCKSTEP_TAKE(ls, ls->pixels, study->spec_count);
    for (size_t s = 0; s < study->spec_count; s++) {
        size_t p = 0;
        while (p < ls->pixels_count && !cp_spec_same_pixels(study->spec[s], ls->pixels[p].spec))
            p++;
        if (p < ls->pixels_count)
            continue;
        struct cp_lockstep_pixels *pixels = &ls->pixels[ls->pixels_count++];
        pixels->spec = study->spec[s];
        pixels->of = s;
        CP_TRY(
            cp_pixel_changes_start(study->spec[s], study->inputs.images, &ls->arena, &pixels->changes, err));
        CP_LOCKSTEP_TAKE(ls, pixels->values, study->batch * 3 * side * side);
        pixels->replaced = pixels->values;
        if (s > 0 && ls->needs & CP_NEEDS_REPLACED_PIXELS)
            CP_LOCKSTEP_TAKE(ls, pixels->replaced, study->batch * 3 * side * side);
    }
    return CP_OK;
}

/* Buffers that only what is computed needs. */
static enum cp_status allocate(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    if (!study->modelled)
        return CP_OK;
    ls->residual = cp_residual_elements(&study->model.config);
    CP_TRY(cp_workspace_create(&study->model.config, study->ops, study->batch, study->threads, &ls->ws, err));
    CP_TRY(make_pixels(ls, err));
    CP_TRY(cp_preprocess_taps_create(ls, err));
    return cp_thumbnails_define(ls->result, &study->inputs, &study->model.config, &ls->thumbnails, err);
}

static enum cp_status make_buffers(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    CP_LOCKSTEP_TAKE(ls, ls->every_site, study->sites.count);
    for (size_t i = 0; i < study->sites.count; i++)
        ls->every_site[i] = true;
    CP_TRY(cp_tap_buffer_create(study->sites.count, ls->every_site, &ls->graft, err));
    return cp_tap_buffer_create(study->sites.count,
                                ls->needs & CP_NEEDS_EVERY_TAP ? ls->every_site : study->watched, &ls->buffer,
                                err);
}

enum cp_status cp_lockstep_create(const struct cp_study *study, struct cp_result *result,
                                  struct cp_pool *pool, struct cp_lockstep *ls, struct cp_error *err) {
    *ls = (struct cp_lockstep){
        .study = study,
        .result = result,
        .pool = pool,
        .needs = cp_analyses_needs(study),
        .labels = {study->inputs.image_names, study->inputs.prompt_texts, study->inputs.class_names},
    };
    CP_TRY(allocate(ls, err));
    CP_TRY(make_buffers(ls, err));
    CP_LOCKSTEP_TAKE(ls, ls->lanes, study->spec_count);
    CP_LOCKSTEP_TAKE(ls, ls->oracles, study->spec_count);
    for (size_t o = 0; o < study->oracle_count; o++)
        CP_TRY(make_oracle(ls, o, err));
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(make_lane(ls, s, err));
    CP_TRY(cp_analyses_define(ls, err));
    for (size_t s = 0; s < study->spec_count; s++)
        wire(ls, s);
    return CP_OK;
}

void cp_lockstep_free(struct cp_lockstep *ls) {
    cp_analyses_release(ls);
    for (size_t o = 0; ls->oracles && o < ls->study->oracle_count; o++)
        cp_tap_buffer_free(&ls->oracles[o].buffer);
    cp_tap_buffer_free(&ls->buffer);
    cp_tap_buffer_free(&ls->graft);
    cp_preprocess_taps_free(ls);
    cp_workspace_free(&ls->ws);
    cp_packed_store_free(&ls->store);
    cp_arena_free(&ls->arena);
    cp_arena_free(&ls->scratch);
    cp_arena_free(&ls->joint_scratch);
}
