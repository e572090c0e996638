/* SPDX-License-Identifier: GPL-3.0-or-later
 * The work on each segment: forced lanes, whole segments and probes are run, and eps and kappa measured. */
#include "analysis/local.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

struct cp_local *cp_local_of(const struct cp_lockstep *ls) {
    return cp_lockstep_state(ls, &cp_local_analysis);
}

/* Without a candidate there is nothing to take apart. */
size_t cp_local_first(const struct cp_study *study, enum cp_dim_kind of) {
    const size_t wanted = study->spec_count > 1 ? (size_t)study->experiment->local : 0;
    const size_t count = of == CP_DIM_IMAGE ? study->inputs.images : study->inputs.prompts;
    return wanted < count ? wanted : count;
}

size_t cp_local_inputs(const struct cp_study *study, const struct cp_site *site) {
    const enum cp_dim_kind of = site->dims[0];
    return of == CP_DIM_IMAGE || of == CP_DIM_PROMPT ? cp_local_first(study, of) : site->shape[0];
}

/* Whether the batch at hand is among the inputs that are taken apart; the classifier always is. */
static bool is_active(const struct cp_lockstep *ls, enum cp_segment_kind kind) {
    const struct cp_pass *pass = &ls->lanes[0].pass;
    if (kind == CP_SEGMENT_CLASSES)
        return true;
    return pass->first < cp_local_first(ls->study, cp_tower_words[pass->tower].dim);
}

/* ---- the baseline's input, for others ---- */

static bool starts_from_stream(struct cp_segment segment) {
    return segment.kind == CP_SEGMENT_BLOCK || segment.kind == CP_SEGMENT_HEAD;
}

static size_t stream_size(const struct cp_lockstep *ls, struct cp_segment segment) {
    const struct cp_tower_shape shape = cp_tower_shape(&ls->study->model.config, segment.tower);
    return ls->lanes[0].pass.inputs * shape.tokens * shape.width;
}

static enum cp_status before_segment(struct cp_lockstep *ls, struct cp_segment segment,
                                     struct cp_error *err) {
    const struct cp_pass *from = &ls->lanes[0].pass;
    struct cp_local *local = cp_local_of(ls);
    (void)err;
    if (!is_active(ls, segment.kind))
        return CP_OK;
    if (starts_from_stream(segment))
        memcpy(local->before, from->x, stream_size(ls, segment) * sizeof *from->x);
    cp_pass_place(&local->whole.pass, from);
    local->whole.pixels = ls->pixels[0].values;
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        const struct cp_pass own = cp_lockstep_batch(ls, ls->study->spec[s], *from);
        cp_pass_place(&local->forced[s].pass, &own);
        local->forced[s].pixels = cp_lockstep_pixels(ls, ls->study->spec[s])->forced;
    }
    for (size_t o = 0; o < ls->study->oracle_count; o++) {
        const struct cp_spec *own_spec = local->oracles[o].oracle.spec;
        const struct cp_pass own = cp_lockstep_batch(ls, own_spec, *from);
        cp_segment_place_oracle(&local->oracles[o].oracle, &own);
        local->oracles[o].pixels = cp_lockstep_pixels(ls, own_spec)->forced;
    }
    return CP_OK;
}

static void feed(const struct cp_lockstep *ls, struct cp_lane *lane, struct cp_segment segment) {
    const struct cp_lane *from = &ls->lanes[0];
    const size_t embed = (size_t)ls->study->model.config.embed_dim;
    if (starts_from_stream(segment))
        memcpy(lane->pass.x, cp_local_of(ls)->before, stream_size(ls, segment) * sizeof(float));
    else if (segment.kind == CP_SEGMENT_CLASSES)
        memcpy(lane->joint.text_features, from->joint.text_features,
               from->joint.prompts * embed * sizeof(float));
    else if (segment.kind == CP_SEGMENT_LOGITS)
        memcpy(lane->image_features, from->image_features, from->pass.inputs * embed * sizeof(float));
}

static void widen(const float *from, size_t count, double *to) {
    for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

static void feed_oracle(const struct cp_lockstep *ls, struct cp_oracle_lane *lane,
                        struct cp_segment segment) {
    const struct cp_lane *from = &ls->lanes[0];
    const size_t embed = (size_t)ls->study->model.config.embed_dim;
    if (starts_from_stream(segment))
        widen(cp_local_of(ls)->before, stream_size(ls, segment), lane->oracle.x);
    else if (segment.kind == CP_SEGMENT_CLASSES)
        widen(from->joint.text_features, from->joint.prompts * embed, lane->text_features);
    else if (segment.kind == CP_SEGMENT_LOGITS)
        widen(from->image_features, from->pass.inputs * embed, lane->image_features);
}

/* ---- teacher forcing ---- */

static enum cp_status force_oracle(struct cp_lockstep *ls, size_t o, struct cp_segment segment,
                                   struct cp_error *err) {
    struct cp_oracle_lane *lane = &cp_local_of(ls)->oracles[o];
    cp_keep_reset(&lane->keep);
    feed_oracle(ls, lane, segment);
    if (o > 0 && cp_segment_same_maths(ls, o, segment))
        return cp_segment_follow_oracle(ls, lane, &cp_local_of(ls)->oracles[0], segment, err);
    return cp_segment_run_oracle(ls, lane, segment, err);
}

static enum cp_status force_lane(struct cp_lockstep *ls, size_t s, struct cp_segment segment,
                                 struct cp_error *err) {
    struct cp_lane *lane = &cp_local_of(ls)->forced[s];
    feed(ls, lane, segment);
    if (cp_segment_same(ls, s, segment))
        return cp_segment_follow(ls, lane, &ls->lanes[0], segment, err);
    return cp_segment_run(ls, lane, segment, err);
}

/* ---- amplification ---- */

/* Relative L2 of what lane x leaves against what lane y leaves, over the tokens that count. */
static double apart(const struct cp_segment_output *x, const struct cp_segment_output *y, size_t input) {
    const size_t at = input * x->tokens * x->width;
    const struct cp_compared compared = {.x = x->data + at,
                                         .y = y->data + at,
                                         .groups = 1,
                                         .group_rows = x->tokens,
                                         .rows = y->judged ? (size_t)y->judged[input] : x->tokens,
                                         .width = x->width,
                                         .stride = x->width};
    return cp_relative_l2(&compared);
}

static bool starts_from_pixels(struct cp_segment segment) {
    return segment.kind == CP_SEGMENT_STEM && segment.tower == CP_VISUAL;
}

/* Pixels as a segment's input: a row of a colour is a token. */
static struct cp_segment_output as_stream(const struct cp_lockstep *ls, const float *pixels) {
    const size_t side = (size_t)ls->study->model.config.vision.image_size;
    return (struct cp_segment_output){pixels, 3 * side, side, NULL};
}

static size_t tower_segments(const struct cp_lockstep *ls, enum cp_tower tower) {
    return cp_segment_index(ls, (struct cp_segment){CP_SEGMENT_HEAD, tower, -1}) + 1;
}

/* The divergence of a segment's input: what the segment before left, or the pixels. */
static double before(const struct cp_lockstep *ls, size_t s, struct cp_segment segment, size_t input,
                     const double *errors) {
    if (segment.kind != CP_SEGMENT_STEM)
        return errors[CP_ERROR_TOTAL - CP_SEGMENT_ERRORS]; /* the segment's before this one */
    if (segment.tower != CP_VISUAL)
        return 0;
    const struct cp_segment_output own = as_stream(ls, cp_lockstep_pixels(ls, ls->study->spec[s])->values);
    const struct cp_segment_output baseline = as_stream(ls, ls->pixels[0].values);
    return apart(&own, &baseline, input);
}

static enum cp_status measure_errors(struct cp_lockstep *ls, size_t s, struct cp_segment segment,
                                     struct cp_error *err) {
    struct cp_local *local = cp_local_of(ls);
    const size_t segments = tower_segments(ls, segment.tower), at = cp_segment_index(ls, segment);
    const struct cp_segment_output own = cp_segment_output(ls, &ls->lanes[s], segment);
    const struct cp_segment_output baseline = cp_segment_output(ls, &ls->lanes[0], segment);
    struct cp_segment_output whole = baseline;
    if (!cp_segment_same(ls, s, segment)) {
        local->whole.pass.plan = ls->lanes[s].plan;
        feed(ls, &local->whole, segment);
        CP_TRY(cp_segment_run(ls, &local->whole, segment, err));
        whole = cp_segment_output(ls, &local->whole, segment);
    }
    for (size_t i = 0; i < ls->lanes[0].pass.inputs; i++) {
        double *errors =
            local->errors + ((s * ls->study->batch + i) * segments + at) * (size_t)CP_SEGMENT_ERRORS;
        errors[CP_ERROR_TOTAL] = apart(&own, &baseline, i);
        errors[CP_ERROR_LOCAL] = apart(&whole, &baseline, i);
        errors[CP_ERROR_INHERITED] = apart(&own, &whole, i);
        errors[CP_ERROR_BEFORE] = before(ls, s, segment, i, errors);
    }
    return CP_OK;
}

/* Every token moved by the step times its own root mean square, in a direction that the input's number and
 * the probe's draw. */
static void nudge(const struct cp_lockstep *ls, const struct cp_segment_output *stream, size_t probe,
                  float *x) {
    const struct cp_pass *pass = &ls->lanes[0].pass;
    for (size_t row = 0; row < pass->inputs * stream->tokens; row++, x += stream->width) {
        const uint64_t number = pass->first * stream->tokens + row;
        double square = 0;
        for (size_t c = 0; c < stream->width; c++)
            square += (double)x[c] * (double)x[c];
        const double step = CP_PROBE_STEP * sqrt(3 * square / (double)stream->width);
        for (size_t c = 0; c < stream->width; c++)
            x[c] = (float)((double)x[c] + step * cp_counter_unit(probe + 1, number, c));
    }
}

/* What the baseline's segment starts from, and the same with the probe's change, which the lane then has. */
static void change_input(struct cp_lockstep *ls, struct cp_segment segment, size_t probe,
                         struct cp_segment_output *original, struct cp_segment_output *changed) {
    const struct cp_segment stream = {CP_SEGMENT_BLOCK, segment.tower, 0};
    struct cp_local *local = cp_local_of(ls);
    struct cp_lane *lane = &local->whole;
    if (starts_from_pixels(segment)) {
        *original = as_stream(ls, ls->pixels[0].values);
        *changed = as_stream(ls, local->nudged);
        memcpy(local->nudged, original->data,
               lane->pass.inputs * original->tokens * original->width * sizeof(float));
        nudge(ls, original, probe, local->nudged);
        lane->pixels = local->nudged;
        return;
    }
    *original = cp_segment_output(ls, &ls->lanes[0], stream);
    original->data = local->before;
    feed(ls, lane, segment);
    nudge(ls, original, probe, lane->pass.x);
    *changed = cp_segment_output(ls, lane, stream);
}

static enum cp_status measure_kappa(struct cp_lockstep *ls, struct cp_segment segment, size_t probe,
                                    struct cp_error *err) {
    struct cp_lane *lane = &cp_local_of(ls)->whole;
    const size_t segments = tower_segments(ls, segment.tower), at = cp_segment_index(ls, segment);
    double *kappa = cp_local_of(ls)->kappa + at * CP_PROBES + probe;
    const size_t stride = segments * CP_PROBES;
    struct cp_segment_output original, changed;
    lane->pass.plan = ls->lanes[0].plan;
    change_input(ls, segment, probe, &original, &changed);
    for (size_t i = 0; i < lane->pass.inputs; i++)
        kappa[i * stride] = apart(&changed, &original, i);
    CP_TRY(cp_segment_run(ls, lane, segment, err));
    const struct cp_segment_output moved = cp_segment_output(ls, lane, segment);
    const struct cp_segment_output baseline = cp_segment_output(ls, &ls->lanes[0], segment);
    for (size_t i = 0; i < lane->pass.inputs; i++)
        kappa[i * stride] = apart(&moved, &baseline, i) / kappa[i * stride];
    return CP_OK;
}

/* ---- a segment ---- */

static enum cp_status stage(struct cp_lockstep *ls, struct cp_segment segment, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    if (!is_active(ls, segment.kind))
        return CP_OK;
    for (size_t o = 0; o < study->oracle_count; o++)
        CP_TRY(force_oracle(ls, o, segment, err));
    for (size_t s = 1; s < study->spec_count; s++)
        CP_TRY(force_lane(ls, s, segment, err));
    if (segment.tower == CP_JOINT)
        return CP_OK;
    for (size_t s = 1; s < study->spec_count; s++)
        CP_TRY(measure_errors(ls, s, segment, err));
    for (size_t probe = 0; probe < CP_PROBES; probe++)
        if (starts_from_stream(segment) || starts_from_pixels(segment))
            CP_TRY(measure_kappa(ls, segment, probe, err));
    return CP_OK;
}

static enum cp_status commit(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    struct cp_local *local = cp_local_of(ls);
    const struct cp_pass *pass = &ls->lanes[0].pass;
    const size_t segments = tower_segments(ls, tower);
    if (!is_active(ls, CP_SEGMENT_HEAD))
        return CP_OK;
    for (size_t i = 0; i < pass->inputs && tower == CP_TEXT; i++) /* tokens have no small change */
        for (size_t probe = 0; probe < CP_PROBES; probe++)
            local->kappa[i * segments * CP_PROBES + probe] = NAN;
    CP_TRY(cp_result_write(ls->result, local->kappa_handles[tower], pass->first, pass->inputs, local->kappa,
                           err));
    for (size_t s = 1; s < ls->study->spec_count; s++)
        CP_TRY(cp_result_write(ls->result, local->error_handles[tower][s], pass->first, pass->inputs,
                               local->errors + s * ls->study->batch * segments * CP_SEGMENT_ERRORS, err));
    return CP_OK;
}

/* ---- the row ---- */

static bool wanted(const struct cp_study *study) {
    return cp_local_first(study, CP_DIM_IMAGE) || cp_local_first(study, CP_DIM_PROMPT);
}

/* Every candidate runs twice more (operation by operation, and segment by segment), and the probes; every
 * oracle once more. The variables have room for every input. */
static void cost(const struct cp_study *study, struct cp_estimate *e) {
    const double flops =
        cp_study_flops(study, cp_local_first(study, CP_DIM_IMAGE), cp_local_first(study, CP_DIM_PROMPT));
    const size_t candidates = study->spec_count - 1;
    e->flops += flops * (double)(2 * candidates + CP_PROBES);
    e->oracle_flops += flops * (double)study->oracle_count;
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->modes[i] != CP_MODE_OFF)
            e->file +=
                study->sites.list[i].shape[0] * candidates * CP_PART_COUNT * CP_METRIC_COUNT * sizeof(double);
}

static void release(struct cp_lockstep *ls) {
    const struct cp_local *local = cp_local_of(ls);
    for (size_t o = 0; local->oracles && o < ls->study->oracle_count; o++)
        cp_keep_free(&local->oracles[o].keep);
}

const struct cp_analysis cp_local_analysis = {
    .name = "local",
    .what = "each operation, and each segment, on the baseline's own input (`local: N`)",
    .needs = CP_NEEDS_EVERY_TAP | CP_NEEDS_FORCED_PIXELS,
    .wanted = wanted,
    .inputs = cp_local_first,
    .cost = cost,
    .define = cp_local_define,
    .before = before_segment,
    .stage = stage,
    .commit = commit,
    .finish = cp_propagation_write,
    .release = release,
};
