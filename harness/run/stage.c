/* SPDX-License-Identifier: GPL-3.0-or-later
 * Calls the model or the oracle for a stage, or copies the leader's tensors where nothing would differ. */
#include "run/stage.h"

#include "model/share.h"
#include "run/captured/captured.h"

#include <string.h>

static size_t embed_dim(const struct cp_lockstep *ls) {
    return (size_t)ls->study->model.config.embed_dim;
}

/* Where a lane's head puts its features (batch, embed_dim). */
static float *features_of(const struct cp_lockstep *ls, const struct cp_lane *lane) {
    if (lane->pass.tower == CP_VISUAL)
        return lane->image_features;
    return lane->joint.text_features + lane->pass.first * embed_dim(ls);
}

static double *oracle_features(const struct cp_lockstep *ls, const struct cp_oracle_lane *lane) {
    if (lane->oracle.tower == CP_VISUAL)
        return lane->image_features;
    return lane->text_features + lane->oracle.first * embed_dim(ls);
}

struct cp_stage_output cp_stage_output(const struct cp_lockstep *ls, const struct cp_lane *lane,
                                       struct cp_stage stage) {
    const struct cp_tower_shape shape = cp_tower_shape(&ls->study->model.config, stage.tower);
    if (stage.kind == CP_STAGE_HEAD)
        return (struct cp_stage_output){features_of(ls, lane), 1, embed_dim(ls), NULL};
    return (struct cp_stage_output){lane->pass.x, shape.tokens, shape.width, lane->pass.valid_tokens};
}

/* ---- running ---- */

static bool joins_towers(struct cp_stage stage) {
    return stage.kind == CP_STAGE_CLASSES || stage.kind == CP_STAGE_LOGITS;
}

void cp_stage_place_oracle(struct cp_oracle *oracle, const struct cp_pass *as) {
    oracle->tower = as->tower;
    oracle->first = as->first;
    oracle->inputs = as->inputs;
    oracle->valid_tokens = as->valid_tokens;
    oracle->tokens = as->tokens;
}

static const float *pixels_of(const struct cp_lockstep *ls, const struct cp_spec *spec, const float *given) {
    return given ? given : cp_lockstep_pixels(ls, spec)->values;
}

enum cp_status cp_stage_run(struct cp_lockstep *ls, struct cp_lane *lane, struct cp_stage stage,
                            struct cp_error *err) {
    struct cp_pass *pass = &lane->pass;
    if (!lane->plan)
        return cp_captured_stage(ls, lane, stage, err);
    if (joins_towers(stage) && ls->study->inputs.prompts == 0)
        return CP_OK;
    switch (stage.kind) {
    case CP_STAGE_STEM:
        if (stage.tower == CP_VISUAL)
            pass->pixels = pixels_of(ls, pass->plan->spec, lane->pixels);
        return cp_pass_part(pass, CP_TOWER_STEM, -1, err);
    case CP_STAGE_BLOCK:
        return cp_pass_part(pass, CP_TOWER_BLOCK, stage.layer, err);
    case CP_STAGE_HEAD:
        pass->features = features_of(ls, lane);
        return cp_pass_part(pass, CP_TOWER_HEAD, -1, err);
    case CP_STAGE_CLASSES:
        return cp_joint_classes(&lane->joint, err);
    case CP_STAGE_LOGITS:
        break;
    }
    cp_arena_reset(&ls->joint_scratch);
    return cp_joint_images(&lane->joint, lane->image_features, pass->first, pass->inputs, &ls->joint_scratch,
                           err);
}

static enum cp_status oracle_logits(const struct cp_study *study, struct cp_oracle_lane *lane,
                                    struct cp_error *err) {
    lane->oracle.tower = CP_JOINT;
    CP_TRY(cp_oracle_logits(&lane->oracle, lane->image_features, lane->text_features, study->inputs.prompts,
                            false, err));
    if (study->inputs.classes)
        CP_TRY(cp_oracle_logits(&lane->oracle, lane->image_features, lane->class_features,
                                study->inputs.classes, true, err));
    return CP_OK;
}

static enum cp_status oracle_classes(const struct cp_study *study, struct cp_oracle_lane *lane,
                                     struct cp_error *err) {
    if (!study->inputs.classes)
        return CP_OK;
    lane->oracle.tower = CP_JOINT;
    lane->oracle.first = 0;
    lane->oracle.inputs = study->inputs.classes;
    lane->oracle.valid_tokens = NULL;
    return cp_oracle_classes(&lane->oracle, lane->text_features, study->inputs.prompts, study->inputs.classes,
                             lane->class_features, err);
}

enum cp_status cp_stage_run_oracle(struct cp_lockstep *ls, struct cp_oracle_lane *lane, struct cp_stage stage,
                                   struct cp_error *err) {
    struct cp_oracle *oracle = &lane->oracle;
    if (joins_towers(stage) && ls->study->inputs.prompts == 0)
        return CP_OK;
    switch (stage.kind) {
    case CP_STAGE_STEM:
        if (stage.tower == CP_VISUAL)
            oracle->pixels = pixels_of(ls, oracle->spec, lane->pixels);
        return cp_oracle_part(oracle, CP_TOWER_STEM, -1, err);
    case CP_STAGE_BLOCK:
        return cp_oracle_part(oracle, CP_TOWER_BLOCK, stage.layer, err);
    case CP_STAGE_HEAD:
        oracle->features = oracle_features(ls, lane);
        return cp_oracle_part(oracle, CP_TOWER_HEAD, -1, err);
    case CP_STAGE_CLASSES:
        return oracle_classes(ls->study, lane, err);
    case CP_STAGE_LOGITS:
        break;
    }
    return oracle_logits(ls->study, lane, err);
}

/* ---- what need not be run ---- */

/* The same weights in a stage: tensors that two models share, which they do where the bits are equal. */
static bool same_weights(const struct cp_model *a, const struct cp_model *b, struct cp_stage stage) {
    const int part = stage.kind == CP_STAGE_STEM   ? CP_SHARE_STEM
                     : stage.kind == CP_STAGE_HEAD ? CP_SHARE_HEAD
                                                   : stage.layer;
    return cp_model_same_part(a, b, stage.tower, part);
}

static size_t slot_of(const struct cp_lockstep *ls, struct cp_stage stage) {
    return cp_spec_slot(&ls->study->model.config, stage.tower, stage.layer);
}

bool cp_stage_same(const struct cp_lockstep *ls, size_t s, struct cp_stage stage) {
    const struct cp_study *study = ls->study;
    if (cp_captured_of(study, s) || cp_captured_of(study, 0))
        return false;
    return !joins_towers(stage) && cp_spec_same_at(study->spec[s], study->spec[0], slot_of(ls, stage)) &&
           same_weights(study->spec_model[s], study->spec_model[0], stage);
}

bool cp_stage_same_maths(const struct cp_lockstep *ls, size_t o, struct cp_stage stage) {
    const struct cp_study *study = ls->study;
    return !joins_towers(stage) &&
           cp_spec_same_maths_at(study->oracle[o], study->oracle[0], slot_of(ls, stage)) &&
           same_weights(study->oracle_model[o], study->oracle_model[0], stage);
}

static enum cp_status replay(const struct cp_tap_buffer *buffer, const struct cp_taps *taps,
                             struct cp_tap_event event, struct cp_error *err) {
    for (size_t i = 0; i < buffer->sites; i++) {
        if (!buffer->data[i])
            continue;
        event.index = i;
        event.data = buffer->data[i];
        event.fixed = true;
        CP_TRY(cp_taps_visit(taps, event, err));
    }
    return CP_OK;
}

/* Elements that a stage leaves, of one batch; the lane may be a capture's. */
static size_t stage_elements(const struct cp_lockstep *ls, const struct cp_lane *lane,
                             struct cp_stage stage) {
    const struct cp_tower_shape shape = cp_tower_shape(&ls->study->model.config, stage.tower);
    if (stage.kind == CP_STAGE_HEAD)
        return lane->pass.inputs * embed_dim(ls);
    return lane->pass.inputs * shape.tokens * shape.width;
}

enum cp_status cp_stage_follow(struct cp_lockstep *ls, struct cp_lane *lane, const struct cp_lane *leader,
                               struct cp_stage stage, struct cp_error *err) {
    const struct cp_tap_event event = {.first = lane->pass.first,
                                       .inputs = lane->pass.inputs,
                                       .valid_tokens = lane->pass.valid_tokens,
                                       .dtype = CP_FP32};
    CP_TRY(replay(&ls->buffer, &lane->pass.taps, event, err));
    float *to = stage.kind == CP_STAGE_HEAD ? features_of(ls, lane) : lane->pass.x;
    memcpy(to, cp_stage_output(ls, leader, stage).data, stage_elements(ls, leader, stage) * sizeof *to);
    return CP_OK;
}

enum cp_status cp_stage_follow_oracle(struct cp_lockstep *ls, struct cp_oracle_lane *lane,
                                      const struct cp_oracle_lane *leader, struct cp_stage stage,
                                      struct cp_error *err) {
    const struct cp_tap_event event = {.first = lane->oracle.first,
                                       .inputs = lane->oracle.inputs,
                                       .valid_tokens = lane->oracle.valid_tokens,
                                       .dtype = CP_FP64};
    CP_TRY(replay(&leader->buffer, &lane->oracle.taps, event, err));
    const size_t elements = stage_elements(ls, &ls->lanes[0], stage);
    if (stage.kind == CP_STAGE_HEAD)
        memcpy(oracle_features(ls, lane), oracle_features(ls, leader), elements * sizeof(double));
    else
        memcpy(lane->oracle.x, leader->oracle.x, elements * sizeof(double));
    return CP_OK;
}
