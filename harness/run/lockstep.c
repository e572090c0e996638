/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/floor.h"
#include "analysis/ledger/ledger.h"
#include "analysis/local.h"
#include "analysis/units.h"
#include "analysis/yardstick.h"
#include "inputs/thumbnail.h"
#include "run/captured.h"
#include "run/graft.h"
#include "run/steps.h"

#include "num/certificate.h"

#include <math.h>

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

static enum cp_status run_segment(struct cp_lockstep *ls, struct cp_segment segment, bool with_oracle,
                                  struct cp_error *err) {
    const bool local = cp_local_active(ls, segment.kind);
    cp_keep_reset(&ls->keep);
    for (size_t o = 0; o < ls->study->oracle_count; o++)
        cp_keep_reset(&ls->oracles[o].keep);
    if (local)
        cp_local_begin(ls, segment);
    for (size_t o = 0; with_oracle && o < ls->study->oracle_count; o++)
        CP_TRY(run_oracle(ls, o, segment, err));
    if (with_oracle)
        CP_TRY(cp_yardstick_segment(ls, segment, err));
    for (size_t s = 0; s < ls->study->spec_count; s++) {
        cp_ledger_begin(ls, s);
        CP_TRY(run_lane(ls, s, segment, err));
        CP_TRY(cp_ledger_segment(ls, s, segment, ls->lanes[s].follows, err));
    }
    if (local)
        CP_TRY(cp_local_segment(ls, segment, err));
    return ls->floor ? cp_floor_segment(ls, segment, err) : CP_OK;
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

static enum cp_status run_tower(struct cp_lockstep *ls, enum cp_tower tower, bool with_oracle,
                                struct cp_error *err) {
    const struct cp_clip_config *c = &ls->study->model.config;
    const int layers = tower == CP_VISUAL ? c->vision.layers : c->text.layers;
    CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_STEM, tower, -1}, with_oracle, err));
    for (int layer = 0; layer < layers; layer++)
        CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_BLOCK, tower, layer}, with_oracle, err));
    CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_HEAD, tower, -1}, with_oracle, err));
    return cp_local_active(ls, CP_SEGMENT_HEAD) ? cp_local_commit(ls, tower, err) : CP_OK;
}

enum cp_status cp_lockstep_prompts(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    place(ls, CP_TEXT, first, count);
    CP_TRY(cp_graft_load(ls, CP_DIM_PROMPT, first, count, err));
    return run_tower(ls, CP_TEXT, true, err);
}

enum cp_status cp_lockstep_classes(struct cp_lockstep *ls, struct cp_error *err) {
    CP_TRY(cp_graft_load(ls, CP_DIM_CLASS, 0, ls->study->inputs.classes, err));
    return run_segment(ls, (struct cp_segment){CP_SEGMENT_CLASSES, CP_JOINT, -1}, true, err);
}

/* What decides on the baseline's and a candidate's side: the features, before their product. */
static struct cp_scored scored(const struct cp_lane *lane, size_t image, size_t width) {
    const struct cp_choice *choice = cp_spec_at(lane->plan->spec, CP_JOINT, -1);
    const enum cp_dtype type = cp_choice_type(choice, CP_LINEAR_COMPUTE);
    const enum cp_dtype sum = cp_choice_type(choice, CP_LINEAR_ACCUMULATE);
    return (struct cp_scored){lane->image_features + image * width,
                              lane->joint.classes ? lane->joint.class_features : lane->joint.text_features,
                              (double)lane->plan->logit_scale, (double)lane->plan->logit_bias,
                              fmax(cp_unit_roundoff(type), cp_unit_roundoff(sum))};
}

static void certify(const struct cp_lockstep *ls, size_t s, size_t image, size_t columns, double *decision) {
    const size_t width = (size_t)ls->study->model.config.embed_dim;
    decision[CP_MARGIN_LOGIT] = decision[CP_BOUND_LOGIT] = decision[CP_CERTIFIED] = NAN;
    if (!ls->lanes[0].plan || !ls->lanes[s].plan)
        return; /* of a capture only the probabilities are known */
    const struct cp_scored baseline = scored(&ls->lanes[0], image, width);
    const struct cp_scored candidate = scored(&ls->lanes[s], image, width);
    const struct cp_certificate c = cp_certify(&baseline, &candidate, columns, width);
    decision[CP_MARGIN_LOGIT] = c.margin;
    decision[CP_BOUND_LOGIT] = c.bound;
    decision[CP_CERTIFIED] = c.certified;
}

bool cp_lockstep_decides(const struct cp_lockstep *ls, size_t s) {
    const size_t site = ls->probs_site;
    return site < ls->study->sites.count && ls->study->watched[site] && cp_captured_has(ls->study, 0, site) &&
           cp_captured_has(ls->study, s, site);
}

/* Each candidate's decisions against the baseline's, from the probabilities of the batch. */
static enum cp_status decide(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    if (ls->probs_site == ls->study->sites.count)
        return CP_OK;
    const size_t columns = cp_site_row(&ls->study->sites.list[ls->probs_site]);
    cp_arena_reset(&ls->joint_scratch);
    double *work = cp_arena_alloc(&ls->joint_scratch, 4 * columns, sizeof *work);
    double *rows = cp_arena_alloc(&ls->joint_scratch, count * CP_DECISION_COUNT, sizeof *rows);
    if (!work || !rows)
        return cp_fail(err, CP_INTERNAL, "", "out of memory for decisions");
    const float *baseline = ls->lanes[0].probs.data[ls->probs_site];
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        const float *probs = ls->lanes[s].probs.data[ls->probs_site];
        if (!cp_lockstep_decides(ls, s))
            continue;
        for (size_t i = 0; i < count; i++) {
            cp_decide(probs + i * columns, baseline + i * columns, columns, work,
                      rows + i * CP_DECISION_COUNT);
            certify(ls, s, i, columns, rows + i * CP_DECISION_COUNT);
        }
        CP_TRY(cp_result_write(ls->result, ls->decisions[s], first, count, rows, err));
    }
    return CP_OK;
}

const struct cp_lockstep_pixels *cp_lockstep_pixels(const struct cp_lockstep *ls,
                                                    const struct cp_spec *spec) {
    size_t p = ls->pixels_count - 1;
    while (p > 0 && !cp_spec_same_pixels(spec, ls->pixels[p].spec))
        p--;
    return &ls->pixels[p];
}

static enum cp_status read_pixels(struct cp_lockstep *ls, size_t first, size_t count, bool with_oracle,
                                  struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_clip_config *config = &study->model.config;
    if (!study->modelled)
        return CP_OK;
    if (ls->steps)
        CP_TRY(cp_steps_batch(ls, first, count, with_oracle, err));
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
    CP_TRY(cp_units_note(ls, first, count, err));
    return cp_thumbnails_write(ls->result, ls->thumbnails, config, first, count, ls->pixels[0].values, err);
}

enum cp_status cp_lockstep_images(struct cp_lockstep *ls, size_t first, size_t count, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const bool with_oracle = first < study->oracle_images;
    place(ls, CP_VISUAL, first, count);
    CP_TRY(read_pixels(ls, first, count, with_oracle, err));
    CP_TRY(cp_graft_load(ls, CP_DIM_IMAGE, first, count, err));
    CP_TRY(run_tower(ls, CP_VISUAL, with_oracle, err));
    if (study->inputs.prompts == 0 && !study->inputs_from)
        return CP_OK;
    for (size_t s = 0; s < study->spec_count; s++)
        cp_keep_reset(&ls->lanes[s].probs);
    CP_TRY(run_segment(ls, (struct cp_segment){CP_SEGMENT_LOGITS, CP_JOINT, -1}, with_oracle, err));
    return decide(ls, first, count, err);
}
