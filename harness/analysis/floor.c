/* SPDX-License-Identifier: GPL-3.0-or-later
 * The noise floor (`floor: N`): how far legitimate reruns of the baseline are from it, tap by tap. N of them
 * add every matrix product of the towers in another order (linear.permute, seeds 1 to N), N round
 * stochastically (tap/stochastic.h, seeds 1 to N). /floor/TAP/rel_l2 (input, run). */
#include "run/analysis.h"
#include "run/stage.h"
#include "tap/distance.h"
#include "tap/stochastic.h"

#include <stdio.h>

extern const struct cp_analysis cp_floor_analysis;

struct floor {
    size_t count;                     /* reruns: permuted ones, then stochastic ones */
    struct cp_spec **spec;            /* [count] */
    struct cp_lane *lanes;            /* [count] */
    struct cp_distance *distance;     /* [count] */
    struct cp_stochastic *stochastic; /* [count] */
    double **rows;                    /* per site: (batch, count), NULL: not watched */
    int *handles;                     /* per site */
};

/* The baseline again: with other orders of its sums, and as it is for stochastic rounding. */
static enum cp_status make_spec(struct cp_lockstep *ls, const struct floor *floor, size_t f,
                                struct cp_error *err) {
    const size_t each = floor->count / 2;
    char name[48], seed[24];
    (void)snprintf(seed, sizeof seed, "%zu", f % each + 1);
    (void)snprintf(name, sizeof name, "%s-%s", f < each ? "permuted" : "stochastic", seed);
    CP_TRY(cp_spec_copy(ls->study->spec[0], name, &ls->arena, &floor->spec[f], err));
    return f < each ? cp_spec_set(floor->spec[f], "linear.permute", seed, err) : CP_OK;
}

static enum cp_status make_lane(struct cp_lockstep *ls, const struct floor *floor, size_t f,
                                struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_lane *lane = &floor->lanes[f];
    struct cp_plan *plan;
    const size_t each = floor->count / 2;
    int taps = 0;
    CP_TRY(
        cp_plan_create(floor->spec[f], study->spec_model[0], study->inputs.images, &ls->store, &plan, err));
    CP_TRY(cp_lane_create(ls, plan, 2, lane, err));
    floor->stochastic[f] = (struct cp_stochastic){f - each + 1, ls->lanes[0].recorder.types, ls->pool};
    floor->distance[f] = (struct cp_distance){&ls->buffer, ls->pool, f, floor->count, floor->rows};
    if (f >= each)
        lane->taps[taps++] = cp_stochastic_tap(&floor->stochastic[f]);
    lane->taps[taps++] = cp_distance_tap(&floor->distance[f]);
    cp_lane_wire(ls, lane, (size_t)taps);
    return CP_OK;
}

static enum cp_status define_sites(struct cp_lockstep *ls, const struct floor *floor, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const char **runs;
    CP_LOCKSTEP_TAKE(ls, runs, floor->count);
    for (size_t f = 0; f < floor->count; f++)
        runs[f] = floor->spec[f]->name;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        if (!study->watched[i])
            continue;
        const size_t inputs = site->dims[0] == CP_DIM_CLASS ? site->shape[0] : study->batch;
        CP_LOCKSTEP_TAKE(ls, floor->rows[i], inputs * floor->count);
        const struct cp_dim dims[] = {cp_record_dim(site, 0, &ls->labels),
                                      {.length = floor->count, .labels = runs}};
        CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_FLOOR, CP_NAMES(site->name), dims, &floor->handles[i],
                                err));
    }
    return CP_OK;
}

static bool wanted(const struct cp_study *study) {
    return study->experiment->floor > 0;
}

static void cost(const struct cp_study *study, struct cp_estimate *e) {
    const size_t count = 2 * (size_t)study->experiment->floor;
    e->weights += study->model.bytes * (count / 2);
    e->flops += cp_study_flops(study, study->inputs.images, study->inputs.prompts) * (double)count;
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->modes[i] != CP_MODE_OFF)
            e->file += study->sites.list[i].shape[0] * count * sizeof(double);
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct floor *floor;
    CP_LOCKSTEP_TAKE(ls, floor, 1);
    *state = floor;
    floor->count = 2 * (size_t)study->experiment->floor;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    CP_LOCKSTEP_TAKE(ls, floor->spec, floor->count);
    CP_LOCKSTEP_TAKE(ls, floor->lanes, floor->count);
    CP_LOCKSTEP_TAKE(ls, floor->distance, floor->count);
    CP_LOCKSTEP_TAKE(ls, floor->stochastic, floor->count);
    CP_LOCKSTEP_TAKE(ls, floor->rows, study->sites.count);
    CP_LOCKSTEP_TAKE(ls, floor->handles, study->sites.count);
    for (size_t f = 0; f < floor->count; f++)
        CP_TRY(make_spec(ls, floor, f, err));
    CP_TRY(define_sites(ls, floor, err));
    for (size_t f = 0; f < floor->count; f++)
        CP_TRY(make_lane(ls, floor, f, err));
    return CP_OK;
}

static enum cp_status at_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct floor *floor = cp_lockstep_state(ls, &cp_floor_analysis);
    const struct cp_pass *baseline = &ls->lanes[0].pass;
    const bool classes = stage.kind == CP_STAGE_CLASSES;
    for (size_t f = 0; f < floor->count; f++) {
        cp_pass_place(&floor->lanes[f].pass, baseline);
        CP_TRY(cp_stage_run(ls, &floor->lanes[f], stage, err));
    }
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->watched[i] && ls->buffer.data[i])
            CP_TRY(cp_result_write(ls->result, floor->handles[i], classes ? 0 : baseline->first,
                                   classes ? study->inputs.classes : baseline->inputs, floor->rows[i], err));
    return CP_OK;
}

const struct cp_analysis cp_floor_analysis = {
    .wanted = wanted,
    .cost = cost,
    .define = define,
    .stage = at_stage,
};
