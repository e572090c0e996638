/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decisions: the probabilities of each batch are kept, and compared after its logits. */
#include "analysis/decisions.h"

#include "num/certificate.h"
#include "num/metrics.h"
#include "result/schema.h"
#include "run/captured/captured.h"
#include "tap/buffer.h"

#include <math.h>

struct decisions {
    size_t site;                 /* whose probabilities decide */
    struct cp_tap_buffer *probs; /* [spec_count] of the batch */
    int *handles;                /* [spec_count]; lane 0 unused */
};

static struct decisions *state_of(const struct cp_lockstep *ls) {
    return cp_lockstep_state(ls, &cp_decisions_analysis);
}

static size_t site_of(const struct cp_study *study) {
    return cp_sites_find(&study->sites, CP_JOINT, study->inputs.classes ? CP_CLASS_PROBS : CP_PROBS, -1);
}

static bool wanted(const struct cp_study *study) {
    return study->inputs.images && study->inputs.prompts && site_of(study) < study->sites.count;
}

bool cp_decisions_has(const struct cp_lockstep *ls, size_t s) {
    const struct cp_study *study = ls->study;
    const struct decisions *d = state_of(ls);
    return d && study->watched[d->site] && cp_captured_has(study, 0, d->site) &&
           cp_captured_has(study, s, d->site);
}

enum cp_status cp_decisions_read(const struct cp_lockstep *ls, size_t s, double *rows, struct cp_error *err) {
    return cp_result_read(ls->result, state_of(ls)->handles[s], 0, ls->study->inputs.images, rows, err);
}

static enum cp_status define_candidate(struct cp_lockstep *ls, size_t s, int *handle, struct cp_error *err) {
    const struct cp_dim dims[] = {{.length = ls->study->inputs.images, .labels = ls->labels.images},
                                  {.length = CP_DECISION_COUNT, .labels = cp_decision_names}};
    return cp_schema_define(ls->result, CP_SCHEMA_DECISIONS, CP_NAMES(ls->study->spec[s]->name), dims, handle,
                            err);
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const size_t specs = ls->study->spec_count, sites = ls->study->sites.count;
    struct decisions *d;
    bool *watched;
    CP_LOCKSTEP_TAKE(ls, d, 1);
    *state = d;
    CP_LOCKSTEP_TAKE(ls, d->probs, specs);
    CP_LOCKSTEP_TAKE(ls, d->handles, specs);
    CP_LOCKSTEP_TAKE(ls, watched, sites);
    d->site = site_of(ls->study);
    watched[d->site] = true;
    for (size_t s = 0; s < specs; s++) {
        CP_TRY(cp_tap_buffer_create(sites, watched, &d->probs[s], err));
        if (s > 0 && cp_decisions_has(ls, s))
            CP_TRY(define_candidate(ls, s, &d->handles[s], err));
    }
    return CP_OK;
}

static struct cp_tap tap(struct cp_lockstep *ls, size_t s) {
    return cp_buffer_tap(&state_of(ls)->probs[s]);
}

static enum cp_status before(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    (void)err;
    for (size_t s = 0; s < ls->study->spec_count && stage.kind == CP_STAGE_LOGITS; s++)
        cp_tap_buffer_reset(&state_of(ls)->probs[s]);
    return CP_OK;
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

/* Each candidate's decisions against the baseline's, from the probabilities of the batch. */
static enum cp_status at_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    const struct decisions *d = state_of(ls);
    const size_t columns = cp_site_row(&ls->study->sites.list[d->site]);
    const size_t first = ls->lanes[0].pass.first, count = ls->lanes[0].pass.inputs;
    if (stage.kind != CP_STAGE_LOGITS)
        return CP_OK;
    cp_arena_reset(&ls->joint_scratch);
    double *work = cp_arena_alloc(&ls->joint_scratch, 4 * columns, sizeof *work);
    double *rows = cp_arena_alloc(&ls->joint_scratch, count * CP_DECISION_COUNT, sizeof *rows);
    CP_TRY(CP_CHECK_ALLOC(work && rows, err, "", "decisions"));
    const float *baseline = d->probs[0].data[d->site];
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        const float *probs = d->probs[s].data[d->site];
        if (!cp_decisions_has(ls, s))
            continue;
        for (size_t i = 0; i < count; i++) {
            cp_decide(probs + i * columns, baseline + i * columns, columns, work,
                      rows + i * CP_DECISION_COUNT);
            certify(ls, s, i, columns, rows + i * CP_DECISION_COUNT);
        }
        CP_TRY(cp_result_write(ls->result, d->handles[s], first, count, rows, err));
    }
    return CP_OK;
}

static void release(struct cp_lockstep *ls) {
    const struct decisions *d = state_of(ls);
    for (size_t s = 0; d->probs && s < ls->study->spec_count; s++)
        cp_tap_buffer_free(&d->probs[s]);
}

const struct cp_analysis cp_decisions_analysis = {
    .wanted = wanted,
    .define = define,
    .tap = tap,
    .before = before,
    .stage = at_stage,
    .release = release,
};
