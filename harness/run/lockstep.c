/* SPDX-License-Identifier: GPL-3.0-or-later
 * The order of events in a batch: pixels, oracles, lanes, analyses. Lanes are made in lockstep_setup.c. */
#include "inputs/thumbnail.h"
#include "run/analysis.h"
#include "run/captured.h"
#include "run/graft.h"
#include "run/segment.h"
#include "run/steps.h"

#include <string.h>

/* ---- one segment of every lane ---- */

static enum cp_status run_oracle(struct cp_lockstep *ls, size_t o, struct cp_segment segment,
                                 struct cp_error *err) {
    struct cp_oracle_lane *lane = &ls->oracles[o];
    lane->follows =
        (lane->follows || segment.kind == CP_SEGMENT_STEM) && o > 0 && cp_segment_same_maths(ls, o, segment);
    if (lane->follows)
        return cp_segment_follow_oracle(ls, lane, &ls->oracles[0], segment, err);
    return cp_segment_run_oracle(ls, lane, segment, err);
}

static enum cp_status run_lane(struct cp_lockstep *ls, size_t s, struct cp_segment segment,
                               struct cp_error *err) {
    struct cp_lane *lane = &ls->lanes[s];
    lane->follows =
        (lane->follows || segment.kind == CP_SEGMENT_STEM) && s > 0 && cp_segment_same(ls, s, segment);
    if (lane->follows)
        return cp_segment_follow(ls, lane, &ls->lanes[0], segment, err);
    return cp_segment_run(ls, lane, segment, err);
}

static enum cp_status run_segment(struct cp_lockstep *ls, struct cp_segment segment, struct cp_error *err) {
    cp_keep_reset(&ls->keep);
    for (size_t o = 0; o < ls->study->oracle_count; o++)
        cp_keep_reset(&ls->oracles[o].keep);
    CP_TRY(cp_analyses_before(ls, segment, err));
    for (size_t o = 0; ls->with_oracle && o < ls->study->oracle_count; o++)
        CP_TRY(run_oracle(ls, o, segment, err));
    for (size_t s = 0; s < ls->study->spec_count; s++) {
        CP_TRY(run_lane(ls, s, segment, err));
        CP_TRY(cp_analyses_pass(ls, s, segment, err));
    }
    return cp_analyses_stage(ls, segment, err);
}

/* ---- batches ---- */

struct cp_pass cp_lockstep_batch(const struct cp_lockstep *ls, const struct cp_spec *spec,
                                 struct cp_pass batch) {
    if (batch.tower != CP_TEXT || !batch.tokens)
        return batch;
    const struct cp_token_set set = cp_inputs_tokens(&ls->study->inputs, cp_spec_tokenizer(spec));
    batch.judged = set.judged + batch.first;
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
        .judged = text ? in->judged + first : NULL,
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
        cp_segment_place_oracle(&ls->oracles[o].oracle, &own);
    }
}

static enum cp_status run_tower(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    const int layers = (int)cp_tower_shape(&ls->study->model.config, tower).layers;
    CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_STEM, tower, -1}, err));
    for (int layer = 0; layer < layers; layer++)
        CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_BLOCK, tower, layer}, err));
    CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_HEAD, tower, -1}, err));
    return cp_analyses_commit(ls, tower, err);
}

enum cp_status cp_lockstep_prompts(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    ls->with_oracle = true;
    place(ls, CP_TEXT, first, count);
    CP_TRY(cp_graft_load(ls, CP_DIM_PROMPT, first, count, err));
    return run_tower(ls, CP_TEXT, err);
}

enum cp_status cp_lockstep_classes(struct cp_lockstep *ls, struct cp_error *err) {
    ls->with_oracle = true;
    CP_TRY(cp_graft_load(ls, CP_DIM_CLASS, 0, ls->study->inputs.classes, err));
    return run_segment(ls, (struct cp_segment){CP_SEGMENT_CLASSES, CP_JOINT, -1}, err);
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
    if (ls->steps)
        CP_TRY(cp_steps_batch(ls, first, count, err));
    for (size_t p = 0; p < ls->pixels_count; p++) {
        struct cp_lockstep_pixels *pixels = &ls->pixels[p];
        const struct cp_preprocess how = cp_spec_preprocess(pixels->spec);
        if (study->inputs_from)
            CP_TRY(cp_captured_pixels(study, pixels->of, first, count, pixels->values, err));
        else if (!ls->steps)
            CP_TRY(cp_inputs_pixels(&study->inputs, &how, first, count, pixels->values, err));
        if (!ls->steps && pixels->forced != pixels->values)
            memcpy(pixels->forced, pixels->values, count * pixels->noise.row * sizeof *pixels->values);
        if (!cp_captured_own_pixels(study, pixels->of)) /* in which the noise is already */
            cp_noise_add(&pixels->noise, first, count, pixels->values,
                         pixels->forced != pixels->values ? pixels->forced : NULL);
    }
    return cp_thumbnails_write(ls->result, ls->thumbnails, config, first, count, ls->pixels[0].values, err);
}

enum cp_status cp_lockstep_images(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    ls->with_oracle = first < study->oracle_images;
    place(ls, CP_VISUAL, first, count);
    CP_TRY(read_pixels(ls, first, count, err));
    CP_TRY(cp_graft_load(ls, CP_DIM_IMAGE, first, count, err));
    CP_TRY(run_tower(ls, CP_VISUAL, err));
    if (study->inputs.prompts == 0 && !study->inputs_from)
        return CP_OK;
    return run_segment(ls, (struct cp_segment){CP_SEGMENT_LOGITS, CP_JOINT, -1}, err);
}
