/* SPDX-License-Identifier: GPL-3.0-or-later
 * How many times the divergence of each preprocessing step has grown when it reaches the image features. */
#include "report/data/report.h"

#include <math.h>

static double chance(const struct cp_report_candidate *c) {
    double product = 1;
    size_t stages = 0;
    for (size_t s = 0; s < c->stages; s++)
        if (c->stage[s].tower == CP_VISUAL) {
            product *= c->stage[s].field[CP_PROPAGATION_KAPPA];
            stages++;
        }
    return stages ? product : NAN;
}

/* Of a tap that was compared, and where something differs. */
static bool differs(const struct cp_report_tap *tap) {
    return tap->over_inputs.compared && tap->over_inputs.different > 0;
}

struct cp_report_growth cp_report_growth(const struct cp_report_candidate *c) {
    struct cp_report_growth g = {.chance = chance(c)};
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        if (tap->tower != CP_VISUAL)
            continue;
        if (tap->point <= CP_PIXELS_NORMALIZED && differs(tap) && g.steps < CP_REPORT_STEPS)
            g.step[g.steps++] = tap;
        if (tap->point == CP_FEATURES && tap->over_inputs.compared)
            g.features = tap;
    }
    if (g.steps == 0)
        g.features = NULL;
    for (size_t i = 0; g.features && i < g.steps; i++) {
        const double at = g.step[i]->over_inputs.mean_rel[CP_TOTAL];
        g.times[i] = isfinite(at) ? g.features->over_inputs.mean_rel[CP_TOTAL] / at : NAN;
    }
    return g;
}
