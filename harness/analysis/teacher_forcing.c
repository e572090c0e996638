/* SPDX-License-Identifier: GPL-3.0-or-later
 * At each stage: runs lanes with replaced tensors, whole stages and probes, and measures eps and kappa. */
#include "analysis/teacher_forcing.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

struct cp_teacher_forcing *cp_teacher_forcing_of(const struct cp_lockstep *ls) {
    return cp_lockstep_state(ls, &cp_teacher_forcing_analysis);
}

/* Without a candidate there is nothing to take apart. */
size_t cp_teacher_forcing_first(const struct cp_study *study, enum cp_dim_kind of) {
    const size_t wanted = study->spec_count > 1 ? (size_t)study->experiment->local : 0;
    const size_t count = of == CP_DIM_IMAGE ? study->inputs.images : study->inputs.prompts;
    return wanted < count ? wanted : count;
}

size_t cp_teacher_forcing_inputs(const struct cp_study *study, const struct cp_site *site) {
    const enum cp_dim_kind of = site->dims[0];
    return of == CP_DIM_IMAGE || of == CP_DIM_PROMPT ? cp_teacher_forcing_first(study, of) : site->shape[0];
}

/* Whether the batch at hand is among the inputs that are taken apart; the classifier always is. */
static bool is_active(const struct cp_lockstep *ls, enum cp_stage_kind kind) {
    const struct cp_pass *pass = &ls->lanes[0].pass;
    if (kind == CP_STAGE_CLASSES)
        return true;
    return pass->first < cp_teacher_forcing_first(ls->study, cp_tower_words[pass->tower].dim);
}

/* ---- the baseline's input, for others ---- */

static bool starts_from_residual(struct cp_stage stage) {
    return stage.kind == CP_STAGE_BLOCK || stage.kind == CP_STAGE_HEAD;
}

static size_t residual_size(const struct cp_lockstep *ls, struct cp_stage stage) {
    const struct cp_tower_shape shape = cp_tower_shape(&ls->study->model.config, stage.tower);
    return ls->lanes[0].pass.inputs * shape.tokens * shape.width;
}

static enum cp_status before_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    const struct cp_pass *from = &ls->lanes[0].pass;
    struct cp_teacher_forcing *forcing = cp_teacher_forcing_of(ls);
    (void)err;
    if (!is_active(ls, stage.kind))
        return CP_OK;
    if (starts_from_residual(stage))
        memcpy(forcing->before, from->x, residual_size(ls, stage) * sizeof *from->x);
    cp_pass_place(&forcing->whole.pass, from);
    forcing->whole.pixels = ls->pixels[0].values;
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        const struct cp_pass own = cp_lockstep_batch(ls, ls->study->spec[s], *from);
        cp_pass_place(&forcing->replaced[s].pass, &own);
        forcing->replaced[s].pixels = cp_lockstep_pixels(ls, ls->study->spec[s])->replaced;
    }
    for (size_t o = 0; o < ls->study->oracle_count; o++) {
        const struct cp_spec *own_spec = forcing->oracles[o].oracle.spec;
        const struct cp_pass own = cp_lockstep_batch(ls, own_spec, *from);
        cp_stage_place_oracle(&forcing->oracles[o].oracle, &own);
        forcing->oracles[o].pixels = cp_lockstep_pixels(ls, own_spec)->replaced;
    }
    return CP_OK;
}

static void feed(const struct cp_lockstep *ls, struct cp_lane *lane, struct cp_stage stage) {
    const struct cp_lane *from = &ls->lanes[0];
    const size_t embed = (size_t)ls->study->model.config.embed_dim;
    if (starts_from_residual(stage))
        memcpy(lane->pass.x, cp_teacher_forcing_of(ls)->before, residual_size(ls, stage) * sizeof(float));
    else if (stage.kind == CP_STAGE_CLASSES)
        memcpy(lane->joint.text_features, from->joint.text_features,
               from->joint.prompts * embed * sizeof(float));
    else if (stage.kind == CP_STAGE_LOGITS)
        memcpy(lane->image_features, from->image_features, from->pass.inputs * embed * sizeof(float));
}

static void widen(const float *from, size_t count, double *to) {
    for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

static void feed_oracle(const struct cp_lockstep *ls, struct cp_oracle_lane *lane, struct cp_stage stage) {
    const struct cp_lane *from = &ls->lanes[0];
    const size_t embed = (size_t)ls->study->model.config.embed_dim;
    if (starts_from_residual(stage))
        widen(cp_teacher_forcing_of(ls)->before, residual_size(ls, stage), lane->oracle.x);
    else if (stage.kind == CP_STAGE_CLASSES)
        widen(from->joint.text_features, from->joint.prompts * embed, lane->text_features);
    else if (stage.kind == CP_STAGE_LOGITS)
        widen(from->image_features, from->pass.inputs * embed, lane->image_features);
}

/* ---- teacher forcing ---- */

static enum cp_status run_replaced_oracle(struct cp_lockstep *ls, size_t o, struct cp_stage stage,
                                          struct cp_error *err) {
    struct cp_oracle_lane *lane = &cp_teacher_forcing_of(ls)->oracles[o];
    cp_tap_buffer_reset(&lane->buffer);
    feed_oracle(ls, lane, stage);
    if (o > 0 && cp_stage_same_maths(ls, o, stage))
        return cp_stage_follow_oracle(ls, lane, &cp_teacher_forcing_of(ls)->oracles[0], stage, err);
    return cp_stage_run_oracle(ls, lane, stage, err);
}

static enum cp_status run_replaced_lane(struct cp_lockstep *ls, size_t s, struct cp_stage stage,
                                        struct cp_error *err) {
    struct cp_lane *lane = &cp_teacher_forcing_of(ls)->replaced[s];
    feed(ls, lane, stage);
    if (cp_stage_same(ls, s, stage))
        return cp_stage_follow(ls, lane, &ls->lanes[0], stage, err);
    return cp_stage_run(ls, lane, stage, err);
}

/* ---- amplification ---- */

/* Relative L2 of what lane x leaves against what lane y leaves, over the tokens that count. */
static double relative_l2(const struct cp_stage_output *x, const struct cp_stage_output *y, size_t input) {
    const size_t at = input * x->tokens * x->width;
    const struct cp_compared compared = {.x = x->data + at,
                                         .y = y->data + at,
                                         .groups = 1,
                                         .group_rows = x->tokens,
                                         .rows = y->valid_tokens ? (size_t)y->valid_tokens[input] : x->tokens,
                                         .width = x->width,
                                         .stride = x->width};
    return cp_relative_l2(&compared);
}

static bool starts_from_pixels(struct cp_stage stage) {
    return stage.kind == CP_STAGE_STEM && stage.tower == CP_VISUAL;
}

/* Pixels as a stage's input: a row of a colour is a token. */
static struct cp_stage_output as_residual(const struct cp_lockstep *ls, const float *pixels) {
    const size_t side = (size_t)ls->study->model.config.vision.image_size;
    return (struct cp_stage_output){pixels, 3 * side, side, NULL};
}

static size_t tower_stages(const struct cp_lockstep *ls, enum cp_tower tower) {
    return cp_stage_index(ls, (struct cp_stage){CP_STAGE_HEAD, tower, -1}) + 1;
}

/* The divergence of a stage's input: what the stage before left, or the pixels. */
static double before(const struct cp_lockstep *ls, size_t s, struct cp_stage stage, size_t input,
                     const double *errors) {
    if (stage.kind != CP_STAGE_STEM)
        return errors[CP_ERROR_TOTAL - CP_STAGE_ERRORS]; /* the stage's before this one */
    if (stage.tower != CP_VISUAL)
        return 0;
    const struct cp_stage_output own = as_residual(ls, cp_lockstep_pixels(ls, ls->study->spec[s])->values);
    const struct cp_stage_output baseline = as_residual(ls, ls->pixels[0].values);
    return relative_l2(&own, &baseline, input);
}

static enum cp_status measure_errors(struct cp_lockstep *ls, size_t s, struct cp_stage stage,
                                     struct cp_error *err) {
    struct cp_teacher_forcing *forcing = cp_teacher_forcing_of(ls);
    const size_t stages = tower_stages(ls, stage.tower), at = cp_stage_index(ls, stage);
    const struct cp_stage_output own = cp_stage_output(ls, &ls->lanes[s], stage);
    const struct cp_stage_output baseline = cp_stage_output(ls, &ls->lanes[0], stage);
    struct cp_stage_output whole = baseline;
    if (!cp_stage_same(ls, s, stage)) {
        forcing->whole.pass.plan = ls->lanes[s].plan;
        feed(ls, &forcing->whole, stage);
        CP_TRY(cp_stage_run(ls, &forcing->whole, stage, err));
        whole = cp_stage_output(ls, &forcing->whole, stage);
    }
    for (size_t i = 0; i < ls->lanes[0].pass.inputs; i++) {
        double *errors =
            forcing->errors + ((s * ls->study->batch + i) * stages + at) * (size_t)CP_STAGE_ERRORS;
        errors[CP_ERROR_TOTAL] = relative_l2(&own, &baseline, i);
        errors[CP_ERROR_LOCAL] = relative_l2(&whole, &baseline, i);
        errors[CP_ERROR_INHERITED] = relative_l2(&own, &whole, i);
        errors[CP_ERROR_BEFORE] = before(ls, s, stage, i, errors);
    }
    return CP_OK;
}

/* Every token moved by the step times its own root mean square, in a direction that the input's number and
 * the probe's draw. */
static void perturb(const struct cp_lockstep *ls, const struct cp_stage_output *residual, size_t probe,
                    float *x) {
    const struct cp_pass *pass = &ls->lanes[0].pass;
    for (size_t row = 0; row < pass->inputs * residual->tokens; row++, x += residual->width) {
        const uint64_t number = pass->first * residual->tokens + row;
        double square = 0;
        for (size_t c = 0; c < residual->width; c++)
            square += (double)x[c] * (double)x[c];
        const double step = CP_PROBE_STEP * sqrt(3 * square / (double)residual->width);
        for (size_t c = 0; c < residual->width; c++)
            x[c] = (float)((double)x[c] + step * cp_counter_unit(probe + 1, number, c));
    }
}

/* What the baseline's stage starts from, and the same with the probe's change, which the lane then has. */
static void change_input(struct cp_lockstep *ls, struct cp_stage stage, size_t probe,
                         struct cp_stage_output *original, struct cp_stage_output *changed) {
    const struct cp_stage residual = {CP_STAGE_BLOCK, stage.tower, 0};
    struct cp_teacher_forcing *forcing = cp_teacher_forcing_of(ls);
    struct cp_lane *lane = &forcing->whole;
    if (starts_from_pixels(stage)) {
        *original = as_residual(ls, ls->pixels[0].values);
        *changed = as_residual(ls, forcing->perturbed);
        memcpy(forcing->perturbed, original->data,
               lane->pass.inputs * original->tokens * original->width * sizeof(float));
        perturb(ls, original, probe, forcing->perturbed);
        lane->pixels = forcing->perturbed;
        return;
    }
    *original = cp_stage_output(ls, &ls->lanes[0], residual);
    original->data = forcing->before;
    feed(ls, lane, stage);
    perturb(ls, original, probe, lane->pass.x);
    *changed = cp_stage_output(ls, lane, residual);
}

static enum cp_status measure_kappa(struct cp_lockstep *ls, struct cp_stage stage, size_t probe,
                                    struct cp_error *err) {
    struct cp_lane *lane = &cp_teacher_forcing_of(ls)->whole;
    const size_t stages = tower_stages(ls, stage.tower), at = cp_stage_index(ls, stage);
    double *kappa = cp_teacher_forcing_of(ls)->kappa + at * CP_PROBES + probe;
    const size_t stride = stages * CP_PROBES;
    struct cp_stage_output original, changed;
    lane->pass.plan = ls->lanes[0].plan;
    change_input(ls, stage, probe, &original, &changed);
    for (size_t i = 0; i < lane->pass.inputs; i++)
        kappa[i * stride] = relative_l2(&changed, &original, i);
    CP_TRY(cp_stage_run(ls, lane, stage, err));
    const struct cp_stage_output moved = cp_stage_output(ls, lane, stage);
    const struct cp_stage_output baseline = cp_stage_output(ls, &ls->lanes[0], stage);
    for (size_t i = 0; i < lane->pass.inputs; i++)
        kappa[i * stride] = relative_l2(&moved, &baseline, i) / kappa[i * stride];
    return CP_OK;
}

/* ---- a stage ---- */

static enum cp_status at_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    if (!is_active(ls, stage.kind))
        return CP_OK;
    for (size_t o = 0; o < study->oracle_count; o++)
        CP_TRY(run_replaced_oracle(ls, o, stage, err));
    for (size_t s = 1; s < study->spec_count; s++)
        CP_TRY(run_replaced_lane(ls, s, stage, err));
    if (stage.tower == CP_JOINT)
        return CP_OK;
    for (size_t s = 1; s < study->spec_count; s++)
        CP_TRY(measure_errors(ls, s, stage, err));
    for (size_t probe = 0; probe < CP_PROBES; probe++)
        if (starts_from_residual(stage) || starts_from_pixels(stage))
            CP_TRY(measure_kappa(ls, stage, probe, err));
    return CP_OK;
}

static enum cp_status commit(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    struct cp_teacher_forcing *forcing = cp_teacher_forcing_of(ls);
    const struct cp_pass *pass = &ls->lanes[0].pass;
    const size_t stages = tower_stages(ls, tower);
    if (!is_active(ls, CP_STAGE_HEAD))
        return CP_OK;
    for (size_t i = 0; i < pass->inputs && tower == CP_TEXT; i++) /* tokens have no small change */
        for (size_t probe = 0; probe < CP_PROBES; probe++)
            forcing->kappa[i * stages * CP_PROBES + probe] = NAN;
    CP_TRY(cp_result_write(ls->result, forcing->kappa_handles[tower], pass->first, pass->inputs,
                           forcing->kappa, err));
    for (size_t s = 1; s < ls->study->spec_count; s++)
        CP_TRY(cp_result_write(ls->result, forcing->error_handles[tower][s], pass->first, pass->inputs,
                               forcing->errors + s * ls->study->batch * stages * CP_STAGE_ERRORS, err));
    return CP_OK;
}

/* ---- the row ---- */

static bool wanted(const struct cp_study *study) {
    return cp_teacher_forcing_first(study, CP_DIM_IMAGE) || cp_teacher_forcing_first(study, CP_DIM_PROMPT);
}

/* Every candidate runs twice more (operation by operation, and stage by stage), and the probes; every
 * oracle once more. The variables have room for every input. */
static void cost(const struct cp_study *study, struct cp_estimate *e) {
    const double flops = cp_study_flops(study, cp_teacher_forcing_first(study, CP_DIM_IMAGE),
                                        cp_teacher_forcing_first(study, CP_DIM_PROMPT));
    const size_t candidates = study->spec_count - 1;
    e->flops += flops * (double)(2 * candidates + CP_PROBES);
    e->oracle_flops += flops * (double)study->oracle_count;
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->modes[i] != CP_MODE_OFF)
            e->file +=
                study->sites.list[i].shape[0] * candidates * CP_PART_COUNT * CP_METRIC_COUNT * sizeof(double);
}

static void release(struct cp_lockstep *ls) {
    const struct cp_teacher_forcing *forcing = cp_teacher_forcing_of(ls);
    for (size_t o = 0; forcing->oracles && o < ls->study->oracle_count; o++)
        cp_tap_buffer_free(&forcing->oracles[o].buffer);
}

const struct cp_analysis cp_teacher_forcing_analysis = {
    .needs = CP_NEEDS_EVERY_TAP | CP_NEEDS_REPLACED_PIXELS,
    .wanted = wanted,
    .inputs = cp_teacher_forcing_first,
    .cost = cost,
    .define = cp_teacher_forcing_define,
    .before = before_stage,
    .stage = at_stage,
    .commit = commit,
    .finish = cp_propagation_write,
    .release = release,
};
