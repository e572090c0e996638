/* SPDX-License-Identifier: GPL-3.0-or-later
 * The yardstick of a captured baseline: this program's own pass with the baseline's settings, whose error
 * against the oracle the baseline's is never taken to be below. So a reference that was computed in float64
 * makes no faultless port degraded. */
#ifndef CP_ANALYSIS_YARDSTICK_H
#define CP_ANALYSIS_YARDSTICK_H

#include "run/lockstep.h"

struct cp_yardstick {
    struct cp_lane lane;
    struct cp_keep keep; /* of its segment */
    int *handles;        /* per site: (input) rms error; -1: none */
};

/* Where the baseline is a capture with an oracle; else lockstep->yardstick stays NULL. After the lanes are
 * made. */
enum cp_status cp_yardstick_create(struct cp_lockstep *lockstep, struct cp_error *err);
void cp_yardstick_free(struct cp_lockstep *lockstep);
/* After the oracles have run a segment. */
enum cp_status cp_yardstick_segment(struct cp_lockstep *lockstep, struct cp_segment segment,
                                    struct cp_error *err);
/* [inputs] errors at a site, to be freed; NULL: there are none. */
enum cp_status cp_yardstick_read(struct cp_lockstep *lockstep, size_t site, size_t inputs, double **errors,
                                 struct cp_error *err);

#endif
