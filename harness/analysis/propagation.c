/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of amplification: from every input's errors and kappas to means. */
#include "analysis/teacher_forcing.h"

#include <math.h>
#include <stdlib.h>

const char *const cp_propagation_names[CP_PROPAGATION_FIELDS] = {
    "error", "before", "kappa", "local", "predicted", "explained", "left", "inherited"};

struct tower_table {
    enum cp_tower tower;
    size_t inputs, stages;
    double *kappa;  /* (inputs, stage, probe) */
    double *errors; /* (inputs, stage, cp_stage_error) */
};

static double mean_error(const struct tower_table *t, size_t stage, enum cp_stage_error error) {
    double sum = 0;
    for (size_t i = 0; i < t->inputs; i++)
        sum += t->errors[(i * t->stages + stage) * CP_STAGE_ERRORS + error];
    return sum / (double)t->inputs;
}

static double mean_kappa(const struct tower_table *t, size_t stage) {
    double sum = 0;
    for (size_t i = 0; i < t->inputs; i++) {
        const double *kappa = t->kappa + (i * t->stages + stage) * CP_PROBES;
        double square = 0;
        for (size_t probe = 0; probe < CP_PROBES; probe++)
            square += kappa[probe] * kappa[probe];
        sum += sqrt(square / CP_PROBES);
    }
    return sum / (double)t->inputs;
}

static double explained(double error, double predicted) {
    if (error == predicted)
        return 1;
    return error < predicted ? error / predicted : predicted / error;
}

static void fill_row(const struct tower_table *t, size_t stage, double row[CP_PROPAGATION_FIELDS]) {
    const double before = mean_error(t, stage, CP_ERROR_BEFORE);
    row[CP_PROPAGATION_ERROR] = mean_error(t, stage, CP_ERROR_TOTAL);
    row[CP_PROPAGATION_BEFORE] = before;
    row[CP_PROPAGATION_KAPPA] = mean_kappa(t, stage);
    row[CP_PROPAGATION_LOCAL] = mean_error(t, stage, CP_ERROR_LOCAL);
    row[CP_PROPAGATION_INHERITED] = mean_error(t, stage, CP_ERROR_INHERITED);
    const double amplified = before == 0 ? 0 : row[CP_PROPAGATION_KAPPA] * before;
    row[CP_PROPAGATION_PREDICTED] = amplified + row[CP_PROPAGATION_LOCAL];
    row[CP_PROPAGATION_EXPLAINED] = explained(row[CP_PROPAGATION_ERROR], row[CP_PROPAGATION_PREDICTED]);
    row[CP_PROPAGATION_LEFT] = row[CP_PROPAGATION_ERROR] - row[CP_PROPAGATION_PREDICTED];
}

/* Rows of one tower of one candidate, from `first` on. */
static enum cp_status write_tower(struct cp_lockstep *ls, size_t s, struct tower_table *t, size_t first,
                                  struct cp_error *err) {
    double row[CP_PROPAGATION_FIELDS];
    CP_TRY(cp_result_read(ls->result, cp_teacher_forcing_of(ls)->error_handles[t->tower][s], 0, t->inputs,
                          t->errors, err));
    for (size_t stage = 0; stage < t->stages; stage++) {
        fill_row(t, stage, row);
        CP_TRY(cp_result_write(ls->result, cp_teacher_forcing_of(ls)->propagation[s], first + stage, 1, row,
                               err));
    }
    return CP_OK;
}

static enum cp_status write_towers(struct cp_lockstep *ls, struct tower_table *t, size_t first,
                                   struct cp_error *err) {
    const size_t cells = t->inputs * t->stages;
    enum cp_status status;
    t->kappa = malloc(cells * CP_PROBES * sizeof *t->kappa);
    t->errors = malloc(cells * CP_STAGE_ERRORS * sizeof *t->errors);
    CP_TRY_DONE(CP_CHECK_ALLOC(t->kappa && t->errors, err, "", "the table of amplification"));
    CP_TRY_DONE(cp_result_read(ls->result, cp_teacher_forcing_of(ls)->kappa_handles[t->tower], 0, t->inputs,
                               t->kappa, err));
    for (size_t s = 1; s < ls->study->spec_count; s++)
        CP_TRY_DONE(write_tower(ls, s, t, first, err));
done:
    free(t->kappa);
    free(t->errors);
    return status;
}

enum cp_status cp_propagation_write(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct tower_table visual = {.tower = CP_VISUAL,
                                 .inputs = cp_teacher_forcing_first(study, CP_DIM_IMAGE),
                                 .stages = (size_t)study->model.config.vision.layers + 2};
    struct tower_table text = {.tower = CP_TEXT,
                               .inputs = cp_teacher_forcing_first(study, CP_DIM_PROMPT),
                               .stages = (size_t)study->model.config.text.layers + 2};
    if (visual.inputs)
        CP_TRY(write_towers(ls, &visual, 0, err));
    if (text.inputs)
        CP_TRY(write_towers(ls, &text, visual.inputs ? visual.stages : 0, err));
    return CP_OK;
}
