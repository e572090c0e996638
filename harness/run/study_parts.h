/* SPDX-License-Identifier: GPL-3.0-or-later
 * The parts of cp_study_create, called in this order, each by what those before it have made. All fail with CP_BAD_INPUT for
 * what the user wrote; what they make is in the study's arena. */
#ifndef CP_RUN_STUDY_PARTS_H
#define CP_RUN_STUDY_PARTS_H

#include "run/study.h"

/* The baseline is the default spec with its settings; a candidate is the baseline with its own on top, unless it is a capture,
 * which is what it is whatever the baseline. */
enum cp_status cp_study_specs(struct cp_study *study, struct cp_error *err);
/* One oracle for each maths and weights. */
enum cp_status cp_study_oracles(struct cp_study *study, struct cp_error *err);
/* Sites, what is recorded of each, and which are compared; CP_NOTHING_COMPARED where none is. */
enum cp_status cp_study_sites(struct cp_study *study, struct cp_error *err);
/* What each spec's arithmetic gives each site: by its settings, or as its capture says. */
enum cp_status cp_study_types(struct cp_study *study, struct cp_error *err);
/* Of each candidate at each site: its rules' in `check`, else the experiment's, which may be none. */
enum cp_status cp_study_tolerances(struct cp_study *study, struct cp_error *err);

#endif
