/* SPDX-License-Identifier: GPL-3.0-or-later
 * Each image's decision under every candidate against the baseline's, /metrics/CANDIDATE/decisions (image,
 * decision): from the probabilities over the classes if the prompts came from classes, else over the prompts
 * (num/metrics.h), and whether it can flip at all (num/certificate.h). */
#ifndef CP_ANALYSIS_DECISIONS_H
#define CP_ANALYSIS_DECISIONS_H

#include "run/analysis.h"

extern const struct cp_analysis cp_decisions_analysis;

/* Whether candidate s decides on images, as the baseline does. */
bool cp_decisions_has(const struct cp_lockstep *lockstep, size_t s);
/* Every image's, of a candidate that decides: rows (images, CP_DECISION_COUNT). */
enum cp_status cp_decisions_read(const struct cp_lockstep *lockstep, size_t s, double *rows,
                                 struct cp_error *err);

#endif
