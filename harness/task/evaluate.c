/* SPDX-License-Identifier: GPL-3.0-or-later
 * Keeps one set of buffers, and the baseline's features for towers that a spec leaves as they are. */
#include "task/evaluate.h"

#include "inputs/pixel_changes.h"
#include "model/share.h"
#include "num/metrics.h"

#include <math.h>
#include <string.h>

static size_t embed_dim(const struct cp_evaluator *e) {
    return (size_t)e->study->model.config.embed_dim;
}

/* ---- the weights ---- */

/* Only position embeddings and a fault in a block's weights make them differ: then they are the candidate's,
 * where the spec has its position or its fault, so that no matrix is copied or packed a second time. */
static enum cp_status model_of(const struct cp_evaluator *e, const struct cp_spec *spec,
                               struct cp_arena *arena, const struct cp_model **out, struct cp_error *err) {
    const struct cp_model *const models[2] = {e->study->spec_model[0], e->study->spec_model[e->candidate]};
    const struct cp_spec *candidate = e->study->spec[e->candidate];
    *out = spec == candidate ? models[1] : models[0];
    if (models[0] == models[1] || spec == candidate || spec == e->study->spec[0])
        return CP_OK;
    const size_t layers[2] = {(size_t)spec->config->vision.layers, (size_t)spec->config->text.layers};
    struct cp_model *mixed = cp_arena_alloc(arena, 1, sizeof *mixed);
    struct cp_block_weights *blocks = cp_arena_alloc(arena, layers[0] + layers[1], sizeof *blocks);
    CP_TRY(CP_CHECK_ALLOC(mixed && blocks, err, "", "an evaluation"));
    *mixed = *models[0];
    mixed->arena = (struct cp_arena){0}; /* owns nothing */
    mixed->tower[CP_VISUAL].positional_embedding =
        models[cp_spec_same_value(spec, candidate, cp_spec_slot(spec->config, CP_VISUAL, -1), CP_POSITION,
                                  -1)]
            ->tower[CP_VISUAL]
            .positional_embedding;
    mixed->tower[CP_VISUAL].blocks = blocks;
    mixed->tower[CP_TEXT].blocks = blocks + layers[0];
    for (enum cp_tower tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        for (size_t layer = 0; layer < layers[tower]; layer++) {
            const size_t slot = cp_spec_slot(spec->config, tower, (int)layer);
            const struct cp_model *from =
                models[cp_spec_same_value(spec, candidate, slot, CP_INJECT, CP_INJECT_WEIGHT_BIT)];
            *blocks++ = from->tower[tower].blocks[layer];
        }
    *out = mixed;
    return CP_OK;
}

/* ---- the pass ---- */

static bool tower_is_baseline(const struct cp_evaluator *e, const struct cp_spec *spec, enum cp_tower tower) {
    if (!cp_model_same_tower(e->pass.plan->model, e->study->spec_model[0], tower))
        return false;
    const size_t first = cp_spec_slot(spec->config, tower, -1);
    const size_t layers = cp_tower_shape(spec->config, tower).layers;
    for (size_t slot = first; slot <= first + layers; slot++)
        if (!cp_spec_same_at(spec, e->study->spec[0], slot))
            return false;
    return true;
}

static enum cp_status run_batch(struct cp_evaluator *e, enum cp_tower tower, size_t first, size_t count,
                                struct cp_error *err) {
    const struct cp_clip_config *config = &e->study->model.config;
    const bool visual = tower == CP_VISUAL;
    const struct cp_run_inputs *in = &e->study->inputs;
    struct cp_pass as = {.tower = tower, .first = visual ? e->first + first : first, .inputs = count};
    if (!visual) {
        const struct cp_token_set set = cp_inputs_tokens(in, cp_spec_tokenizer(e->pass.plan->spec));
        as.valid_tokens = set.valid_tokens + first;
        as.tokens = set.tokens + first * (size_t)config->text.context_length;
    }
    cp_pass_place(&e->pass, &as);
    float *features = e->value[visual ? CP_OUTPUT_IMAGE : CP_OUTPUT_TEXT];
    return cp_tower_run(&e->pass, e->pixels, features + first * embed_dim(e), err);
}

/* All batches of a tower; the images are one. */
static enum cp_status run_tower(struct cp_evaluator *e, enum cp_tower tower, bool as_baseline,
                                struct cp_error *err) {
    const enum cp_output output = tower == CP_VISUAL ? CP_OUTPUT_IMAGE : CP_OUTPUT_TEXT;
    const size_t rows = e->rows[output];
    if (as_baseline && rows)
        memcpy(e->value[output], e->baseline[output], rows * e->width[output] * sizeof(float));
    for (size_t first = 0; first < rows && !as_baseline; first += e->batch) {
        const size_t count = rows - first < e->batch ? rows - first : e->batch;
        CP_TRY(run_batch(e, tower, first, count, err));
    }
    return CP_OK;
}

static enum cp_status run_joint(struct cp_evaluator *e, struct cp_error *err) {
    const struct cp_study *study = e->study;
    const struct cp_spec *spec = e->pass.plan->spec;
    const struct cp_linear *linear = spec->ops->linears[cp_spec_at(spec, CP_JOINT, -1)->variant[CP_LINEAR]];
    const size_t embed = embed_dim(e), prompts = study->inputs.prompts, classes = study->inputs.classes;
    const struct cp_tap tap = cp_buffer_tap(&e->probs);
    struct cp_joint joint = {
        .plan = e->pass.plan,
        .taps = {&tap, 1, &study->sites},
        .pool = e->pool,
        .prompts = prompts,
        .classes = classes,
        .text_features = e->value[CP_OUTPUT_TEXT],
        .class_features = cp_arena_alloc(&e->scratch, classes * embed, sizeof(float)),
        .packed_text = cp_arena_alloc(&e->scratch, linear->packed_size(embed, prompts), sizeof(float)),
        .packed_class = cp_arena_alloc(&e->scratch, linear->packed_size(embed, classes), sizeof(float)),
        .scratch = e->ws.worker};
    CP_TRY(CP_CHECK_ALLOC(joint.class_features && joint.packed_text && joint.packed_class, err, "",
                          "an evaluation"));
    cp_tap_buffer_reset(&e->probs);
    CP_TRY(cp_joint_classes(&joint, err));
    CP_TRY(cp_joint_images(&joint, e->value[CP_OUTPUT_IMAGE], 0, e->images, &e->scratch, err));
    memcpy(e->value[CP_OUTPUT_PROBS], e->probs.data[e->probs_site],
           e->images * e->width[CP_OUTPUT_PROBS] * sizeof(float));
    return CP_OK;
}

/* The pixels of a spec, unless they are there from the last. */
static enum cp_status read_pixels(struct cp_evaluator *e, const struct cp_spec *spec, struct cp_error *err) {
    const struct cp_preprocess how = cp_spec_preprocess(spec);
    struct cp_pixel_changes changes;
    CP_TRY(cp_pixel_changes_start(spec, e->study->inputs.images, &e->scratch, &changes, err));
    if (e->images == 0 || (cp_preprocess_same(&how, &e->pixels_of) && e->pixels_from == e->first &&
                           cp_choice_same_pixel_changes(&changes.choice, &e->changed_as)))
        return CP_OK;
    CP_TRY(cp_inputs_pixels(&e->study->inputs, &how, e->first, e->images, e->pixels, err));
    cp_pixel_changes_apply(&changes, e->first, e->images, e->pixels, NULL);
    e->pixels_of = how;
    e->changed_as = changes.choice;
    e->pixels_from = e->first;
    return CP_OK;
}

/* The images from `first` on, as many as are evaluated at once. */
static void place(struct cp_evaluator *e, size_t first) {
    const size_t remaining = e->study->inputs.images - first;
    e->first = first;
    e->images = remaining < e->batch ? remaining : e->batch;
    e->rows[CP_OUTPUT_IMAGE] = e->name[CP_OUTPUT_IMAGE] ? e->images : 0;
    e->rows[CP_OUTPUT_PROBS] = e->name[CP_OUTPUT_PROBS] ? e->images : 0;
}

/* reuse: a tower's features may be those that are kept of the baseline, whose images are the first. */
static enum cp_status run(struct cp_evaluator *e, const struct cp_spec *spec, bool reuse,
                          struct cp_error *err) {
    const struct cp_model *model = NULL;
    struct cp_plan *plan = NULL;
    cp_arena_reset(&e->scratch);
    CP_TRY(model_of(e, spec, &e->scratch, &model, err));
    CP_TRY(cp_plan_create(spec, model, e->study->inputs.images, &e->store, &plan, err));
    e->pass.plan = plan;
    CP_TRY(read_pixels(e, spec, err));
    for (enum cp_tower tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        if (tower == CP_VISUAL || e->text_of != spec)
            CP_TRY(run_tower(
                e, tower, reuse && (tower == CP_TEXT || e->first == 0) && tower_is_baseline(e, spec, tower),
                err));
    return e->name[CP_OUTPUT_PROBS] ? run_joint(e, err) : CP_OK;
}

/* ---- making it ---- */

static enum cp_status set_output(struct cp_evaluator *e, enum cp_output output, size_t site, size_t rows,
                                 struct cp_error *err) {
    if (rows == 0 || site == e->study->sites.count)
        return CP_OK;
    e->name[output] = e->study->sites.list[site].name;
    e->rows[output] = rows;
    e->width[output] = cp_site_row(&e->study->sites.list[site]);
    e->baseline[output] = cp_arena_alloc(&e->arena, rows * e->width[output], sizeof(float));
    e->value[output] = cp_arena_alloc(&e->arena, rows * e->width[output], sizeof(float));
    return CP_CHECK_ALLOC(e->baseline[output] && e->value[output], err, "", "an evaluation");
}

static enum cp_status set_outputs(struct cp_evaluator *e, struct cp_error *err) {
    const struct cp_run_inputs *in = &e->study->inputs;
    const struct cp_sites *sites = &e->study->sites;
    const size_t both = in->prompts ? e->images : 0;
    CP_TRY(CP_ARENA_CALLOC(&e->arena, e->watched, sites->count + 1, err, "", "an evaluation"));
    e->probs_site = cp_sites_find(sites, CP_JOINT, in->classes ? CP_CLASS_PROBS : CP_PROBS, -1);
    e->watched[e->probs_site] = true;
    CP_TRY(cp_tap_buffer_create(sites->count, e->watched, &e->probs, err));
    CP_TRY(set_output(e, CP_OUTPUT_IMAGE, cp_sites_find(sites, CP_VISUAL, CP_FEATURES, -1), e->images, err));
    CP_TRY(set_output(e, CP_OUTPUT_TEXT, cp_sites_find(sites, CP_TEXT, CP_FEATURES, -1), in->prompts, err));
    return set_output(e, CP_OUTPUT_PROBS, e->probs_site, both, err);
}

enum cp_status cp_evaluator_create(const struct cp_study *study, size_t candidate, struct cp_evaluator *e,
                                   struct cp_error *err) {
    const struct cp_clip_config *config = &study->model.config;
    const size_t side = (size_t)config->vision.image_size;
    const size_t inputs =
        study->inputs.images > study->inputs.prompts ? study->inputs.images : study->inputs.prompts;
    *e = (struct cp_evaluator){.study = study,
                               .candidate = candidate,
                               .batch = inputs < CP_EVALUATED_IMAGES ? inputs : CP_EVALUATED_IMAGES};
    place(e, 0);
    CP_TRY(cp_pool_create(study->threads, &e->pool, err));
    CP_TRY(cp_workspace_create(config, study->ops, e->batch, study->threads, &e->ws, err));
    CP_TRY(set_outputs(e, err));
    e->pixels = cp_arena_alloc(&e->arena, e->images * 3 * side * side, sizeof *e->pixels);
    e->pass = (struct cp_pass){.pool = e->pool, .ws = &e->ws, .taps = {NULL, 0, &study->sites}};
    e->pass.x = cp_arena_alloc(&e->arena, e->batch * cp_residual_elements(config), sizeof *e->pass.x);
    CP_TRY(CP_CHECK_ALLOC(e->pixels && e->pass.x, err, "", "an evaluation"));
    CP_TRY(run(e, study->spec[0], false, err));
    for (int o = 0; o < CP_OUTPUT_COUNT; o++)
        if (e->name[o])
            memcpy(e->baseline[o], e->value[o], e->rows[o] * e->width[o] * sizeof(float));
    return CP_OK;
}

void cp_evaluator_free(struct cp_evaluator *e) {
    cp_tap_buffer_free(&e->probs);
    cp_packed_store_free(&e->store);
    cp_workspace_free(&e->ws);
    cp_arena_free(&e->arena);
    cp_arena_free(&e->scratch);
    cp_pool_free(e->pool);
}

/* ---- judging ---- */

static double divergence_of(const struct cp_evaluator *e, enum cp_output o) {
    const size_t width = e->width[o];
    double sum = 0;
    for (size_t row = 0; row < e->rows[o]; row++) {
        const struct cp_compared pair = {.x = e->value[o] + row * width,
                                         .y = e->baseline[o] + row * width,
                                         .x_type = CP_FP32,
                                         .y_type = CP_FP32,
                                         .groups = 1,
                                         .group_rows = 1,
                                         .rows = 1,
                                         .width = width,
                                         .stride = width};
        sum += cp_relative_l2(&pair);
    }
    return isfinite(sum) ? sum / (double)e->rows[o] : INFINITY;
}

enum cp_status cp_evaluate(struct cp_evaluator *e, const struct cp_spec *spec,
                           double divergence[CP_OUTPUT_COUNT], struct cp_error *err) {
    place(e, 0);
    e->text_of = NULL; /* who searches changes one spec again and again */
    CP_TRY(run(e, spec, true, err));
    for (int o = 0; o < CP_OUTPUT_COUNT; o++)
        divergence[o] = e->name[o] ? divergence_of(e, (enum cp_output)o) : NAN;
    return CP_OK;
}

enum cp_status cp_evaluator_run(struct cp_evaluator *e, size_t s, size_t first, struct cp_error *err) {
    place(e, first);
    e->candidate = s;
    CP_TRY(run(e, e->study->spec[s], true, err));
    e->text_of = e->study->spec[s];
    return CP_OK;
}
