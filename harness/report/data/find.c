/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is looked for among a candidate's taps: where it first diverges, its outcome, what is inconclusive. */
#include "report/data/report.h"

#include <string.h>

const struct cp_report_tap *cp_report_first(const struct cp_report_candidate *c, enum cp_tower tower) {
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        if (tap->tower == tower &&
            (c->judged ? cp_verdict_is_semantic(tap->verdict) : tap->over_inputs.different > 0))
            return tap;
    }
    return NULL;
}

size_t cp_report_rounding(const struct cp_report_candidate *c, enum cp_verdict verdict) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += (int)c->tap[t].verdict[CP_FIELD_ROUNDING] == (int)verdict;
    return count;
}

const struct cp_report_tap *cp_report_outcome(const struct cp_report_candidate *c) {
    static const char *const features[] = {"image_features", "text_features"};
    const struct cp_report_tap *worst = NULL;
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        const double error = tap->over_inputs.mean_rel[CP_TOTAL];
        if ((strcmp(tap->name, features[0]) == 0 || strcmp(tap->name, features[1]) == 0) &&
            (!worst || !(error <= worst->over_inputs.mean_rel[CP_TOTAL])))
            worst = tap;
    }
    return worst;
}

struct cp_inconclusive cp_report_inconclusive(const struct cp_report_candidate *c) {
    struct cp_inconclusive inconclusive = cp_inconclusive_none();
    for (size_t t = 0; t < c->taps; t++)
        cp_inconclusive_add(&inconclusive, c->tap[t].point, c->tap[t].verdict, CP_FIELD_VERDICT);
    return inconclusive;
}

struct cp_inconclusive cp_report_inconclusive_causes(const struct cp_report_candidate *c) {
    struct cp_inconclusive inconclusive = cp_inconclusive_none();
    for (size_t t = 0; c->local && t < c->taps; t++)
        cp_inconclusive_add(&inconclusive, c->tap[t].point, c->tap[t].local_verdict, CP_FIELD_VERDICT);
    return inconclusive;
}
