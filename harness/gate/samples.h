/* SPDX-License-Identifier: GPL-3.0-or-later
 * Taking samples from a result: between its parts. */
#ifndef CP_GATE_SAMPLES_H
#define CP_GATE_SAMPLES_H

#include "gate/gate.h"
#include "report/data/load.h"

struct cp_gate_taking {
    struct cp_load load;
    struct cp_gate_samples *samples;
    const struct cp_experiment *experiment;
};

/* A tap of a subject, the baseline's from the first candidate: its metrics lie beside those of the candidate.
 */
enum cp_status cp_gate_take_tap(const struct cp_gate_taking *taking, const char *subject,
                                const char *candidate, const struct cp_report_tap *from,
                                struct cp_gate_tap *tap);

#endif
