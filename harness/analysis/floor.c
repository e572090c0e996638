/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/floor.h"

#include <stdio.h>

static enum cp_status make_lane(struct cp_lockstep *ls, size_t f, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_floor *floor = ls->floor;
    struct cp_lane *lane = &floor->lanes[f];
    struct cp_plan *plan;
    const size_t each = study->floor_count / 2;
    int taps = 0;
    CP_TRY(
        cp_plan_create(study->floor[f], study->spec_model[0], study->inputs.images, &ls->store, &plan, err));
    CP_TRY(cp_lane_create(ls, plan, lane, err));
    floor->jitter[f] = (struct cp_jitter){f - each + 1, ls->lanes[0].recorder.types, ls->pool};
    floor->distance[f] = (struct cp_distance){&ls->keep, ls->pool, f, study->floor_count, floor->rows};
    if (f >= each)
        lane->taps[taps++] = cp_jitter_tap(&floor->jitter[f]);
    lane->taps[taps++] = cp_distance_tap(&floor->distance[f]);
    cp_lane_wire(ls, lane, (size_t)taps);
    return CP_OK;
}

static enum cp_status define_sites(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const char **runs;
    CP_LOCKSTEP_TAKE(ls, runs, study->floor_count, sizeof *runs);
    for (size_t f = 0; f < study->floor_count; f++)
        runs[f] = study->floor[f]->name;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        char group[128];
        if (!study->watched[i])
            continue;
        (void)snprintf(group, sizeof group, "/floor/%s", site->name);
        const size_t inputs = site->dims[0] == CP_DIM_CLASS ? site->shape[0] : study->batch;
        CP_LOCKSTEP_TAKE(ls, ls->floor->rows[i], inputs * study->floor_count, sizeof(double));
        const struct cp_variable distances = {
            .group = group,
            .name = "rel_l2",
            .long_name = "relative L2 distance of each rerun from the baseline",
            .units = "1",
            .dtype = CP_FP64,
            .rank = 2,
            .dims = {cp_record_dim(site, 0, &ls->labels), {"run", study->floor_count, runs}}};
        CP_TRY(cp_result_define(ls->result, &distances, &ls->floor->handles[i], err));
    }
    return CP_OK;
}

enum cp_status cp_floor_create(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_floor *floor;
    CP_LOCKSTEP_TAKE(ls, floor, 1, sizeof *floor);
    ls->floor = floor;
    CP_LOCKSTEP_TAKE(ls, floor->lanes, study->floor_count, sizeof *floor->lanes);
    CP_LOCKSTEP_TAKE(ls, floor->distance, study->floor_count, sizeof *floor->distance);
    CP_LOCKSTEP_TAKE(ls, floor->jitter, study->floor_count, sizeof *floor->jitter);
    CP_LOCKSTEP_TAKE(ls, floor->rows, study->sites.count, sizeof *floor->rows);
    CP_LOCKSTEP_TAKE(ls, floor->handles, study->sites.count, sizeof *floor->handles);
    CP_TRY(define_sites(ls, err));
    for (size_t f = 0; f < study->floor_count; f++)
        CP_TRY(make_lane(ls, f, err));
    return CP_OK;
}

enum cp_status cp_floor_segment(struct cp_lockstep *ls, struct cp_segment segment, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_pass *baseline = &ls->lanes[0].pass;
    for (size_t f = 0; f < study->floor_count; f++) {
        cp_pass_place(&ls->floor->lanes[f].pass, baseline);
        CP_TRY(cp_segment_run(ls, &ls->floor->lanes[f], segment, err));
    }
    for (size_t i = 0; i < study->sites.count; i++) {
        if (!study->watched[i] || !ls->keep.data[i])
            continue;
        const bool classes = segment.kind == CP_SEGMENT_CLASSES;
        CP_TRY(cp_result_write(ls->result, ls->floor->handles[i], classes ? 0 : baseline->first,
                               classes ? study->inputs.classes : baseline->inputs, ls->floor->rows[i], err));
    }
    return CP_OK;
}
