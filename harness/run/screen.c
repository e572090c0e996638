/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads relative L2 at the last compared tap of a tower from the result, so that a resumed run screens as one that went
 * through. */
#include "run/screen.h"

#include <math.h>
#include <stdlib.h>

/* SIZE_MAX: none is compared. */
static size_t last_tap(const struct cp_study *study, enum cp_tower tower) {
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->watched[i] && study->sites.list[i].tower == tower &&
            study->sites.list[i].dims[0] == cp_tower_words[tower].dim)
            last = i;
    return last;
}

/* How far a candidate is from the baseline there. Infinity: a value is finite on one side alone; 0: nothing to compare. */
static enum cp_status read_total(struct cp_lockstep *ls, size_t s, size_t tap, size_t input, double *total,
                                 struct cp_error *err) {
    double metrics[CP_PART_COUNT][CP_METRIC_COUNT];
    CP_TRY(cp_result_read(ls->result, ls->lanes[s].compare.handles[tap], input, 1, metrics, err));
    *total = metrics[CP_TOTAL][CP_NONFINITE] > 0 ? INFINITY : metrics[CP_TOTAL][CP_REL_L2];
    *total = isnan(*total) ? 0 : *total;
    return CP_OK;
}

/* most: [spec_count] of the inputs that were examined. */
static enum cp_status read_most(struct cp_lockstep *ls, size_t tap, size_t examined, double *most,
                                struct cp_error *err) {
    for (size_t s = 1; s < ls->study->spec_count; s++)
        for (size_t input = 0; input < examined; input++) {
            double total;
            CP_TRY(read_total(ls, s, tap, input, &total, err));
            most[s] = fmax(most[s], total);
        }
    return CP_OK;
}

static enum cp_status is_far(struct cp_lockstep *ls, size_t tap, const double *most, size_t input, bool *far,
                             struct cp_error *err) {
    *far = false;
    for (size_t s = 1; s < ls->study->spec_count && !*far; s++) {
        double total;
        CP_TRY(read_total(ls, s, tap, input, &total, err));
        *far = total > CP_SCREEN_TIMES * most[s];
    }
    return CP_OK;
}

enum cp_status cp_screen(struct cp_lockstep *ls, enum cp_tower tower, size_t first, size_t count,
                         size_t *again, size_t *found, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t tap = last_tap(study, tower), examined = cp_study_oracle_inputs(study, tower);
    *found = 0;
    if (study->experiment->oracle != CP_ORACLE_AUTO || study->oracle_count == 0 || tap == SIZE_MAX ||
        first < examined)
        return CP_OK;
    double *most = calloc(study->spec_count, sizeof *most);
    enum cp_status status = CP_CHECK_ALLOC(most, err, "", "the screening of inputs");
    if (status == CP_OK)
        status = read_most(ls, tap, examined, most, err);
    for (size_t i = first; i < first + count && status == CP_OK; i++) {
        bool far = false;
        status = is_far(ls, tap, most, i, &far, err);
        if (far)
            again[(*found)++] = i;
    }
    free(most);
    return status;
}
