/* SPDX-License-Identifier: GPL-3.0-or-later
 * Running a study into its result file, and the table at the end. */
#ifndef CP_RUN_RUN_H
#define CP_RUN_RUN_H

#include "run/lockstep.h"

#include <signal.h>
#include <stdio.h>

struct cp_run_options {
    bool resume;
    bool force;                          /* replace what other settings made (run/place.h) */
    FILE *progress;                      /* NULL: silent; a terminal gets one line that is rewritten */
    bool hide_progress;                  /* write notes alone to it */
    FILE *out;                           /* what the analyses print; NULL: nothing */
    bool details;                        /* ... and their details */
    const volatile sig_atomic_t *signal; /* non-zero: stop after this batch, keep the partial for --resume */
};

/* Writes experiment->output, whose content digest it returns; one that is complete already is left as it is. CP_INTERRUPTED
 * or CP_TERMINATED where a signal stopped it. */
enum cp_status cp_run_study(const struct cp_study *study, const struct cp_run_options *options,
                            char digest[65], struct cp_error *err);

/* /provenance and /inputs. */
enum cp_status cp_provenance_write(const struct cp_study *study, struct cp_result *result,
                                   struct cp_error *err);

#endif
