/* SPDX-License-Identifier: GPL-3.0-or-later
 * What can be said of an experiment's rules for `clip-parity check` before anything is computed. */
#ifndef CP_RUN_CHECK_H
#define CP_RUN_CHECK_H

#include "run/study.h"

/* A rule that matches no subject or no tap is a mistake, not a wish. */
enum cp_status cp_check_globs(const struct cp_study *study, struct cp_error *err);

#endif
