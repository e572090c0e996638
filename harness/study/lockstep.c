/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/lockstep.h"

#include "study/thumbnail.h"

enum segment { STEM, BLOCK, HEAD, CLASSES, LOGITS };

static size_t embed_dim(const struct cp_lockstep *ls) {
    return (size_t)ls->study->model.config.embed_dim;
}

/* ---- one segment of one lane ---- */

static enum cp_status run_lane(struct cp_lockstep *ls, struct cp_lane *lane, enum segment segment, int layer,
                               struct cp_error *err) {
    struct cp_pass *pass = &lane->pass;
    const bool visual = pass->tower == CP_VISUAL;
    switch (segment) {
    case STEM:
        return visual ? cp_vision_stem(pass, ls->pixels, err) : cp_text_stem(pass, err);
    case BLOCK:
        return cp_block(pass, layer, err);
    case HEAD:
        return cp_tower_head(
            pass, visual ? lane->image_features : lane->joint.text_features + pass->first * embed_dim(ls),
            err);
    case CLASSES:
        return cp_joint_classes(&lane->joint, err);
    case LOGITS:
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
    lane->oracle.judged = NULL;
    return cp_oracle_classes(&lane->oracle, lane->text_features, study->inputs.prompts, study->inputs.classes,
                             lane->class_features, err);
}

static enum cp_status run_oracle(struct cp_lockstep *ls, struct cp_oracle_lane *lane, enum segment segment,
                                 int layer, struct cp_error *err) {
    struct cp_oracle *oracle = &lane->oracle;
    const bool visual = oracle->tower == CP_VISUAL;
    switch (segment) {
    case STEM:
        return visual ? cp_oracle_vision_stem(oracle, ls->pixels, err) : cp_oracle_text_stem(oracle, err);
    case BLOCK:
        return cp_oracle_block(oracle, layer, err);
    case HEAD:
        return cp_oracle_head(
            oracle, visual ? lane->image_features : lane->text_features + oracle->first * embed_dim(ls), err);
    case CLASSES:
        return oracle_classes(ls->study, lane, err);
    case LOGITS:
        break;
    }
    return oracle_logits(ls->study, lane, err);
}

static enum cp_status run_segment(struct cp_lockstep *ls, enum segment segment, int layer, bool with_oracle,
                                  struct cp_error *err) {
    cp_keep_reset(&ls->keep);
    for (size_t o = 0; o < ls->study->oracle_count; o++) {
        cp_keep_reset(&ls->oracles[o].keep);
        if (with_oracle)
            CP_TRY(run_oracle(ls, &ls->oracles[o], segment, layer, err));
    }
    for (size_t s = 0; s < ls->study->spec_count; s++)
        CP_TRY(run_lane(ls, &ls->lanes[s], segment, layer, err));
    return CP_OK;
}

/* ---- batches ---- */

static void place(struct cp_lockstep *ls, enum cp_tower tower, size_t first, size_t count) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    const bool text = tower == CP_TEXT;
    const int *judged = text ? in->judged + first : NULL;
    const int32_t *tokens =
        text ? in->tokens + first * (size_t)ls->study->model.config.text.context_length : NULL;
    for (size_t s = 0; s < ls->study->spec_count; s++) {
        struct cp_pass *pass = &ls->lanes[s].pass;
        pass->tower = tower;
        pass->first = first;
        pass->inputs = count;
        pass->judged = judged;
        pass->tokens = tokens;
    }
    for (size_t o = 0; o < ls->study->oracle_count; o++) {
        struct cp_oracle *oracle = &ls->oracles[o].oracle;
        oracle->tower = tower;
        oracle->first = first;
        oracle->inputs = count;
        oracle->judged = judged;
        oracle->tokens = tokens;
    }
}

static enum cp_status run_tower(struct cp_lockstep *ls, int layers, bool with_oracle, struct cp_error *err) {
    CP_TRY(run_segment(ls, STEM, -1, with_oracle, err));
    for (int layer = 0; layer < layers; layer++)
        CP_TRY(run_segment(ls, BLOCK, layer, with_oracle, err));
    return run_segment(ls, HEAD, -1, with_oracle, err);
}

enum cp_status cp_lockstep_prompts(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    place(ls, CP_TEXT, first, count);
    return run_tower(ls, ls->study->model.config.text.layers, true, err);
}

enum cp_status cp_lockstep_classes(struct cp_lockstep *ls, struct cp_error *err) {
    return run_segment(ls, CLASSES, -1, true, err);
}

/* Each candidate's decisions against the baseline's, from the probabilities of the batch. */
static enum cp_status decide(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    const size_t columns = cp_site_row(&ls->study->sites.list[ls->probs_site]);
    cp_arena_reset(&ls->joint_scratch);
    double *work = cp_arena_alloc(&ls->joint_scratch, 4 * columns, sizeof *work);
    double *rows = cp_arena_alloc(&ls->joint_scratch, count * CP_DECISION_COUNT, sizeof *rows);
    if (!work || !rows)
        return cp_fail(err, CP_INTERNAL, "", "out of memory for decisions");
    const float *baseline = ls->lanes[0].probs.data[ls->probs_site];
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        const float *probs = ls->lanes[s].probs.data[ls->probs_site];
        for (size_t i = 0; i < count; i++)
            cp_decide(probs + i * columns, baseline + i * columns, columns, work,
                      rows + i * CP_DECISION_COUNT);
        CP_TRY(cp_result_write(ls->result, ls->decisions[s], first, count, rows, err));
    }
    return CP_OK;
}

enum cp_status cp_lockstep_images(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const bool with_oracle = first < study->oracle_images;
    CP_TRY(cp_inputs_pixels(&study->inputs, &study->model.config, first, count, ls->pixels, err));
    CP_TRY(
        cp_thumbnails_write(ls->result, ls->thumbnails, &study->model.config, first, count, ls->pixels, err));
    place(ls, CP_VISUAL, first, count);
    CP_TRY(run_tower(ls, study->model.config.vision.layers, with_oracle, err));
    if (study->inputs.prompts == 0)
        return CP_OK;
    for (size_t s = 0; s < study->spec_count; s++)
        cp_keep_reset(&ls->lanes[s].probs);
    CP_TRY(run_segment(ls, LOGITS, -1, with_oracle, err));
    return decide(ls, first, count, err);
}
