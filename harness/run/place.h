/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a run's result goes, so that no result of other settings is lost. */
#ifndef CP_RUN_PLACE_H
#define CP_RUN_PLACE_H

#include "format/output.h"
#include "run/run.h"

/* The experiment is the study's. A name that nothing gives and that holds a result of other settings, or what a stopped run
 * of them has done, becomes NAME-2.h5, and so on, which options->progress is told; of a name that was given CP_BAD_INPUT says
 * the first key that differs. A result of the same settings is there to be replaced; what a stopped run of them has done is
 * to be gone on with: without options->resume it is refused. With options->force all are replaced. One that would be larger
 * than the experiment's record.limit is CP_BAD_INPUT in any case. */
enum cp_status cp_run_place(struct cp_study *study, struct cp_experiment *experiment,
                            const struct cp_run_options *options, struct cp_error *err);

/* Found before the run: whether path can name a file beside the result, which is neither an input nor the result, and what
 * exists there is of the form. NULL and "-" are allowed. */
enum cp_status cp_run_place_beside(const struct cp_study *study, const char *path,
                                   const struct cp_output_form *form, struct cp_error *err);

#endif
