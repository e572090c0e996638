/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pixels and token ids of a pass against the baseline's: which inputs differ, and whether settings say so. No
 * operation of the model makes them, so their comparison is all that there is. */
#include "analysis/ledger/ledger.h"

#include <math.h>
#include <stdlib.h>

static bool is_input(enum cp_point point) {
    return point <= CP_PIXELS_NORMALIZED || point == CP_TOKENS;
}

/* Whether the settings that make them declare different functions. */
static bool is_declared(const struct cp_spec *a, const struct cp_spec *b, enum cp_point point) {
    if (point == CP_TOKENS)
        return !cp_spec_same_maths_of(a, b, CP_TOKENIZER);
    return point == CP_PIXELS_NORMALIZED ? !cp_spec_same_pixel_maths(a, b)
                                         : !cp_spec_same_maths_of(a, b, CP_PREPROCESS);
}

/* Of ids the first input that differs; they are names, none of which is further off than another. */
static void count_differing(const double *metrics, size_t inputs, bool ids, double *fields) {
    double worst = 0;
    fields[CP_OPERATION_FIELD_INPUTS] = fields[CP_OPERATION_FIELD_FAILING] = 0;
    for (size_t i = 0; i < inputs; i++) {
        const double *total = metrics + (i * CP_PART_COUNT + CP_TOTAL) * CP_METRIC_COUNT;
        if (isnan(total[CP_DIFFERENT]))
            continue;
        fields[CP_OPERATION_FIELD_INPUTS]++;
        if (total[CP_DIFFERENT] == 0)
            continue;
        if (fields[CP_OPERATION_FIELD_FAILING]++ == 0 || (!ids && total[CP_REL_L2] > worst)) {
            fields[CP_OPERATION_FIELD_WORST] = (double)i;
            worst = total[CP_REL_L2];
        }
    }
}

enum cp_status cp_ledger_differing(const struct cp_lockstep *ls, size_t s, size_t i, double *fields,
                                   struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_site *site = &study->sites.list[i];
    const size_t inputs = site->shape[0];
    if (s == 0 || !is_input(site->point))
        return CP_OK;
    double *metrics = malloc((inputs + 1) * CP_PART_COUNT * CP_METRIC_COUNT * sizeof *metrics);
    CP_TRY(CP_CHECK_ALLOC(metrics, err, "", "the ledger"));
    const enum cp_status status =
        cp_result_read(ls->result, ls->lanes[s].compare.handles[i], 0, inputs, metrics, err);
    if (status == CP_OK) {
        const struct cp_tap_summary t = cp_tap_summarise(metrics, inputs);
        if (fields[CP_OPERATION_FIELD_VERDICT] == CP_LEDGER_UNCHECKED &&
            fields[CP_OPERATION_FIELD_FAILING] == 0)
            count_differing(metrics, inputs, site->point == CP_TOKENS, fields);
        if (t.different > 0 && isnan(t.mean_rel[CP_SEMANTIC]) &&
            is_declared(study->spec[0], study->spec[s], site->point))
            fields[CP_OPERATION_FIELD_SETTINGS] = t.mean_rel[CP_TOTAL];
    }
    free(metrics);
    return status;
}
