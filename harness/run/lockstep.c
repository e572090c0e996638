/* SPDX-License-Identifier: GPL-3.0-or-later
 * The order of events in a batch: pixels, oracles, lanes, analyses. Lanes are made in lockstep_setup.c. */
#include "inputs/thumbnail.h"
#include "run/analysis.h"
#include "run/captured/captured.h"
#include "run/captured/graft.h"
#include "run/preprocess_taps.h"
#include "run/stage.h"

#include <string.h>

/* ---- one stage of every lane ---- */

static enum cp_status run_oracle(struct cp_lockstep *ls, size_t o, struct cp_stage stage,
                                 struct cp_error *err) {
    struct cp_oracle_lane *lane = &ls->oracles[o];
    lane->follows =
        (lane->follows || stage.kind == CP_STAGE_STEM) && o > 0 && cp_stage_same_maths(ls, o, stage);
    if (lane->follows)
        return cp_stage_follow_oracle(ls, lane, &ls->oracles[0], stage, err);
    return cp_stage_run_oracle(ls, lane, stage, err);
}

static enum cp_status run_lane(struct cp_lockstep *ls, size_t s, struct cp_stage stage,
                               struct cp_error *err) {
    struct cp_lane *lane = &ls->lanes[s];
    lane->follows = (lane->follows || stage.kind == CP_STAGE_STEM) && s > 0 && cp_stage_same(ls, s, stage);
    if (lane->follows)
        return cp_stage_follow(ls, lane, &ls->lanes[0], stage, err);
    return cp_stage_run(ls, lane, stage, err);
}

static enum cp_status run_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    cp_tap_buffer_reset(&ls->buffer);
    for (size_t o = 0; o < ls->study->oracle_count; o++)
        cp_tap_buffer_reset(&ls->oracles[o].buffer);
    CP_TRY(cp_analyses_before(ls, stage, err));
    for (size_t o = 0; ls->with_oracle && o < ls->study->oracle_count; o++)
        CP_TRY(run_oracle(ls, o, stage, err));
    for (size_t s = 0; s < ls->study->spec_count; s++) {
        CP_TRY(run_lane(ls, s, stage, err));
        CP_TRY(cp_analyses_pass(ls, s, stage, err));
    }
    CP_TRY(cp_analyses_stage(ls, stage, err));
    if (ls->progress)
        cp_progress_stage(ls->progress);
    return CP_OK;
}

/* ---- batches ---- */

struct cp_pass cp_lockstep_batch(const struct cp_lockstep *ls, const struct cp_spec *spec,
                                 struct cp_pass batch) {
    if (batch.tower != CP_TEXT || !batch.tokens)
        return batch;
    const struct cp_token_set set = cp_inputs_tokens(&ls->study->inputs, cp_spec_tokenizer(spec));
    batch.valid_tokens = set.valid_tokens + batch.first;
    batch.tokens = set.tokens + batch.first * (size_t)spec->config->text.context_length;
    return batch;
}

static void place(struct cp_lockstep *ls, enum cp_tower tower, size_t first, size_t count) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    const bool text = tower == CP_TEXT;
    const struct cp_pass batch = {
        .tower = tower,
        .first = first,
        .inputs = count,
        .valid_tokens = text ? in->valid_tokens + first : NULL,
        .tokens = text && in->tokens
                      ? in->tokens + first * (size_t)ls->study->model.config.text.context_length
                      : NULL,
    };
    for (size_t s = 0; s < ls->study->spec_count; s++) {
        const struct cp_pass own = cp_lockstep_batch(ls, ls->study->spec[s], batch);
        cp_pass_place(&ls->lanes[s].pass, &own);
    }
    for (size_t o = 0; o < ls->study->oracle_count; o++) {
        const struct cp_pass own = cp_lockstep_batch(ls, ls->oracles[o].oracle.spec, batch);
        cp_stage_place_oracle(&ls->oracles[o].oracle, &own);
    }
}

size_t cp_lockstep_stages(const struct cp_lockstep *ls, enum cp_tower tower) {
    return cp_tower_shape(&ls->study->model.config, tower).layers + 2 + (tower == CP_VISUAL);
}

static enum cp_status run_tower(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    const int layers = (int)cp_tower_shape(&ls->study->model.config, tower).layers;
    CP_TRY(run_stage(ls, (struct cp_stage){CP_STAGE_STEM, tower, -1}, err));
    for (int layer = 0; layer < layers; layer++)
        CP_TRY(run_stage(ls, (struct cp_stage){CP_STAGE_BLOCK, tower, layer}, err));
    CP_TRY(run_stage(ls, (struct cp_stage){CP_STAGE_HEAD, tower, -1}, err));
    return cp_analyses_commit(ls, tower, err);
}

enum cp_status cp_lockstep_prompts(struct cp_lockstep *ls, size_t first, size_t count, bool oracle,
                                   struct cp_error *err) {
    ls->with_oracle = oracle;
    place(ls, CP_TEXT, first, count);
    CP_TRY(cp_graft_load(ls, CP_DIM_PROMPT, first, count, err));
    return run_tower(ls, CP_TEXT, err);
}

/* What joins the towers takes the text features of all prompts. */
static bool has_every_text(const struct cp_study *study) {
    return study->oracle_prompts == study->inputs.prompts;
}

enum cp_status cp_lockstep_classes(struct cp_lockstep *ls, struct cp_error *err) {
    ls->with_oracle = has_every_text(ls->study);
    CP_TRY(cp_graft_load(ls, CP_DIM_CLASS, 0, ls->study->inputs.classes, err));
    return run_stage(ls, (struct cp_stage){CP_STAGE_CLASSES, CP_JOINT, -1}, err);
}

const struct cp_lockstep_pixels *cp_lockstep_pixels(const struct cp_lockstep *ls,
                                                    const struct cp_spec *spec) {
    size_t p = ls->pixels_count - 1;
    while (p > 0 && !cp_spec_same_pixels(spec, ls->pixels[p].spec))
        p--;
    return &ls->pixels[p];
}

static enum cp_status read_pixels(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_clip_config *config = &study->model.config;
    if (!study->modelled)
        return CP_OK;
    if (ls->preprocess_taps)
        CP_TRY(cp_preprocess_taps_batch(ls, first, count, err));
    for (size_t p = 0; p < ls->pixels_count; p++) {
        struct cp_lockstep_pixels *pixels = &ls->pixels[p];
        const struct cp_preprocess how = cp_spec_preprocess(pixels->spec);
        if (study->inputs_from)
            CP_TRY(cp_captured_pixels(study, pixels->of, first, count, pixels->values, err));
        else if (!ls->preprocess_taps)
            CP_TRY(cp_inputs_pixels(&study->inputs, &how, first, count, pixels->values, err));
        if (!ls->preprocess_taps && pixels->replaced != pixels->values)
            memcpy(pixels->replaced, pixels->values, count * pixels->changes.row * sizeof *pixels->values);
        if (!cp_captured_own_pixels(study, pixels->of)) /* which are changed already */
            cp_pixel_changes_apply(&pixels->changes, first, count, pixels->values,
                                   pixels->replaced != pixels->values ? pixels->replaced : NULL);
    }
    return cp_thumbnails_write(ls->result, ls->thumbnails, config, first, count, ls->pixels[0].values, err);
}

enum cp_status cp_lockstep_images(struct cp_lockstep *ls, size_t first, size_t count, bool oracle,
                                  struct cp_error *err) {
    const struct cp_study *study = ls->study;
    ls->with_oracle = oracle;
    place(ls, CP_VISUAL, first, count);
    CP_TRY(read_pixels(ls, first, count, err));
    CP_TRY(cp_graft_load(ls, CP_DIM_IMAGE, first, count, err));
    CP_TRY(run_tower(ls, CP_VISUAL, err));
    if (study->inputs.prompts == 0 && !study->inputs_from)
        return CP_OK;
    ls->with_oracle = oracle && has_every_text(study);
    return run_stage(ls, (struct cp_stage){CP_STAGE_LOGITS, CP_JOINT, -1}, err);
}
