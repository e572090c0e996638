/* SPDX-License-Identifier: GPL-3.0-or-later
 * The operations whose own result is to blame for a divergence, from the local verdicts. */
#ifndef CP_ANALYSIS_CAUSES_H
#define CP_ANALYSIS_CAUSES_H

#include "analysis/teacher_forcing.h"
#include "analysis/verdict.h"

#include <stdio.h>

/* "caused by visual.0-5.mlp.gelu (semantic), text.0-3.mlp.gelu (semantic)", and how many operations could not
 * be judged. Nothing where no divergence was taken apart. */
enum cp_status cp_causes_print(const struct cp_lockstep *lockstep, size_t s, FILE *out, struct cp_error *err);

#endif
