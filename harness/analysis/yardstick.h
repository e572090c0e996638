/* SPDX-License-Identifier: GPL-3.0-or-later
 * The yardstick of a captured baseline: this program's own pass with the baseline's settings, whose error
 * against the oracle the baseline's is never taken to be below. So a reference that was computed in float64
 * makes no faultless port degraded. */
#ifndef CP_ANALYSIS_YARDSTICK_H
#define CP_ANALYSIS_YARDSTICK_H

#include "run/analysis.h"

extern const struct cp_analysis cp_yardstick_analysis;
/* [inputs] errors at a site, to be freed; NULL: there are none. */
enum cp_status cp_yardstick_read(struct cp_lockstep *lockstep, size_t site, size_t inputs, double **errors,
                                 struct cp_error *err);

#endif
