/* SPDX-License-Identifier: GPL-3.0-or-later
 * Runs that pass as a lane of its own beside the capture and stores its RMS error for each input. */
#include "analysis/yardstick.h"

#include "result/schema.h"
#include "run/captured/captured.h"
#include "run/stage.h"
#include "tap/replace.h"

#include <math.h>
#include <stdlib.h>

struct yardstick {
    struct cp_lane lane;
    struct cp_tap_buffer buffer; /* of its stage */
    int *handles;                /* per site: (input) rms error; -1: none */
};

static struct yardstick *yardstick_of(const struct cp_lockstep *ls) {
    return cp_lockstep_state(ls, &cp_yardstick_analysis);
}

static enum cp_status define_site(struct cp_lockstep *ls, size_t i, struct cp_error *err) {
    const struct cp_site *site = &ls->study->sites.list[i];
    const struct cp_dim dims[] = {cp_record_dim(site, 0, &ls->labels)};
    yardstick_of(ls)->handles[i] = -1;
    if (!ls->study->watched[i] || site->point == CP_POINT_COUNT || site->ragged)
        return CP_OK;
    return cp_schema_define(ls->result, CP_SCHEMA_YARDSTICK, CP_NAMES(site->name), dims,
                            &yardstick_of(ls)->handles[i], err);
}

static bool wanted(const struct cp_study *study) {
    return cp_captured_of(study, 0) && study->oracle_count > 0 && cp_captured_has_pixels(study);
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_plan *plan;
    struct yardstick *y;
    CP_LOCKSTEP_TAKE(ls, y, 1);
    *state = y;
    CP_LOCKSTEP_TAKE(ls, y->handles, study->sites.count + 1);
    CP_TRY(
        cp_plan_create(study->spec[0], study->spec_model[0], study->inputs.images, &ls->store, &plan, err));
    CP_TRY(cp_lane_create(ls, plan, 2, &y->lane, err));
    CP_TRY(cp_tap_buffer_create(study->sites.count, study->watched, &y->buffer, err));
    y->lane.taps[0] = cp_replace_tap(&ls->graft);
    y->lane.taps[1] = cp_buffer_tap(&y->buffer);
    cp_lane_wire(ls, &y->lane, 2);
    for (size_t i = 0; i < study->sites.count; i++)
        CP_TRY(define_site(ls, i, err));
    return CP_OK;
}

static void release(struct cp_lockstep *ls) {
    cp_tap_buffer_free(&yardstick_of(ls)->buffer);
}

/* Over what is judged, as the metrics have it. */
static double rms_error(const struct cp_site *site, const int *valid_tokens, size_t input, const float *own,
                        const double *oracle) {
    struct cp_compared c = cp_compared_shape(site, valid_tokens, input);
    double *work = malloc(cp_metrics_work(c.stride) * sizeof *work), metrics[CP_METRIC_COUNT];
    c.x = own + input * cp_site_row(site);
    c.y = oracle + input * cp_site_row(site);
    c.x_type = CP_FP32;
    c.y_type = CP_FP64;
    if (!work)
        return NAN;
    cp_metrics(&c, work, metrics, NULL);
    free(work);
    return metrics[CP_RMS];
}

static enum cp_status store(struct cp_lockstep *ls, size_t i, size_t first, size_t inputs,
                            struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_site *site = &study->sites.list[i];
    const float *own = yardstick_of(ls)->buffer.data[i];
    const double *oracle = ls->oracles[study->oracle_of[0]].buffer.data[i];
    if (!own || !oracle || yardstick_of(ls)->handles[i] < 0)
        return CP_OK;
    double *errors = malloc(inputs * sizeof *errors);
    CP_TRY(CP_CHECK_ALLOC(errors, err, site->name, "metrics"));
    const int *valid_tokens = site->tower == CP_TEXT ? ls->lanes[0].pass.valid_tokens : NULL;
    for (size_t n = 0; n < inputs; n++)
        errors[n] = rms_error(site, valid_tokens, n, own, oracle);
    const enum cp_status status =
        cp_result_write(ls->result, yardstick_of(ls)->handles[i], first, inputs, errors, err);
    free(errors);
    return status;
}

static enum cp_status at_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    struct yardstick *y = yardstick_of(ls);
    const struct cp_pass *from = &ls->lanes[0].pass;
    const bool classes = stage.kind == CP_STAGE_CLASSES;
    if (!ls->with_oracle)
        return CP_OK;
    cp_tap_buffer_reset(&y->buffer);
    cp_pass_place(&y->lane.pass, from);
    CP_TRY(cp_stage_run(ls, &y->lane, stage, err));
    for (size_t i = 0; i < ls->study->sites.count; i++)
        CP_TRY(
            store(ls, i, classes ? 0 : from->first, classes ? ls->study->inputs.classes : from->inputs, err));
    return CP_OK;
}

const struct cp_analysis cp_yardstick_analysis = {
    .wanted = wanted,
    .define = define,
    .stage = at_stage,
    .release = release,
};

enum cp_status cp_yardstick_read(struct cp_lockstep *ls, size_t site, size_t inputs, double **errors,
                                 struct cp_error *err) {
    *errors = NULL;
    if (!yardstick_of(ls) || yardstick_of(ls)->handles[site] < 0)
        return CP_OK;
    CP_TRY(CP_CHECK_ALLOC(*errors = malloc(inputs * sizeof **errors), err, "", "verdicts"));
    return cp_result_read(ls->result, yardstick_of(ls)->handles[site], 0, inputs, *errors, err);
}
